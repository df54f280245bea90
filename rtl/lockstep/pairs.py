"""Parameters drawn so that every pair of their values occurs."""

from collections.abc import Iterator, Mapping
from itertools import combinations, product
from random import Random
from typing import Any

Choice = dict[str, Any]
Options = Mapping[str, tuple[Any, ...]]
Pair = tuple[str, Any, str, Any]
TRIED = 60
"""Choices of which the one with the most new pairs is taken."""


def pairs_in(options: Options, choice: Choice) -> set[Pair]:
    """Of values that occur together."""
    return {(a, choice[a], b, choice[b]) for a, b in combinations(options, 2)}


def every_pair(options: Options) -> set[Pair]:
    """That can occur."""
    return {
        (a, x, b, y)
        for a, b in combinations(options, 2)
        for x, y in product(options[a], options[b])
    }


def choices(options: Options, random: Random) -> Iterator[Choice]:
    """Greedy, without end: first until no pair is missing, then any."""
    missing = every_pair(options)
    while True:
        tried = [
            {name: random.choice(values) for name, values in options.items()} for _ in range(TRIED)
        ]
        if missing:
            a, x, b, y = min(missing, key=str)
            tried = [choice | {a: x, b: y} for choice in tried]
        best = max(tried, key=lambda choice: len(pairs_in(options, choice) & missing))
        missing -= pairs_in(options, best)
        yield best
