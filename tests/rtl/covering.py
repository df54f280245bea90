"""A small set of arrays in which every pair of options occurs."""

from random import Random
from typing import Any

from arch.array import Array
from rtl.lockstep.pairs import Choice, choices, every_pair, pairs_in

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


def covering_choices() -> list[Choice]:
    """Greedy: of many random choices always the one with the most new pairs."""
    missing, found = every_pair(OPTIONS), list[Choice]()
    for choice in choices(OPTIONS, Random(1), tried=200):
        found.append(choice)
        missing -= pairs_in(OPTIONS, choice)
        if not missing:
            break
    return found


def array_of(choice: Choice) -> Array:
    rows, cols = SHAPES[choice["shape"]]
    rest = {name: value for name, value in choice.items() if name != "shape"}
    return Array(rows=rows, cols=cols, **rest)
