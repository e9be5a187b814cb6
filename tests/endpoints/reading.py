"""What a browser sees in an answer, and what it would send next."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser

from heirloom.http import Response
from heirloom.pages import ErrorKind
from heirloom.pages.catalogue import texts_in
from tests.service import PASSWORD, Service

type Attributes = list[tuple[str, str | None]]


@dataclass
class Form:
    """A form: where it goes, what its fields hold, and the buttons that send it."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Document(HTMLParser):
    """The parts of a page that tests ask for."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.language = self.heading = self.text = self._within = ""
        self.forms: list[Form] = []
        self.message: dict[str, str] | None = None
        self.target_origin = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        values = {name: value or "" for name, value in attrs}
        self._within = tag
        match tag:
            case "html":
                self.language = values["lang"]
            case "form":
                self.forms.append(Form(values["action"]))
            case "input":
                self.forms[-1].fields[values["name"]] = values.get("value", "")
            case "button" if "name" in values:
                self.forms[-1].buttons.append((values["name"], values["value"]))
        if "data-response" in values:
            self.message = json.loads(values["data-response"])
            self.target_origin = values["data-target-origin"]

    def handle_data(self, data: str) -> None:
        if self._within == "h1" and not self.heading:
            self.heading = data.strip()
        if self._within not in {"style", "script"}:
            self.text += data


def read(response: Response) -> Document:
    """The page in an answer."""
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return Document(response.body)


def kind(response: Response) -> str:
    """What an answer is to a person: `login`, `consent`, `account`, …, a way back, or the kind of an error page."""
    if response.status == 303:
        return "redirect"
    page = read(response)
    actions = {form.action for form in page.forms}
    if page.message is not None:
        return "web_message"
    if actions & {"/login", "/consent", "/oidc/logout"}:
        return "account" if "/account" in actions else actions.pop().removeprefix("/").removeprefix("oidc/")
    if actions == {"/activate"}:
        return "user_code" if "user_code" in page.forms[0].fields else "device"
    if actions:
        return "form_post"
    texts = texts_in(page.language)
    headings = {texts.errors[error].heading: error.value for error in ErrorKind} | {texts.signed_out: "signed_out"}
    headings |= {texts.device_connected: "device_connected", texts.device_refused: "device_refused"}
    return headings[page.heading]


def submit(service: Service, shown: Response, **typed: str) -> Response:
    """Send the last form of a page, with what a person typed and pressed."""
    form = read(shown).forms[-1]
    return service.send("POST", form.action, form.fields | typed)


def sign_in(service: Service, shown: Response, email: str, password: str = PASSWORD) -> Response:
    """Fill in a login page."""
    return submit(service, shown, email=email, password=password, action="sign_in")
