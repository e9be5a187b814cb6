"""`/account`: what people see of their logins there, and what each button ends."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from heirloom.domain import encoding
from heirloom.domain.backchannel_logout import LogoutNotice
from heirloom.domain.lifetimes import DAY, HOUR, MINUTE
from heirloom.endpoints import account
from heirloom.http import Response
from heirloom.pages import AccountNotice
from heirloom.pages.catalogue import texts_in
from tests.domain.test_device import CHROME
from tests.endpoints.devices import confirmation, decide, poll, start
from tests.endpoints.hands import block, declare, raise_epoch, set_tenant, store_calls
from tests.endpoints.reading import kind, read, sign_in, submit
from tests.endpoints.test_known_devices import FIREFOX, SERVER, on, sessions_of
from tests.service import (
    ALICE,
    API,
    BOB,
    NATIVE,
    SPA,
    THIRD_PARTY,
    WEB,
    Service,
    answered,
    authorization_request,
    family_key_of,
    refusal,
    tokens,
)

SESSION = "__Host-heirloom"
WORDS = texts_in("en").account
REFUSED = (400, "invalid_grant")


def show(service: Service, **query: str) -> Response:
    """Open the page."""
    return service.send("GET", "/account", query=query)


def press(service: Service, shown: Response, name: str, value: str) -> Response:
    """Press a button of the page."""
    assert (name, value) in [button for form in read(shown).forms for button in form.buttons]
    return submit(service, shown, **{name: value})


def end(service: Service, name: str, value: str) -> Response:
    """Open the page, press a button, and follow the redirect."""
    done = press(service, show(service), name, value)
    assert done.status == 303
    return show(service)


def buttons(shown: Response, name: str) -> list[str]:
    """The values of the buttons with this name."""
    return [value for form in read(shown).forms for button, value in form.buttons if button == name]


def main(shown: Response) -> str:
    """What a page says, in one line."""
    return " ".join(read(shown).text.split())


def family_id(refresh_token: str) -> str:
    return encoding.encode(family_key_of(refresh_token).family_id)


def session_id(service: Service) -> str:
    return service.cookies[SESSION].split(".")[1]


class Elsewhere:
    """Another browser of Alice's, with a refresh token in it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        here, service.cookies = service.cookies, {}
        self.device = on(service, FIREFOX, "198.51.100.9")
        self.token = service.login_tokens()["refresh_token"]
        self.session_id = session_id(service)
        self.cookies, service.cookies = service.cookies, here
        on(service, CHROME, "192.0.2.7")

    def is_signed_in(self) -> bool:
        """Tell whether silent authentication finds somebody there."""
        here, self.service.cookies = self.service.cookies, self.cookies
        answer = answered(self.service.authorize(prompt="none"))
        self.cookies, self.service.cookies = self.service.cookies, here
        return "code" in answer


@pytest.fixture(name="here")
def _here(service: Service) -> str:
    """Alice is logged in in this browser; its refresh token."""
    on(service, CHROME, "192.0.2.7")
    return str(service.login_tokens()["refresh_token"])


@pytest.fixture(name="elsewhere")
def _elsewhere(service: Service, here: str) -> Elsewhere:
    """And in another one."""
    assert here
    return Elsewhere(service)


def reasons(service: Service) -> dict[str, str]:
    """Why each family that is revoked is, by its id."""
    items = service.items("FamiliesTable")
    return {item["family_id"]["S"]: item["revoked_because"]["S"] for item in items if "revoked_because" in item}


# ---- Coming in


def test_whoever_is_not_signed_in_signs_in_first_and_comes_back(service: Service) -> None:
    shown = show(service, ui_locales="de", all="browsers")
    assert kind(shown) == "login"
    assert texts_in("de").account.sign_in_to in main(shown)

    done = sign_in(service, shown, ALICE.email)

    where = urlsplit(done.headers["location"])
    assert (done.status, where.path) == (303, "/account")
    assert dict(parse_qsl(where.query)) == {"ui_locales": "de", "all": "browsers"}
    assert kind(show(service)) == "account"
    assert service.events.types == ["s"]


@pytest.mark.parametrize("query", ["", "?all=browsers"])
def test_whoever_is_signed_in_goes_on_to_the_account_without_a_password(
    service: Service, here: str, query: str
) -> None:
    """Nothing about an account asks for a login that is newer, or of somebody else."""
    assert here
    form = {"request": f"account:{query.removeprefix('?')}", "csrf": service.csrf, "action": "continue"}

    done = service.send("POST", "/login", form)

    assert (done.status, done.headers["location"]) == (303, f"/account{query}")


