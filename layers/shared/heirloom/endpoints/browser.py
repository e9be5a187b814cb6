"""What holds for every answer that a person's browser gets: cookies, security headers, proof against forged posts."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from heirloom import pages
from heirloom.domain import encoding, lifetimes, redirect_uri
from heirloom.http import NO_STORE, Parameters, Request, Response
from heirloom.pages import Page

PAGE_HEADERS: Mapping[str, str] = {
    **NO_STORE,
    # Not `no-referrer`: browsers would then send our own forms with `Origin: null`.
    "referrer-policy": "same-origin",
}

CSRF_BYTES = 32
NOTICE_LIFETIME = lifetimes.MINUTE


class ForgedPost(Exception):
    """A form that did not come from a page of ours, or whose cookie is gone."""


@dataclass(frozen=True, slots=True)
class Cookies:
    """The names and attributes of our cookies at this issuer.

    `__Host-` cookies are bound to this host and to https, so no sibling domain can plant one. Browsers refuse the
    prefix on plain http://localhost, which only a local run serves.
    """

    secure: bool

    @property
    def session(self) -> str:
        """Return the name of the session cookie."""
        return "__Host-heirloom" if self.secure else "heirloom"

    @property
    def notice(self) -> str:
        """Return the name of the cookie that says what was done, to the page that the person is sent to."""
        return "__Host-heirloom-notice" if self.secure else "heirloom-notice"

    @property
    def csrf(self) -> str:
        """Return the name of the cookie that our forms must repeat."""
        return "__Host-heirloom-csrf" if self.secure else "heirloom-csrf"

    def set_session(self, value: str, lifetime: int) -> str:
        """Return the `Set-Cookie` of a session, *lifetime* in seconds.

        `SameSite=None`, because silent authentication runs in a frame of the application's page.
        """
        same_site = "None" if self.secure else "Lax"
        return self._set(self.session, value, f"Max-Age={lifetime}; SameSite={same_site}")

    def end_session(self) -> str:
        """Return the `Set-Cookie` that takes the session out of the browser."""
        return self.set_session("", 0)

    def set_csrf(self, value: str) -> str:
        """Return the `Set-Cookie` for the value that our forms repeat."""
        return self._set(self.csrf, value, "SameSite=Lax")

    def set_notice(self, value: str) -> str:
        """Return the `Set-Cookie` of a notice that the next page shows."""
        return self._set(self.notice, value, f"Max-Age={NOTICE_LIFETIME}; SameSite=Lax")

    def take_notice(self) -> str:
        """Return the `Set-Cookie` that takes a notice out of the browser once it was shown."""
        return self._set(self.notice, "", "Max-Age=0; SameSite=Lax")

    def _set(self, name: str, value: str, attributes: str) -> str:
        secure = "; Secure" if self.secure else ""
        return f"{name}={value}; Path=/; HttpOnly; {attributes}{secure}"


@dataclass(frozen=True, slots=True)
class Browser:
    """The person's browser, as this issuer speaks to it."""

    issuer: str

    @property
    def cookies(self) -> Cookies:
        """Return the cookies of this issuer."""
        return Cookies(secure=self.issuer.startswith("https:"))

    def show(self, page: Page, status: int = 200) -> Response:
        """Return *page* as an answer."""
        return Response(
            status,
            page.html,
            {
                **PAGE_HEADERS,
                "content-type": "text/html; charset=utf-8",
                "content-security-policy": page.content_security_policy,
            },
        )

    def redirect(self, location: str) -> Response:
        """Return a redirect that turns a post into a get (RFC 9700 §4.12: 303, so that no password travels on)."""
        return Response(303, headers={**PAGE_HEADERS, "location": location})

    def csrf_of(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """Return the value for a form, and the cookies to set with it; a value that is there serves every tab."""
        value = request.cookies.get(self.cookies.csrf, "")
        if _well_formed(value):
            return value, ()
        value = encoding.encode(secrets.token_bytes(CSRF_BYTES))
        return value, (self.cookies.set_csrf(value),)

    def require_own_form(self, request: Request, parameters: Parameters) -> None:
        """Return if a post comes from a form of ours in this browser; raise `ForgedPost`."""
        origin = request.headers.get("origin")
        if origin is not None and origin != redirect_uri.origin(self.issuer):
            raise ForgedPost("origin")
        cookie = request.cookies.get(self.cookies.csrf, "")
        field = parameters.get("csrf", "")
        if not _well_formed(cookie) or not hmac.compare_digest(cookie.encode(), field.encode()):
            raise ForgedPost("csrf")

    def language(self, request: Request, parameters: Parameters) -> str:
        """Return the language for the pages of a request."""
        return pages.choose_language(parameters.get("ui_locales"), request.headers.get("accept-language"))


def _well_formed(csrf: str) -> bool:
    try:
        return len(encoding.decode(csrf)) == CSRF_BYTES
    except ValueError:
        return False
