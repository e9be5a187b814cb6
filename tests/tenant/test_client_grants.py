"""What machines may get is declared as in Auth0's deploy CLI, and applied like everything else."""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from heirloom.domain.client_grant import ClientGrant
from heirloom.tenant import reading
from heirloom.tenant.applying import DeletionRefused
from heirloom.tenant.remarks import Invalid
from tests import service as harness
from tests.tenant.documents import ADA, API, NOTES_API, NOW, SPA, WEB
from tests.tenant.test_applying import Stack, differences, headlines

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MACHINE = {"name": "Nightly report", "client_id": "machine", "client_secret": "m" * 32, "app_type": "non_interactive"}
GRANT = {"client_id": "machine", "audience": API, "scope": ["read:notes"]}
TWO_SCOPES = NOTES_API | {"scopes": [{"value": "read:notes"}, {"value": "write:notes"}]}
WHOLE: dict[str, Any] = {"clients": [SPA, WEB, MACHINE], "resourceServers": [TWO_SCOPES], "clientGrants": [GRANT]}
PROTECTS = "protects something in Auth0 and is not supported here: take it out, or turn it off"
GRANTED = ClientGrant("machine", API, frozenset({"read:notes"}))


def with_grants(*grants: Mapping[str, Any], **sections: Any) -> dict[str, Any]:
    return {**copy.deepcopy(WHOLE), "clientGrants": list(grants), **sections}


def without(section: str) -> dict[str, Any]:
    return {name: value for name, value in WHOLE.items() if name != section}


@pytest.fixture
def stack(tables: "tuple[DynamoDBClient, Mapping[str, str]]") -> Stack:
    harness.empty(*tables)
    return Stack(*tables)


def problems(stack: Stack, document: dict[str, Any]) -> list[str]:
    with pytest.raises(Invalid) as refused:
        stack.plan(document)
    return [str(remark) for remark in refused.value.remarks]


def test_a_client_grant_comes_last_and_reaches_the_functions(stack: Stack) -> None:
    plan = stack.plan(WHOLE)

    assert headlines(plan)[-1] == f"create client_grant machine {API}"
    stack.apply(WHOLE)
    assert stack.configuration.client_grant("machine", API) == GRANTED
    assert stack.configuration.client_grant("web", API) is None
    assert stack.plan(WHOLE).changes == ()


@pytest.mark.parametrize("reference", ["machine", "Nightly report"])
def test_a_client_is_meant_by_its_id_or_by_its_name_as_in_exports(stack: Stack, reference: str) -> None:
    stack.apply(with_grants(GRANT | {"client_id": reference}))

    assert stack.configuration.client_grant("machine", API) == GRANTED


def test_a_client_whose_id_is_another_ones_name_is_meant_by_it(stack: Stack) -> None:
    clients = [MACHINE, MACHINE | {"client_id": "other", "name": "machine"}]
    stack.apply(with_grants(GRANT, clients=clients))

    assert stack.configuration.client_grant("machine", API) == GRANTED
    assert stack.configuration.client_grant("other", API) is None


def test_a_client_without_an_id_in_the_file_is_meant_by_its_name(stack: Stack) -> None:
    nameless = {name: value for name, value in MACHINE.items() if name != "client_id"}
    stack.apply(with_grants(GRANT | {"client_id": "Nightly report"}, clients=[nameless]))

    client_id = reading.generated_client_id("Nightly report")
    assert stack.configuration.client_grant(client_id, API) == ClientGrant(client_id, API, frozenset({"read:notes"}))


def test_a_change_of_scope_is_shown_and_made(stack: Stack) -> None:
    stack.apply(WHOLE)
    document = with_grants(GRANT | {"scope": ["write:notes", "read:notes"]})

    plan = stack.plan(document)

    assert headlines(plan) == [f"update client_grant machine {API}"]
    assert differences(plan) == ["scope: read:notes → read:notes, write:notes"]
    stack.apply(document)
    assert stack.plan(document).changes == ()


