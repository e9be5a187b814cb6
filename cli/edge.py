"""`heirloom edge`: puts CloudFront and its firewall before a deployed stack, and closes every other way to it."""

import argparse
import hashlib
import secrets
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import boto3

from cli import output
from cli.deployed import Agree, Deployed
from cli.output import Failure, Status
from heirloom.adapters.edge import PROOF
from local.template import ROOT

_REGION: Final = "us-east-1"
_FOLDER: Final = ROOT / "edge"
_SECRET_BYTES: Final = 32


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    edge = subparsers.add_parser(
        "edge",
        help="CloudFront and its firewall before a deployed stack",
        description="CloudFront and its firewall before a deployed stack with a domain. docs/edge.md has the steps.",
    )
    verbs = edge.add_subparsers(metavar="VERB", required=True)

    deploy = verbs.add_parser(
        "deploy",
        help="make or change the edge, and lead the domain to it",
        description="Make or change the edge's stack in us-east-1, tell the API's stack how to know its requests, and,"
        " where that has the hosted zone, lead the domain there. Until `close`, the API is reached as before.",
    )
    deploy.add_argument(
        "--config-env", metavar="ENV", help="take parameters from this section of edge/samconfig.toml: dev or prod"
    )
    deploy.add_argument(
        "--parameter",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_parameter,
        help="a parameter of edge/template.yaml, such as CertificateArn=arn:…; one that is not given stays as it is",
    )
    deploy.set_defaults(run=_deploy)

    close = verbs.add_parser(
        "close",
        help="refuse requests that do not come through the edge",
        description="Refuse requests that do not come through the edge. Do it once the domain leads to CloudFront"
        " everywhere.",
    )
    close.set_defaults(run=_close)

    opened = verbs.add_parser(
        "open",
        help="answer requests that do not come through the edge, too",
        description="Take `close` back: before the domain is led away from CloudFront, or when CloudFront is down.",
    )
    opened.set_defaults(run=_open)

    rotate = verbs.add_parser(
        "rotate-secret",
        help="replace the secret by which the API knows the edge",
        description="Replace the secret by which the API knows the edge. Meanwhile both are taken, so no request is"
        " refused. The same command finishes what was interrupted.",
    )
    rotate.set_defaults(run=_rotate_secret)

    remove = verbs.add_parser(
        "remove",
        help="lead the domain back to the API, then delete the edge",
        description="Lead the domain back to the API and answer both ways; said again, once the domain leads there"
        " everywhere, delete the edge.",
    )
    remove.set_defaults(run=_remove)

    for verb in (deploy, close, opened, rotate, remove):
        verb.add_argument(
            "--stack",
            metavar="NAME",
            required=True,
            help="the API's stack, in the account and Region of your AWS settings; its edge is NAME-edge in us-east-1",
        )
        verb.add_argument("--yes", action="store_true", help="do not ask; needed where nobody can be asked")
        output.add_arguments(verb)


@dataclass(frozen=True, slots=True)
class _Stacks:
    """The API's stack and its edge's, and whoever agrees to changes."""

    api: Deployed
    edge: Deployed
    agree: Agree

    def secret_digest(self) -> str:
        """Return the digest of the secret that CloudFront sends now; raise `Failure` if it sends none."""
        distribution = self.edge.outputs["DistributionId"]
        client = boto3.client("cloudfront", region_name=_REGION)
        origins: list[Any] = client.get_distribution_config(Id=distribution)["DistributionConfig"]["Origins"]["Items"]
        headers = [header for origin in origins for header in origin.get("CustomHeaders", {}).get("Items", [])]
        for header in headers:
            if header["HeaderName"].lower() == PROOF:
                return _digest(header["HeaderValue"])
        raise Failure(f"the distribution {distribution} sends no {PROOF}: deploy it again")

    def tell_api(self, **parameters: str) -> None:
        """Change parameters of the API's stack."""
        self.api.change(parameters, self.agree)


