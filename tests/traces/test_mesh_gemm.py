"""Products on a grid of PEs equal NumPy in the order that each algorithm declares."""

import numpy as np
import pytest
from mesh_runs import chain, cycles, machine, numbers, one_by_one, run

from arch.errors import InputError
from arch.mesh.program import Op
from traces.mapping.mesh.cannon import cannon
from traces.mapping.mesh.dist_gemm_t import dist_gemm_t
from traces.mapping.mesh.mesh_gemm import mesh_gemm
from traces.mapping.mesh.shift_gemm import Sizes
from traces.mapping.mesh.summa import summa

ORACLE = 4
"""Largest grid on the plain oracle; larger ones run on the kernel."""
CASES = [
    (1, (3, 4, 2), "fp16"),
    (2, (4, 6, 4), "fp32"),
    (3, (7, 10, 5), "fp16"),
    (4, (8, 12, 4), "fp16"),
    (4, (9, 10, 11), "fp32"),
    (5, (5, 13, 10), "fp16"),
    (8, (9, 17, 8), "fp16"),
]


def places(kind: str, grid: int) -> list[int]:
    """Positions of a line by their place in the ring."""
    if kind == "cannon":
        return list(range(grid))
    return [*range(0, grid, 2), *reversed(range(1, grid, 2))]


def block(index: int, size: int, end: int) -> range:
    return range(min(index * size, end), min((index + 1) * size, end))


