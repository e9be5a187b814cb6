"""From an entry of a file of users to what becomes of the user.

The files are those of Auth0: what its bulk import takes, what its user export gives, and the files of hashes that its
support hands out. What an entry does not say stays as it is, so that one file may have the hashes and another the rest.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from heirloom.adapters import password_hashes
from heirloom.adapters.password_hashes import UnusableHash
from heirloom.domain.user import User, normalised_email
from heirloom.tenant import file, planning, properties
from heirloom.tenant.planning import Action, UserChange
from heirloom.tenant.remarks import Remarks

_DATABASE: Final = "auth0|"
"""What Auth0 puts before the ids of the users of its databases; its bulk imports have them without."""

_KNOWN: Final = frozenset(file.ImportedPerson.model_fields)


class OwnHashes(Protocol):
    """What knows our hashes from those of others."""

    def is_current(self, password_hash: str) -> bool:
        """Tell whether a hash is of the kind and cost that new ones have."""


@dataclass(frozen=True, slots=True)
class ImportedUser:
    """A user as an entry has them. `None`: as it is."""

    user_id: str
    email: str
    password_hash: str | None = field(repr=False)
    blocked: bool | None
    claims: Mapping[str, object]

    @property
    def address(self) -> str:
        """Return the address as it is looked up."""
        return normalised_email(self.email)


def read(entry: object, remarks: Remarks) -> ImportedUser | None:
    """Return the user of an entry; `None` when it is none, which is then remarked."""
    if not isinstance(entry, dict):
        remarks.refuse((), "must be an object")
        return None
    named = _in_our_words(entry)
    foreign = properties.IMPORTED_USER
    for name in sorted(named.keys() - _KNOWN - foreign.ignored - foreign.protective):
        remarks.ignore((name,), "unknown property")
        del named[name]
    person = remarks.model(file.ImportedPerson, named, (), foreign)
    if person is None:
        return None
    before = len(remarks.problems)
    password_hash = _password_hash(person, remarks)
    if len(remarks.problems) > before:
        return None
    own = {"user_id", "email", "password_hash", "custom_password_hash", "blocked"}
    claims = person.model_dump(exclude=own, exclude_none=True)
    return ImportedUser(person.user_id, person.email, password_hash, person.blocked, claims)


def change_of(wanted: ImportedUser, before: User | None, passwords: OwnHashes) -> UserChange | None:
    """Return what has to change for the user to be as the entry says; `None` if nothing has.

    A hash that was made here stays: the user has logged in since, and may have changed the password.
    """
    if before is None:
        after = User(wanted.user_id, wanted.email, wanted.password_hash or "", bool(wanted.blocked), wanted.claims)
        return UserChange(Action.CREATE, wanted.user_id, after)
    keeps = wanted.password_hash is None or passwords.is_current(before.password_hash)
    after = replace(
        before,
        email=wanted.email,
        password_hash=before.password_hash if keeps else wanted.password_hash or "",
        blocked=before.blocked if wanted.blocked is None else wanted.blocked,
        claims={**before.claims, **wanted.claims},
    )
    if after == before:
        return None
    same_password = after.password_hash == before.password_hash
    differences = planning.user_differences(before, after, same_password=same_password)
    return UserChange(Action.UPDATE, before.user_id, after, before=before, differences=differences)


def _in_our_words(entry: Mapping[Any, Any]) -> dict[str, Any]:
    """Return an entry with one name for each thing; the files have several."""
    named = {str(name): value for name, value in entry.items()}
    given = named.get("user_id") or _object_id(named.get("_id")) or named.get("id")
    if given is None and isinstance(named.get("email"), str):
        given = _made_up_id(named["email"])
    if isinstance(given, str) and "|" not in given:
        given = _DATABASE + given
    aliases = {
        "user_id": given,
        "password_hash": named.get("password_hash") or named.get("passwordHash"),
        "phone_number_verified": named.get("phone_number_verified", named.get("phone_verified")),
        "updated_at": _epoch_seconds(named.get("updated_at")),
    }
    others = {name: value for name, value in named.items() if value is not None and name not in aliases}
    for used in ("_id", "id", "passwordHash", "phone_verified"):
        others.pop(used, None)
    return others | {name: value for name, value in aliases.items() if value is not None}


def _object_id(value: object) -> object:
    """Return what MongoDB's exports have as `{"$oid": …}`."""
    return value.get("$oid") if isinstance(value, dict) else value


def _made_up_id(email: str) -> str:
    """Return the id of a user who has none in the file: the same at each import and in every stack."""
    octets = f"heirloom user\x00{normalised_email(email)}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(octets).hexdigest()[:24]


def _epoch_seconds(value: object) -> object:
    """Return what exports have as a date; in UTC, if it does not say."""
    if not isinstance(value, str):
        return value
    try:
        date = datetime.fromisoformat(value)
    except ValueError:
        return value
    return int(date.replace(tzinfo=date.tzinfo or UTC).timestamp())


def _password_hash(person: file.ImportedPerson, remarks: Remarks) -> str | None:
    custom = person.custom_password_hash
    if custom is not None and person.password_hash is not None:
        remarks.refuse(("custom_password_hash",), "must not be given together with password_hash")
        return None
    given = person.password_hash if custom is None else custom.hash.value
    place = ("password_hash",) if custom is None else ("custom_password_hash", "hash", "value")
    if given is None:
        return None
    try:
        password_hashes.check(given)
    except UnusableHash as unusable:
        remarks.refuse(place, str(unusable))
        return None
    if custom is not None and (custom.algorithm == "bcrypt") != password_hashes.is_bcrypt(given):
        remarks.refuse(place, f"is no hash of {custom.algorithm}")
    return given
