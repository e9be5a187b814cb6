import json
from itertools import chain, pairwise

import pytest

from heirloom.pages import (
    AccountNotice,
    ErrorKind,
    Login,
    LoginProblem,
    Page,
    RequestedScope,
    Use,
    UserCodeProblem,
    enter_user_code,
    error,
    form_post,
    web_message,
)
from heirloom.pages.catalogue import LANGUAGES, texts_in
from tests.pages.samples import (
    APPLICATION,
    BEGAN,
    CHROME,
    IPHONE,
    LOGO,
    USED,
    account_page,
    confirm_device_page,
    consent_page,
    every_page,
    login_page,
    logout_page,
    pages_that_act,
    pages_to_read,
    read,
)

EVERY_PAGE = [
    pytest.param(page, id=f"{language}: {name}") for language in LANGUAGES for name, page in every_page(language)
]
ATTACK = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}{application}"


# Structure


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_a_page_has_one_title_and_one_heading_and_its_content_is_marked(page: Page) -> None:
    document = read(page)

    assert page.html.startswith("<!DOCTYPE html>\n")
    assert document.one("title").text.strip()
    assert document.one("h1") in document.elements
    assert document.one("main") in document.one("h1").within
    assert document.one("meta", charset="utf-8").within[-1].tag == "head"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_says_its_language(language: str) -> None:
    assert {read(page).one("html")["lang"] for _, page in every_page(language)} == {language}


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_headings_skip_no_level(page: Page) -> None:
    levels = [int(e.tag[1]) for e in read(page).elements if e.tag in {"h1", "h2", "h3"}]

    assert levels[0] == 1
    assert all(lower - upper <= 1 for upper, lower in pairwise(levels))


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_a_page_can_be_enlarged(page: Page) -> None:
    assert read(page).one("meta", name="viewport")["content"] == "width=device-width, initial-scale=1"


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_nothing_is_loaded_but_the_logo_and_links_lead_to_pages_of_ours(page: Page) -> None:
    document = read(page)
    names = ("src", "srcset", "href", "poster", "data")
    sources = [e[name] for name in names for e in document.with_attribute(name) if e.tag != "a"]

    assert all(link["href"].startswith("/account") for link in document.all("a"))
    assert [s for s in sources if s != LOGO and not s.startswith("data:image/svg+xml,")] == []
    assert not document.all("iframe")
    assert not document.all("object")


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_no_element_has_a_style_or_a_handler_of_its_own(page: Page) -> None:
    """The policy would forbid both."""
    names = {name for element in read(page).elements for name in element.attributes}

    assert not {name for name in names if name == "style" or name.startswith("on")}


def test_scripts_are_only_where_an_answer_is_handed_over() -> None:
    scripts = {name: len(read(page).all("script")) for name, page in every_page("en")}

    assert {name for name, count in scripts.items() if count} == {name for name, _ in pages_that_act("en")}
    assert set(scripts.values()) == {0, 1}


# Accessibility


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_identifiers_are_unique_and_references_lead_somewhere(page: Page) -> None:
    document = read(page)
    identifiers = [e["id"] for e in document.with_attribute("id")]
    references = [e["for"] for e in document.all("label")]
    references += [e["aria-describedby"] for e in document.with_attribute("aria-describedby")]

    assert len(identifiers) == len(set(identifiers))
    assert set(references) <= set(identifiers)


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_every_field_has_a_label_and_every_button_words(page: Page) -> None:
    document = read(page)
    labelled = {label["for"] for label in document.all("label") if label.text.strip()}

    assert {e["id"] for e in document.all("input") if e.attributes.get("type") != "hidden"} == labelled
    assert all(button.text.strip() for button in document.all("button"))
    assert all(form["method"] == "post" for form in document.all("form"))


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_pictures_are_decoration(page: Page) -> None:
    for picture in read(page).elements:
        if picture.tag in {"svg", "img"}:
            assert any(e.attributes.get("aria-hidden") == "true" for e in (*picture.within, picture))


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_at_most_one_element_takes_the_focus(page: Page) -> None:
    assert len(read(page).with_attribute("autofocus")) <= 1


