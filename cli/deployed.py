"""A deployed CloudFormation stack, and how its parameters or its template are changed.

What would change is shown before it does, and a parameter that is not given keeps its value.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from botocore.exceptions import ClientError, WaiterError

from cli.output import Failure
from local import template

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, StackTypeDef

_CHECKS: Final = 1200
_PAUSE: Final = 3
"""Seconds between checks: an hour in all. A canary takes half of it, and CloudFront some minutes."""

_NOTHING: Final = ("didn't contain changes", "No updates are to be performed")

type Agree = Callable[[Iterable[str]], None]
"""Shows what would change, and raises `Failure` if it is not to be."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack by its name, which there may not be yet."""

    cloudformation: "CloudFormationClient"
    name: str

    @property
    def exists(self) -> bool:
        """Tell whether there is one."""
        return self._found() is not None

    @property
    def parameters(self) -> dict[str, str]:
        """Return its parameters, secret ones masked; raise `Failure` if there is no such stack."""
        return {one["ParameterKey"]: one.get("ParameterValue", "") for one in self._described().get("Parameters", [])}

    @property
    def outputs(self) -> dict[str, str]:
        """Return its outputs; raise `Failure` if there is no such stack."""
        return {one["OutputKey"]: one["OutputValue"] for one in self._described().get("Outputs", [])}

    def change(self, parameters: Mapping[str, str], agree: Agree, path: Path | None = None) -> None:
        """Deploy the template at *path*, or the one it has, with these *parameters*, and wait until that is done.

        Raise `Failure` when *agree* does, or when it cannot be done.
        """
        exists = self.exists
        change_set = f"heirloom-{secrets.token_hex(8)}"
        self.cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=change_set,
            ChangeSetType="UPDATE" if exists else "CREATE",
            Parameters=self._values(parameters, path),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            **({"TemplateBody": path.read_text("utf-8")} if path else {"UsePreviousTemplate": True}),
        )
        with contextlib.ExitStack() as unless_agreed:
            unless_agreed.callback(self.cloudformation.delete_change_set, StackName=self.name, ChangeSetName=change_set)
            if not (lines := list(self._changes(change_set))):
                return
            agree([f"{self.name}:", *lines])
            unless_agreed.pop_all()
        self.cloudformation.execute_change_set(StackName=self.name, ChangeSetName=change_set)
        self._wait("update" if exists else "create")

    def delete(self, agree: Agree) -> None:
        """Delete the stack, and wait until that is done; raise `Failure` when *agree* does, or when it cannot be."""
        agree([f"{self.name}:", "  remove everything"])
        self.cloudformation.delete_stack(StackName=self.name)
        self._wait("delete")

    def _values(self, parameters: Mapping[str, str], path: Path | None) -> "list[ParameterTypeDef]":
        known = set(self.parameters) if self.exists else set()
        declared = set(template.load(path).document["Parameters"]) if path else known
        if foreign := sorted(set(parameters) - declared):
            raise Failure(f"{self.name} has no parameter {foreign[0]}: deploy this release of it first")
        values: list[ParameterTypeDef] = [
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ]
        kept = sorted(declared & known - set(parameters))
        values.extend({"ParameterKey": name, "UsePreviousValue": True} for name in kept)
        return values

    def _changes(self, change_set: str) -> Iterable[str]:
        """Yield what a change set would do, once it is known; nothing if nothing."""
        with contextlib.suppress(WaiterError):  # what became of it is asked below
            self.cloudformation.get_waiter("change_set_create_complete").wait(
                StackName=self.name, ChangeSetName=change_set, WaiterConfig={"Delay": _PAUSE, "MaxAttempts": _CHECKS}
            )
        pages = self.cloudformation.get_paginator("describe_change_set")
        for page in pages.paginate(StackName=self.name, ChangeSetName=change_set):
            reason = page.get("StatusReason", "")
            if page["Status"] == "FAILED" and not any(nothing in reason for nothing in _NOTHING):
                raise Failure(f"{self.name} cannot be changed: {reason}")
            for change in (one["ResourceChange"] for one in page.get("Changes", [])):
                yield f"  {change['Action'].lower()} {change['LogicalResourceId']} ({change['ResourceType']})"

    def _wait(self, change: Literal["create", "update", "delete"]) -> None:
        waiters = {
            "create": self.cloudformation.get_waiter("stack_create_complete"),
            "update": self.cloudformation.get_waiter("stack_update_complete"),
            "delete": self.cloudformation.get_waiter("stack_delete_complete"),
        }
        try:
            waiters[change].wait(StackName=self.name, WaiterConfig={"Delay": _PAUSE, "MaxAttempts": _CHECKS})
        except WaiterError as error:
            status = self._described()["StackStatus"]
            raise Failure(f"{self.name} is {status}; its events in CloudFormation say why") from error

    def _described(self) -> "StackTypeDef":
        found = self._found()
        if found is None:
            raise Failure(f"there is no stack {self.name} in {self.cloudformation.meta.region_name}")
        return found

    def _found(self) -> "StackTypeDef | None":
        try:
            (found,) = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        # A change set that nobody carried out leaves a stack of nothing behind.
        return None if found["StackStatus"] == "REVIEW_IN_PROGRESS" else found
