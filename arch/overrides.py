"""Overrides of single fields: ``array.rows=64``."""

from dataclasses import dataclass
from typing import Any

from arch.errors import InputError
from arch.faults import shown
from arch.paths import Path, dotted, parsed
from arch.yaml_lines import YamlError, parse


@dataclass(frozen=True)
class Override:
    """One field, or a whole section, and what it shall be."""

    text: str
    path: Path
    value: Any

    @property
    def place(self) -> str:
        """For messages."""
        return f"--set {self.text}"


def parse_override(text: str) -> Override:
    """``path=value``, the value as in YAML. Raises InputError."""
    left, equals, right = text.partition("=")
    path = parsed(left.strip())
    if not equals or path is None:
        raise InputError(f"--set {text}: must be path=value, as in array.rows=64")
    if not right.strip():
        raise InputError(f"--set {text}: has no value; write null for none")
    try:
        return Override(text, path, parse(right.strip()).data)
    except YamlError as fault:
        raise InputError(f"--set {text}: {dotted(path)}: {fault.reason}") from None


def apply(override: Override, data: dict[str, Any]) -> Path:
    """Put a value into plain data; returns the path of what is new, be it a section around it.

    Raises InputError where the path leads through something that has no parts.
    """
    at: Any = data
    path: list[str | int] = []
    made: Path | None = None
    for part in override.path[:-1]:
        index = _index(override, at, part, path)
        path.append(index)
        if isinstance(at, dict) and at.get(index) is None:
            at[index] = {}
            made = made or tuple(path)
        at = at[index]
    index = _index(override, at, override.path[-1], path)
    at[index] = override.value
    return made or (*path, index)


def _index(override: Override, at: Any, part: str | int, path: list[str | int]) -> str | int:
    """The part as a key of a dict or an index of a list."""
    here = dotted(tuple(path))
    if isinstance(at, dict):
        return str(part)
    if not isinstance(at, list):
        raise InputError(
            f"{override.place}: {here} is {shown(at)}, which has no part {str(part)!r}; "
            f"set {here} itself"
        )
    if str(part).isdecimal() and int(part) < len(at):
        return int(part)
    raise InputError(
        f"{override.place}: {here} has the items 0 to {len(at) - 1}, not {part}; "
        f"to change its length, set {here} to a list in brackets"
    )
