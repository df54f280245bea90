"""Parameter objects in from YAML files, by name or by path."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from arch.catalog import read_text
from arch.errors import InputError
from arch.overrides import parse_override
from arch.validating import AnySpec, validated
from arch.yaml_lines import YamlError, parse


def is_there(path: Path) -> bool:
    """Whether a file exists; a name that can be none does not."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


@dataclass(frozen=True)
class Folder:
    """Files of one kind: those that ship with lockstep, known by name, and a user's own."""

    path: Path
    """Of those that ship."""
    kind: str
    """What a message calls one."""

    def names(self) -> tuple[str, ...]:
        """Of those that ship."""
        return tuple(sorted(path.stem for path in self.path.glob("*.yaml")))

    def find(self, name_or_path: str) -> Path:
        """The file of a name, or the file itself. Raises InputError if there is neither."""
        names, path = self.names(), Path(name_or_path)
        if name_or_path in names:
            return self.path / f"{name_or_path}.yaml"
        if is_there(path):
            return path
        near = get_close_matches(path.stem.lower(), names, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(
            f"{name_or_path!r} is no {self.kind} and no file; {hint}known by name are "
            f"{', '.join(names)}"
        )

    def content(self, name_or_path: str) -> dict[str, Any]:
        """Keys and values of a file as it gives them; none where there is no such file."""
        try:
            data = parse(read_text(self.find(name_or_path))).data
        except (InputError, YamlError):
            return {}
        return data if isinstance(data, dict) else {}


def read_spec(
    model: type[AnySpec], path: Path, what: str, overrides: Sequence[str] = ()
) -> AnySpec:
    """A parameter object from a YAML file; ``overrides`` as of ``arch.load.load_machine``.

    Raises InputError with a line for each fault.
    """
    given = [parse_override(text) for text in overrides]
    try:
        document = parse(read_text(path))
    except YamlError as fault:
        raise InputError(f"{path}:{fault.line}: {fault.reason}") from None
    if not isinstance(document.data, dict):
        raise InputError(f"{path}:1: must be the keys of {what}")
    places = {key: f"{path}:{line}" for key, line in document.lines.items()}
    return validated(model, document.data, places, given)
