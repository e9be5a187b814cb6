"""The demonstration: what its window shows and what it does not, and its story as a person plays it in a browser."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from heirloom.adapters.events import LoggedEvents
from heirloom.domain import encoding, lifetimes
from heirloom.domain.application import RefreshTokenPolicy, Tenant
from heirloom.domain.events import Caller, Event, EventType
from heirloom.domain.family import SLOTS, Family, Grant, Supersession
from heirloom.domain.refresh_token import FamilyKey
from heirloom.pages.document import asset
from local.demo import CLIENT_ID, FOLDER, SDK, Demonstration, RecentEvents
from local.template import ROOT
from tests.sdk import running
from tests.sdk.running import World
from tests.sdk.window import chromium
from tests.service import SPA, START, Declared

ISSUER = "http://localhost:8400/"
ADDRESS = "http://localhost:8401/"
KEY = FamilyKey(b"8 octets", b"sixteen octets..")
POLICY = RefreshTokenPolicy(leeway=10, absolute_lifetime=lifetimes.DAY, idle_lifetime=lifetimes.HOUR)
FAMILY = Family(
    key=KEY,
    grant=Grant(CLIENT_ID, "auth0|alice", "session", "https://api.example", frozenset({"openid"}), START),
    generation=0,
    live_digest=b"d" * 32,
    superseded={},
    attempt="attempt",
    created_at=START,
    absolute_expires_at=START + lifetimes.DAY,
    exchanged_at=START,
    idle_expires_at=START + lifetimes.HOUR,
)


def rotated(times: int) -> Family:
    """Return the family after that many refreshes, one a second."""
    spent = {generation % SLOTS: Supersession((START + generation) * 1000, 1) for generation in range(times)}
    return replace(FAMILY, generation=times, superseded=spent)


class Window:
    """The demonstration without a network: what a page asks of it."""

    def __init__(self) -> None:
        page = replace(SPA, client_id=CLIENT_ID, callbacks=frozenset({ADDRESS}), refresh_token=POLICY)
        self.configuration = Declared({CLIENT_ID: page}, {}, Tenant())
        self.families: dict[FamilyKey, Family] = {}
        self.events = RecentEvents()
        self.application = Demonstration(
            ISSUER, self.configuration, self.families.get, self.events, clock=lambda: START
        )

    def log(self, event: Event) -> None:
        """Let a function write an event."""
        self.events.read("token", START * 1000, LoggedEvents("heirloom", "Heirloom").line(event, START))

    def ask(self, path: str, method: str = "GET") -> httpx.Response:
        with httpx.Client(transport=httpx.WSGITransport(self.application), base_url=ADDRESS) as client:
            return client.request(method, path)

    def family(self, family: Family) -> Any:
        """Return what is shown of a family."""
        self.families[family.key] = family
        user_key, family_id = map(encoding.encode, (family.key.user_key, family.key.family_id))
        return self.ask(f"api/families/{user_key}/{family_id}")


@pytest.fixture(name="window")
def _window() -> Window:
    return Window()


# ---- The window


def test_a_family_is_shown_without_anything_that_a_token_is_made_of(window: Window) -> None:
    shown = window.family(rotated(1)).json()

    assert shown == {
        "family_id": encoding.encode(KEY.family_id),
        "generation": 1,
        "superseded": [{"generation": 0, "spent_at": START * 1000, "replayable_until": (START + 11) * 1000}],
        "leeway": 10_000,
        "idle_expires_at": (START + lifetimes.HOUR) * 1000,
        "absolute_expires_at": (START + lifetimes.DAY) * 1000,
        "revoked_at": None,
        "revoked_because": None,
    }


def test_only_the_remembered_generations_have_a_leeway(window: Window) -> None:
    shown = window.family(rotated(11)).json()["superseded"]

    assert [each["generation"] for each in shown] == [3, 4, 5, 6, 7, 8, 9, 10]


def test_without_leeway_no_spent_token_is_good_for_a_moment(window: Window) -> None:
    spa = window.configuration.applications[CLIENT_ID]
    window.configuration.applications[CLIENT_ID] = replace(spa, refresh_token=replace(POLICY, leeway=0))

    (spent,) = window.family(rotated(1)).json()["superseded"]

    assert spent["replayable_until"] == spent["spent_at"]


def test_a_shortened_idle_lifetime_is_shown_at_once(window: Window) -> None:
    spa = window.configuration.applications[CLIENT_ID]
    window.configuration.applications[CLIENT_ID] = replace(spa, refresh_token=replace(POLICY, idle_lifetime=60))

    assert window.family(FAMILY).json()["idle_expires_at"] == (START + 60) * 1000


def test_what_never_expires_has_no_time(window: Window) -> None:
    spa = window.configuration.applications[CLIENT_ID]
    forever = replace(POLICY, absolute_lifetime=None, idle_lifetime=None)
    window.configuration.applications[CLIENT_ID] = replace(spa, refresh_token=forever)
    never = replace(FAMILY, idle_expires_at=lifetimes.NEVER, absolute_expires_at=lifetimes.NEVER)

    shown = window.family(never).json()

    assert (shown["idle_expires_at"], shown["absolute_expires_at"]) == (None, None)


def test_the_end_of_a_family_is_shown_with_its_cause(window: Window) -> None:
    shown = window.family(replace(FAMILY, revoked_at=START + 5, revoked_because="reuse")).json()

    assert (shown["revoked_at"], shown["revoked_because"]) == ((START + 5) * 1000, "reuse")


def test_families_of_other_applications_are_not_shown(window: Window) -> None:
    foreign = replace(FAMILY, grant=replace(FAMILY.grant, client_id="another"))

    assert window.family(foreign).status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("api/families/OCBvY3RldHM/c2l4dGVlbiBvY3RldHMuLg", 404),
        ("api/families/not/base64!", 400),
        ("api/events?after=now", 400),
        ("api/else", 404),
    ],
)
def test_strange_questions_are_answered_with_nothing(window: Window, path: str, status: int) -> None:
    answer = window.ask(path)

    assert (answer.status_code, answer.content) == (status, b"")


def test_events_are_shown_with_ids_counters_and_reasons_alone(window: Window) -> None:
    details = {"familyId": "f", "tokenCounter": 1, "latestCounter": 2, "audience": "hidden"}
    caller = Caller("hidden", "hidden", "hidden")
    window.log(Event(EventType.REFRESH_TOKEN_REUSED, caller, "hidden", "hidden", reason="reused", details=details))
    window.events.read("token", START, '{"message": "no event"}')
    window.events.read("token", START, "no JSON")

    answer = window.ask("api/events").json()

    assert answer["now"] == START * 1000
    (event,) = answer["events"]
    assert event == {
        "number": 1,
        "at": START * 1000,
        "type": "ferrt",
        "reason": "reused",
        "details": {"familyId": "f", "tokenCounter": 1, "latestCounter": 2},
    }


def test_only_what_is_new_is_told_again(window: Window) -> None:
    for _ in range(3):
        window.log(Event(EventType.LOGIN, Caller("", "", "")))

    assert [event["number"] for event in window.ask("api/events?after=1").json()["events"]] == [2, 3]


def test_it_says_when_the_tenant_file_lacks_its_application(window: Window) -> None:
    assert window.ask("api/settings").json() == {"issuer": ISSUER, "client_id": CLIENT_ID, "problem": None}

    window.configuration.applications.clear()

    assert CLIENT_ID in window.ask("api/settings").json()["problem"]


# ---- The files


@pytest.mark.parametrize("name", ["", "app.js", "style.css", "mark.svg", SDK])
def test_the_page_is_served_under_a_policy_that_lets_it_reach_the_issuer_and_nothing_else(
    window: Window, name: str
) -> None:
    answer = window.ask(name)

    assert answer.status_code == 200
    assert answer.content == (FOLDER / (name or "index.html")).read_bytes()
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "worker-src": "blob:",
        "connect-src": "'self' http://localhost:8400",
        "frame-src": "http://localhost:8400",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.parametrize("name", ["package.json", ".npmrc", "../tenant.yaml", "%2e%2e/tenant.yaml", "node_modules/"])
def test_nothing_else_is_served(window: Window, name: str) -> None:
    assert window.ask(name).status_code == 404


def test_nobody_can_post(window: Window) -> None:
    assert window.ask("api/events", "POST").status_code == 405


def test_the_page_has_the_colours_of_the_login_pages() -> None:
    def schemes(style: str) -> list[dict[str, str]]:
        return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part)) for part in style.split("@media", 1)]

    for ours, theirs in zip(
        schemes((FOLDER / "style.css").read_text("utf-8")), schemes(asset("style.css")), strict=True
    ):
        assert ours == ours | theirs


# ---- The story

LEEWAY = 3
WIDTHS = (360, 768, 1600)


def example(world: World) -> dict[str, Any]:
    """Return the example tenant, at home on the demonstration's port and less patient: nobody likes to wait."""
    text = (ROOT / "examples/tenant.yaml").read_text("utf-8")
    text = text.replace(ADDRESS.removesuffix("/"), world.demonstration.removesuffix("/"))
    tenant: dict[str, Any] = yaml.safe_load(text)
    (page,) = [client for client in tenant["clients"] if client["client_id"] == CLIENT_ID]
    page["refresh_token"]["leeway"] = LEEWAY
    return tenant


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running.world(tmp_path_factory.mktemp("demo"), example) as world:
        yield world