def test_a_wrong_password_shows_the_form_again(service: Service) -> None:
    again = sign_in(service, show(service), ALICE.email, "wrong horse")

    assert (again.status, kind(again)) == (400, "login")
    assert kind(sign_in(service, again, ALICE.email)) == "redirect"


def test_a_blocked_person_sees_no_account(service: Service, here: str) -> None:
    assert here
    block(service)

    assert kind(show(service)) == "login"


@pytest.mark.parametrize("carried", ["account:a=1&a=2", "account:%zz=\udcff"])
def test_what_a_login_page_carries_for_the_account_is_parsed_anew(service: Service, carried: str) -> None:
    show(service)
    form = {"request": carried, "csrf": service.csrf, "email": ALICE.email, "password": "x", "action": "sign_in"}

    assert service.send("POST", "/login", {**form, "request": carried.encode(errors="replace").decode()}).status == 400


def test_another_account_takes_the_place_of_this_one(service: Service, elsewhere: Elsewhere) -> None:
    asked = submit_first(service, show(service))
    assert kind(asked) == "login"

    assert kind(sign_in(service, asked, BOB.email)) == "redirect"

    shown = show(service)
    assert BOB.email in main(shown).replace("\u200b", "")
    assert buttons(shown, "session") == []
    assert [it.key.session_id for it in sessions_of(service)] == [elsewhere.session_id], "the one here has ended"


def submit_first(service: Service, shown: Response) -> Response:
    """Send the first form of a page, by its button."""
    form = read(shown).forms[0]
    return service.send("POST", form.action, form.fields | dict(form.buttons))


def test_signing_out_here_is_a_logout(service: Service, here: str) -> None:
    service.set_policy(revoke_on_logout=True)
    form = read(show(service)).forms[1]

    assert kind(service.send("POST", form.action, form.fields)) == "signed_out"

    assert reasons(service) == {family_id(here): "logout"}
    assert SESSION not in service.cookies


# ---- What is shown


def test_the_page_shows_every_browser_and_device_and_when_and_where(service: Service, elsewhere: Elsewhere) -> None:
    on(service, "okhttp/4.12.0", "203.0.113.5")
    service.wait(10 * MINUTE)
    service.refreshed(elsewhere.token)
    on(service, CHROME, "192.0.2.7")

    shown = show(service)
    text = main(shown)

    assert buttons(shown, "session") == [elsewhere.session_id], "this browser has no button in the list"
    assert buttons(shown, "family")[0] == family_id(elsewhere.token), "the one used last comes first"
    assert len(buttons(shown, "family")) == 2
    assert text.count("Chrome on Windows This browser") == 2, "as a browser, and as a device of the application"
    assert text.count("Firefox on Ubuntu Signed in") == 2
    assert text.count("15 January 2027, 08:00 UTC") > 2
    assert "Last used 15 January 2027, 08:10 UTC 203.0.113.5 okhttp" in text, text
    assert "Used for Notes" in text
    assert "In Notes API Read your notes" in text
    assert '<time datetime="2027-01-15T08:00Z">' in shown.body


def test_what_is_over_is_not_shown(service: Service, elsewhere: Elsewhere, here: str) -> None:
    service.revoke(here)
    raise_epoch(service)
    service.cookies.clear()
    sign_in(service, show(service), ALICE.email)
    shown = show(service)
    assert buttons(shown, "session") == [], "sessions from before the epoch"
    assert buttons(shown, "family") == [family_id(elsewhere.token)]

    service.set_policy(idle_lifetime=2 * DAY)
    service.wait(2 * DAY)

    shown = show(service)
    assert buttons(shown, "family") == []
    assert WORDS.no_applications in main(shown)


def test_nor_is_what_an_applications_mark_of_mass_revocation_ended(service: Service, here: str) -> None:
    assert buttons(show(service), "family") == [family_id(here)]
    service.wait(1)

    declare(service, SPA, not_before=service.now)

    assert buttons(show(service), "family") == []


def test_the_browser_that_was_used_last_comes_first(service: Service, elsewhere: Elsewhere) -> None:
    service.wait(HOUR)
    newer = Elsewhere(service)

    assert buttons(show(service), "session") == [newer.session_id, elsewhere.session_id]


