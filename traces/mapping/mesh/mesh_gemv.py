"""MeshGEMV of WaferLLM (OSDI 2025): local products, then an allreduce along one axis.

x lies along an axis, the same in all lines across; each PE has a tile of W. What comes out lies
along the other axis, the same in all lines, where the next GEMV takes it: axes alternate.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.mesh.program import Function
from arch.mesh.wavelet import WaveletMesh
from traces.mapping.mesh.assembly import (
    Mapped,
    check_colours,
    check_format,
    check_grid,
    check_memory,
    check_slots,
)
from traces.mapping.mesh.flow import ALLREDUCE_COLOURS, ALLREDUCES, Axis, Flow
from traces.mapping.mesh.spread import Spread, matrix, spread, vector
from traces.mapping.mesh.tiles import Floats, Memory
from traces.mesh.commands import Command, fma, vec

SLOTS = {"k_tree": 1, "chain": 2, "ring": 3, "two_phase": 1}


def local(
    x: int, w: int, out: int, rows: int, columns: int, format: str, w_row: int = 0
) -> list[Command]:
    """out = x W of a PE: a callback for each row of W, a vector of its columns each.

    ``w_row`` is the distance between rows, if it is not ``columns``.
    """
    return [
        vec(Function.FILL, columns, out, format=format),
        fma(columns, out, x, w, format, count=rows, a_step=1, b_step=w_row or columns),
    ]


def mesh_gemv(
    mesh: WaveletMesh, dims: Sequence[int], grid: tuple[int, int], allreduce: str = "k_tree",
    format: str = "fp16", groups: int = 0, first: Axis = "y",
    x: npt.ArrayLike | None = None, w: Sequence[npt.ArrayLike] | None = None,
) -> Mapped:  # fmt: skip
    """Program of x W1 W2 ...: GEMV i takes ``dims[i]`` elements to ``dims[i + 1]``.

    ``first`` is the axis along which x lies. Result i is region ``v<i>``, x is ``v0``. In a PE an
    element is a chain of FMAs from 0 over its rows, each rounded to ``format``; then the sums of
    the allreduce. With ``x`` and ``w`` it has values. Raises InputError.
    """
    width, height = grid
    sizes = "x".join(map(str, dims))
    where = f"mesh_gemv:{sizes},grid={width}x{height},allreduce={allreduce},{format}"
    if allreduce not in ALLREDUCES:
        raise InputError(f"{where}: allreduce must be one of {', '.join(ALLREDUCES)}")
    if len(dims) < 2 or min(dims) < 1:
        raise InputError(f"{where}: must be two sizes or more, of 1 at least")
    check_grid(where, mesh, width, height)
    check_format(where, mesh, format)
    check_slots(where, mesh, SLOTS[allreduce])
    check_colours(where, mesh, ALLREDUCE_COLOURS[allreduce] * min(len(dims) - 1, 2))
    check_memory(where, mesh, grid, lambda *at: _memory(dims, first, at, format)[0].bytes)
    memory, lies = _memory(dims, first, grid, format)
    at = {region.name: region.start for region in memory.regions}
    flow = Flow(width, height)
    for number, (rows, columns) in enumerate(itertools.pairwise(lies)):
        taken, weights, made = at[f"v{number}"], at[f"w{number + 1}"], at[f"v{number + 1}"]
        flow.all(*local(taken, weights, made, rows.chunk, columns.chunk, format))
        colour = ALLREDUCE_COLOURS[allreduce] * (number % 2)
        flow.reduce(rows.axis, allreduce, columns.chunk, made, format, colour, groups=groups)
    values: dict[str, Floats] = {}
    if x is not None and w is not None:
        values["v0"] = vector(np.asarray(x).reshape(-1), lies[0], grid, format)
        for number, weights_given in enumerate(w):
            rows, columns = lies[number], lies[number + 1]
            values[f"w{number + 1}"] = matrix(weights_given, rows, columns, format)
    program = flow.program(where, memory.regions, values)
    padded = [lie.chunk * lie.positions for lie in lies]
    notes = () if padded == list(dims) else (f"padded with zeros to {'x'.join(map(str, padded))}",)
    return Mapped(program, {}, notes)


def lies_along(dims: Sequence[int], first: Axis, grid: tuple[int, int]) -> list[Spread]:
    """Where x and the results lie."""
    axes: tuple[Axis, Axis] = ("y", "x") if first == "y" else ("x", "y")
    places = {"x": grid[0], "y": grid[1]}
    return [
        spread(axes[number % 2], size, places[axes[number % 2]]) for number, size in enumerate(dims)
    ]


def _memory(
    dims: Sequence[int], first: Axis, grid: tuple[int, int], format: str
) -> tuple[Memory, list[Spread]]:
    memory, lies = Memory(format), lies_along(dims, first, grid)
    memory.add("v0", lies[0].chunk)
    for number, (rows, columns) in enumerate(itertools.pairwise(lies)):
        memory.add(f"w{number + 1}", rows.chunk * columns.chunk)
        memory.add(f"v{number + 1}", columns.chunk)
    return memory, lies
