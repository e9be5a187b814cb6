"""The applied tenant as one document, without what has its default; no secret, no user.

Applied where it came from it changes nothing: a client without `client_secret` keeps the one it has, and users whom no
file names stay as they are.
"""

from collections.abc import Callable, Mapping
from typing import Any

from heirloom.adapters import configuration
from heirloom.tenant import file, writing
from heirloom.tenant.file import Model
from heirloom.tenant.store import Store
from heirloom.tenant.writing import Properties


def document(store: Store) -> Properties:
    """Return all that is applied; raise `StoreUnavailable`. Without settings of its own a tenant has no section."""

    def section[T](
        kind: str, decode: Callable[[str], T], properties_of: Callable[[T], Properties], model: type[Model]
    ) -> list[Properties]:
        return [_told(model, properties_of(decode(text))) for _, text in sorted(store.documents(kind).items())]

    tenants = section(configuration.TENANT, configuration.decode_tenant, writing.tenant_of, file.TenantSettings)
    return {
        **({"tenant": tenants[0]} if tenants else {}),
        "clients": section(configuration.APPLICATION, configuration.decode_application, writing.client_of, file.Client),
        "resourceServers": section(
            configuration.RESOURCE_SERVER, configuration.decode_resource_server, writing.resource_server_of, file.Api
        ),
        "clientGrants": section(
            configuration.CLIENT_GRANT,
            configuration.decode_client_grant,
            writing.client_grant_of,
            file.ClientGrant,
        ),
    }


def _told(model: type[Model], properties: Mapping[str, Any]) -> Properties:
    """Leave out what a file that says nothing of it has all the same."""
    told: Properties = {}
    for name, value in properties.items():
        field = model.model_fields[name]
        inner = field.annotation
        kept = _told(inner, value) if isinstance(inner, type) and issubclass(inner, Model) else value
        if kept != {} and kept != field.get_default():
            told[name] = kept
    return told
