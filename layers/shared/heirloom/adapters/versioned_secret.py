"""A secret that several writers may change at once, and none of them loses what another one wrote."""

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from heirloom.adapters.aws import error_code

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

_FIRST: Final = "heirloom-first-keys-00000000000000000001"
"""The version id of the first value a secret ever gets: Secrets Manager takes one value under an id and no other."""

_CURRENT: Final = "AWSCURRENT"
_NO_LONGER_READ: Final = ("AWSPREVIOUS", "AWSPENDING")

_ELSEWHERE: Final = frozenset({"InvalidParameterException", "InvalidRequestException", "ResourceNotFoundException"})
"""What Secrets Manager answers when a label is not where the request has it."""

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """A value with its id; both are `None` of a secret that never had one."""

    version_id: str | None
    document: Document | None


@dataclass(frozen=True, slots=True)
class VersionedSecret:
    """One secret that holds a JSON document. What its verbs raise is botocore's."""

    client: "SecretsManagerClient"
    secret_id: str

    def read(self) -> Version:
        """Return what it holds."""
        # "Not found" also stands for a secret that has no value; where there is no secret at all, writing says so.
        # A version without a value is what a local AWS gives of a secret that was made without.
        with suppress(self.client.exceptions.ResourceNotFoundException):
            answer = self.client.get_secret_value(SecretId=self.secret_id)
            text = answer.get("SecretString")
            return Version(answer["VersionId"], json.loads(text) if text else None)
        return Version(None, None)

    def replace(self, former: Version, document: Document) -> Version | None:
        """Put a document in the place of *former*; return `None`, and change nothing, if another one is there now.

        Secrets Manager has no conditional write, but it moves a label only from where the request says that it is. So
        the new version is written without the label under which everybody reads, and gets that in a second step.
        """
        text = json.dumps(document, separators=(",", ":"))
        if former.version_id is None:
            try:
                self.client.put_secret_value(SecretId=self.secret_id, SecretString=text, ClientRequestToken=_FIRST)
            except self.client.exceptions.ResourceExistsException:
                return None
            return Version(_FIRST, document)
        version_id = secrets.token_hex(32)
        self.client.put_secret_value(
            SecretId=self.secret_id, SecretString=text, ClientRequestToken=version_id, VersionStages=["AWSPENDING"]
        )
        try:
            self.client.update_secret_version_stage(
                SecretId=self.secret_id,
                VersionStage=_CURRENT,
                MoveToVersionId=version_id,
                RemoveFromVersionId=former.version_id,
            )
        except ClientError as error:
            if error_code(error) not in _ELSEWHERE:
                raise
            # Somebody else was faster, or this was a second try of the SDK's whose first one went through.
            found = self.read().version_id
            if found == former.version_id:
                raise
            return Version(version_id, document) if found == version_id else None
        return Version(version_id, document)

    def forget_former_values(self) -> None:
        """Leave no label but that of the version in force, so that Secrets Manager may delete the others.

        There is no call that deletes a version. While it has a label, it is kept for good.
        """
        stages = self.client.describe_secret(SecretId=self.secret_id).get("VersionIdsToStages", {})
        for version_id, labels in stages.items():
            for label in labels:
                if label in _NO_LONGER_READ:
                    self._take_off(label, version_id)

    def _take_off(self, label: str, version_id: str) -> None:
        try:
            self.client.update_secret_version_stage(
                SecretId=self.secret_id, VersionStage=label, RemoveFromVersionId=version_id
            )
        except ClientError as error:
            if error_code(error) not in _ELSEWHERE:
                raise
            # Another run took it off, or put it on its own version.