def test_the_order_of_scopes_is_no_change(stack: Stack) -> None:
    stack.apply(with_grants(GRANT | {"scope": ["write:notes", "read:notes"]}))

    assert stack.plan(with_grants(GRANT | {"scope": ["read:notes", "write:notes"]})).changes == ()


def test_without_scopes_it_is_a_grant_of_none(stack: Stack) -> None:
    stack.apply(with_grants({"client_id": "machine", "audience": API}))

    assert stack.configuration.client_grant("machine", API) == ClientGrant("machine", API, frozenset())


def test_a_grant_that_left_the_file_is_withdrawn_only_by_permission(stack: Stack) -> None:
    stack.apply(WHOLE)

    with pytest.raises(DeletionRefused, match=f"client_grant machine {API}"):
        stack.apply(with_grants())
    assert stack.configuration.client_grant("machine", API) == GRANTED
    stack.apply(with_grants(), allow_delete=True)
    assert stack.configuration.client_grant("machine", API) is None
    assert stack.plan(with_grants()).changes == ()


def test_a_section_that_is_not_there_leaves_the_grants(stack: Stack) -> None:
    stack.apply(WHOLE)

    for section in WHOLE:
        assert stack.plan(without(section)).changes == ()
    assert stack.plan({}).changes == ()


def test_a_grant_goes_with_its_client_or_its_api_and_before_them(stack: Stack) -> None:
    stack.apply(WHOLE)
    for document, gone in (
        ({"clients": [SPA, WEB]}, "delete application machine"),
        ({"resourceServers": []}, f"delete resource_server {API}"),
    ):
        assert headlines(stack.plan(document)) == [f"delete client_grant machine {API}", gone]
    stack.apply({"clients": [SPA, WEB]}, allow_delete=True)
    assert stack.configuration.client_grant("machine", API) is None


def test_the_section_alone_is_for_the_clients_and_apis_that_are_there(stack: Stack) -> None:
    stack.apply(without("clientGrants"))

    stack.apply({"clientGrants": [GRANT | {"client_id": "Nightly report"}]})

    assert stack.configuration.client_grant("machine", API) == GRANTED


@pytest.mark.parametrize(
    ("grants", "clients", "problem"),
    [
        ([GRANT | {"client_id": "nobody"}], None, "[0].client_id: is neither the id nor the name of a client"),
        (
            [GRANT | {"client_id": "Nightly report"}],
            [MACHINE, MACHINE | {"client_id": "other"}],
            "[0].client_id: is the name of several clients: give the id",
        ),
        (
            [GRANT | {"client_id": "spa"}],
            None,
            "[0].client_id: is a public client: it cannot prove to be the one that is granted this",
        ),
        (
            [GRANT | {"client_id": "web"}],
            None,
            "[0].client_id: is a client without client_credentials among its grant_types",
        ),
        ([GRANT | {"audience": "https://nowhere.example/"}], None, "[0].audience: is no API of this tenant"),
        ([GRANT | {"scope": ["read:notes", "admin"]}], None, "[0].scope[1]: admin is no scope of the API"),
        ([GRANT | {"scope": ["openid"]}], None, "[0].scope[0]: openid is no scope of the API"),
        (
            [GRANT, GRANT | {"client_id": "Nightly report", "scope": ["write:notes"]}],
            None,
            "[1]: is given twice: one grant has all scopes of a client at an API",
        ),
    ],
)
def test_a_grant_that_cannot_be_is_named_with_its_place(
    stack: Stack, grants: list[Any], clients: list[Any] | None, problem: str
) -> None:
    document = with_grants(*grants, **{} if clients is None else {"clients": clients})

    assert problems(stack, document) == [f"clientGrants{problem}"]


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({}, "clientGrants: must be a list"),
        (["machine"], "clientGrants[0]: must be a mapping of properties"),
        ([{"audience": API}], "clientGrants[0].client_id: is missing"),
        ([{"client_id": "machine"}], "clientGrants[0].audience: is missing"),
        ([GRANT | {"scope": "read:notes"}], "clientGrants[0].scope: Input should be a valid list"),
        (
            [GRANT | {"scope": ["read notes"]}],
            "clientGrants[0].scope[0]: must be 1 to 280 ASCII characters without spaces, quotes, backslashes",
        ),
        ([GRANT | {"scopes": ["read:notes"]}], "clientGrants[0].scopes: unknown property; did you mean scope?"),
        ([GRANT | {"subject_type": "device"}], "clientGrants[0].subject_type: Input should be 'client' or 'user'"),
        (
            [GRANT | {"organization_usage": "require"}],
            f"clientGrants[0].organization_usage: {PROTECTS}",
        ),
    ],
)
def test_a_section_that_is_none_is_refused(section: object, problem: str) -> None:
    with pytest.raises(Invalid) as refused:
        reading.read({"clientGrants": section}, now=NOW)
    assert [str(remark) for remark in refused.value.remarks] == [problem]