def _deploy(options: argparse.Namespace) -> Status:
    stacks = _stacks(options)
    domain = stacks.api.outputs
    if "DomainTarget" not in domain:
        raise Failure(f"{stacks.api.name} has no domain: deploy it with DomainName and CertificateArn first")
    known = {"DomainName": domain["DomainName"], "ApiDomainTarget": domain["DomainTarget"]}
    if not stacks.edge.exists:
        known["OriginSecret"] = secrets.token_urlsafe(_SECRET_BYTES)
    chosen = {**_configured(options.config_env), **dict(options.parameter)}
    if taken := sorted(chosen.keys() & {"DomainName", "ApiDomainTarget", "OriginSecret"}):
        raise Failure(f"{taken[0]} is not yours to choose: the two stacks agree on it", status=Status.INVALID)
    stacks.edge.change({**chosen, **known}, stacks.agree, _FOLDER / "template.yaml")

    told = stacks.api.parameters
    edge = stacks.edge.outputs["EdgeDomainName"]
    news = {"EdgeSecretDigests": stacks.secret_digest()}
    if not told.get("EdgeSecretDigests"):
        news["DirectAccess"] = "allowed"  # DNS still leads people to the API
    if told.get("HostedZoneId"):
        news["EdgeDomainName"] = edge
    stacks.tell_api(**news)

    direct_access = stacks.api.parameters["DirectAccess"]
    name = known["DomainName"]
    led = [] if told.get("HostedZoneId") else [f"Now lead {name} to {edge}: CNAME, or an alias of types A and AAAA."]
    closing = [f"Once it leads there everywhere: heirloom edge close --stack {stacks.api.name}"]
    document = {"edge_domain_name": edge, "direct_access": direct_access}
    output.answer(options, document, [f"{name}: {edge}", *led, *(closing if direct_access == "allowed" else [])])
    return Status.DONE


def _close(options: argparse.Namespace) -> Status:
    stacks = _stacks(options)
    if stacks.secret_digest() not in stacks.api.parameters["EdgeSecretDigests"].split(","):
        raise Failure(f"{stacks.api.name} does not know its edge, and would refuse everybody: deploy the edge first")
    return _direct_access(options, stacks, "refused")


def _open(options: argparse.Namespace) -> Status:
    return _direct_access(options, _stacks(options), "allowed")


def _direct_access(options: argparse.Namespace, stacks: _Stacks, access: str) -> Status:
    stacks.tell_api(DirectAccess=access)
    output.answer(options, {"direct_access": access}, [f"direct access: {access}"])
    return Status.DONE


def _rotate_secret(options: argparse.Namespace) -> Status:
    stacks = _stacks(options)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    stacks.tell_api(EdgeSecretDigests=f"{stacks.secret_digest()},{_digest(secret)}")
    stacks.edge.change({"OriginSecret": secret}, stacks.agree)
    stacks.tell_api(EdgeSecretDigests=_digest(secret))
    output.answer(options, {"rotated": True}, ["the secret is replaced"])
    return Status.DONE


def _remove(options: argparse.Namespace) -> Status:
    stacks = _stacks(options)
    told = stacks.api.parameters
    if told["EdgeSecretDigests"] and (told["EdgeDomainName"] or told["DirectAccess"] == "refused"):
        stacks.tell_api(EdgeDomainName="", DirectAccess="allowed")
        domain = stacks.api.outputs
        name, target = domain["DomainName"], domain["DomainTarget"]
        led = [] if told["HostedZoneId"] else [f"Now lead {name} to {target}."]
        output.answer(
            options,
            {"deleted": False, "direct_access": "allowed"},
            [*led, f"Once {name} leads to {target} everywhere, the same command deletes the edge."],
        )
        return Status.DONE
    stacks.tell_api(EdgeSecretDigests="")
    stacks.edge.delete(stacks.agree)
    output.answer(options, {"deleted": True}, [f"{stacks.edge.name} is deleted"])
    return Status.DONE


def _stacks(options: argparse.Namespace) -> _Stacks:
    output.require_consent(options)

    def agree(lines: Iterable[str]) -> None:
        if not options.json:
            output.say(lines)
        if not options.yes:
            output.ask()

    return _Stacks(
        api=Deployed(boto3.client("cloudformation"), options.stack),
        edge=Deployed(boto3.client("cloudformation", region_name=_REGION), f"{options.stack}-edge"),
        agree=agree,
    )


def _configured(environment: str | None) -> Mapping[str, str]:
    """Return the parameters of an environment in edge/samconfig.toml, as `sam deploy` would take them."""
    if environment is None:
        return {}
    sections = tomllib.loads((_FOLDER / "samconfig.toml").read_text("utf-8"))
    try:
        overrides = sections[environment]["deploy"]["parameters"]["parameter_overrides"]
    except KeyError:
        raise Failure(f"edge/samconfig.toml has no environment {environment}", status=Status.INVALID) from None
    return dict(map(_parameter, overrides))


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE")
    return name, value


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
