"""Operators of a run as figures name them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sim.report.text import printable, shorten
from sim.result import OperatorResult, Result

SEPARATORS = "_./-"
TIMES = "\u00d7"


@dataclass(frozen=True)
class Group:
    """Operators of equal shape and kind."""

    name: str
    members: tuple[OperatorResult, ...]

    @property
    def cycles(self) -> int:
        """Of all members together."""
        return sum(member.cycles for member in self.members)

    @property
    def stall_cycles(self) -> int:
        """Of all members together."""
        return sum(member.stall_cycles for member in self.members)

    @property
    def utilisation(self) -> float | None:
        """Of the members that multiply, weighted by their cycles; None: none does."""
        busy = [member for member in self.members if member.macs]
        cycles = sum(member.cycles for member in busy)
        if not cycles:
            return None
        return sum(member.utilisation * member.cycles for member in busy) / cycles


def timed(result: Result) -> list[OperatorResult]:
    """Operators with cycles of their own, as they ran."""
    return [row for row in result.operators if row.fused_into is None and row.cycles]


def same_shapes(operators: Sequence[OperatorResult]) -> list[Group]:
    """Operators of equal shape, and names that differ in digits only, together; where the first
    of them ran."""
    found: dict[object, list[OperatorResult]] = {}
    for row in operators:
        elements = tuple(
            sorted(item for item in row.events.items() if item[0].startswith("vector"))
        )
        pattern = re.sub(r"\d+", "*", row.name)
        key = (pattern, row.kind, row.m, row.n, row.k, row.groups, row.macs, elements)
        found.setdefault(key, []).append(row)
    names = dict(zip(map(id, operators), short_names([row.name for row in operators]), strict=True))
    return [
        Group(_together([names[id(row)] for row in rows]), tuple(rows)) for rows in found.values()
    ]


def _together(names: Sequence[str]) -> str:
    """``layer*.qkv`` and how many, where that still tells something; else the first."""
    if len(names) == 1:
        return names[0]
    pattern = re.sub(r"\d+", "*", names[0])
    told = pattern if re.search(r"\*.*[^\W\d_]{2}", pattern) else f"{names[0]} …"
    return f"{told} {TIMES}{len(names)}"


def short_names(names: Sequence[str], width: int = 24) -> list[str]:
    """Names without the words that all begin with, in at most ``width`` characters each."""
    shown = [printable(name) for name in names]
    start = 0
    if len(set(shown)) > 1:
        first, last = min(shown), max(shown)
        alike = next(
            (at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b),
            min(len(first), len(last)),
        )
        start = max((first.rfind(each, 0, alike) + 1 for each in SEPARATORS), default=0)
    return [shorten(name[start:] or name, width) for name in shown]