@pytest.mark.parametrize(("grid", "sizes", "format"), CASES)
@pytest.mark.parametrize("how", ["grid", "host", "steps", "answered"])
@pytest.mark.parametrize("algorithm", [mesh_gemm, cannon])
def test_shifts_equal_numpy(algorithm, how, grid, sizes, format):
    m, k, n = sizes
    rng = np.random.default_rng(grid)
    x, w = numbers(rng, (m, k), format), numbers(rng, (k, n), format)
    given = (machine(), Sizes(*sizes), grid, format, x, w)
    if how == "steps":
        made = [algorithm(*given, only=step) for step in range(grid)]
    elif how == "answered":
        made = [algorithm(*given, answered=True)]
    else:
        made = [algorithm(*given, align_by=how)]
    got = made[0].results["c"].gathered(one_by_one(made, machine(), grid <= ORACLE))
    line = places(algorithm.__name__, grid)
    mt, kt, nt = -(-m // grid), -(-k // grid), -(-n // grid)
    for row in range(grid):
        for column in range(grid):
            start = line.index(row) + line.index(column)
            order = [each for s in range(grid) for each in block(line[(start - s) % grid], kt, k)]
            rows, columns = block(row, mt, m), block(column, nt, n)
            want = chain(x[rows], w[:, columns], order, format)
            np.testing.assert_array_equal(got[np.ix_(rows, columns)], want)


@pytest.mark.parametrize(("grid", "sizes", "format"), CASES)
def test_dist_gemm_t_equals_numpy(grid, sizes, format):
    m, k, n = sizes
    rng = np.random.default_rng(grid)
    x, w = numbers(rng, (m, k), format), numbers(rng, (n, k), format)
    made = dist_gemm_t(machine(), Sizes(*sizes), grid, format, x, w)
    got = made.results["c"].gathered(run(made.program, machine(), grid <= ORACLE))
    line = places("mesh_gemm", grid)
    mt, kt, nt = -(-m // grid), -(-k // grid), -(-n // grid)
    for row in range(grid):
        for column in range(grid):
            start = line.index(column) - line.index(row)
            order = [each for s in range(grid) for each in block(line[(start + s) % grid], kt, k)]
            rows, columns = block(row, mt, m), block(column, nt, n)
            want = chain(x[rows], w.T[:, columns], order, format)
            np.testing.assert_array_equal(got[np.ix_(rows, columns)], want)


@pytest.mark.parametrize(
    ("grid", "sizes", "format"),
    [
        *(((side, side), sizes, format) for side, sizes, format in CASES),
        ((4, 2), (5, 9, 7), "fp16"),
        ((3, 4), (5, 31, 7), "fp16"),
        ((1, 3), (5, 9, 7), "fp32"),
        ((8, 4), (8, 32, 16), "fp16"),
    ],
)
def test_summa_equals_numpy(grid, sizes, format):
    m, k, n = sizes
    rng = np.random.default_rng(grid[0])
    x, w = numbers(rng, (m, k), format), numbers(rng, (k, n), format)
    made = summa(machine(), Sizes(*sizes), grid, format, x, w)
    got = made.results["c"].gathered(run(made.program, machine(), max(grid) <= ORACLE))
    np.testing.assert_array_equal(got, chain(x, w, list(range(k)), format))


# With the last one a root still sends X when a panel comes to be relayed on the same way.
@pytest.mark.parametrize(("grid", "sizes", "format"), [*CASES, (3, (60, 12, 3), "fp16")])
@pytest.mark.parametrize(
    ("forward", "steps"), [("relay", False), ("relay", True), ("multicast", True)]
)
def test_summa_by_steps_equals_numpy(forward, steps, grid, sizes, format):
    m, k, n = sizes
    rng = np.random.default_rng(grid)
    x, w = numbers(rng, (m, k), format), numbers(rng, (k, n), format)
    made = [
        summa(machine(), Sizes(*sizes), (grid, grid), format, x, w, forward, only)
        for only in (range(grid) if steps else [None])
    ]
    got = made[0].results["c"].gathered(one_by_one(made, machine(), grid <= ORACLE))
    np.testing.assert_array_equal(got, chain(x, w, list(range(k)), format))


@pytest.mark.parametrize("grid", [2, 5, 6, 7, 8])
@pytest.mark.parametrize(("algorithm", "hops"), [(mesh_gemm, 2), (cannon, None)])
def test_a_ring_link_has_its_hops(algorithm, hops, grid):
    """Rings are closed, and a wavelet of MeshGEMM passes one router at most."""
    made = algorithm(machine(), Sizes(grid, grid, grid), grid).program
    steps = {0: (1, 0), 1: (-1, 0), 2: (0, 1), 3: (0, -1)}
    for colour in range(9):
        for y in range(grid):
            for x in range(grid):
                route = made.routes[made.route_of[y, x]].get(colour)
                if route is None or route.positions[0][0] != 4:
                    continue
                at, far = (x, y), 0
                (out,) = route.positions[0][1]
                while out != 4:
                    at = at[0] + steps[out][0], at[1] + steps[out][1]
                    ((came, (out,)),) = made.routes[made.route_of[at[1], at[0]]][colour].positions
                    assert came != 4
                    far += 1
                assert 1 <= far <= (hops or grid - 1)


def test_a_product_is_a_loop_of_callbacks():
    """One FMA command a k: Nt vectors of Mt, as the real kernel's."""
    made = mesh_gemm(machine(), Sizes(4 * 5, 4 * 3, 4 * 2), 4).program
    steps = made.programs[0].tasks[1].commands
    fmas = steps[steps["op"] == Op.FMA]
    assert {(int(each["length"]), int(each["count"])) for each in fmas} == {(5, 2)}
    turns = steps[(steps["op"] == Op.LOOP) & (steps["level"] == 1)]
    assert set(turns["count"].tolist()) == {3}
    moves = [int(op) for op in steps["op"] if op in (Op.SEND, Op.RECV)]
    assert moves == [Op.SEND, Op.RECV, Op.SEND, Op.RECV] * 2


def test_classes_do_not_grow_with_the_grid():
    mesh = machine(512, 512)
    small, large = (summa(mesh, Sizes(64, 512, 64), (side, side)).program for side in (16, 256))
    assert len(small.programs) == len(large.programs) == 1
    assert len(small.routes) == len(large.routes) == 9
    shifts = mesh_gemm(mesh, Sizes(256, 256, 256), 256).program
    assert len(shifts.programs) <= 8 * 256
    tasks = {id(task) for program in shifts.programs for task in program.tasks}
    assert len(tasks) <= 8 * 256 + 2 * 64


def test_a_step_takes_its_longest_way():
    """Two hops or the whole line; with each PE on the way, its ramps and an operation, relayed."""

    def step(build, grid, only=0, **options):
        mesh = machine(40, 40)
        made = build(mesh, Sizes(grid, grid, grid), grid, only=only, **options)
        return cycles(made.program, mesh)

    def square(mesh, sizes, grid, **options):
        return summa(mesh, sizes, (grid, grid), **options)

    for algorithm in (mesh_gemm, cannon):
        assert len({step(algorithm, 6, only) for only in range(6)}) == 1
    assert step(mesh_gemm, 40) == step(mesh_gemm, 20)
    assert step(cannon, 40) == step(cannon, 20) + 20
    assert step(square, 40) == step(square, 20) + 20
    assert step(square, 39, 19) == step(square, 39) - 19
    ramps = 2 * machine().ramp_cycles
    assert step(square, 40, forward="relay") == step(square, 20, forward="relay") + 20 * (ramps + 2)


@pytest.mark.parametrize("name", ["mesh_gemm", "cannon"])
def test_an_answered_step_waits_for_who_is_told(name):
    """Each step takes the longest way there and back, where without answers it is hidden."""

    def spent(grid, **options):
        sizes, mesh = Sizes(grid, grid, grid), machine(40, 40)
        build = {"mesh_gemm": mesh_gemm, "cannon": cannon}[name]
        return cycles(build(mesh, sizes, grid, align_by="host", **options).program, mesh) / grid

    far = 2 * 20 if name == "cannon" else 0
    assert abs(spent(40, answered=True) - spent(20, answered=True) - far) <= 2
    assert abs(spent(40) - spent(20)) <= 2


@pytest.mark.parametrize("algorithm", [mesh_gemm, cannon, dist_gemm_t])
def test_refuses_with_numbers(algorithm):
    name = algorithm.__name__
    with pytest.raises(InputError, match=r"9 x 9 PEs; must be 1 x 1 to 8 x 8"):
        algorithm(machine(), Sizes(1, 1, 1), 9)
    with pytest.raises(InputError, match=r"k must be at least 1, not 0"):
        algorithm(machine(), Sizes(1, 0, 1), 2)
    with pytest.raises(
        InputError, match=rf"{name}.*163840 bytes a PE.*must be 49152.*a grid of 8 x 8 would do"
    ):
        algorithm(machine(), Sizes(512, 512, 512), 4)
    with pytest.raises(InputError, match="655360 bytes on 8 x 8, the largest"):
        algorithm(machine(), Sizes(2048, 2048, 2048), 4)
    with pytest.raises(InputError, match="needs 5 slots of a PE; must be 4"):
        algorithm(machine(slots=4), Sizes(1, 1, 1), 2)
    with pytest.raises(InputError, match=r"format 'fp16'; must be one of fp32"):
        algorithm(machine(lanes={"fp32": 1}), Sizes(1, 1, 1), 2)


def test_refuses_steps_that_there_are_not():
    for algorithm, grid in ((mesh_gemm, 4), (cannon, 4), (summa, (4, 4))):
        with pytest.raises(InputError, match="step must be 0 to 3, not 4"):
            algorithm(machine(), Sizes(4, 4, 4), grid, only=4)
    for options in ({"forward": "relay"}, {"only": 0}):
        with pytest.raises(InputError, match="4 x 2 PEs; forward and step need a square grid"):
            summa(machine(), Sizes(4, 4, 4), (4, 2), **options)


def test_says_that_it_pads():
    assert mesh_gemm(machine(), Sizes(8, 8, 8), 4).notes == ()
    assert mesh_gemm(machine(), Sizes(7, 8, 9), 4).notes == ("padded with zeros to m=8, k=8, n=12",)
