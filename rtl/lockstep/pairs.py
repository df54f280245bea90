"""Parameters drawn so that every pair of their values occurs."""

from collections.abc import Callable, Iterator, Mapping, Set
from itertools import combinations, product
from random import Random
from typing import Any

Choice = dict[str, Any]
Options = Mapping[str, tuple[Any, ...]]
Pair = tuple[str, Any, str, Any]


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


def choices(
    options: Options,
    random: Random,
    tried: int = 60,
    never: Set[Pair] = frozenset(),
    fits: Callable[[Choice], bool] = lambda choice: True,
) -> Iterator[Choice]:
    """Greedy, without end: first until no pair is missing, then any.

    Of ``tried`` choices the one with the most new pairs is taken, of those that have no pair of
    ``never`` and that ``fits`` lets pass, as it must some for each other pair.
    """
    missing = every_pair(options) - never
    while True:
        some = [
            {name: random.choice(values) for name, values in options.items()} for _ in range(tried)
        ]
        if missing:
            a, x, b, y = min(missing, key=str)
            some = [choice | {a: x, b: y} for choice in some]
        some = [each for each in some if not pairs_in(options, each) & never and fits(each)]
        if not some:
            continue
        best = max(some, key=lambda choice: len(pairs_in(options, choice) & missing))
        missing -= pairs_in(options, best)
        yield best