@pytest.mark.parametrize(
    ("page", "focused"),
    [
        pytest.param(login_page(), "email", id="the first empty field"),
        pytest.param(login_page(email="ada@example.com"), "password", id="the next one if the first is known"),
        pytest.param(
            login_page(problem=LoginProblem.wrong_credentials, email="a@b.c"), "password", id="wrong: try another"
        ),
        pytest.param(login_page(problem=LoginProblem.expired_form, email="a@b.c"), "password", id="expired: again"),
        pytest.param(login_page(problem=LoginProblem.missing_field), "email", id="missing address"),
        pytest.param(login_page(problem=LoginProblem.missing_field, email="a@b.c"), "password", id="missing password"),
        pytest.param(login_page(problem=LoginProblem.slow_down, email="a@b.c"), "problem", id="nothing to type yet"),
        pytest.param(
            login_page(problem=LoginProblem.wrong_credentials, email="a@b.c", signed_in_as="ada@example.com"),
            "password",
            id="the form that failed, not the account",
        ),
    ],
)
def test_the_focus_is_where_the_next_step_is(page: Page, focused: str) -> None:
    (element,) = read(page).with_attribute("autofocus")

    assert element["id"] == focused


def test_the_focus_is_on_the_account_where_one_can_be_chosen() -> None:
    (element,) = read(login_page(signed_in_as="ada@example.com")).with_attribute("autofocus")

    assert element["value"] == "continue"


@pytest.mark.parametrize("problem", LoginProblem)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_problem_is_an_alert_that_describes_the_fields_and_is_in_the_title(
    language: str, problem: LoginProblem
) -> None:
    document = read(login_page(language=language, problem=problem))
    alert = document.identified("problem")
    texts = texts_in(language)

    assert alert["role"] == "alert"
    assert alert.text.strip() == texts.problems[problem]
    assert {document.identified(name)["aria-describedby"] for name in ("email", "password")} == {"problem"}
    assert document.one("title").text == texts.problem_title.format(title=f"{texts.sign_in} · Petals")


@pytest.mark.parametrize(
    ("problem", "email", "invalid"),
    [
        (None, "", []),
        (LoginProblem.wrong_credentials, "ada@example.com", ["email", "password"]),
        (LoginProblem.missing_field, "", ["email"]),
        (LoginProblem.missing_field, "ada@example.com", ["password"]),
        (LoginProblem.slow_down, "ada@example.com", []),
        (LoginProblem.expired_form, "ada@example.com", []),
    ],
)
def test_the_fields_to_correct_are_marked(problem: LoginProblem | None, email: str, invalid: list[str]) -> None:
    document = read(login_page(problem=problem, email=email))

    assert [element["id"] for element in document.with_attribute("aria-invalid")] == invalid


@pytest.mark.parametrize("kind", ErrorKind)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_page_is_an_alert_that_says_what_to_do(language: str, kind: ErrorKind) -> None:
    (alert,) = (e for e in read(error(language=language, kind=kind)).elements if e.attributes.get("role") == "alert")
    heading, advice = texts_in(language).errors[kind]

    assert heading in alert.text
    assert advice in alert.text


# Devices


def test_the_form_for_a_code_helps_phones_and_carries_nothing_else() -> None:
    document = read(enter_user_code(language="en", csrf="csrf-value"))
    code = document.one("input", name="user_code")

    assert (code["autocapitalize"], code["autocomplete"], code["spellcheck"]) == ("characters", "off", "false")
    assert "required" in code.attributes
    assert code["inputmode"] == "text"
    assert {e["name"] for e in document.all("input")} == {"csrf", "user_code"}
    assert document.one("form")["action"] == "/activate"


def test_the_keyboard_for_a_code_of_digits_has_digits() -> None:
    page = enter_user_code(language="en", csrf="csrf-value", digits=True)

    assert read(page).one("input", name="user_code")["inputmode"] == "numeric"


