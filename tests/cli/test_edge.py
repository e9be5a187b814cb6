"""`heirloom edge` makes the edge, tells the API's stack about it, closes the other way in and replaces the secret.

The stacks are on a local AWS. The API's is a small one with the parameters and outputs of template.yaml that this is
about; tests/deploy does it to the real one.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from cli.__main__ import main
from cli.deployed import Deployed
from local import processes, template
from local.stores import ACCOUNT

API, EDGE = "login", "login-edge"
ABOUT = ("EdgeDomainName", "EdgeSecretDigests", "DirectAccess", "HostedZoneId", "DomainName")
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/abc"
DEPLOY = ["deploy", "--stack", API, "--parameter", f"CertificateArn={CERTIFICATE}", "--parameter", "RequestLogs=false"]


class Aws:
    """The local AWS, with the API's stack in one Region."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def client(self, service: str, region: str = ACCOUNT["AWS_REGION"]) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def make_api(self, **parameters: str) -> None:
        declared = template.load().document["Parameters"]
        body = {
            "Parameters": {name: declared[name] for name in ABOUT},
            "Resources": {
                "Told": {
                    "Type": "AWS::SSM::Parameter",
                    "Properties": {
                        "Type": "String",
                        "Value": {"Fn::Join": ["|", [{"Ref": name} for name in ABOUT]]},
                    },
                }
            },
            "Outputs": {
                "DomainName": {"Value": {"Ref": "DomainName"}},
                "DomainTarget": {"Value": "d-abc123.execute-api.eu-central-1.amazonaws.com"},
            },
        }
        values = {"DomainName": "login.example.com", **parameters}
        self.client("cloudformation").create_stack(
            StackName=API,
            TemplateBody=json.dumps(body),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
        )
        self.client("cloudformation").get_waiter("stack_create_complete").wait(
            StackName=API, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300}
        )

    @property
    def told(self) -> dict[str, str]:
        """What the API's stack has been told."""
        (described,) = self.client("cloudformation").describe_stacks(StackName=API)["Stacks"]
        return {one["ParameterKey"]: one["ParameterValue"] for one in described["Parameters"]}

    @property
    def distribution(self) -> dict[str, Any]:
        (described,) = self.client("cloudformation", "us-east-1").describe_stacks(StackName=EDGE)["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}
        client = self.client("cloudfront", "us-east-1")
        configuration = client.get_distribution_config(Id=outputs["DistributionId"])["DistributionConfig"]
        return {"DomainName": outputs["EdgeDomainName"], **configuration}

    @property
    def secret(self) -> str:
        """What CloudFront adds to every request."""
        (origin,) = self.distribution["Origins"]["Items"]
        (header,) = origin["CustomHeaders"]["Items"]
        return str(header["HeaderValue"])

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.secret.encode()).hexdigest()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with processes.ministack() as endpoint:
        yield endpoint


@pytest.fixture
def aws(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """The local AWS without stacks, and the AWS settings of whoever operates it."""
    for name, value in {**ACCOUNT, "AWS_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("cli.deployed._PAUSE", 0.1)
    aws = Aws(endpoint)
    yield aws
    for name, region in ((API, ACCOUNT["AWS_REGION"]), (EDGE, "us-east-1")):
        client = aws.client("cloudformation", region)
        client.delete_stack(StackName=name)
        client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})


def run(*arguments: str) -> int:
    return main(["edge", *arguments, "--yes"])


# ---- deploy


