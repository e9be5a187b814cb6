"""An export of Auth0's deploy CLI goes in: what there is here takes effect, all else is listed with its line."""

import json
from pathlib import Path

import pytest

from cli import keywords, tenant_file
from cli.tenant_file import Unreadable
from heirloom.domain.application import ApplicationType, AuthenticationMethod
from heirloom.tenant.planning import Plan
from heirloom.tenant.reading import generated_client_id
from heirloom.tenant.remarks import Invalid
from tests.tenant.documents import Document
from tests.tenant.test_exporting import Memory, applied, plan

EXPORT = Path(__file__).parent / "auth0-tenant.yaml"
VALUES = {
    "SHOP_NAME": "The shop",
    "SHOP_HOST": "shop.example.com",
    "SHOP_CALLBACKS": ["https://shop.example.com/callback", "https://shop.example.com/silent"],
}
FILE = tenant_file.load(EXPORT, VALUES)
SECTIONS: Document = FILE.document  # type: ignore[assignment] # the file is one of sections


@pytest.fixture(name="planned", scope="module")
def _planned() -> Plan:
    return plan(FILE.document, Memory())


def test_what_there_is_here_takes_effect() -> None:
    store = applied(FILE.document)

    applications = {
        application["name"]: application for application in map(json.loads, store.kept["application"].values())
    }
    assert set(applications) == {
        "Default App",
        "Shop",
        "Old shop",
        "Shop on the phone",
        "Nightly billing",
        "auth0-deploy-cli-extension",
    }
    shop = applications["Shop"]
    assert shop["callbacks"] == sorted(VALUES["SHOP_CALLBACKS"])
    assert shop["web_origins"] == ["https://shop.example.com"]
    assert shop["refresh_token"]["idle_lifetime"] == 1296000
    assert applications["Default App"]["app_type"] == ApplicationType.REGULAR_WEB
    assert applications["Default App"]["token_endpoint_auth_method"] == AuthenticationMethod.CLIENT_SECRET_POST
    assert applications["Default App"]["refresh_token"]["absolute_lifetime"] is None
    assert applications["Shop on the phone"]["refresh_token"]["policies"] == {
        "https://orders.example.com/": ["read:orders"]
    }
    assert set(store.kept["resource_server"]) == {"https://orders.example.com/"}
    (tenant,) = map(json.loads, store.kept["tenant"].values())
    assert tenant["friendly_name"] == "The shop"
    assert tenant["session_lifetime"] == 10860
    grants = {
        (grant["client_id"], grant["audience"]): grant["scope"]
        for grant in map(json.loads, store.kept["client_grant"].values())
    }
    assert grants == {
        (generated_client_id("Nightly billing"), "https://orders.example.com/"): ["read:orders"],
        (generated_client_id("auth0-deploy-cli-extension"), "api/v2/"): ["read:clients", "update:clients"],
    }


def test_it_changes_nothing_the_second_time() -> None:
    assert plan(FILE.document, applied(FILE.document)).changes == ()


def test_every_line_that_has_no_effect_is_listed(planned: Plan) -> None:
    """What is neither listed nor part of something listed has an effect, or is off where there is nothing to be on."""
    listed = {(problem.path, problem.text) for problem in FILE.located(planned.ignored)}

    unsupported = set(SECTIONS) - {"tenant", "clients", "resourceServers", "clientGrants"}
    assert {(section, "not supported") for section in unsupported} <= listed
    assert {
        ("resourceServers[0].some_newer_property", "unknown property, without a value"),
        ("resourceServers[1]", "is Auth0's own, and left out"),
        ("clients[1].grant_types[3]", "http://auth0.com/oauth/grant-type/mfa-otp is not offered"),
        ("clients[1].custom_login_page", "not supported"),
        ("clients[1].native_social_login", "not supported"),
        ("clients[2].refresh_token", "has no effect: the application gets no refresh tokens"),
        ("clients[6]", "is left out: sso_integration is not supported"),
        ("clients[7]", "is Auth0's own, and left out"),
        ("tenant.session_cookie", "not supported"),
        ("tenant.flags.universal_login", "not supported"),
        ("clientGrants[1].scope[2]", "read:rules is no scope of the Management API here"),
        ("clientGrants[2].subject_type", "user is not supported, so this grant has no effect"),
        ("clientGrants[3].audience", "is Auth0's own, so this grant has no effect"),
        ("clientGrants[4].client_id", "is left out, and so is this grant"),
    } <= listed
    warned = {(problem.path, problem.text) for problem in FILE.located(planned.warnings)}
    assert ("clients[0].app_type", "is missing, so this is taken for regular_web") in warned


