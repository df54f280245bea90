"""What differs between two machines."""

from typing import Any, Final, NamedTuple

from arch.machine import Machine
from arch.paths import Path, dotted


class Absent:
    """The value of a field that one of the machines does not have."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = Absent()


class Difference(NamedTuple):
    """A field with its values in two machines; ``ABSENT`` where there is no such field."""

    path: str
    a: Any
    b: Any


def diff(a: Machine, b: Machine) -> list[Difference]:
    """Fields that differ, defaults included, in the order in which a machine has them."""
    return _diff((), a.model_dump(mode="json"), b.model_dump(mode="json"))


def _diff(path: Path, a: Any, b: Any) -> list[Difference]:
    if isinstance(a, dict) or isinstance(b, dict):
        found = [] if isinstance(a, dict) and isinstance(b, dict) else [_whole(path, a, b)]
        mine, other = (each if isinstance(each, dict) else {} for each in (a, b))
        for key in [*mine, *(key for key in other if key not in mine)]:
            found += _diff((*path, key), mine.get(key, ABSENT), other.get(key, ABSENT))
        return [each for each in found if not (each.a is ABSENT and each.b is ABSENT)]
    return [] if a == b else [Difference(dotted(path), a, b)]


def _whole(path: Path, a: Any, b: Any) -> Difference:
    """A section on one side only: the other side's own value."""
    return Difference(
        dotted(path),
        ABSENT if isinstance(a, dict) else a,
        ABSENT if isinstance(b, dict) else b,
    )