@pytest.mark.parametrize(
    ("page", "focused"),
    [
        pytest.param(enter_user_code(language="en", csrf="c"), "input", id="nothing typed yet"),
        pytest.param(enter_user_code(language="en", csrf="c", user_code="W"), "button", id="nothing left to type"),
        pytest.param(
            enter_user_code(language="en", csrf="c", user_code="W", problem=UserCodeProblem.wrong_code),
            "input",
            id="wrong",
        ),
        pytest.param(
            enter_user_code(language="en", csrf="c", user_code="W", problem=UserCodeProblem.slow_down),
            "div",
            id="nothing to type for now",
        ),
    ],
)
def test_the_focus_on_the_page_for_a_code_is_where_the_next_step_is(page: Page, focused: str) -> None:
    (element,) = read(page).with_attribute("autofocus")

    assert element.tag == focused


@pytest.mark.parametrize("problem", UserCodeProblem)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_problem_with_a_code_is_an_alert_that_describes_the_field(language: str, problem: UserCodeProblem) -> None:
    document = read(enter_user_code(language=language, csrf="c", problem=problem))
    alert = document.identified("problem")

    assert alert["role"] == "alert"
    assert alert.text.strip() == texts_in(language).user_code_problems[problem]
    assert document.one("input", name="user_code")["aria-describedby"] == "problem"


def test_how_long_to_wait_is_said_on_the_page_for_a_code() -> None:
    page = enter_user_code(language="en", csrf="c", problem=UserCodeProblem.slow_down, retry_after=90)

    assert "Wait 2 minutes" in read(page).identified("problem").text


def test_a_device_is_confirmed_on_a_page_that_names_its_code_who_asks_and_for_what() -> None:
    document = read(confirm_device_page())

    assert document.one("strong").text == "WDJB-MJHT"
    assert all(text in document.one("main").text for text in ("Petals", "ada@example.com", "Read your orders"))
    assert [button["value"] for button in document.all("button")] == ["another_account", "deny", "allow"]
    assert document.all("form")[-1]["aria-describedby"] == "beware"
    assert not document.with_attribute("autofocus"), "nobody says yes by pressing Enter too early"


def test_device_pages_lead_nowhere_else() -> None:
    for page in (enter_user_code(language="en", csrf="c"), confirm_device_page(), login_page(redirect_source=None)):
        assert "form-action 'self'" in page.content_security_policy.split("; ")


@pytest.mark.parametrize("entered", [ATTACK, "W" * 5000, "\u202e", "\ud800"])
def test_an_entered_code_is_shown_as_text(entered: str) -> None:
    document = read(enter_user_code(language="en", csrf="c", user_code=entered))

    assert not document.all("script")
    assert len(document.one("input", name="user_code")["value"]) <= 80


# The account


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (CHROME, "Chrome on Windows"),
        (f"{CHROME} Edg/141.0.0.0", "Edge on Windows"),
        (f"{IPHONE} Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X) AppleWebKit/605.1.15 CriOS/139.0.7258.76", "Chrome on iPad"),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on Ubuntu"),
        ("Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B Build/TP1A.220624.014)", "Android"),
        ("okhttp/4.12.0", "okhttp"),
        ("ExampleTV/1.0", "ExampleTV/1.0"),
        ("w" * 100, "w" * 39 + "…"),
        ("", "Unknown device"),
    ],
)
def test_a_device_has_the_name_that_people_know_or_its_own_words(user_agent: str, name: str) -> None:
    login = Login("x", Use(BEGAN, user_agent=user_agent), Use(USED))

    assert read(account_page(browsers=(login,), applications=())).one("strong").text == name


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "22 November 2026, 22:20 UTC"),
        ("de", "22. November 2026, 22:20 UTC"),
        ("fr", "22 novembre 2026, 22:20 (UTC)"),
        ("es", "22 de noviembre de 2026, 22:20 UTC"),
    ],
)
def test_a_time_is_written_for_people_and_for_programs_and_says_its_zone(language: str, text: str) -> None:
    times = read(account_page(language=language, applications=())).all("time")

    assert (times[0]["datetime"], times[0].text) == ("2026-11-22T22:20Z", text)