def test_what_an_export_has_besides_is_reported(stack: Stack) -> None:
    exported = GRANT | {
        "id": "cgr_1",
        "is_system": False,
        "allow_any_organization": False,
        "organization_usage": "deny",
    }

    plan = stack.plan(with_grants(exported))

    assert [str(remark) for remark in plan.ignored] == [
        "clientGrants[0].id: not supported",
        "clientGrants[0].is_system: not supported",
        "clientGrants[0].allow_any_organization: not supported",
        "clientGrants[0].organization_usage: not supported",
    ]


def test_a_grant_about_people_is_none_for_a_machine(stack: Stack) -> None:
    plan = stack.plan(with_grants(GRANT | {"subject_type": "user"}))

    assert not [line for line in headlines(plan) if "client_grant" in line]
    assert [str(remark) for remark in plan.ignored] == [
        "clientGrants[0].subject_type: user is not supported, so this grant has no effect"
    ]


def test_no_user_may_be_taken_for_a_client(stack: Stack) -> None:
    """In RFC 9068's profile the `sub` of a machine's token is its client id."""
    expected = ["users[0].user_id: is the id of a client: access tokens would not tell them apart"]

    assert problems(stack, {**WHOLE, "users": [ADA | {"user_id": "machine"}]}) == expected


# ---- The Management API


@pytest.mark.parametrize(
    "audience",
    ["https://login.example/api/v2/", "https://tenant.eu.auth0.com/api/v2/", "http://localhost:8400/api/v2/"],
)
def test_a_grant_at_any_management_api_is_one_at_that_of_the_stack(stack: Stack, audience: str) -> None:
    stack.apply(with_grants({"client_id": "machine", "audience": audience, "scope": ["read:users"]}))

    grant = ClientGrant("machine", "api/v2/", frozenset({"read:users"}))
    assert stack.configuration.client_grant("machine", "api/v2/") == grant
    assert stack.plan({"resourceServers": [TWO_SCOPES]}).changes == (), "no file without grants takes it away"


def test_scopes_of_auth0s_management_api_that_are_none_here_are_reported(stack: Stack) -> None:
    audience = "https://tenant.eu.auth0.com/api/v2/"
    plan = stack.plan(with_grants(GRANT | {"audience": audience, "scope": ["read:connections", "read:users"]}))

    assert [str(remark) for remark in plan.ignored] == [
        "clientGrants[0].scope[0]: read:connections is no scope of the Management API here"
    ]


def test_an_api_with_the_audience_of_the_management_api_is_not_declared(stack: Stack) -> None:
    """People's logins would get access tokens for it."""
    system = {"identifier": "https://tenant.eu.auth0.com/api/v2/", "name": "Auth0 Management API", "is_system": True}
    plan = stack.plan(WHOLE | {"resourceServers": [TWO_SCOPES, system]})

    assert not [change for change in plan.changes if "api/v2" in change.name]
    assert "resourceServers[1].identifier: is that of the Management API, which is always there as it is" in map(
        str, plan.ignored
    )
