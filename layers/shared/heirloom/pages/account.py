"""The page on which people see where they are signed in, and end it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from heirloom.pages import shown
from heirloom.pages.account_texts import AccountNotice, AccountTexts
from heirloom.pages.catalogue import Texts, texts_in
from heirloom.pages.device_name import DeviceKind, device_name
from heirloom.pages.document import Page, page
from heirloom.pages.shown import RequestedScope


@dataclass(frozen=True, slots=True)
class Use:
    """A login, or its last use: when (epoch seconds), from which address and by what, both empty if unknown."""

    at: int
    address: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """A browser that is signed in, or a device on which an application is."""

    id: str
    began: Use
    last: Use
    here: bool = False
    """In the browser that shows the page."""
    applications: Sequence[str] = ()
    """The names of those that a browser was used for."""


@dataclass(frozen=True, slots=True)
class SignedInApplication:
    """An application, the devices on which it stays signed in, and what it may do."""

    client_id: str
    name: str
    logo_uri: str | None
    logins: Sequence[Login]
    total: int
    """Of the logins, which may be more than are shown."""
    about_person: Sequence[RequestedScope] = ()
    about_apis: Sequence[tuple[str, Sequence[RequestedScope]]] = ()
    on_server: bool = False
    """Its refresh tokens are on a server of it, whose address tells a person nothing."""


class Moment(NamedTuple):
    """A time for programs and for people."""

    iso: str
    text: str


def account(
    *,
    language: str,
    account: str,
    viewer: str,
    place: Mapping[str, str],
    csrf: str,
    browsers: Sequence[Login] | None,
    more_browsers: int = 0,
    applications: Sequence[SignedInApplication],
    overview: bool = True,
    notice: AccountNotice | None = None,
) -> Page:
    """Where the person with this *account* is signed in.

    *viewer* names their session, and *place* the part of the page: the forms carry both. Without *browsers* the page
    is about one application; *overview* tells that it shows something of everything.
    """
    texts = texts_in(language)
    shown_applications = [_application(texts, it) for it in applications]
    return page(
        "account.html",
        texts=texts,
        words=texts.account,
        title=texts.account.title,
        more_style="account.css",
        images=dict.fromkeys(origin for it in applications for origin in shown.logo(it.logo_uri)[1]),
        form_action=("'self'",),
        account=shown.account(account),
        viewer=viewer,
        place=place,
        csrf=csrf,
        browsers=None if browsers is None else [_login(texts.account, it) for it in browsers],
        more_browsers=more_browsers,
        applications=shown_applications,
        overview=overview,
        notice=texts.account.notices[notice] if notice else "",
        others=overview and (more_browsers > 0 or any(not it.here for it in _logins(browsers or (), applications))),
    )


def _logins(browsers: Sequence[Login], applications: Sequence[SignedInApplication]) -> Sequence[Login]:
    return [*browsers, *(login for application in applications for login in application.logins)]


def _application(texts: Texts, application: SignedInApplication) -> dict[str, object]:
    logo, _ = shown.logo(application.logo_uri)
    return {
        "client_id": application.client_id,
        "name": shown.name(application.name),
        "logo": logo,
        "logins": [_login(texts.account, it, on_server=application.on_server) for it in application.logins],
        "more": application.total - len(application.logins),
        "total": application.total,
        "about_person": shown.abilities(texts, application.about_person).about_person,
        "about_apis": [
            (shown.name(api), shown.abilities(texts, scopes).about_api) for api, scopes in application.about_apis
        ],
    }


def _login(texts: AccountTexts, login: Login, *, on_server: bool = False) -> dict[str, object]:
    name, kind = _device(texts, login.began.user_agent)
    other, _ = _device(texts, login.last.user_agent)
    return {
        "id": login.id,
        "name": name,
        "kind": kind,
        "here": login.here,
        "began": _moment(texts, login.began.at),
        "began_at": login.began.address,
        "last": _moment(texts, login.last.at),
        "last_at": "" if on_server else login.last.address,
        "last_by": "" if on_server or not login.last.user_agent or other == name else other,
        "on_server": on_server and login.last.at > login.began.at,
        "applications": [shown.name(it) for it in login.applications],
    }


def _device(texts: AccountTexts, user_agent: str) -> tuple[str, DeviceKind]:
    if not user_agent:
        return texts.unknown_device, DeviceKind.program
    browser, system, kind = device_name(user_agent)
    if browser and system and browser != system:
        return texts.device.format(browser=browser, system=system), kind
    return browser or system, kind


def _moment(texts: AccountTexts, at: int) -> Moment:
    """A time in UTC, for the page cannot know where its reader is."""
    when = datetime.fromtimestamp(at, UTC)
    month = texts.months.split()[when.month - 1]
    text = texts.time.format(day=when.day, month=month, year=when.year, clock=f"{when:%H:%M}")
    return Moment(f"{when:%Y-%m-%dT%H:%MZ}", text)