def test_what_a_button_ends_is_in_its_name() -> None:
    names = [" ".join(button.text.split()) for button in read(account_page()).all("button")]

    assert names == [
        "Use another account",
        "Sign out",
        "Sign out Safari on iPhone",
        "Remove access Petals",
        "Sign out Petals, Chrome on Windows",
        "Sign out Petals, Safari on iPhone",
        "Sign out Petals, Unknown device",
        "Remove access Roots",
        "Sign out Roots, Safari on iPhone",
        "Sign out everything else",
        "Sign out everywhere, here too",
    ]


def test_a_program_that_uses_the_token_of_a_browser_is_named() -> None:
    """It may be the application's own library, or a thief's."""
    text = " ".join(read(account_page()).one("main").text.split())

    assert "Last used 26 November 2026, 13:35 UTC 203.0.113.99 Python Requests" in text


@pytest.mark.parametrize("notice", AccountNotice)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_done_is_read_out_first(language: str, notice: AccountNotice) -> None:
    (status,) = read(account_page(language=language, notice=notice)).with_attribute("autofocus")

    assert status["role"] == "status"
    assert status.text == texts_in(language).account.notices[notice]


# Login


def test_the_login_form_helps_password_managers_and_keyboards() -> None:
    document = read(login_page())
    email, password = document.one("input", name="email"), document.one("input", name="password")

    assert email["autocomplete"] == "username"
    assert email["inputmode"] == "email"
    assert password["autocomplete"] == "current-password"
    assert password["type"] == "password"
    for field in (email, password):
        assert field["spellcheck"] == "false"
        assert field["autocapitalize"] == "none"
        assert "required" in field.attributes


def test_the_login_form_carries_the_request_on() -> None:
    document = read(login_page(email="ada@example.com"))
    form = document.one("form")

    assert form["action"] == "/login"
    assert [
        (e["name"], e.attributes.get("value")) for e in document.elements if "name" in e.attributes and form in e.within
    ] == [
        ("request", "client_id=petals&scope=openid"),
        ("csrf", "csrf-value"),
        ("email", "ada@example.com"),
        ("password", None),
        ("action", "sign_in"),
    ]


def test_a_known_account_goes_on_by_a_form_of_its_own() -> None:
    document = read(login_page(signed_in_as="ada@example.com"))
    chooser, other = document.all("form")

    assert [
        (e["name"], e.attributes.get("value"))
        for e in document.elements
        if chooser in e.within and "name" in e.attributes
    ] == [
        ("request", "client_id=petals&scope=openid"),
        ("csrf", "csrf-value"),
        ("action", "continue"),
    ]
    assert chooser["action"] == "/login"
    assert document.one("button", value="continue").text.split() == ["A", "Continue", "as", "ada@example.com"]
    assert document.one("details") in other.within


@pytest.mark.parametrize("problem", [None, *LoginProblem])
def test_the_form_for_another_account_opens_when_it_has_a_problem(problem: LoginProblem | None) -> None:
    details = read(login_page(signed_in_as="ada@example.com", problem=problem)).one("details")

    assert ("open" in details.attributes) == (problem is not None)


@pytest.mark.parametrize(
    ("language", "seconds", "words"),
    [
        ("en", 1, "1 second,"),
        ("en", 30, "30 seconds,"),
        ("en", 89, "89 seconds,"),
        ("en", 90, "2 minutes,"),
        ("en", 121, "3 minutes,"),
        ("en", 3600, "60 minutes,"),
        ("en", 5401, "2 hours,"),
        ("en", 86400, "24 hours,"),
        ("de", 200, "4 Minuten "),
        ("fr", 45, "45 secondes,"),
        ("es", 10000, "3 horas "),
    ],
)
def test_how_long_to_wait_is_said_as_people_say_it_and_never_too_short(language: str, seconds: int, words: str) -> None:
    page = login_page(language=language, problem=LoginProblem.slow_down, retry_after=seconds)

    assert words in read(page).identified("problem").text


# Consent


