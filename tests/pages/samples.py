"""One of every page, and a reader of HTML that tells what a browser would make of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from heirloom.pages import (
    AccountNotice,
    ErrorKind,
    Login,
    LoginProblem,
    Page,
    RequestedScope,
    SignedInApplication,
    Use,
    UserCodeProblem,
    account,
    confirm_device,
    confirm_logout,
    consent,
    device_answered,
    enter_user_code,
    error,
    form_post,
    login,
    signed_out,
    web_message,
)

LOGO = "https://cdn.petals.example/logo.svg"
APPLICATION = "https://petals.example"


def login_page(
    *,
    language: str = "en",
    application: str | None = "Petals",
    logo_uri: str | None = LOGO,
    request: str = "client_id=petals&scope=openid",
    csrf: str = "csrf-value",
    email: str = "",
    problem: LoginProblem | None = None,
    retry_after: int = 0,
    signed_in_as: str | None = None,
    redirect_source: str | None = APPLICATION,
) -> Page:
    return login(
        language=language,
        application=application,
        logo_uri=logo_uri,
        request=request,
        csrf=csrf,
        email=email,
        problem=problem,
        retry_after=retry_after,
        signed_in_as=signed_in_as,
        redirect_source=redirect_source,
    )


def consent_page(
    *,
    language: str = "en",
    application: str = "Petals",
    logo_uri: str | None = LOGO,
    account: str = "ada@example.com",
    api: str | None = "Orders",
    scopes: tuple[RequestedScope, ...] = (
        RequestedScope("openid"),
        RequestedScope("offline_access"),
        RequestedScope("read:orders", "Read your orders"),
        RequestedScope("write:orders"),
    ),
    request: str = "client_id=petals&scope=openid",
    csrf: str = "csrf-value",
    redirect_source: str = APPLICATION,
    redirect_host: str = "petals.example",
) -> Page:
    return consent(
        language=language,
        application=application,
        logo_uri=logo_uri,
        account=account,
        api=api,
        scopes=scopes,
        request=request,
        csrf=csrf,
        redirect_source=redirect_source,
        redirect_host=redirect_host,
    )


def logout_page(
    *,
    language: str = "en",
    application: str | None = "Petals",
    logo_uri: str | None = LOGO,
    account: str | None = "ada@example.com",
    request: str = "client_id=petals",
    csrf: str = "csrf-value",
    redirect_source: str | None = APPLICATION,
) -> Page:
    return confirm_logout(
        language=language,
        application=application,
        logo_uri=logo_uri,
        account=account,
        request=request,
        csrf=csrf,
        redirect_source=redirect_source,
    )


def confirm_device_page(
    *,
    language: str = "en",
    application: str = "Petals",
    logo_uri: str | None = LOGO,
    account: str = "ada@example.com",
    api: str | None = "Orders",
    scopes: tuple[RequestedScope, ...] = (RequestedScope("openid"), RequestedScope("read:orders", "Read your orders")),
) -> Page:
    return confirm_device(
        language=language,
        application=application,
        logo_uri=logo_uri,
        user_code="WDJB-MJHT",
        account=account,
        api=api,
        scopes=scopes,
        request="activate:1234",
        csrf="csrf-value",
    )


CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6"
BEGAN, USED = 1_795_386_000, 1_795_700_100
THIS_BROWSER = Login(
    "session-1",
    Use(BEGAN, "192.0.2.7", CHROME),
    Use(USED, "192.0.2.7", CHROME),
    here=True,
    applications=("Petals", "Roots"),
)
PHONE = Login(
    "session-2", Use(BEGAN, "2001:db8::7", IPHONE), Use(USED, "198.51.100.20", IPHONE), applications=("Petals",)
)
STOLEN = Login("family-2", Use(BEGAN, "2001:db8::7", IPHONE), Use(USED, "203.0.113.99", "python-requests/2.32.3"))
UNKNOWN = Login("family-3", Use(BEGAN), Use(USED))


def signed_in_application(
    client_id: str = "petals",
    name: str = "Petals",
    logo_uri: str | None = LOGO,
    logins: tuple[Login, ...] = (Login("family-1", THIS_BROWSER.began, THIS_BROWSER.last, here=True), STOLEN, UNKNOWN),
    *,
    total: int | None = None,
    on_server: bool = False,
) -> SignedInApplication:
    return SignedInApplication(
        client_id=client_id,
        name=name,
        logo_uri=logo_uri,
        logins=logins,
        total=len(logins) if total is None else total,
        about_person=(RequestedScope("openid"), RequestedScope("offline_access")),
        about_apis=(("Orders", (RequestedScope("read:orders", "Read your orders"), RequestedScope("write:orders"))),),
        on_server=on_server,
    )


def account_page(
    *,
    language: str = "en",
    account_name: str = "ada@example.com",
    browsers: tuple[Login, ...] | None = (THIS_BROWSER, PHONE),
    more_browsers: int = 0,
    applications: tuple[SignedInApplication, ...] | None = None,
    overview: bool = True,
    notice: AccountNotice | None = None,
) -> Page:
    if applications is None:
        applications = (
            signed_in_application(),
            signed_in_application("roots", "Roots", None, (STOLEN,), total=23, on_server=True),
        )
    return account(
        language=language,
        account=account_name,
        viewer="session-1",
        place={"ui_locales": language},
        csrf="csrf-value",
        browsers=browsers,
        more_browsers=more_browsers,
        applications=applications,
        overview=overview,
        notice=notice,
    )


def pages_to_read(language: str) -> Iterator[tuple[str, Page]]:
    """Every page without a script, in every state."""
    yield "login", login_page(language=language)
    yield "login without a logo", login_page(language=language, logo_uri=None)
    yield "login with an address", login_page(language=language, email="ada@example.com")
    yield "account chooser", login_page(language=language, signed_in_as="ada@example.com")
    for problem in LoginProblem:
        yield f"login: {problem}", login_page(language=language, problem=problem, retry_after=200)
        yield f"login: {problem}, known", login_page(language=language, problem=problem, email="ada@example.com")
        yield f"chooser: {problem}", login_page(language=language, problem=problem, signed_in_as="ada@example.com")
    yield "consent", consent_page(language=language)
    yield "consent to nothing", consent_page(language=language, scopes=(), api=None)
    yield "user code", enter_user_code(language=language, csrf="csrf-value")
    yield "user code from a link", enter_user_code(language=language, csrf="csrf-value", user_code="WDJB-MJHT")
    for code_problem in UserCodeProblem:
        yield f"user code: {code_problem}", enter_user_code(language=language, csrf="csrf-value", problem=code_problem)
    yield "device", confirm_device_page(language=language)
    yield "device that asks for nothing", confirm_device_page(language=language, scopes=(), api=None)
    for connected in (True, False):
        answered = device_answered(language=language, application="Petals", connected=connected)
        yield f"device connected: {connected}", answered
    for kind in ErrorKind:
        yield f"error: {kind}", error(language=language, kind=kind)
    yield "error in full", error(language=language, kind=ErrorKind.wrong_redirect, detail="because", request_id="id-1")
    yield "logout", logout_page(language=language)
    yield "logout of nobody in particular", logout_page(language=language, application=None, account=None)
    yield "signed out", signed_out(language=language)
    yield "login for the account", login_page(language=language, application=None, logo_uri=None, redirect_source=None)
    yield "account", account_page(language=language)
    yield "account with more", account_page(language=language, more_browsers=12)
    yield "account with one browser", account_page(language=language, browsers=(THIS_BROWSER,), applications=())
    yield (
        "account: one application",
        account_page(language=language, browsers=None, applications=(signed_in_application(),), overview=False),
    )
    yield "account: browsers", account_page(language=language, applications=(), overview=False)
    yield "account with a notice", account_page(language=language, notice=AccountNotice.device_signed_out)


def pages_that_act(language: str) -> Iterator[tuple[str, Page]]:
    """The pages with a script."""
    yield (
        "form_post",
        form_post(
            redirect_uri=f"{APPLICATION}/callback",
            parameters={"code": "c", "state": "s"},
            redirect_source=APPLICATION,
            language=language,
        ),
    )
    yield (
        "web_message",
        web_message(
            target_origin=APPLICATION,
            response={"code": "c", "state": "s"},
            frame_ancestors=[APPLICATION],
            language=language,
        ),
    )


def every_page(language: str) -> Iterator[tuple[str, Page]]:
    yield from pages_to_read(language)
    yield from pages_that_act(language)


@dataclass(slots=True)
class Element:
    """An element with all the text inside it."""

    tag: str
    attributes: dict[str, str]
    within: tuple["Element", ...]
    text: str = ""

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]


@dataclass(slots=True)
class Document:
    elements: list[Element] = field(default_factory=list)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        return [e for e in self.elements if e.tag == tag and attributes.items() <= e.attributes.items()]

    def one(self, tag: str, **attributes: str) -> Element:
        (element,) = self.all(tag, **attributes)
        return element

    def with_attribute(self, name: str) -> list[Element]:
        return [element for element in self.elements if name in element.attributes]

    def identified(self, identifier: str) -> Element:
        (element,) = (e for e in self.elements if e.attributes.get("id") == identifier)
        return element


def read(page: Page) -> Document:
    reader = _Reader()
    reader.feed(page.html)
    reader.close()
    assert not reader.open, "every element is closed"
    return reader.document


_VOID = {"br", "img", "input", "link", "meta", "wbr"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.document = Document()
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice"
        element = Element(tag, {name: value or "" for name, value in attrs}, tuple(self.open))
        self.document.elements.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data