@pytest.fixture(scope="module", name="browser")
def _browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(name="stage")
def _stage(browser: Browser, world: World) -> Iterator["Stage"]:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(15_000)
        stage = Stage(context, world)
        yield stage
        assert stage.complaints == []


class Stage:
    """The page, and hands to play with it."""

    def __init__(self, context: BrowserContext, world: World) -> None:
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.goto(world.demonstration)

    def find(self, name: str) -> Locator:
        """Return the element with this id."""
        return self.page.locator(f"#{name}")

    def press(self, name: str) -> None:
        """Press a button, and wait until it has done its work."""
        self.page.get_by_role("button", name=name, exact=True).click()
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)

    def log_in(self) -> None:
        """Log in with what the page itself suggests."""
        email, password = self.page.locator("#signed-out code").all_inner_texts()
        self.page.get_by_role("button", name="Log in").click()
        self.page.fill("#email", email)
        self.page.fill("#password", password)
        self.page.click("button[value=sign_in]")
        expect(self.find("device-state")).to_have_text("Logged in")

    def steal(self, generation: int) -> None:
        """Let the thief have a copy of a token."""
        self.find("loot").select_option(str(generation))
        self.press("Steal a copy")

    def wait_until_too_late(self, generation: int) -> None:
        """Wait until the leeway of a spent token is over."""
        expect(self.page.locator(f"#loot option[value='{generation}']")).to_have_text(
            f"{generation}: spent, too late", timeout=(LEEWAY + 5) * 1000
        )

    @property
    def chain(self) -> list[str]:
        """The text of each link."""
        return [re.sub(r"\s+", " ", text) for text in self.page.locator("#chain > li").all_text_contents()]

    @property
    def logged(self) -> list[str]:
        """The type codes in the log, newest first."""
        return self.page.locator("#log > li > code").all_inner_texts()

    def _note(self, kind: str, text: str) -> None:
        # The browser itself reports each refused exchange.
        if kind in {"error", "warning"} and "status of 400" not in text:
            self.complaints.append(text)