@pytest.mark.parametrize("language", LANGUAGES)
def test_consent_says_in_words_what_is_asked(language: str) -> None:
    scopes = [RequestedScope(value) for value in ("openid", "profile", "email", "address", "phone", "offline_access")]
    page = consent_page(
        language=language,
        scopes=(*scopes, RequestedScope("read:orders", "Read your orders"), RequestedScope("write:orders")),
    )
    texts = texts_in(language)

    assert [item.text for item in read(page).all("li")] == [
        *texts.scopes.values(),
        "Read your orders",
        "write:orders",
    ]


def test_an_api_cannot_reword_an_openid_scope() -> None:
    page = consent_page(scopes=(RequestedScope("offline_access", "Nothing to see here"),))

    assert [item.text for item in read(page).all("li")] == [texts_in("en").scopes["offline_access"]]


def test_consent_says_who_asks_whom_about_which_api_and_where_it_leads() -> None:
    document = read(consent_page())

    assert "Petals asks for access" in document.one("main").text
    assert "ada@example.com" in document.one("main").text
    assert document.one("h3").text == "In Orders"
    assert "petals.example" in document.identified("destination").text


def test_consent_to_nothing_in_particular_says_so() -> None:
    document = read(consent_page(scopes=(), api=None))

    assert not document.all("li")
    assert "learns only that you are signed in" in document.one("main").text


def test_the_consent_form_offers_both_answers_and_favours_none_with_the_focus() -> None:
    document = read(consent_page())

    assert document.one("form")["action"] == "/consent"
    assert [(e["name"], e["value"]) for e in document.all("input")] == [
        ("request", "client_id=petals&scope=openid"),
        ("csrf", "csrf-value"),
    ]
    assert [(e["name"], e["value"]) for e in document.all("button")] == [("decision", "deny"), ("decision", "allow")]
    assert not document.with_attribute("autofocus")


# Logout


def test_the_question_before_a_logout_says_who_asks_whom_and_what_else_there_is_to_do() -> None:
    document = read(logout_page())

    assert "Petals" in document.one("main").text
    assert "ada@example.com" in document.one("main").text
    form = document.one("form")
    assert (form["method"], form["action"]) == ("post", "/oidc/logout")
    assert [(e["name"], e["value"]) for e in document.all("input")] == [
        ("request", "client_id=petals"),
        ("csrf", "csrf-value"),
    ]
    assert [e.text for e in document.all("button")] == ["Sign out"]
    assert document.identified(form["aria-describedby"]).text == "To stay signed in, close this window."
    assert not document.with_attribute("autofocus"), "Enter alone logs nobody out"


def test_where_nobody_in_particular_asks_the_question_names_nobody() -> None:
    document = read(logout_page(application=None, account=None))

    assert not document.all("img")
    assert "None" not in document.one("main").text
    assert document.all("form")


# Errors


def test_an_error_page_has_room_for_the_developer_and_for_support() -> None:
    document = read(error(language="de", kind=ErrorKind.wrong_redirect, detail="no such callback", request_id="id-1"))

    assert [e.text for e in document.all("dd")] == ["no such callback", "id-1"]
    assert not read(error(language="de", kind=ErrorKind.wrong_redirect)).all("dl")


# The two pages that hand an answer over


def test_a_posted_form_has_the_parameters_and_a_button() -> None:
    page = form_post(
        redirect_uri=f"{APPLICATION}/callback?a=1&b=2",
        parameters={"code": "c", "state": ATTACK, "submit": "s"},
        redirect_source=APPLICATION,
    )
    document = read(page)

    assert document.one("form")["action"] == f"{APPLICATION}/callback?a=1&b=2"
    assert {e["name"]: e["value"] for e in document.all("input")} == {"code": "c", "state": ATTACK, "submit": "s"}
    assert document.one("button").text == "Continue"
    assert len(document.all("script")) == 1


def test_a_web_message_carries_the_response_as_data() -> None:
    response = {"code": "c", "state": f"{ATTACK}\u2028\u2029</script><!--\ud800"}
    page = web_message(target_origin=APPLICATION, response=response, frame_ancestors=[])
    document = read(page)
    message = document.identified("message")

    assert json.loads(message["data-response"]) == response
    assert message["data-target-origin"] == APPLICATION
    assert len(document.all("script")) == 1