def test_the_edge_stands_before_the_api_and_either_way_is_open_at_first(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.make_api()

    assert run(*DEPLOY) == 0

    (origin,) = aws.distribution["Origins"]["Items"]
    assert origin["DomainName"] == "d-abc123.execute-api.eu-central-1.amazonaws.com"
    assert aws.distribution["Aliases"]["Items"] == ["login.example.com"]
    assert aws.told["EdgeSecretDigests"] == aws.digest
    assert aws.told["DirectAccess"] == "allowed"
    assert aws.told["EdgeDomainName"] == ""
    said = capsys.readouterr()
    assert f"Now lead login.example.com to {aws.distribution['DomainName']}" in said.out
    assert f"heirloom edge close --stack {API}" in said.out
    assert aws.secret not in said.out + said.err


def test_with_a_hosted_zone_the_domain_is_led_to_the_edge(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.make_api(HostedZoneId="Z0123456789")

    assert run(*DEPLOY, "--json") == 0

    assert aws.told["EdgeDomainName"] == aws.distribution["DomainName"]
    assert json.loads(capsys.readouterr().out) == {
        "edge_domain_name": aws.distribution["DomainName"],
        "direct_access": "allowed",
    }


def test_deploying_again_changes_what_is_given_and_keeps_the_rest(aws: Aws) -> None:
    aws.make_api()
    run(*DEPLOY)
    run("close", "--stack", API)
    secret = aws.secret

    assert run("deploy", "--stack", API, "--config-env", "dev", "--parameter", "TokenRequestsPerMinute=10") == 0

    assert aws.secret == secret
    assert aws.told["DirectAccess"] == "refused"
    assert aws.told["EdgeSecretDigests"] == aws.digest
    assert aws.distribution["PriceClass"] == "PriceClass_100"
    assert aws.distribution["ViewerCertificate"]["ACMCertificateArn"] == CERTIFICATE


def test_deploying_again_without_a_change_is_no_failure(aws: Aws) -> None:
    aws.make_api()
    run(*DEPLOY)
    before = aws.distribution, aws.told

    assert run("deploy", "--stack", API) == 0

    assert (aws.distribution, aws.told) == before


# ---- close, open


def test_closing_refuses_whoever_comes_around_and_opening_takes_it_back(aws: Aws) -> None:
    aws.make_api()
    run(*DEPLOY)

    assert run("close", "--stack", API) == 0
    assert aws.told["DirectAccess"] == "refused"

    assert run("open", "--stack", API) == 0
    assert aws.told["DirectAccess"] == "allowed"
    assert aws.told["EdgeSecretDigests"] == aws.digest


def test_an_api_that_does_not_know_its_edge_is_not_closed(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.make_api(EdgeSecretDigests="0" * 64, DirectAccess="allowed")
    run(*DEPLOY)
    aws.client("cloudformation").update_stack(
        StackName=API,
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "EdgeSecretDigests", "ParameterValue": "0" * 64},
            {"ParameterKey": "DirectAccess", "UsePreviousValue": True},
            {"ParameterKey": "DomainName", "UsePreviousValue": True},
        ],
    )

    assert run("close", "--stack", API) == 1

    assert "would refuse everybody" in capsys.readouterr().err
    assert aws.told["DirectAccess"] == "allowed"


# ---- rotate-secret


def test_the_secret_is_replaced_and_no_request_refused_meanwhile(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.make_api()
    run(*DEPLOY)
    run("close", "--stack", API)
    before = aws.digest
    seen: list[tuple[str, list[str]]] = []
    change = Deployed.change

    def watched(self: Deployed, *arguments: Any) -> None:
        change(self, *arguments)
        seen.append((aws.digest, aws.told["EdgeSecretDigests"].split(",")))

    monkeypatch.setattr(Deployed, "change", watched)
    capsys.readouterr()

    assert run("rotate-secret", "--stack", API) == 0

    after = aws.digest
    assert after != before
    assert seen == [(before, [before, after]), (after, [before, after]), (after, [after])]
    said = capsys.readouterr()
    assert aws.secret not in said.out + said.err


@pytest.mark.parametrize("done", [1, 2])
def test_a_replacement_that_was_interrupted_is_finished_by_the_next(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    """After the API knows both secrets, and after CloudFront sends the new one."""
    aws.make_api()
    run(*DEPLOY)
    change = Deployed.change
    steps: list[str] = []

    def interrupted(self: Deployed, *arguments: Any) -> None:
        if len(steps) == done:
            raise KeyboardInterrupt
        steps.append(self.name)
        change(self, *arguments)

    with monkeypatch.context() as context:
        context.setattr(Deployed, "change", interrupted)
        assert run("rotate-secret", "--stack", API) == 130
    assert aws.digest in aws.told["EdgeSecretDigests"]

    assert run("rotate-secret", "--stack", API) == 0

    assert aws.told["EdgeSecretDigests"] == aws.digest


# ---- remove


@pytest.mark.parametrize("zone", ["", "Z0123456789"])
def test_the_domain_is_led_back_before_the_edge_goes(aws: Aws, zone: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that leads to a distribution which is gone leads nowhere."""
    aws.make_api(HostedZoneId=zone)
    run(*DEPLOY)
    run("close", "--stack", API)
    cloudformation = aws.client("cloudformation", "us-east-1")

    assert run("remove", "--stack", API) == 0

    assert Deployed(cloudformation, EDGE).exists
    assert (aws.told["EdgeDomainName"], aws.told["DirectAccess"]) == ("", "allowed")
    assert aws.told["EdgeSecretDigests"] == aws.digest
    assert ("Now lead login.example.com to d-abc123." in capsys.readouterr().out) is (not zone)

    assert run("remove", "--stack", API) == 0

    assert not Deployed(cloudformation, EDGE).exists
    assert aws.told["EdgeSecretDigests"] == ""


# ---- What is refused


def test_nothing_is_changed_without_consent(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.make_api()

    assert main(["edge", *DEPLOY]) == 2

    assert "say --yes" in capsys.readouterr().err
    assert aws.told["EdgeSecretDigests"] == ""


def test_what_would_change_is_shown_and_a_no_leaves_nothing_behind(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.make_api()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.readline", lambda: "n\n", raising=False)

    assert main(["edge", *DEPLOY]) == 1

    assert "add Distribution (AWS::CloudFront::Distribution)" in capsys.readouterr().out
    cloudformation = aws.client("cloudformation", "us-east-1")
    assert not Deployed(cloudformation, EDGE).exists
    assert cloudformation.list_change_sets(StackName=EDGE)["Summaries"] == []
    assert aws.told["EdgeSecretDigests"] == ""


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["close", "--stack", "another"], 1, "there is no stack another-edge in us-east-1"),
        (["deploy", "--stack", "another"], 1, "there is no stack another in "),
        (["deploy", "--stack", API, "--config-env", "nowhere"], 2, "edge/samconfig.toml has no environment nowhere"),
        (["deploy", "--stack", API, "--parameter", "OriginSecret=a"], 2, "OriginSecret is not yours to choose"),
        (["deploy", "--stack", API, "--parameter", "Colour=red"], 1, "login-edge has no parameter Colour"),
    ],
)
def test_what_cannot_be_done_is_said(
    aws: Aws, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, said: str
) -> None:
    aws.make_api()

    assert run(*arguments) == status

    assert said in capsys.readouterr().err


def test_a_parameter_without_a_value_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("deploy", "--stack", API, "--parameter", "CertificateArn")

    assert ended.value.code == 2
    assert "CertificateArn is not NAME=VALUE" in capsys.readouterr().err
