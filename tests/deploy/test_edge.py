"""The stack with a domain of its own and an edge before it: `heirloom edge` does it all, and the functions obey.

ministack makes distributions and serves nothing through them, so a request here is what CloudFront would send on.
"""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest

from cli.__main__ import main
from local.artifacts import Artifacts
from local.processes import ministack
from local.stores import ACCOUNT
from local.template import Template, routes
from tests.deploy.conftest import STACK, Stack

DOMAIN = "login.example.com"
CERTIFICATE = "arn:aws:acm:{}:000000000000:certificate/abc"
VIEWER, NEIGHBOUR, ELSEWHERE = "203.0.113.9", "2001:db8:85a3::8a2e:370:7334", "192.0.2.66"

type Headers = list[tuple[str, str]]


class Operated:
    """The stack, whoever operates it, and CloudFront."""

    def __init__(self, stack: Stack, zone: str) -> None:
        self.stack = stack
        self.zone = zone

    def edge(self, *arguments: str) -> None:
        """Run `heirloom edge`."""
        with pytest.MonkeyPatch.context() as context:
            for name, value in {**ACCOUNT, "AWS_ENDPOINT_URL": self.stack.endpoint}.items():
                context.setenv(name, value)
            context.setattr("cli.deployed._PAUSE", 0.5)
            assert main(["edge", *arguments, "--stack", STACK, "--yes"]) == 0

    @property
    def distribution(self) -> dict[str, Any]:
        """What CloudFront has been told."""
        client = boto3.client(
            "cloudfront",
            endpoint_url=self.stack.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCOUNT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ACCOUNT["AWS_SECRET_ACCESS_KEY"],
        )
        (distribution,) = client.list_distributions()["DistributionList"]["Items"]
        return dict(distribution)

    @property
    def proof(self) -> Headers:
        """What CloudFront adds to every request."""
        (origin,) = self.distribution["Origins"]["Items"]
        (header,) = origin["CustomHeaders"]["Items"]
        return [(header["HeaderName"], header["HeaderValue"])]

    @property
    def records(self) -> dict[str, str]:
        """Where the domain leads, by type."""
        found = self.stack.client("route53").list_resource_record_sets(HostedZoneId=self.zone)["ResourceRecordSets"]
        return {one["Type"]: one["AliasTarget"]["DNSName"].rstrip(".") for one in found if "AliasTarget" in one}

    def request(self, route: str, headers: Headers) -> httpx.Response:
        method, _, path = route.partition(" ")
        with self.stack.browser() as client:
            # Every command brings new versions, which unpack their layers before they answer.
            return client.request(method, path, headers=headers, timeout=120)

    def status(self, headers: Headers, route: str = "GET /.well-known/jwks.json") -> int:
        """Return how a request is answered."""
        return self.request(route, headers).status_code

    def seen_address(self, headers: Headers) -> str:
        """Return whose the log says that a request was, one that the token function refuses."""
        assert self.status(headers, "POST /oauth/token") == 400
        return str(self.logged[-1]["ip"])

    @property
    def logged(self) -> list[dict[str, Any]]:
        """What the token function has said about requests, in its order."""
        events = self.stack.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{STACK}/token")["events"]
        return [json.loads(event["message"]) for event in events if '"ip":' in event["message"]]


@pytest.fixture(scope="module", name="operated")
def _operated(artifacts: Artifacts) -> Iterator[Operated]:
    with ministack(auth=True) as endpoint:
        stack = Stack(endpoint, {})
        zone = stack.client("route53").create_hosted_zone(Name="example.com", CallerReference="test")["HostedZone"]
        operated = Operated(stack, zone["Id"].rpartition("/")[2])
        certificate = CERTIFICATE.format(ACCOUNT["AWS_REGION"])
        stack.deploy(artifacts.template, DomainName=DOMAIN, CertificateArn=certificate, HostedZoneId=operated.zone)
        (described,) = stack.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        stack.outputs.update({one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]})
        yield operated


def test_a_domain_is_put_behind_an_edge_which_is_then_the_only_way_in(operated: Operated, template: Template) -> None:
    """From a stack with a domain to a closed one: each step is one command."""
    # A domain: both families of addresses lead to the API, and its generated address is off.
    stack = operated.stack
    (api,) = stack.client("apigatewayv2").get_apis()["Items"]
    target = stack.outputs["DomainTarget"]
    assert stack.outputs["Issuer"] == f"https://{DOMAIN}/"
    assert operated.records == {"A": target, "AAAA": target}
    assert api["DisableExecuteApiEndpoint"] is True

    # An edge: the domain leads to it, and the API is told apart who came through it.
    given = [f"CertificateArn={CERTIFICATE.format('us-east-1')}", "RequestLogs=false"]
    operated.edge("deploy", *(part for one in given for part in ("--parameter", one)))
    led = operated.distribution["DomainName"]
    (origin,) = operated.distribution["Origins"]["Items"]
    assert operated.records == {"A": led, "AAAA": led}
    assert origin["DomainName"] == target
    viewer = [("cloudfront-viewer-address", f"{VIEWER}:46532")]
    spoofed = [("cloudfront-viewer-address", f"{ELSEWHERE}:1"), ("x-forwarded-for", ELSEWHERE)]
    assert operated.status([]) == operated.status(operated.proof) == 200
    assert operated.seen_address([*operated.proof, *viewer]) == VIEWER
    assert operated.seen_address([*operated.proof, ("cloudfront-viewer-address", f"{NEIGHBOUR}:1")]) == NEIGHBOUR
    assert operated.seen_address(spoofed) == operated.seen_address([("x-origin-verify", "guess"), *spoofed])
    assert operated.seen_address(spoofed) != ELSEWHERE

    # Closed: whoever comes around it hears the same of every function. (ministack answers OPTIONS by itself.)
    operated.edge("close")
    by_function = {function: route for route, function in routes(template).items() if not route.startswith("OPTIONS")}
    for route in by_function.values():
        refused = operated.request(route, [*spoofed, ("x-origin-verify", "guess")])
        assert (refused.status_code, refused.content) == (403, b""), route
    ((_, secret),) = operated.proof
    assert operated.status([("x-origin-verify", secret)]) == operated.status([("X-ORIGIN-VERIFY", secret)]) == 200
    for twice in (["guess", secret], [secret, "guess"], [secret, secret]):
        assert operated.status([("x-origin-verify", value) for value in twice]) == 403
    assert operated.logged[-1]["reason"] == "did not come through the edge"
    assert operated.logged[-1]["ip"] != ELSEWHERE

    shown = (
        stack.client("cloudformation").describe_stacks(),
        stack.client("lambda").list_functions(),
        operated.logged,
    )
    assert [secret in str(one) for one in shown] == [False, False, False]