@pytest.mark.parametrize("part", [SPA.client_id, "application:nobody", "application:", "Browsers", ""])
def test_whoever_asks_for_a_part_that_is_none_sees_the_overview(
    service: Service, elsewhere: Elsewhere, part: str
) -> None:
    assert buttons(show(service, all=part), "session") == [elsewhere.session_id]


def test_an_application_that_is_gone_is_not_shown(service: Service, here: str) -> None:
    assert here
    del service.configuration.applications[SPA.client_id]

    assert buttons(show(service), "application") == []


def test_nobody_sees_what_is_somebody_elses(service: Service, elsewhere: Elsewhere, here: str) -> None:
    service.cookies.clear()
    sign_in(service, show(service), BOB.email)

    shown = show(service)

    assert buttons(shown, "session") == buttons(shown, "family") == buttons(shown, "application") == []
    assert elsewhere.session_id not in shown.body
    assert family_id(here) not in shown.body


def test_an_application_on_a_server_is_not_where_its_server_is(service: Service) -> None:
    on(service, CHROME, "192.0.2.7")
    code = service.code(WEB)
    on(service, SERVER, "203.0.113.77")
    token = tokens(service.exchange(code, WEB))["refresh_token"]
    service.wait(MINUTE)
    service.refreshed(token, WEB)

    text = main(show(service))

    assert "203.0.113.77" not in text
    assert "Python" not in text
    assert f"15 January 2027, 08:01 UTC {WORDS.by_its_server}" in text


def test_a_television_is_a_device_elsewhere_though_it_came_from_this_browser(service: Service) -> None:
    television = start(service)
    on(service, CHROME, "192.0.2.7")
    decide(service, confirmation(service, television))
    on(service, "ExampleTV/1.0", "192.0.2.8")
    token = tokens(poll(service, television))["refresh_token"]
    on(service, CHROME, "192.0.2.7")

    shown = show(service)

    assert buttons(shown, "family") == [family_id(token)]
    assert "ExampleTV/1.0 Signed in" in main(shown)
    assert WORDS.notices[AccountNotice.others_signed_out] in main(end(service, "everything", "others"))
    assert refusal(service.refresh(token, NATIVE)) == REFUSED, (
        "its code was confirmed in this browser, but it is not here"
    )


def test_what_a_device_and_an_application_say_of_themselves_is_text(service: Service) -> None:
    on(service, "<script>alert(1)</script> \u202e", "192.0.2.7")
    declare(service, SPA, name="<img src=x onerror=alert(1)>")
    service.log_in()

    shown = show(service)

    assert "<script>alert" not in shown.body
    assert "<img src=x" not in shown.body
    assert "<script>alert(1)</script>" in main(shown)


def test_who_agreed_without_a_refresh_token_sees_what_the_application_may_do(service: Service) -> None:
    submit(service, service.log_in(THIRD_PARTY, scope="openid read:notes"), decision="allow")

    shown = show(service)

    assert buttons(shown, "application") == [THIRD_PARTY.client_id]
    assert buttons(shown, "family") == []
    assert "Read your notes" in main(shown)


def test_what_one_application_may_do_is_not_told_of_another(service: Service) -> None:
    other = declare(service, THIRD_PARTY, client_id="other", name="Another")
    submit(service, service.log_in(THIRD_PARTY, scope="openid read:notes"), decision="allow")
    submit(service, service.authorize(other, scope="openid", audience=None), decision="allow")

    shown = show(service)

    assert set(buttons(shown, "application")) == {THIRD_PARTY.client_id, "other"}
    assert main(shown).count("Read your notes") == 1
    assert main(shown).count(texts_in("en").scopes["openid"]) == 2
    assert texts_in("en").scopes["email"] not in main(shown), "neither asked for it"
    assert "userinfo" not in main(shown), "no API of which there would be more to tell"


def test_an_api_that_is_gone_is_called_by_its_identifier(service: Service) -> None:
    submit(service, service.log_in(THIRD_PARTY, scope="openid read:notes"), decision="allow")
    del service.configuration.apis[API]

    text = main(show(service)).replace("\u200b", "")

    assert API in text
    assert "read:notes" in text


def test_whose_access_is_removed_is_no_other_application(service: Service) -> None:
    other = declare(service, THIRD_PARTY, client_id="other", name="Another")
    submit(service, service.log_in(THIRD_PARTY, scope="openid"), decision="allow")
    submit(service, service.authorize(other, scope="openid"), decision="allow")

    end(service, "application", "other")

    assert answered(service.authorize(other, scope="openid", prompt="none"))["error"] == "consent_required"
    assert "code" in answered(service.authorize(THIRD_PARTY, scope="openid", prompt="none"))


