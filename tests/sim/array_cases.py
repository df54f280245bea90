"""Random arrays, tiles and operands, and what should come of them."""

import os
from typing import Any, get_args

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from arch.array import Array, Dataflow
from arch.mac.formats import FORMAT_BITS
from sim.array.value import TileValues, run_tile

COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
EXTENT_MAX = 40 if COMPILED else 20
EXAMPLES = settings(max_examples=300 if COMPILED else 30, deadline=None)

Tile = tuple[int, int, int, int, int]
"""m, n, k, groups, pack."""
Case = tuple[Array, Tile, np.random.Generator]


def array_of(**options: Any) -> Array:
    """A 4 x 4 weight-stationary array, but for the options."""
    defaults: dict[str, Any] = {"rows": 4, "cols": 4, "dataflow": "ws"}
    return Array(**(defaults | options))


def operands(
    array: Array, m: int, n: int, k: int, groups: int, random: np.random.Generator
) -> tuple[Any, Any]:
    """Operands over the whole range of the format."""
    high = 2 ** (FORMAT_BITS[array.operand_format] - 1)
    a = random.integers(-high, high, (groups, m, k))
    return a, random.integers(-high, high, (groups, k, n))


def product(array: Array, a: Any, b: Any, pack: int = 1) -> Any:
    """NumPy's product, wrapped as accumulators do, or saturated sum by sum.

    Saturated, the order counts: down the rows of a fold, and fold after fold of the K dimension.
    """
    a, b = a.astype(object), b.astype(object)
    half = 2 ** (FORMAT_BITS[array.accumulator_format] - 1)
    if array.accumulator_overflow == "wrap":
        return ((a @ b + half) % (2 * half) - half).astype(np.int64)
    depth = a.shape[2]
    rows = depth if array.dataflow == "os" else array.rows // pack
    total = np.zeros((len(a), a.shape[1], b.shape[2]), object)
    for first in range(0, depth, rows):
        fold = np.zeros_like(total)
        for k in range(first, min(first + rows, depth)):
            term = np.clip(a[:, :, k, None] * b[:, k, None, :], -half, half - 1)
            fold = np.clip(fold + term, -half, half - 1)
        total = np.clip(total + fold, -half, half - 1)
    return total.astype(np.int64)


@st.composite
def cases(draw: st.DrawFn, /, **fixed: Any) -> Case:
    """An array, with the ``fixed`` options as given, and a tile with a source of values."""
    options: dict[str, Any] = {
        "rows": draw(st.integers(1, 8)),
        "cols": draw(st.integers(1, 8)),
        "dataflow": draw(st.sampled_from(get_args(Dataflow))),
        "pe_latency_cycles": draw(st.sampled_from([1, 1, 2, 3, 7])),
        "weight_load": draw(st.sampled_from(["serial", "overlapped"])),
        "drain": draw(st.sampled_from(["serial", "preloaded", "overlapped"])),
        "edge_folds": draw(st.sampled_from(["clipped", "full"])),
        "operand_format": draw(st.sampled_from(["int4", "int8", "int16"])),
        "accumulator_overflow": draw(st.sampled_from(["wrap", "saturate"])),
    } | fixed
    if options["dataflow"] == "os" and options["drain"] == "preloaded":
        options["drain"] = "serial"
    if "accumulator_format" not in fixed:
        wider = {"int4": ["int8", "int16"], "int8": ["int8", "int16", "int32"]}
        formats = wider.get(options["operand_format"], ["int16", "int32"])
        options["accumulator_format"] = draw(st.sampled_from(formats))
    array = array_of(**options)
    pack = draw(st.integers(1, min(3, array.rows, array.cols)))
    groups = draw(st.integers(1, 5)) if pack > 1 else draw(st.integers(1, 2))
    extent = st.integers(1, EXTENT_MAX if groups == 1 else EXTENT_MAX // 2)
    tile = (draw(extent), draw(extent), draw(extent), groups, pack)
    return array, tile, np.random.default_rng(draw(st.integers(0, 2**32)))


def run(case: Case, **options: Any) -> tuple[TileValues, Any]:
    """What the kernel computes of a case, and what it should."""
    array, (m, n, k, groups, pack), random = case
    a, b = operands(array, m, n, k, groups, random)
    return run_tile(array, a, b, pack=pack, **options), product(array, a, b, pack)
