"""`/api/v2/tenants/settings`: what holds for all applications."""

from collections.abc import Iterable
from dataclasses import dataclass

from heirloom.management.clients import answer_like
from heirloom.management.declaring import Declarations
from heirloom.management.pagination import Fields
from heirloom.management.route import Answer, Call, Route
from heirloom.tenant import file, writing

Settings = answer_like("TenantSettings", file.TenantSettings)
"""As in the tenant file, which is where they are changed."""


@dataclass(frozen=True, slots=True)
class Tenants:
    """The route, and what it does."""

    declarations: Declarations

    def routes(self) -> Iterable[Route]:
        """Yield it."""
        yield Route(
            method="GET",
            path="tenants/settings",
            scope="read:tenant_settings",
            summary="Read the tenant's settings",
            handler=self.get,
            query=Fields,
            answer=Settings,
        )

    def get(self, call: Call[Fields, None]) -> Answer:
        """Return the settings."""
        return Settings.model_validate(writing.tenant_of(self.declarations.tenant(call.request)))