def test_each_is_listed_with_its_line_from_top_to_bottom(planned: Plan) -> None:
    text = EXPORT.read_text("utf-8").splitlines()
    located = FILE.located(planned.ignored)

    for problem in located:
        assert problem.line is not None
        last = problem.path.rpartition(".")[2].partition("[")[0]
        assert last in text[problem.line - 1] or problem.path.endswith("]"), problem
    assert [problem.line for problem in located] == sorted(problem.line or 0 for problem in located)


# ---- Keywords


def test_keywords_without_a_value_are_refused_where_something_is_read_and_stay_elsewhere() -> None:
    with pytest.raises(Unreadable) as refused:
        tenant_file.load(EXPORT)

    assert [(problem.path, problem.text) for problem in refused.value.problems] == [
        ("clients[1].allowed_logout_urls[0]", "##SHOP_HOST## has no value"),
        ("clients[1].callbacks", "@@SHOP_CALLBACKS@@ has no value"),
        ("clients[1].web_origins[0]", "##SHOP_HOST## has no value"),
        ("tenant.friendly_name", "##SHOP_NAME## has no value"),
    ]
    lines = EXPORT.read_text("utf-8").splitlines()
    for problem in refused.value.problems:
        assert problem.line is not None
        assert problem.text.partition(" ")[0] in lines[problem.line - 1]
    assert SECTIONS["connections"][0]["options"]["client_id"] == "##GOOGLE_CLIENT_ID##"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("##A##", "a"),
        ("x-##A##-##N##", "x-a-7"),
        ('"##A##"', "a"),
        ("@@A@@", "a"),
        ('"@@L@@"', ["a", "b"]),
        ("'@@L@@'", ["a", "b"]),
        ("@@L@@", ["a", "b"]),
        ("@@M@@", {"k": None}),
        ("##L##", ["a", "b"]),
    ],
)
def test_a_keyword_becomes_what_the_deploy_cli_makes_of_it(tmp_path: Path, written: str, read: object) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text(f"# ##A## and ##UNKNOWN##\n##UNKNOWN##\ntenant:\n  friendly_name: {written}\n")

    values = {"A": "a", "N": 7, "L": ["a", "b"], "M": {"k": None}}
    assert tenant_file.load(path, values).document == {"tenant": {"friendly_name": read}}


def test_a_password_that_looks_like_a_keyword_stays(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text("users:\n  - {user_id: a, password: '##SECRET##', name: \"@@x@@\"}\n")

    assert tenant_file.load(path).document == {"users": [{"user_id": "a", "password": "##SECRET##", "name": "@@x@@"}]}


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("{", "is no JSON"),
        ("[]", "has no AUTH0_KEYWORD_REPLACE_MAPPINGS"),
        ('{"AUTH0_KEYWORD_REPLACE_MAPPINGS": "x"}', "has no AUTH0_KEYWORD_REPLACE_MAPPINGS"),
    ],
)
def test_a_config_without_values_is_refused(tmp_path: Path, config: str, why: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(config)
    with pytest.raises(keywords.Unusable, match=why):
        keywords.of_config(path)
    with pytest.raises(keywords.Unusable, match="No such file"):
        keywords.of_config(tmp_path / "another.json")


def test_the_values_are_those_of_the_deploy_clis_config(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"AUTH0_DOMAIN": "x", "AUTH0_KEYWORD_REPLACE_MAPPINGS": VALUES}))
    assert keywords.of_config(path) == VALUES


# ---- Clients without an id


def clients(*documents: Document) -> Document:
    return {"clients": [{"app_type": "native", **document} for document in documents]}


def test_a_client_without_an_id_is_the_present_one_of_its_name() -> None:
    """Exports leave ids out. Another id would be another client, and everybody of the old one would be logged out."""
    store = applied(clients({"name": "Notes", "client_id": "kept"}, {"name": "Other", "client_id": "other"}))
    changed = plan(clients({"name": "Notes", "oidc_conformant": False}, {"name": "Other"}), store)

    assert [(change.action, change.name) for change in changed.changes] == [("update", "kept")]


def test_of_two_clients_with_one_name_the_file_must_say_which() -> None:
    store = applied(clients({"name": "Notes", "client_id": "one"}, {"name": "Notes", "client_id": "two"}))

    with pytest.raises(Invalid, match=r"clients\[0\].name: is that of several clients: give the client_id"):
        plan(clients({"name": "Notes"}), store)
    one_is_given = clients({"name": "Notes", "client_id": "one"}, {"name": "Notes"})
    assert plan(one_is_given, store).changes == ()


def test_a_client_that_is_new_gets_an_id_of_its_own_and_keeps_it() -> None:
    store = applied(clients({"name": "Notes"}))

    assert list(store.kept["application"]) == [generated_client_id("Notes")]
    assert plan(clients({"name": "Notes"}), store).changes == ()
    assert len(plan(clients({"name": "Renamed", "client_id": generated_client_id("Notes")}), store).changes) == 1
