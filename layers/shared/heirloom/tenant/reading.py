"""From a tenant file's document to what it asks for."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from heirloom.domain import encoding, lifetimes, management_api, scope, user_code
from heirloom.domain.application import (
    Application,
    ApplicationType,
    AuthenticationMethod,
    GrantType,
    Tenant,
    secret_digest,
)
from heirloom.domain.client_key import ClientKey
from heirloom.domain.family import LARGEST_SCOPE_AND_AUDIENCE
from heirloom.domain.resource_server import ProofRequirement, ResourceServer, TokenDialect
from heirloom.domain.user import normalised_email
from heirloom.domain.user_code import UserCodeCharset
from heirloom.tenant import addresses, client_grants, client_keys, file, foreign_objects, properties, refresh_tokens
from heirloom.tenant.client_grants import DesiredClientGrant
from heirloom.tenant.remarks import Invalid, Path, Remark, Remarks

_LOGIN_GRANTS = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
_MACHINE_GRANTS = frozenset({GrantType.CLIENT_CREDENTIALS})
_SENT_INITIATORS = {"rp-logout", "idp-logout"}
"""The first is what we send after; the second, which Auth0 puts beside it, cannot happen here."""

_SECTIONS = ("tenant", "clients", "resourceServers", "clientGrants", "users")
_GENEROUS_LEEWAY = 10
"""A leeway above this fraction of the shortest access token hides theft for long; it gets a warning."""


@dataclass(frozen=True, slots=True)
class DesiredUser:
    """A user as the file has them. `None`: as it is."""

    user_id: str
    email: str
    password: str | None = field(repr=False)
    blocked: bool | None
    claims: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Desired:
    """What the file asks for. A section that it does not have is `None`: nothing is asked about it.

    A confidential application without `secret_digest` keeps the secret it has, or gets one. A `not_before` of 0 keeps
    the present one.
    """

    tenant: Tenant | None = None
    applications: Mapping[str, Application] | None = None
    resource_servers: Mapping[str, ResourceServer] | None = None
    client_grants: tuple[DesiredClientGrant, ...] | None = None
    users: tuple[DesiredUser, ...] = ()
    ignored: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()
    paths: Mapping[tuple[str, str], Path] = field(default_factory=dict)
    """Where the file has an object, by section and id."""
    made_up_ids: frozenset[str] = frozenset()
    """Of clients that have none in the file."""


def read(document: object, *, now: int) -> Desired:
    """Return what *document* asks for; raise `Invalid` with all that is wrong. *now* is in epoch seconds."""
    return _Reading(now).whole(document)


def leeway_problems(
    applications: Iterable[Application], resource_servers: Iterable[ResourceServer]
) -> Iterable[tuple[Application, str]]:
    """Yield the applications whose leeway reaches the shortest access token that they can get.

    A thief who is caught only after the tokens of the theft have expired is not caught.
    """
    shortest = shortest_access_token(resource_servers)
    for application in applications:
        if application.refresh_token.leeway >= shortest:
            yield (
                application,
                f"must be shorter than the shortest access token lifetime that the application can get, {shortest} s",
            )


def shortest_access_token(resource_servers: Iterable[ResourceServer]) -> int:
    """Return the shortest access token lifetime; any application may ask for any API, and for none. Seconds."""
    return min([lifetimes.USERINFO_TOKEN, *(api.token_lifetime for api in resource_servers)])


def generated_client_id(name: str) -> str:
    """Return the id of a client that has none in the file: the same at each apply and in every stack."""
    return encoding.encode(hashlib.sha256(f"heirloom client\x00{name}".encode()).digest())[:32]


class _Reading:
    """One pass over a file."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._remarks = Remarks()
        self._paths: dict[tuple[str, str], Path] = {}
        self._left_out: set[str] = set()
        self._made_up_ids: set[str] = set()

    def whole(self, document: object) -> Desired:
        sections = self._remarks.sift(document, (), _SECTIONS, properties.FILE) or {}
        apis = self._apis(sections["resourceServers"]) if "resourceServers" in sections else None
        applications = self._applications(sections["clients"]) if "clients" in sections else None
        tenant = self._tenant(sections["tenant"], apis) if "tenant" in sections else None
        grants = None
        if "clientGrants" in sections:
            grants = client_grants.read(sections["clientGrants"], self._remarks, left_out=self._left_out)
        users = self._users(sections["users"]) if "users" in sections else ()
        if apis is not None:
            self._check_leeways(applications or {}, apis)
            self._check_policies(applications or {}, apis)
        if self._remarks.problems:
            raise Invalid(self._remarks.problems)
        return Desired(
            tenant=tenant,
            applications=applications,
            resource_servers=apis,
            client_grants=grants,
            users=users,
            ignored=tuple(self._remarks.ignored),
            warnings=tuple(self._remarks.warnings),
            paths=self._paths,
            made_up_ids=frozenset(self._made_up_ids),
        )

    # ---- The sections

    def _tenant(self, raw: object, apis: Mapping[str, ResourceServer] | None) -> Tenant | None:
        path: Path = ("tenant",)
        settings = self._remarks.model(file.TenantSettings, raw, path, properties.TENANT)
        if settings is None:
            return None
        absolute = self._session_lifetime(settings, "session_lifetime", lifetimes.SESSION)
        idle = self._session_lifetime(settings, "idle_session_lifetime", min(lifetimes.IDLE_SESSION, absolute))
        if idle > absolute:
            self._remarks.refuse((*path, "idle_session_lifetime"), "must not be longer than session_lifetime")
        if settings.default_audience and apis is not None and settings.default_audience not in apis:
            self._remarks.refuse((*path, "default_audience"), "names no API of resourceServers")
        if settings.support_url is not None:
            addresses.check_link((*path, "support_url"), settings.support_url, self._remarks)
        addresses.check_redirects(
            (*path, "allowed_logout_urls"), settings.allowed_logout_urls, self._remarks, native=False
        )
        self._check_not_before(path, settings.not_before)
        charset, mask = UserCodeCharset(settings.device_flow.charset), settings.device_flow.mask
        if user_code.combinations(charset, mask) < user_code.FEWEST_CODES:
            self._remarks.refuse(
                (*path, "device_flow", "mask"), "is too short: such codes can be guessed; 7 letters or 9 digits will do"
            )
        return Tenant(
            friendly_name=settings.friendly_name,
            support_url=settings.support_url,
            default_audience=settings.default_audience,
            session_lifetime=absolute,
            idle_session_lifetime=idle,
            allowed_logout_urls=frozenset(settings.allowed_logout_urls),
            require_pushed_requests=settings.flags.require_pushed_authorization_requests,
            revocation_ends_grant=settings.flags.revoke_refresh_token_grant,
            user_code_charset=charset,
            user_code_mask=mask,
            not_before=settings.not_before,
        )

    def _session_lifetime(self, settings: file.TenantSettings, name: str, default: int) -> int:
        hours, minutes = getattr(settings, name), getattr(settings, f"{name}_in_minutes")
        if hours is not None and minutes is not None:
            self._remarks.refuse(("tenant", name), f"must not be given together with {name}_in_minutes")
        if minutes is not None:
            return int(minutes) * lifetimes.MINUTE
        return default if hours is None else max(1, round(hours * lifetimes.HOUR))

    def _apis(self, raw: object) -> dict[str, ResourceServer]:
        apis: dict[str, ResourceServer] = {}
        for path, element in self._remarks.elements(raw, "resourceServers"):
            if (reason := foreign_objects.api(element)) is not None:
                self._remarks.ignore(path, reason)
                continue
            api = self._api(element, path)
            if api is None:
                continue
            if api.identifier in apis:
                self._remarks.refuse((*path, "identifier"), "is given twice")
            apis[api.identifier] = api
            self._paths["resourceServers", api.identifier] = path
        return apis

    def _api(self, raw: object, path: Path) -> ResourceServer | None:
        api = self._remarks.model(file.Api, raw, path, properties.RESOURCE_SERVER)
        if api is None:
            return None
        if management_api.is_meant_by(api.identifier):
            self._remarks.ignore((*path, "identifier"), "is that of the Management API, which is always there as it is")
            return None
        scopes: dict[str, str] = {}
        for index, one in enumerate(api.scopes):
            where = (*path, "scopes", index, "value")
            if one.value in scope.STANDARD_SCOPES:
                self._remarks.refuse(where, f"{one.value} is a scope of OpenID Connect; an API cannot have it")
            if one.value in scopes:
                self._remarks.refuse(where, "is given twice")
            scopes[one.value] = one.description
        size = len(api.identifier) + len(scope.render(frozenset(scopes) | scope.STANDARD_SCOPES))
        if size > LARGEST_SCOPE_AND_AUDIENCE:
            self._remarks.warn(
                path,
                f"identifier and all scopes together have {size} characters; a login that asks for more than"
                f" {LARGEST_SCOPE_AND_AUDIENCE} of them is refused",
            )
        return ResourceServer(
            identifier=api.identifier,
            name=api.name or api.identifier,
            scopes=scopes,
            allow_offline_access=api.allow_offline_access,
            token_lifetime=api.token_lifetime,
            token_dialect=TokenDialect(api.token_dialect),
            skip_consent_for_first_party=api.skip_consent_for_verifiable_first_party_clients,
            proof_required_for=self._proof_required_for(api.proof_of_possession, (*path, "proof_of_possession")),
        )

    def _proof_required_for(self, policy: file.ProofOfPossession | None, path: Path) -> ProofRequirement:
        if policy is None or not policy.required:
            return ProofRequirement.NOBODY
        if policy.mechanism == "none":
            self._remarks.refuse((*path, "mechanism"), "must be dpop where required is true")
        return ProofRequirement(policy.required_for)

    def _applications(self, raw: object) -> dict[str, Application]:
        applications: dict[str, Application] = {}
        for path, element in self._remarks.elements(raw, "clients"):
            if (reason := foreign_objects.client(element)) is not None:
                self._remarks.ignore(path, reason)
                self._left_out |= _references_to(element)
                continue
            application = self._application(element, path)
            if application is None:
                continue
            if application.client_id in applications:
                self._remarks.refuse(
                    (*path, "client_id"), "is given twice, or it is missing and two clients have one name"
                )
            applications[application.client_id] = application
            self._paths["clients", application.client_id] = path
        return applications

    def _application(self, raw: object, path: Path) -> Application | None:
        client = self._remarks.model(file.Client, raw, path, properties.CLIENT)
        if client is None:
            return None
        app_type = self._app_type(client, path)
        method = self._authentication_method(client, app_type, path)
        confidential = method is not AuthenticationMethod.NONE
        native = app_type is ApplicationType.NATIVE
        if not confidential and not client.require_proof_key:
            self._remarks.refuse((*path, "require_proof_key"), "must be true: a client that keeps no secret needs PKCE")
        keeps_secret = confidential and method is not AuthenticationMethod.PRIVATE_KEY_JWT
        if not keeps_secret and client.client_secret is not None:
            self._remarks.ignore((*path, "client_secret"), "the client authenticates without one")
        addresses.check_redirects((*path, "callbacks"), client.callbacks, self._remarks, native=native)
        addresses.check_redirects(
            (*path, "allowed_logout_urls"), client.allowed_logout_urls, self._remarks, native=native
        )
        addresses.check_origins((*path, "web_origins"), client.web_origins, self._remarks)
        addresses.check_origins((*path, "allowed_origins"), client.allowed_origins, self._remarks)
        if client.logo_uri is not None:
            addresses.check_link((*path, "logo_uri"), client.logo_uri, self._remarks)
        if app_type is ApplicationType.SINGLE_PAGE and not client.web_origins and not client.allowed_origins:
            self._remarks.warn(path, "a single-page application without web_origins cannot read our answers")
        self._check_not_before(path, client.not_before)
        grant_types = self._grant_types(client, app_type, path)
        if client.client_id is None:
            self._made_up_ids.add(generated_client_id(client.name))
        return Application(
            client_id=client.client_id or generated_client_id(client.name),
            name=client.name,
            app_type=app_type,
            token_endpoint_auth_method=method,
            secret_digest=secret_digest(client.client_secret) if keeps_secret and client.client_secret else None,
            public_keys=self._public_keys(client, method, path),
            is_first_party=client.is_first_party,
            oidc_conformant=client.oidc_conformant,
            require_proof_key=client.require_proof_key,
            require_proof_of_possession=client.require_proof_of_possession,
            require_pushed_authorization_requests=client.require_pushed_authorization_requests,
            logo_uri=client.logo_uri,
            callbacks=frozenset(client.callbacks),
            allowed_logout_urls=frozenset(client.allowed_logout_urls),
            backchannel_logout_url=self._backchannel_logout_url(client, path),
            web_origins=frozenset(client.web_origins),
            allowed_origins=frozenset(client.allowed_origins),
            grant_types=grant_types,
            refresh_token=refresh_tokens.of_client(
                client, app_type, grant_types, (*path, "refresh_token"), self._remarks
            ),
            id_token_lifetime=client.jwt_configuration.lifetime_in_seconds,
            not_before=client.not_before,
        )

    def _app_type(self, client: file.Client, path: Path) -> ApplicationType:
        """Return the kind of application; Auth0 makes some of none, which are the most careful about what they may."""
        if client.app_type is None:
            self._remarks.warn((*path, "app_type"), "is missing, so this is taken for regular_web")
            return ApplicationType.REGULAR_WEB
        return ApplicationType(client.app_type)

    def _authentication_method(
        self, client: file.Client, app_type: ApplicationType, path: Path
    ) -> AuthenticationMethod:
        public = app_type in {ApplicationType.SINGLE_PAGE, ApplicationType.NATIVE}
        if client.token_endpoint_auth_method is None:
            if client.client_authentication_methods:
                return AuthenticationMethod.PRIVATE_KEY_JWT
            return AuthenticationMethod.NONE if public else AuthenticationMethod.CLIENT_SECRET_POST
        method = AuthenticationMethod(client.token_endpoint_auth_method)
        if app_type is ApplicationType.SINGLE_PAGE and method is not AuthenticationMethod.NONE:
            self._remarks.refuse(
                (*path, "token_endpoint_auth_method"), "must be none: everybody can read a single-page application"
            )
        return method

    def _public_keys(self, client: file.Client, method: AuthenticationMethod, path: Path) -> tuple[ClientKey, ...]:
        if method is AuthenticationMethod.PRIVATE_KEY_JWT:
            return client_keys.of_client(client, path, self._remarks)
        if client.jwks is not None or client.client_authentication_methods:
            self._remarks.refuse(
                (*path, "token_endpoint_auth_method"), "must be private_key_jwt for the client's keys to mean anything"
            )
        return ()

    def _grant_types(self, client: file.Client, app_type: ApplicationType, path: Path) -> frozenset[str]:
        offered = frozenset(grant.value for grant in GrantType)
        if client.grant_types is None:
            return _MACHINE_GRANTS if app_type is ApplicationType.NON_INTERACTIVE else _LOGIN_GRANTS
        for index, grant in enumerate(client.grant_types):
            if grant not in offered:
                self._remarks.ignore((*path, "grant_types", index), f"{grant} is not offered")
            elif grant == GrantType.DEVICE_CODE and app_type is not ApplicationType.NATIVE:
                self._remarks.ignore((*path, "grant_types", index), f"{grant} is for native applications alone")
        if app_type is not ApplicationType.NATIVE:
            offered -= {GrantType.DEVICE_CODE.value}
        return offered.intersection(client.grant_types)

    def _backchannel_logout_url(self, client: file.Client, path: Path) -> str | None:
        """Return where the application hears of logouts; both of Auth0's names for it are read."""
        now, formerly = client.oidc_logout, client.oidc_backchannel_logout
        for name, given in (("oidc_logout", now), ("oidc_backchannel_logout", formerly)):
            addresses.check_redirects(
                (*path, name, "backchannel_logout_urls"), given.backchannel_logout_urls, self._remarks, native=False
            )
        urls = {*now.backchannel_logout_urls, *formerly.backchannel_logout_urls}
        if len(urls) > 1:
            self._remarks.refuse((*path, "oidc_backchannel_logout"), "has another URL than oidc_logout")
        initiators = now.backchannel_logout_initiators
        unsent = ["all"] if initiators.mode == "all" else sorted({*initiators.selected_initiators} - _SENT_INITIATORS)
        if urls and unsent:
            where = (*path, "oidc_logout", "backchannel_logout_initiators")
            self._remarks.ignore(where, f"{', '.join(unsent)}: sent after a logout alone")
        return next(iter(urls), None)

    def _users(self, raw: object) -> tuple[DesiredUser, ...]:
        users: list[DesiredUser] = []
        ids: set[str] = set()
        taken: set[str] = set()
        for path, element in self._remarks.elements(raw, "users"):
            person = self._remarks.model(file.Person, element, path, properties.USER)
            if person is None:
                continue
            if person.user_id in ids:
                self._remarks.refuse((*path, "user_id"), "is given twice")
            if (address := normalised_email(person.email)) in taken:
                self._remarks.refuse((*path, "email"), "is another user's")
            ids.add(person.user_id)
            taken.add(address)
            self._paths["users", person.user_id] = path
            own = {"user_id", "email", "password", "blocked"}
            claims = person.model_dump(exclude=own, exclude_none=True)
            users.append(DesiredUser(person.user_id, person.email, person.password, person.blocked, claims))
        return tuple(users)

    # ---- The rules

    def _check_leeways(self, applications: Mapping[str, Application], apis: Mapping[str, ResourceServer]) -> None:
        for application, text in leeway_problems(applications.values(), apis.values()):
            self._remarks.refuse((*self._paths["clients", application.client_id], "refresh_token", "leeway"), text)
        shortest = shortest_access_token(apis.values())
        for application in applications.values():
            leeway = application.refresh_token.leeway
            if application.refresh_token.rotating and shortest > leeway > shortest / _GENEROUS_LEEWAY:
                self._remarks.warn(
                    (*self._paths["clients", application.client_id], "refresh_token", "leeway"),
                    f"{leeway} s is more than a tenth of the shortest access token lifetime, {shortest} s:"
                    " theft is noticed that much later",
                )

    def _check_policies(self, applications: Mapping[str, Application], apis: Mapping[str, ResourceServer]) -> None:
        for application in applications.values():
            for index, (audience, values) in enumerate(application.refresh_token.policies.items()):
                path = (*self._paths["clients", application.client_id], "refresh_token", "policies", index)
                api = apis.get(audience)
                if api is None:
                    self._remarks.warn((*path, "audience"), "names no API of resourceServers, and has no effect")
                elif not api.skip_consent_for_first_party:
                    self._remarks.warn((*path, "audience"), "has no effect: this API asks for consent")
                elif unknown := values - api.scopes.keys():
                    self._remarks.warn((*path, "scope"), f"has no effect: the API has no {', '.join(sorted(unknown))}")

    def _check_not_before(self, path: Path, not_before: int) -> None:
        if not_before > self._now:
            self._remarks.refuse((*path, "not_before"), "must not be in the future: nobody could log in until then")


def _references_to(client: object) -> set[str]:
    """Return what a client grant may call a client."""
    named = client if isinstance(client, dict) else {}
    return {value for value in (named.get("client_id"), named.get("name")) if isinstance(value, str)}
