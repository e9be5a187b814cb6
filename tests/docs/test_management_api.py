"""The page about the Management API has all of its routes with their scopes, and no others."""

import re

from local.template import ROOT
from tests.management.administrator import Administrator
from tests.service import Service

PAGE = (ROOT / "docs/management-api.md").read_text("utf-8")
ROW = re.compile(r"^\| `([A-Z]+) /api/v2/(\S+)` \| (?:`(\S+)`|none) \|$", re.MULTILINE)


def test_every_route_is_there_with_its_scope_and_none_that_there_is_not(service: Service) -> None:
    routes = Administrator(service).api.routes

    assert ROW.findall(PAGE) == [(route.method, route.path, route.scope or "") for route in routes]