def test_the_story_from_login_to_the_end_of_both(stage: Stage) -> None:
    stage.log_in()
    expect(stage.find("family-state")).to_have_text("Generation 0 is live")
    assert stage.chain == ["Generation 0liveheld by You"]

    stage.press("Refresh now")
    expect(stage.find("device-outcome")).to_have_text("Generation 0 is spent, generation 1 is live.")
    expect(stage.find("family-state")).to_have_text("Generation 1 is live")

    stage.steal(0)
    stage.press("Present it to the server")
    expect(stage.find("thief-outcome")).to_contain_text("A replay: the thief gets the live token")
    expect(stage.find("thief-outcome")).to_contain_text("answers with the live token, generation 1")
    expect(stage.find("device-state")).to_have_text("Logged in")
    expect(stage.page.locator("#log > li").first).to_contain_text("reason: replayed")
    assert stage.chain[1] == "Generation 1liveheld by Youheld by Thief"

    stage.wait_until_too_late(0)
    stage.steal(0)
    stage.press("Present it to the server")
    expect(stage.find("thrown-out")).to_be_visible()
    expect(stage.find("thrown-out-reason")).to_contain_text("Generation 0 was presented")
    expect(stage.find("thrown-out-reason")).to_contain_text("In the log: ferrt, reason “reused”.")
    expect(stage.find("thief-outcome")).to_contain_text("Thrown out as well")
    expect(stage.find("thief-outcome")).to_contain_text("400 invalid_grant: Unknown or invalid refresh token.")
    for name in ("device-state", "thief-state"):
        expect(stage.find(name)).to_have_text("Thrown out")
    expect(stage.find("family-state")).to_have_text("Revoked: reuse")
    assert {text.split()[-1] for text in stage.chain} >= {"1revoked", "Thief"}
    assert stage.logged[:2] == ["fertft", "ferrt"]
    expect(stage.page.locator("#log > li").nth(1)).to_contain_text("reason: reused")

    stage.page.get_by_role("button", name="Log in again").click()
    expect(stage.find("family-state")).to_have_text("Generation 0 is live")
    assert stage.logged[:2] == ["seacft", "s"]


