"""What there is to say about a tenant file, and the sifting of its properties."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from heirloom.tenant import properties
from heirloom.tenant.file import Model
from heirloom.tenant.properties import Foreign

type Path = tuple[str | int, ...]

_UNKNOWN = "unknown property"
_WORDS = {"extra_forbidden": _UNKNOWN, "missing": "is missing"}


@dataclass(frozen=True, slots=True, order=True)
class Remark:
    """Something to say about one place of the file."""

    path: Path
    text: str

    def __str__(self) -> str:
        """Say it: `clients[0].refresh_token.leeway: must be …`."""
        return f"{place(self.path)}: {self.text}"


class Invalid(ValueError):
    """The file cannot be applied; `remarks` has every reason."""

    def __init__(self, remarks: Sequence[Remark]) -> None:
        """Take what is wrong."""
        super().__init__("\n".join(map(str, remarks)))
        self.remarks = tuple(remarks)


def place(path: Path) -> str:
    """Return a path as people write it."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the file"


@dataclass(frozen=True, slots=True)
class Remarks:
    """All remarks on one file: collected, not raised, so that a person sees them together."""

    problems: list[Remark] = field(default_factory=list)
    ignored: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)

    def elements(self, raw: object, section: str) -> list[tuple[Path, object]]:
        """Return the elements of a section with their paths."""
        if not isinstance(raw, list):
            self.refuse((section,), "must be a list")
            return []
        return [((section, index), element) for index, element in enumerate(raw)]

    def model[M: Model](self, model: type[M], raw: object, path: Path, foreign: Foreign) -> M | None:
        """Return an object of the file as a *model*; `None` when it is not one, which is then remarked."""
        sifted = self.sift(raw, path, tuple(model.model_fields), foreign)
        if sifted is None:
            return None
        for name, inner in (
            ("refresh_token", properties.REFRESH_TOKEN),
            ("jwt_configuration", properties.JWT_CONFIGURATION),
            ("flags", properties.FLAGS),
            ("oidc_logout", properties.OIDC_LOGOUT),
            ("oidc_backchannel_logout", properties.OIDC_LOGOUT),
            ("device_flow", properties.DEVICE_FLOW),
        ):
            if isinstance(sifted.get(name), dict):
                known = tuple(_fields_of(model, name))
                sifted[name] = self.sift(sifted[name], (*path, name), known, inner)
        if broken := [*_not_unicode(sifted, path)]:
            for where in broken:
                self.refuse(where, "must be Unicode text")
            return None
        try:
            return model.model_validate(sifted)
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_context=False, include_input=False):
                text = _WORDS.get(problem["type"], problem["msg"]).removeprefix("Value error, ")
                self.refuse((*path, *problem["loc"]), text)
            return None

    def sift(self, raw: object, path: Path, known: Sequence[str], foreign: Foreign) -> dict[str, Any] | None:
        """Return the properties that are read here; the others are noted or refused, and empty ones left out."""
        if not isinstance(raw, dict):
            self.refuse(path, "must be a mapping of properties")
            return None
        sifted: dict[str, Any] = {}
        for name, value in raw.items():
            where = (*path, name if isinstance(name, str) else repr(name))
            if name in known:
                if value is not None:
                    sifted[name] = value
            elif foreign.protects(name, value):
                self.refuse(where, "protects something in Auth0 and is not supported here: take it out, or turn it off")
            elif name in foreign.ignored or name in foreign.protective:
                self.ignore(where, "not supported")
            elif value is None:  # a newer export names what is not used, too
                self.ignore(where, f"{_UNKNOWN}, without a value")
            else:
                close = difflib.get_close_matches(str(name), known, n=1)
                self.refuse(where, _UNKNOWN + (f"; did you mean {close[0]}?" if close else ""))
        return sifted

    def refuse(self, path: Path, text: str) -> None:
        """Note a reason not to apply the file."""
        self.problems.append(Remark(path, text))

    def ignore(self, path: Path, text: str) -> None:
        """Note what has no effect."""
        self.ignored.append(Remark(path, text))

    def warn(self, path: Path, text: str) -> None:
        """Note what is allowed, and yet probably not meant."""
        self.warnings.append(Remark(path, text))


def _not_unicode(value: object, path: Path) -> Iterator[Path]:
    """Yield the places of texts with half of a surrogate pair, as JSON and YAML can spell it and no store takes it."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from _not_unicode(inner, (*path, str(name)))
        case list():
            for index, inner in enumerate(value):
                yield from _not_unicode(inner, (*path, index))
        case str() if any("\ud800" <= character <= "\udfff" for character in value):
            yield path


def _fields_of(model: type[Model], name: str) -> Iterable[str]:
    inner = model.model_fields[name].annotation
    return inner.model_fields if isinstance(inner, type) and issubclass(inner, Model) else ()
