"""A small set of arrays in which every pair of options occurs."""

from itertools import combinations, product
from random import Random
from typing import Any

from arch.array import Array

SHAPES = {
    "one PE": (1, 1),
    "row": (1, 5),
    "column": (6, 1),
    "tall": (7, 3),
    "wide": (2, 9),
    "square": (4, 4),
}
OPTIONS: dict[str, tuple[Any, ...]] = {
    "dataflow": ("ws", "is", "os"),
    "shape": tuple(SHAPES),
    "operand_format": ("int4", "int8", "int16"),
    "accumulator_format": ("int16", "int32"),
    "accumulator_overflow": ("wrap", "saturate"),
    "weight_load": ("serial", "overlapped"),
    "drain": ("serial", "overlapped"),
    "edge_folds": ("clipped", "full"),
    "pe_latency_cycles": (1, 2, 3),
    "accumulator_rows": (0, 5),
}

Choice = dict[str, Any]


def pairs(choice: Choice) -> set[tuple[str, Any, str, Any]]:
    return {(a, choice[a], b, choice[b]) for a, b in combinations(OPTIONS, 2)}


def covering_choices() -> list[Choice]:
    """Greedy: of many random choices always the one with the most new pairs."""
    random = Random(1)
    missing = {
        (a, x, b, y)
        for a, b in combinations(OPTIONS, 2)
        for x, y in product(OPTIONS[a], OPTIONS[b])
    }
    choices = []
    while missing:
        tried = [
            {name: random.choice(values) for name, values in OPTIONS.items()} for _ in range(200)
        ]
        a, x, b, y = min(missing, key=str)
        tried = [choice | {a: x, b: y} for choice in tried]
        best = max(tried, key=lambda choice: len(pairs(choice) & missing))
        choices.append(best)
        missing -= pairs(best)
    return choices


def array_of(choice: Choice) -> Array:
    rows, cols = SHAPES[choice["shape"]]
    rest = {name: value for name, value in choice.items() if name != "shape"}
    return Array(rows=rows, cols=cols, **rest)