def test_a_thief_who_is_first_is_caught_when_the_user_comes_too_late(stage: Stage) -> None:
    stage.log_in()
    stage.steal(0)
    stage.press("Present it to the server")
    expect(stage.find("thief-outcome")).to_contain_text("The thief was first")
    expect(stage.find("device-state")).to_have_text("Holds a spent token")

    stage.wait_until_too_late(0)
    stage.press("Refresh now")

    expect(stage.find("thrown-out-reason")).to_contain_text("Generation 0 was presented")
    expect(stage.find("thief-state")).to_have_text("Thrown out")
    expect(stage.find("thrown-out-notice")).to_be_focused()


def test_a_user_who_comes_within_the_leeway_gets_the_live_token_as_well(stage: Stage) -> None:
    stage.log_in()
    stage.steal(0)
    stage.press("Present it to the server")
    stage.press("Refresh now")

    expect(stage.find("device-outcome")).to_contain_text("you got the live token, generation 1")
    expect(stage.find("device-state")).to_have_text("Logged in")


def test_a_reload_keeps_the_login_and_what_there_is_to_steal(stage: Stage) -> None:
    stage.log_in()
    stage.press("Refresh now")

    stage.page.reload()

    expect(stage.find("device-generation")).to_have_text("generation 1")
    expect(stage.page.locator("#loot option")).to_have_count(2)


def test_a_logout_revokes_the_family_and_ends_the_session(stage: Stage, world: World) -> None:
    stage.press("Silent login (iframe)")
    expect(stage.find("device-outcome")).to_contain_text("login_required")
    stage.log_in()
    stage.press("Silent login (iframe)")
    expect(stage.find("device-outcome")).to_contain_text("has a session there")

    stage.page.get_by_role("button", name="Log out").click()

    expect(stage.find("device-state")).to_have_text("Logged out")
    expect(stage.find("log")).to_contain_text("Family revoked")
    assert stage.logged[:2] == ["slo", "srrt"]
    stage.press("Silent login (iframe)")
    expect(stage.find("device-outcome")).to_contain_text("login_required")
    assert world.last_event("srrt")["details"]["tokenCounter"] == 0


def test_no_token_leaves_through_the_window(stage: Stage, world: World) -> None:
    bodies: list[str] = []
    stage.page.on("response", lambda response: bodies.append(response.url))
    stage.log_in()
    stage.press("Refresh now")

    shown = [httpx.get(url).text for url in set(bodies) if url.startswith(f"{world.demonstration}api/")]

    assert len(shown) >= 3
    assert not re.search("hrt_|eyJ|digest|secret", "".join(shown))


def test_the_page_fits_every_width(stage: Stage) -> None:
    def fits() -> None:
        for width in WIDTHS:
            stage.page.set_viewport_size({"width": width, "height": 800})
            assert stage.page.evaluate("document.documentElement.scrollWidth") == width

    fits()
    stage.log_in()
    for _ in range(4):
        stage.press("Refresh now")
    stage.steal(4)
    stage.press("Present it to the server")
    fits()


def test_the_keyboard_reaches_everything(stage: Stage) -> None:
    stage.log_in()
    stage.steal(0)
    reached: list[str] = []
    stage.page.locator("h1").click()  # from the top
    for _ in range(8):
        stage.page.keyboard.press("Tab")
        reached.append(stage.page.evaluate("document.activeElement.id || document.activeElement.localName"))
        assert stage.page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"

    assert reached == ["refresh", "silent", "logout", "summary", "loot", "steal", "present", "log"]
