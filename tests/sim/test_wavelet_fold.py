"""Programs in which columns or rows do the same, run as one of them."""

from dataclasses import replace

import numpy as np
import pytest
from wavelet_cases import mesh_of

from arch.errors import InputError
from arch.mesh.program import MeshProgram
from sim.mesh.wavelet_fold import fold
from sim.mesh.wavelet_run import run_program
from traces.mapping.mesh import collective


def reduced(width: int, height: int, axis: str) -> MeshProgram:
    """A K-tree in each row or each column, with values that are alike in all."""
    shape = (height, 1) if axis == "y" else (1, width)
    values = np.arange(shape[0] * shape[1] * 5, dtype=np.float32).reshape(*shape, 5) / 4
    values = np.broadcast_to(values, (height, width, 5)).copy()
    return collective("ktree_allreduce", width, height, 5, axis=axis, values=values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("axis", "along"), [("y", "x"), ("x", "y")])
def test_a_folded_program_is_each_column_or_row(axis: str, along: str) -> None:
    mesh, program = mesh_of(), reduced(6, 5, axis)
    folded = fold(program)
    assert (folded.axis, folded.times) == ((along, 6) if along == "x" else (along, 5))
    whole, part = run_program(mesh, program), run_program(mesh, folded.program)
    assert part.cycles == whole.cycles
    assert {name: (a, b, n * folded.times) for name, (a, b, n) in part.marks.items()} == whole.marks
    assert {name: n * folded.times for name, n in part.counts.items()} == whole.counts
    assert (part.links == whole.links).all()
    for name, cycles in part.accounts.items():
        assert (cycles == whole.accounts[name]).all()
    assert (part.memory["vector"] == whole.memory["vector"]).all()


def test_what_is_not_alike_is_not_folded() -> None:
    program = reduced(4, 4, "y")
    with pytest.raises(InputError, match="along y PEs have other programs"):
        fold(program, ["y"])
    other = program.program_of.copy()
    other[2, 3] = 0
    with pytest.raises(InputError, match="along x PEs have other programs"):
        fold(replace(program, program_of=other))
    routes = program.route_of.copy()
    routes[2, 3] = 0
    with pytest.raises(InputError, match="along x PEs have other routes"):
        fold(replace(program, route_of=routes))
    values = {"vector": program.values["vector"].copy()}
    values["vector"][1, 2, 3] += 1
    with pytest.raises(InputError, match="along x values of vector differ"):
        fold(replace(program, values=values))


def test_links_between_columns_are_not_folded() -> None:
    program = collective("broadcast", 5, 3, 4, axis="x")
    one = np.zeros_like(program.program_of)
    alike = replace(program, program_of=one, route_of=one + 1)
    with pytest.raises(InputError, match="along x colour 0 goes by E or W"):
        fold(alike, ["x"])
