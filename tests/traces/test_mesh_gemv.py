"""GEMVs on a grid equal NumPy in the declared order, and follow each other."""

import itertools

import numpy as np
import pytest
from mesh_orders import adder, reduced, ring_reduced
from mesh_runs import chain, machine, numbers, run

from arch.errors import InputError
from arch.mesh.program import Op
from traces.mapping.mesh.flow import ALLREDUCES
from traces.mapping.mesh.mesh_gemv import lies_along, mesh_gemv
from traces.mapping.mesh.spread import gathered


def expected(x, w, places, kind, format, groups=0, chunk=None):
    """x W, rows of W in ``places`` parts; padding of a ring's chunks takes part in its order."""
    k, n = w.shape
    size = -(-k // places)
    blocks = [slice(begin, min(begin + size, k)) for begin in range(0, places * size, size)]
    parts = [
        chain(x[None, block], w[block], list(range(len(w[block]))), format)[0] for block in blocks
    ]
    add = adder(format)
    if kind != "ring" or places == 1:
        return np.float32(reduced(kind, parts, add, groups))
    per_wavelet = 1 if format == "fp32" else 2
    columns = [
        ring_reduced([part[at : at + chunk] for part in padded(parts, chunk)], add, per_wavelet)
        for at in range(0, -(-n // chunk) * chunk, chunk)
    ]
    return np.float32(np.concatenate(columns)[:n])


def padded(parts, chunk):
    return [np.pad(part, (0, -len(part) % chunk)) for part in parts]


@pytest.mark.parametrize(
    ("dims", "grid", "format"),
    [((9, 7), (4, 5), "fp16"), ((16, 12, 20), (4, 4), "fp16"), ((13, 9, 5, 8), (3, 7), "fp32")],
)
@pytest.mark.parametrize("kind", ALLREDUCES)
def test_gemvs_equal_numpy(kind, dims, grid, format):
    rng = np.random.default_rng(sum(dims))
    x = numbers(rng, (dims[0],), format)
    weights = [numbers(rng, pair, format) for pair in itertools.pairwise(dims)]
    made = mesh_gemv(machine(), dims, grid, kind, format, x=x, w=weights)
    memory = run(made.program, machine())
    lies = lies_along(dims, "y", grid)
    state = x
    for number, weight in enumerate(weights):
        places = grid[1 - number % 2]
        chunk = -(-dims[number + 1] // grid[number % 2])
        state = expected(state, weight, places, kind, format, chunk=chunk)
        got = gathered(memory[f"v{number + 1}"], lies[number + 1])
        # The same in every line across: the next GEMV finds it where it needs it.
        assert len(got) == places
        for line in got:
            np.testing.assert_array_equal(line, state)


def test_groups_of_the_tree_are_those_asked_for():
    rng = np.random.default_rng(0)
    x, weight = numbers(rng, (16,), "fp16"), numbers(rng, (16, 4), "fp16")
    sums = {}
    for groups in (1, 2, 4):
        made = mesh_gemv(machine(), (16, 4), (1, 8), groups=groups, x=x, w=[weight])
        memory = run(made.program, machine())
        sums[groups] = gathered(memory["v1"], lies_along((16, 4), "y", (1, 8))[1])[0]
        want = expected(x, weight, 8, "k_tree", "fp16", groups)
        np.testing.assert_array_equal(sums[groups], want)
    assert len({tuple(each) for each in sums.values()}) > 1


def test_a_product_is_a_callback_for_each_row():
    made = mesh_gemv(machine(), (12, 20), (4, 4))
    commands = made.program.programs[0].tasks[0].commands
    (product,) = commands[commands["op"] == Op.FMA]
    assert (int(product["count"]), int(product["length"])) == (3, 5)


def test_classes_are_few_on_a_large_grid():
    mesh = machine(360, 360)
    made = mesh_gemv(mesh, (4096, 4096, 4096), (360, 360), groups=18)
    assert len(made.program.programs) < 600
    assert made.notes == ("padded with zeros to 4320x4320x4320",)


def test_refuses_with_numbers():
    with pytest.raises(InputError, match=r"must be one of k_tree, chain, ring, two_phase"):
        mesh_gemv(machine(), (4, 4), (2, 2), "tree")
    with pytest.raises(InputError, match=r"132096 bytes a PE.*49152.*a grid of 7 x 7 would do"):
        mesh_gemv(machine(), (1024, 1024), (4, 4))
    with pytest.raises(InputError, match="two sizes or more"):
        mesh_gemv(machine(), (4,), (2, 2))
