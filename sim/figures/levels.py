"""Values of a parameter as columns of a figure, and how much they matter."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sim.report.text import parameter_value, printable, shorten

NOT_SET = "not set"
LETTERS_MAX = 18


@dataclass(frozen=True)
class Level:
    """A value, or a range or number of values, and the points that have it."""

    label: str
    points: tuple[int, ...]


def distinct(values: Sequence[object]) -> int:
    """How many different values there are."""
    return len({_key(value) for value in values})


def in_order(values: Sequence[object]) -> bool:
    """Whether the values, but for what is not set, have an order: numbers, or no and yes."""
    kinds = {type(value) for value in values if value is not None}
    return kinds <= {int, float} or kinds == {bool}


def levels(values: Sequence[object], most: int) -> list[Level]:
    """Points by value: numbers by size, texts as they come, what is not set last.

    More than ``most`` numbers are put into ranges with about as many values each; of more texts
    the rarest share the last place.
    """
    points: dict[object, list[int]] = {}
    held: dict[object, object] = {}
    for at, value in enumerate(values):
        points.setdefault(_key(value), []).append(at)
        held.setdefault(_key(value), value)
    unset = [Level(NOT_SET, tuple(points.pop(_key(None))))] if _key(None) in points else []
    room = most - len(unset)
    if in_order(list(held.values())):
        ordered = sorted(points, key=lambda key: held[key])  # type: ignore[arg-type, return-value]
        return _ranges(ordered, points, held, room) + unset
    kept = list(points)
    if len(kept) > room:
        common = sorted(kept, key=lambda key: -len(points[key]))[: room - 1]
        rest = [key for key in kept if key not in common]
        kept = [key for key in kept if key in common]
        others = tuple(sorted(at for key in rest for at in points[key]))
        unset.insert(0, Level(f"{len(rest)} others", others))
    return [Level(text(held[key]), tuple(points[key])) for key in kept] + unset


def _ranges(
    ordered: Sequence[object],
    points: dict[object, list[int]],
    held: dict[object, object],
    room: int,
) -> list[Level]:
    count = min(len(ordered), room)
    bounds = [round(len(ordered) * at / count) for at in range(count + 1)] if count else [0]
    found = []
    for start, end in pairwise(bounds):
        first, last = text(held[ordered[start]]), text(held[ordered[end - 1]])
        label = first if end - start == 1 else f"{first} to {last}"
        inside = tuple(sorted(at for key in ordered[start:end] for at in points[key]))
        found.append(Level(label, inside))
    return found


def text(value: object) -> str:
    """A value as a label."""
    if value is None:
        return NOT_SET
    shown = f"{value:.6g}" if isinstance(value, float) else parameter_value(value)
    return shorten(printable(shown), LETTERS_MAX)


def _key(value: object) -> object:
    """Equal numbers are one value; true is not 1."""
    return value if type(value) in (int, float) else (type(value).__name__, repr(value))


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """First quartile, median and third, between neighbours in proportion."""
    ordered = sorted(values)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        low = math.floor(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

    return at(0.25), at(0.5), at(0.75)


def effect(groups: Sequence[Level], values: Sequence[float]) -> float:
    """Share of the variance of an objective that a parameter's levels explain, 0 to 1; of the
    logarithms where all values are positive."""
    if all(value > 0 for value in values):
        values = [math.log(value) for value in values]
    count = sum(len(level.points) for level in groups)
    if not count:
        return 0.0
    mean = sum(values) / count
    total = sum((value - mean) ** 2 for value in values)
    between = 0.0
    for level in groups:
        inside = sum(values[at] for at in level.points) / len(level.points)
        between += len(level.points) * (inside - mean) ** 2
    # What is left of equal values after rounding is no variance.
    scale = max(map(abs, values))
    return between / total if total > 1e-18 * count * scale * scale else 0.0
