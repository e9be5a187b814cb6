"""The domain of one's own, and what the API is told about the edge before it."""

import re

import pytest

from local.template import Template, environment

DIGEST = "0123456789abcdef" * 4


def matches(template: Template, parameter: str, value: str) -> bool:
    return re.fullmatch(template.document["Parameters"][parameter]["AllowedPattern"], value) is not None


@pytest.mark.parametrize("digests", ["", DIGEST, f"{DIGEST},{DIGEST}"])
def test_one_or_two_digests_are_taken(template: Template, digests: str) -> None:
    assert matches(template, "EdgeSecretDigests", digests)


@pytest.mark.parametrize("digests", [DIGEST[1:], DIGEST.upper(), f"{DIGEST},", f"{DIGEST},{DIGEST},{DIGEST}", "secret"])
def test_what_is_no_digest_is_refused_before_anything_is_made(template: Template, digests: str) -> None:
    """A secret in its place would stand in the functions' environment in clear."""
    assert not matches(template, "EdgeSecretDigests", digests)


def test_nothing_changes_without_an_edge_and_with_one_nobody_comes_around_it(template: Template) -> None:
    variables = environment(template, issuer="http://localhost/")

    assert variables["EDGE_SECRET_DIGESTS"] == ""
    assert variables["DIRECT_ACCESS"] == "refused"
    assert template.document["Parameters"]["DirectAccess"]["AllowedValues"] == ["refused", "allowed"]


def test_the_name_leads_to_the_edge_if_there_is_one_else_to_the_api_by_both_families_of_addresses(
    template: Template,
) -> None:
    records = template.of_type("AWS::Route53::RecordSet").values()

    assert [record["Type"] for record in records] == ["A", "AAAA"]
    for record in records:
        assert record["Name"] == {"Ref": "DomainName"}
        assert record["AliasTarget"] == {
            "DNSName": {
                "Fn::If": ["HasEdge", {"Ref": "EdgeDomainName"}, {"Fn::GetAtt": ["Domain", "RegionalDomainName"]}]
            },
            "HostedZoneId": {
                "Fn::If": ["HasEdge", "Z2FDTNDATAQYW2", {"Fn::GetAtt": ["Domain", "RegionalHostedZoneId"]}]
            },
        }


def test_ipv6_is_answered_wherever_the_name_leads(template: Template) -> None:
    """An AAAA record of a name that has no such address answers nothing."""
    (domain,) = template.of_type("AWS::ApiGatewayV2::DomainName").values()
    (configuration,) = domain["DomainNameConfigurations"]
    (api,) = template.of_type("AWS::ApiGatewayV2::Api").values()

    assert configuration["IpAddressType"] == api["IpAddressType"] == "dualstack"
    assert configuration["SecurityPolicy"] == "TLS_1_2"


@pytest.mark.parametrize(
    ("name", "right"), [("", True), ("d111111abcdef8.cloudfront.net", True), ("login.example.com", False)]
)
def test_the_edge_is_a_distribution(template: Template, name: str, *, right: bool) -> None:
    assert matches(template, "EdgeDomainName", name) is right
