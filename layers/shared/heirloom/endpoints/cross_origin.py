"""Cross-origin access for single-page applications (Fetch standard, CORS)."""

from dataclasses import dataclass

from heirloom import http
from heirloom.domain.application import Application
from heirloom.domain.ports import Configuration
from heirloom.http import Request, Response


def readable(response: Response, request: Request, application: Application | None) -> Response:
    """Return *response*, readable by the script that asked if its origin is registered for *application*."""
    if request.origin is None or application is None or not application.allows_origin(request.origin):
        return response
    return http.readable_by(response, request.origin)


@dataclass(frozen=True, slots=True)
class Preflight:
    """`OPTIONS` before a cross-origin request. It names no client, so any registered origin may go on to ask."""

    configuration: Configuration
    methods: str = "POST"

    def __call__(self, request: Request) -> Response:
        """Return what the browser may send; a foreign origin hears nothing."""
        registered = request.origin is not None and self.configuration.is_web_origin(request.origin)
        return http.preflight(request.origin if registered else None, self.methods)