def test_a_page_that_shows_all_leads_to_no_more_and_has_no_notice_to_take(service: Service, here: str) -> None:
    assert here
    shown = show(service)

    assert "all=browsers" not in shown.body
    assert shown.cookies == ()


def test_the_overview_shows_some_and_leads_to_all(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "MOST_IN_OVERVIEW", 2)
    for _ in range(4):
        service.cookies.clear()
        service.login_tokens()
    service.login_tokens(NATIVE)

    shown = show(service)
    assert len(buttons(shown, "session")) == 1, "and this one, without a button"
    assert len(buttons(shown, "family")) == 3
    assert main(shown).count("Show all") == 2

    browsers = show(service, all="browsers")
    assert len(buttons(browsers, "session")) == 3
    assert buttons(browsers, "application") == []
    devices = show(service, all=f"application:{SPA.client_id}")
    assert len(buttons(devices, "family")) == 4
    assert buttons(devices, "application") == [SPA.client_id]
    assert buttons(devices, "session") == []
    back = press(service, devices, "family", buttons(devices, "family")[0])
    assert back.headers["location"] == "/account?all=application%3Aspa"
    assert buttons(show(service, all="application:nobody"), "session"), "what is not there is the overview"


# ---- What is ended


def test_a_browser_that_is_signed_out_is_so_with_all_that_was_opened_in_it(
    service: Service, elsewhere: Elsewhere, here: str
) -> None:
    """Whatever `revoke_on_logout` says: it may be in the wrong hands. And whoever wants to hear of a logout does."""
    declare(service, SPA, backchannel_logout_url="https://app.example/logged-out")
    under_way = elsewhere_code(service, elsewhere)

    shown = end(service, "session", elsewhere.session_id)

    assert WORDS.notices[AccountNotice.browser_signed_out] in main(shown)
    assert not elsewhere.is_signed_in()
    assert refusal(service.refresh(elsewhere.token)) == refusal(service.exchange(under_way)) == REFUSED
    assert service.refresh(here).status == 200
    assert reasons(service) == {family_id(elsewhere.token): "revoked_by_user"}
    assert service.back_channel == [LogoutNotice("spa", ALICE.user_id, elsewhere.session_id)]
    told = {event.type.value: event for event in service.events if event.type.value in {"srrt", "slo"}}
    assert told["srrt"].reason == "revoked_by_user"
    assert told["slo"].details["session_id"] == elsewhere.session_id


def elsewhere_code(service: Service, elsewhere: Elsewhere) -> str:
    """A code that is under way to the other browser."""
    here, service.cookies = service.cookies, elsewhere.cookies
    code = answered(service.authorize())["code"]
    elsewhere.cookies, service.cookies = service.cookies, here
    return code


def test_a_device_that_is_signed_out_is_so_alone(service: Service, elsewhere: Elsewhere, here: str) -> None:
    later = service.refreshed(elsewhere.token)

    shown = end(service, "family", family_id(elsewhere.token))

    assert WORDS.notices[AccountNotice.device_signed_out] in main(shown)
    assert refusal(service.refresh(later)) == refusal(service.refresh(elsewhere.token)) == REFUSED
    assert service.refresh(here).status == 200
    assert elsewhere.is_signed_in(), "its browser is another button"
    assert reasons(service) == {family_id(elsewhere.token): "revoked_by_user"}
    assert "srrt" in service.events.types


def test_an_application_whose_access_is_removed_loses_all_devices_codes_and_the_consent(
    service: Service, elsewhere: Elsewhere, here: str
) -> None:
    shown = submit_consent(service)
    token = tokens(service.exchange(answered(shown)["code"], THIRD_PARTY))["refresh_token"]
    under_way = answered(service.authorize(THIRD_PARTY))["code"]

    shown = end(service, "application", THIRD_PARTY.client_id)

    assert WORDS.notices[AccountNotice.access_removed] in main(shown)
    assert refusal(service.refresh(token, THIRD_PARTY)) == REFUSED
    assert refusal(service.exchange(under_way, THIRD_PARTY)) == REFUSED
    assert answered(service.authorize(THIRD_PARTY, prompt="none"))["error"] == "consent_required"
    assert service.refresh(here).status == service.refresh(elsewhere.token).status == 200
    assert reasons(service) == {family_id(token): "revoked_by_user"}
    assert kind(service.authorize(THIRD_PARTY)) == "consent", "it asks again"