# Hostile values


def test_markup_in_a_value_stays_text() -> None:
    login = login_page(application=ATTACK, request=ATTACK, csrf=ATTACK, email=ATTACK, signed_in_as=ATTACK)
    asking = consent_page(
        application=ATTACK,
        account=ATTACK,
        api=ATTACK,
        scopes=(RequestedScope(ATTACK), RequestedScope("a", ATTACK)),
        request=ATTACK,
        csrf=ATTACK,
        redirect_host=ATTACK,
    )
    leaving = logout_page(application=ATTACK, account=ATTACK, request=ATTACK, csrf=ATTACK)
    refusing = error(language="en", kind=ErrorKind.unknown_application, detail=ATTACK, request_id=ATTACK)

    for page in (login, asking, leaving, refusing):
        document = read(page)
        assert not document.all("script")
        assert {img["src"] for img in document.all("img")} <= {LOGO}
        assert "onerror" not in {name for element in document.elements for name in element.attributes}
        assert "{{7*7}}" in document.one("main").text
    for page in (login, asking, leaving):
        assert {e["value"] for e in read(page).all("input", type="hidden")} == {ATTACK}
    assert read(login).one("input", name="email")["value"] == ATTACK


@pytest.mark.parametrize(
    "logo",
    [
        "javascript:alert(1)",
        "http://a.example/l.png",
        "data:text/html;base64,PHA+",
        f"data:image/png;base64,AAAA{ATTACK}",
        ATTACK,
        "",
    ],
)
def test_a_logo_that_is_no_picture_is_replaced_by_an_initial(logo: str) -> None:
    document = read(login_page(logo_uri=logo))

    assert not document.all("img")
    assert next(e for e in document.all("span", **{"class": "tile"})).text == "P"


def test_a_logo_learns_nothing_about_the_request() -> None:
    assert read(login_page()).one("img")["referrerpolicy"] == "no-referrer"


@pytest.mark.parametrize("name", ["", " ", "\u202e", "\x00"])
def test_a_name_that_cannot_be_seen_is_a_dash(name: str) -> None:
    assert read(login_page(application=name)).one("title").text == "Sign in · –"


def test_a_name_cannot_turn_the_writing_direction_of_the_page() -> None:
    page = login_page(application="Petals\u202e\u2066\u2069\u200f\u061c", signed_in_as="a\u202eb@example.com")

    assert not set(page.html) & set("\u202e\u2066\u2069\u200f\u061c")
    assert [e.text for e in read(page).all("bdi")] == ["Petals", "ab@example.com"]


def test_letters_that_need_joiners_keep_them() -> None:
    name = "\u0645\u06cc\u200c\u062e\u0648 \U0001f469\u200d\U0001f33e"  # a Persian verb and a farmer

    assert read(login_page(application=name)).one("bdi").text == name


def test_a_very_long_name_is_clipped() -> None:
    document = read(login_page(application="Petals" * 400, signed_in_as="a" * 2000 + "@example.com"))
    shown = [e.text for e in document.all("bdi")]

    assert [len(text) for text in shown] == [64, 80]
    assert all(text.endswith("…") for text in shown)


def test_a_page_can_always_be_sent_as_utf_8() -> None:
    page = login_page(application="a\ud800", email="\udfff", request="\ud800")

    assert page.html.encode()


# What must not be told


def test_the_problem_does_not_depend_on_who_asks() -> None:
    """Whether the address or the password was wrong must not be visible: not in the words, not in the marks."""
    known = login_page(problem=LoginProblem.wrong_credentials, email="ada@example.com")
    unknown = login_page(problem=LoginProblem.wrong_credentials, email="eve@example.com")

    assert known.html.replace("ada@", "eve@") == unknown.html


def test_a_password_is_never_in_the_page() -> None:
    fields = chain.from_iterable(read(page).all("input", type="password") for _, page in pages_to_read("en"))

    assert [field.attributes.get("value") for field in fields if "value" in field.attributes] == []
