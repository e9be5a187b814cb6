"""CloudFront and its firewall. ministack serves nothing through either, so what they would do is read here."""

import re
import tomllib
from typing import Any

import pytest

from heirloom.adapters.edge import PROOF, VIEWER_ADDRESS
from heirloom.domain.lifetimes import CACHED_JWKS
from heirloom.endpoints.discovery import METADATA_CACHE_LIFETIME
from local.template import ROOT, Template, load, routes

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


@pytest.fixture(scope="module")
def edge() -> Template:
    return load(ROOT / "edge/template.yaml")


@pytest.fixture
def distribution(edge: Template) -> dict[str, Any]:
    (distribution,) = edge.of_type("AWS::CloudFront::Distribution").values()
    configuration: dict[str, Any] = distribution["DistributionConfig"]
    return configuration


@pytest.fixture
def firewall(edge: Template) -> dict[str, Any]:
    (firewall,) = edge.of_type("AWS::WAFv2::WebACL").values()
    return dict(firewall)


@pytest.fixture
def rules(firewall: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every rule by its name, those too that a condition leaves out."""
    return {rule["Name"]: rule for rule in (one["Fn::If"][1] if "Fn::If" in one else one for one in firewall["Rules"])}


@pytest.fixture
def limits(rules: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The statement of every rule that counts."""
    statements = {name: rule["Statement"].get("RateBasedStatement") for name, rule in rules.items()}
    return {name: statement for name, statement in statements.items() if statement}


def policy(edge: Template, logical_id: str) -> dict[str, Any]:
    ((_, configuration),) = edge.resources[logical_id]["Properties"].items()
    return dict(configuration)


# ---- CloudFront


def test_people_come_by_the_api_s_own_name_over_tls_1_2_or_better(distribution: dict[str, Any]) -> None:
    assert distribution["Aliases"] == [{"Ref": "DomainName"}]
    assert distribution["ViewerCertificate"] == {
        "AcmCertificateArn": {"Ref": "CertificateArn"},
        "MinimumProtocolVersion": "TLSv1.2_2021",
        "SslSupportMethod": "sni-only",
    }
    assert (distribution["HttpVersion"], distribution["IPV6Enabled"]) == ("http2and3", True)
    for behaviour in (distribution["DefaultCacheBehavior"], *distribution["CacheBehaviors"]):
        assert behaviour["ViewerProtocolPolicy"] == "https-only"
        assert behaviour["Compress"] is False


def test_the_api_is_asked_over_https_and_told_the_secret(distribution: dict[str, Any]) -> None:
    (origin,) = distribution["Origins"]

    assert origin["DomainName"] == {"Ref": "ApiDomainTarget"}
    assert origin["CustomOriginConfig"] == {"OriginProtocolPolicy": "https-only", "OriginSSLProtocols": ["TLSv1.2"]}
    (header,) = origin["OriginCustomHeaders"]
    assert (header["HeaderName"].lower(), header["HeaderValue"]) == (PROOF, {"Ref": "OriginSecret"})
    assert {distribution["DefaultCacheBehavior"]["TargetOriginId"]} == {origin["Id"]}


def test_everything_is_passed_on_and_nothing_kept_by_default(edge: Template, distribution: dict[str, Any]) -> None:
    behaviour = distribution["DefaultCacheBehavior"]
    passed_on = policy(edge, behaviour["OriginRequestPolicyId"]["Ref"])

    assert behaviour["CachePolicyId"] == CACHING_DISABLED
    assert set(behaviour["AllowedMethods"]) == {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}
    assert passed_on["HeadersConfig"]["HeaderBehavior"] == "allViewerAndWhitelistCloudFront"
    assert [name.lower() for name in passed_on["HeadersConfig"]["Headers"]] == [VIEWER_ADDRESS]
    assert passed_on["CookiesConfig"] == {"CookieBehavior": "all"}
    assert passed_on["QueryStringsConfig"] == {"QueryStringBehavior": "all"}


def test_public_documents_are_kept_for_a_minute_at_most_alike_for_everybody(
    edge: Template, template: Template, distribution: dict[str, Any]
) -> None:
    """Nothing that one caller sends reaches what another one gets, and clients get them young."""
    (behaviour,) = distribution["CacheBehaviors"]
    kept = policy(edge, behaviour["CachePolicyId"]["Ref"])
    passed_on = policy(edge, behaviour["OriginRequestPolicyId"]["Ref"])
    key = kept["ParametersInCacheKeyAndForwardedToOrigin"]

    prefix = behaviour["PathPattern"].removesuffix("*")
    public = {route for route, function in routes(template).items() if function == "jwks"}
    assert {route for route in routes(template) if route.split()[1].startswith(prefix)} == public
    assert (kept["MinTTL"], kept["DefaultTTL"], kept["MaxTTL"]) == (0, 0, 60)
    assert kept["MaxTTL"] < min(CACHED_JWKS, METADATA_CACHE_LIFETIME)
    assert key["HeadersConfig"] == {"HeaderBehavior": "none"}
    assert key["CookiesConfig"] == passed_on["CookiesConfig"] == {"CookieBehavior": "none"}
    assert key["QueryStringsConfig"] == passed_on["QueryStringsConfig"] == {"QueryStringBehavior": "none"}
    assert passed_on["HeadersConfig"] == {
        "HeaderBehavior": "whitelist",
        "Headers": ["Host", "CloudFront-Viewer-Address"],
    }


def test_no_error_is_kept_and_none_is_replaced(distribution: dict[str, Any]) -> None:
    """CloudFront knows these codes. Each would be kept for ten seconds, under a key without the query."""
    responses = distribution["CustomErrorResponses"]

    assert {one["ErrorCode"] for one in responses} == {400, 403, 404, 405, 414, 500, 501, 502, 503, 504}
    for one in responses:
        assert set(one) == {"ErrorCode", "ErrorCachingMinTTL"}
        assert one["ErrorCachingMinTTL"] == 0


def test_what_the_gateway_answers_by_itself_asks_for_https_as_well(
    edge: Template, distribution: dict[str, Any]
) -> None:
    for behaviour in (distribution["DefaultCacheBehavior"], *distribution["CacheBehaviors"]):
        headers = policy(edge, behaviour["ResponseHeadersPolicyId"]["Ref"])["SecurityHeadersConfig"]
        assert headers["ContentTypeOptions"] == {"Override": True}
        assert headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == 63072000


# ---- The secret


def test_the_secret_is_shown_nowhere(edge: Template) -> None:
    parameter = edge.document["Parameters"]["OriginSecret"]

    assert parameter["NoEcho"] is True
    assert "Default" not in parameter
    assert "OriginSecret" not in str(edge.document["Outputs"])
    assert str(edge.document["Resources"]).count("OriginSecret") == 1


@pytest.mark.parametrize("secret", ["", "guessable", "a" * 42, "a" * 43 + ",", "a" * 43 + " b"])
def test_a_secret_that_could_be_guessed_or_cut_in_two_is_refused(edge: Template, secret: str) -> None:
    assert not re.fullmatch(edge.document["Parameters"]["OriginSecret"]["AllowedPattern"], secret)


# ---- The firewall


def test_the_firewall_stands_before_the_distribution(distribution: dict[str, Any], firewall: dict[str, Any]) -> None:
    assert distribution["WebACLId"] == {"Fn::GetAtt": ["Firewall", "Arn"]}
    assert firewall["Scope"] == "CLOUDFRONT"
    assert firewall["DefaultAction"] == {"Allow": {}}


def test_whoever_asks_too_often_hears_so_in_plain_text_and_when_to_come_again(
    rules: dict[str, dict[str, Any]], limits: dict[str, Any], firewall: dict[str, Any]
) -> None:
    """auth0-spa-js and Auth0-PHP take a JSON answer without tokens for the end of the session."""
    assert firewall["CustomResponseBodies"]["slow-down"]["ContentType"] == "TEXT_PLAIN"
    for name, limit in limits.items():
        answer = rules[name]["Action"]["Block"]["CustomResponse"]
        headers = {header["Name"]: header["Value"] for header in answer["ResponseHeaders"]}
        assert (answer["ResponseCode"], answer["CustomResponseBodyKey"]) == (429, "slow-down"), name
        assert headers == {
            "Retry-After": str(limit["EvaluationWindowSec"]),
            "Cache-Control": "no-store",
            "Access-Control-Allow-Origin": "*",
        }, name


def limited(limit: dict[str, Any], method: str, path: str) -> bool:
    """Whether a rule counts a request."""
    scope = limit.get("ScopeDownStatement", {})
    statements = scope.get("AndStatement", {}).get("Statements") or ([scope] if scope else [])
    for statement in statements:
        match statement:
            case {"ByteMatchStatement": {"FieldToMatch": {"Method": _}, "SearchString": wanted}}:
                if method != wanted:
                    return False
            case {"RegexMatchStatement": {"FieldToMatch": {"UriPath": _}, "RegexString": pattern}}:
                if not re.search(pattern, path):
                    return False
            case _:
                pytest.fail(f"unknown statement {statement}")
    return True


@pytest.mark.parametrize(
    ("route", "names"),
    [
        ("POST /oauth/token", ["token", "everything"]),
        ("OPTIONS /oauth/token", ["everything"]),
        ("POST /login", ["login", "everything"]),
        ("GET /login", ["everything"]),
        ("POST /activate", ["login", "everything"]),
        ("POST /consent", ["login", "everything"]),
        ("POST /account", ["login", "everything"]),
        ("GET /authorize", ["authorization", "everything"]),
        ("POST /authorize", ["authorization", "everything"]),
        ("POST /oauth/par", ["authorization", "everything"]),
        ("POST /oauth/device/code", ["authorization", "everything"]),
        ("POST /oauth/revoke", ["everything"]),
        ("GET /.well-known/jwks.json", ["everything"]),
    ],
)
def test_what_can_be_guessed_or_costs_much_is_counted_by_itself(
    template: Template, limits: dict[str, Any], route: str, names: list[str]
) -> None:
    assert route in routes(template)
    assert [name for name, limit in limits.items() if limited(limit, *route.split())] == names


def test_a_path_is_recognised_however_it_is_written(limits: dict[str, Any]) -> None:
    patterns = re.findall(r"'TextTransformations': (\[[^\]]*\])", str(limits))
    of_paths = [one for one in patterns if "NONE" not in one]

    assert len(of_paths) == len([limit for limit in limits.values() if "ScopeDownStatement" in limit])
    for one in of_paths:
        assert re.findall(r"'Type': '(\w+)'", one) == ["URL_DECODE", "NORMALIZE_PATH", "LOWERCASE"]


def test_every_limit_is_a_parameter_and_counts_for_each_address(edge: Template, limits: dict[str, Any]) -> None:
    for name, limit in limits.items():
        assert limit["AggregateKeyType"] == "IP", name
        assert edge.document["Parameters"][limit["Limit"]["Ref"]]["MinValue"] == 10, name
    assert len({limit["Limit"]["Ref"] for limit in limits.values()}) == len(limits)


def test_own_servers_come_before_every_rule(rules: dict[str, dict[str, Any]]) -> None:
    in_order = sorted(rules, key=lambda name: rules[name]["Priority"])

    assert in_order == list(rules)
    assert in_order[:2] == ["unlimited", "unlimited-ipv6"]


def test_no_rule_looks_at_what_people_and_applications_write(rules: dict[str, dict[str, Any]]) -> None:
    """A password may look like an attack, and a redirect URI always does."""
    managed = [rule["Statement"].get("ManagedRuleGroupStatement") for rule in rules.values()]

    assert [one["Name"] for one in managed if one] == ["AWSManagedRulesAmazonIpReputationList"]
    assert not re.search("'(Body|JsonBody|QueryString|AllQueryArguments|Headers|Cookies)'", str(rules))


# ---- Logs


def test_no_request_is_sampled(firewall: dict[str, Any], rules: dict[str, dict[str, Any]]) -> None:
    """Samples show headers and queries in full."""
    for one in (firewall, *rules.values()):
        assert one["VisibilityConfig"]["SampledRequestsEnabled"] is False
        assert one["VisibilityConfig"]["CloudWatchMetricsEnabled"] is True


def test_the_logs_keep_no_secret(edge: Template) -> None:
    (firewall,) = edge.of_type("AWS::WAFv2::LoggingConfiguration").values()
    redacted = [field["SingleHeader"]["Name"] for field in firewall["RedactedFields"] if "SingleHeader" in field]
    (delivery,) = edge.of_type("AWS::Logs::Delivery").values()

    assert {"QueryString": {}} in firewall["RedactedFields"]
    assert set(redacted) == {"authorization", "cookie", "dpop", "referer"}
    assert not {"cs-uri-query", "cs(Cookie)", "cs(Referer)"} & set(delivery["RecordFields"])


def test_every_log_forgets(edge: Template) -> None:
    groups = edge.of_type("AWS::Logs::LogGroup")

    assert groups["FirewallLogs"]["LogGroupName"]["Fn::Sub"].startswith("aws-waf-logs-")
    assert [group["RetentionInDays"] for group in groups.values()] == [{"Ref": "LogRetentionDays"}] * 2


# ---- The template itself


def test_what_the_environments_say_exists_and_is_nothing_on_which_the_stacks_agree(edge: Template) -> None:
    told = tomllib.loads((ROOT / "edge/samconfig.toml").read_text())
    environments = {name: section["deploy"]["parameters"] for name, section in told.items() if name != "version"}

    assert set(environments) == {"dev", "prod"}
    for name, parameters in environments.items():
        given = {one.partition("=")[0] for one in parameters["parameter_overrides"]}
        assert given <= set(edge.document["Parameters"]) - {"DomainName", "ApiDomainTarget", "OriginSecret"}, name
        assert (parameters["stack_name"], parameters["region"]) == (f"heirloom-{name}-edge", "us-east-1")


@pytest.mark.parametrize("section", ["Parameters", "Outputs"])
def test_everything_a_user_sees_is_described(edge: Template, section: str) -> None:
    assert not [name for name, one in edge.document[section].items() if not one.get("Description")]


def test_every_parameter_is_in_the_console_form(edge: Template) -> None:
    groups = edge.document["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(edge.document["Parameters"])


@pytest.mark.parametrize(
    ("parameter", "value", "right"),
    [
        ("CertificateArn", "arn:aws:acm:us-east-1:000000000000:certificate/abc-1", True),
        ("CertificateArn", "arn:aws:acm:eu-central-1:000000000000:certificate/abc-1", False),
        ("DomainName", "login.example.com", True),
        ("DomainName", "https://login.example.com/", False),
        ("UnlimitedAddresses", "192.0.2.44/32,198.51.100.0/24", True),
        ("UnlimitedAddresses", "192.0.2.44", False),
        ("UnlimitedIpv6Addresses", "2001:db8::/32", True),
        ("UnlimitedIpv6Addresses", "2001:db8::1", False),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_made(
    edge: Template, parameter: str, value: str, *, right: bool
) -> None:
    pattern = edge.document["Parameters"][parameter]["AllowedPattern"]

    assert (re.fullmatch(pattern, value) is not None) is right