def submit_consent(service: Service) -> Response:
    """Agree to the third party's request."""
    return submit(service, service.authorize(THIRD_PARTY), decision="allow")


def forget_session(service: Service, session_id: str) -> None:
    """Delete a session, as DynamoDB does when it has expired long ago."""
    service.client.delete_item(
        TableName=service.tables["SessionsTable"],
        Key={
            name: value
            for item in service.items("SessionsTable")
            if item["session_id"]["S"] == session_id
            for name, value in item.items()
            if name in {"user_key", "session_id"}
        },
    )


def test_everything_else_leaves_this_browser_and_its_applications(
    service: Service, elsewhere: Elsewhere, here: str
) -> None:
    orphan = Elsewhere(service)
    forget_session(service, orphan.session_id)

    shown = end(service, "everything", "others")

    assert WORDS.notices[AccountNotice.others_signed_out] in main(shown)
    assert not elsewhere.is_signed_in()
    for token in (elsewhere.token, orphan.token):
        assert refusal(service.refresh(token)) == REFUSED
    assert service.refresh(here).status == 200
    assert buttons(shown, "everything") == ["all"], "there is nothing else"


def test_a_browser_that_was_updated_since_is_still_the_one_in_which_a_login_began(
    service: Service, elsewhere: Elsewhere, here: str
) -> None:
    on(service, CHROME.replace("Chrome/1", "Chrome/2"), "192.0.2.7")

    end(service, "everything", "others")

    assert service.refresh(here).status == 200
    assert refusal(service.refresh(elsewhere.token)) == REFUSED


def test_another_browser_of_the_same_make_is_another(service: Service, here: str) -> None:
    mine, service.cookies = service.cookies, {}
    token = service.login_tokens()["refresh_token"]
    forget_session(service, session_id(service))  # which would have taken it along
    service.cookies = mine

    end(service, "everything", "others")

    assert service.refresh(here).status == 200
    assert refusal(service.refresh(token)) == REFUSED


def test_everywhere_is_everywhere_and_ends_logins_under_way(service: Service, elsewhere: Elsewhere, here: str) -> None:
    declare(service, SPA, backchannel_logout_url="https://app.example/logged-out")
    codes = [elsewhere_code(service, elsewhere), answered(service.authorize())["code"]]
    mine = session_id(service)

    done = press(service, show(service), "everything", "all")

    assert kind(done) == "signed_out"
    assert SESSION not in service.cookies
    assert kind(show(service)) == "login"
    assert not elsewhere.is_signed_in()
    for token in (here, elsewhere.token):
        assert refusal(service.refresh(token)) == REFUSED
    for code in codes:
        assert refusal(service.exchange(code)) == REFUSED
    assert {it.session_id for it in service.back_channel} == {elsewhere.session_id, mine}
    assert service.items("SessionsTable") == []


