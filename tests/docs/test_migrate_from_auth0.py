"""The page about the way from Auth0: its commands work, and it has every section and every refusal of an export."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from heirloom.tenant import properties
from heirloom.tenant.reading import generated_client_id
from local import processes
from local.template import ROOT
from tests.docs.typing_along import Stack, commands
from tests.service import claims_of
from tests.tenant.test_auth0_export import EXPORT, VALUES

PAGE = (ROOT / "docs/migrate-from-auth0.md").read_text("utf-8")
PASSWORD = "what was typed at Auth0"
SHOP = {
    "client_id": generated_client_id("Shop"),
    "redirect_uri": "https://shop.example.com/callback",
    "audience": "https://orders.example.com/",
    "scope": "openid offline_access read:orders",
}


def rows(heading: str) -> list[tuple[str, str]]:
    """The first two cells of every row of a table."""
    lines = PAGE.partition(f"{heading}\n")[2].partition("\n\n")[0].splitlines()[1:]
    first, second = ([line.strip("|").split("|")[column].strip() for line in lines] for column in (0, 1))
    return list(zip(first, second, strict=True))


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_section_of_an_export_is_there_once() -> None:
    told = [name for sections, _ in rows("| section | here |") for name in names(sections)]
    known = (
        properties.FILE.ignored | properties.FILE.protective | {"tenant", "clients", "resourceServers", "clientGrants"}
    )

    assert sorted(told) == sorted(known)


def test_whatever_is_refused_is_there() -> None:
    told = {of: set(names(refused)) for of, refused in rows("| of | refused |")}

    assert told == {
        "file": properties.FILE.protective,
        "`clients`": properties.CLIENT.protective,
        "`client_authentication_methods`": properties.CLIENT_AUTHENTICATION_METHODS.protective,
        "its `credentials`": properties.CREDENTIAL.protective,
        "`resourceServers`": properties.RESOURCE_SERVER.protective,
        "`clientGrants`": properties.CLIENT_GRANT.protective,
        "`tenant`": properties.TENANT.protective,
        "imported users": properties.IMPORTED_USER.protective,
    }


@pytest.fixture(name="migrated")
def _migrated(tmp_path: Path) -> Iterator[Stack]:
    """A stack, and beside it what came from Auth0."""
    config, users = tmp_path / "config.json", tmp_path / "users.json"
    config.write_text(json.dumps({"AUTH0_KEYWORD_REPLACE_MAPPINGS": VALUES}))
    digest = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    users.write_text(json.dumps({"_id": {"$oid": "f00"}, "email": "carol@example.com", "passwordHash": digest}))
    with processes.ministack() as endpoint:
        yield Stack(
            endpoint, **{"auth0/tenant.yaml": str(EXPORT), "config.json": str(config), "users.json": str(users)}
        )


def test_who_follows_the_page_has_users_who_log_in_once_with_their_passwords(
    migrated: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in commands(PAGE):
        migrated.type(command)

    tokens = migrated.log_in(SHOP, email="carol@example.com", password=PASSWORD)
    assert claims_of(tokens["access_token"])["sub"] == "auth0|f00"
    shop = {"client_id": SHOP["client_id"]}
    of_auth0 = migrated.send("token/refresh", refresh_token="v1.MTIzNDU2Nzg5MGFiY2RlZg", **shop)
    assert json.loads(of_auth0["body"])["error"] == "invalid_grant"
    assert migrated.send("token/refresh", refresh_token=tokens["refresh_token"], **shop)["statusCode"] == 200
    capsys.readouterr()