def test_a_password_that_is_being_checked_meanwhile_logs_nobody_in(
    service: Service, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login takes the epoch before it looks at the password: what it makes is void after."""
    assert elsewhere.token
    passwords = type(service.routes["POST", "/login"].passwords)
    verify = passwords.verify
    signed_in, service.cookies = service.cookies, {}

    def ended_meanwhile(*arguments: object) -> object:
        stranger, service.cookies = service.cookies, signed_in
        press(service, show(service), "everything", "all")
        service.cookies = stranger
        return verify(*arguments)

    monkeypatch.setattr(passwords, "verify", ended_meanwhile)
    code = answered(service.log_in())["code"]

    assert refusal(service.exchange(code)) == REFUSED
    assert kind(show(service)) == "login"


# ---- What ends nothing


@pytest.mark.parametrize("name", ["session", "family", "application"])
def test_what_is_somebody_elses_is_not_there(service: Service, elsewhere: Elsewhere, here: str, name: str) -> None:
    service.cookies.clear()
    sign_in(service, show(service), BOB.email)
    shown = show(service)
    theirs = {"session": elsewhere.session_id, "family": family_id(here), "application": SPA.client_id}[name]
    before = service.contents()

    submit(service, shown, **{name: theirs})

    assert WORDS.notices[AccountNotice.not_signed_in] in main(show(service))
    assert service.contents() == before
    assert elsewhere.is_signed_in()
    assert service.refresh(here).status == 200


@pytest.mark.parametrize("name", ["session", "family", "application", "everything", "nothing"])
def test_a_name_of_nothing_ends_nothing(service: Service, elsewhere: Elsewhere, name: str) -> None:
    shown = show(service)
    before = service.contents()

    for value in ("", "x", "=", "../..", "a" * 20_000, "\u00e9\u0000", "epoch"):
        assert submit(service, shown, **{name: value}).status == 303
    assert service.contents() == before
    assert elsewhere.is_signed_in()


def test_what_has_ended_meanwhile_is_said_to_be_so(service: Service, elsewhere: Elsewhere) -> None:
    shown = show(service)
    for name, value in (("family", family_id(elsewhere.token)), ("session", elsewhere.session_id)):
        press(service, shown, name, value)
        service.events.clear()
        press(service, shown, name, value)

        assert WORDS.notices[AccountNotice.not_signed_in] in main(show(service))
        assert service.events == []


def test_a_session_that_has_expired_meanwhile_is_said_to_be_over(service: Service, elsewhere: Elsewhere) -> None:
    shown = show(service)
    service.wait(2 * HOUR)
    service.authorize(prompt="none")  # this one is in use
    set_tenant(service, idle_session_lifetime=HOUR)

    press(service, shown, "session", elsewhere.session_id)

    assert WORDS.notices[AccountNotice.not_signed_in] in main(show(service))
    assert "slo" not in service.events.types
    assert service.refresh(elsewhere.token).status == 200, "its applications are shown, and ended, for themselves"


def test_a_notice_is_shown_once_and_only_one_of_ours(service: Service, elsewhere: Elsewhere) -> None:
    shown = end(service, "family", family_id(elsewhere.token))
    assert WORDS.notices[AccountNotice.device_signed_out] in main(shown)
    assert WORDS.notices[AccountNotice.device_signed_out] not in main(show(service))

    service.cookies["__Host-heirloom-notice"] = "<b>"
    assert "<b>" not in show(service).body
    assert "__Host-heirloom-notice" not in service.cookies


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}])
def test_a_post_from_elsewhere_ends_nothing(service: Service, elsewhere: Elsewhere, headers: dict[str, str]) -> None:
    fields = read(show(service)).forms[-1].fields
    if not headers:
        fields["csrf"] = "x" * 43
    before = service.contents()

    response = service.send("POST", "/account", fields | {"everything": "all"}, headers)

    assert (response.status, kind(response)) == (403, "expired_form")
    assert service.contents() == before
    assert elsewhere.is_signed_in()


def test_a_form_of_another_persons_page_ends_nothing(service: Service, elsewhere: Elsewhere, here: str) -> None:
    """Somebody else has logged in in another tab meanwhile: they did not mean themselves."""
    shown = show(service)
    sign_in(service, service.authorize(prompt="login"), BOB.email)
    token = tokens(service.exchange(answered(service.authorize())["code"]))["refresh_token"]

    done = press(service, shown, "everything", "all")

    assert done.status == 303
    assert WORDS.notices[AccountNotice.somebody_else] in main(show(service))
    assert service.refresh(token).status == 200
    assert service.refresh(here).status == 200
    assert elsewhere.is_signed_in()


def test_whose_session_is_over_is_asked_to_sign_in_and_ends_nothing_yet(service: Service, here: str) -> None:
    shown = show(service)
    service.wait(4 * DAY)

    asked = press(service, shown, "family", family_id(here))

    assert kind(asked) == "login"
    assert service.refresh(here).status == 200
    assert kind(sign_in(service, asked, ALICE.email)) == "redirect"


def test_a_query_that_is_malformed_is_an_error_page(service: Service) -> None:
    response = service.send("GET", "/account", query="all=a&all=b")

    assert (response.status, kind(response)) == (400, "invalid_request")


def test_the_page_asks_the_store_as_often_whatever_it_shows(service: Service, elsewhere: Elsewhere) -> None:
    with store_calls(service) as calls:
        show(service)

    assert elsewhere.token
    assert sorted(calls) == ["GetItem"] * 3 + ["Query"] * 3, "session, epoch, user; sessions, families, consents"


def test_the_login_page_for_the_account_leads_nowhere_else(service: Service) -> None:
    policy = show(service).headers["content-security-policy"].split("; ")

    assert "form-action 'self'" in policy
    assert authorization_request(SPA)["redirect_uri"] not in show(service).body
