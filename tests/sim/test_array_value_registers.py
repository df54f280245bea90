"""Every register of the value kernel in every cycle against PEs as objects."""

from typing import Any, get_args

import numpy as np
import pytest
from array_cases import COMPILED, Case, array_of, cases, operands, product
from array_pe_oracle import OsMachine, WsMachine
from hypothesis import given, settings

from arch.array import Array, Dataflow
from arch.mac.formats import FORMAT_BITS
from sim.array.value import run_tile
from sim.array.value_planes import SLACK_STEPS


def register_names(array: Array) -> list[tuple[str, str, int | None]]:
    """Name in the oracle and in the kernel, stage."""
    p = array.pe_latency_cycles
    if array.dataflow == "os":
        names: list[tuple[str, str, int | None]] = [(x, x, None) for x in ("left", "top", "sum")]
        names += [(f"product{j}", "product", j) for j in range(p - 1)]
        return names + [("drain", "drain", None)] * (array.drain == "overlapped")
    names = [("operand", "operand", None), ("weight", "weight", None)]
    names += [(f"psum{j}", "psum", j) for j in range(p)]
    return names + [("shadow", "shadow", None)] * (array.weight_load == "overlapped")


def machine_of(array: Array, a: Any, b: Any) -> WsMachine | OsMachine:
    """The oracle for one group; under is it computes the transposed product."""
    bits = FORMAT_BITS[array.accumulator_format]
    if array.dataflow == "os":
        return OsMachine(array, a.tolist(), b.tolist(), bits)
    if array.dataflow == "is":
        return WsMachine(array, b.T.tolist(), a.T.tolist(), bits)
    return WsMachine(array, a.tolist(), b.tolist(), bits)


def compare(array: Array, m: int, n: int, k: int) -> None:
    """Run both on the same operands and hold each register of each cycle side by side."""
    a, b = operands(array, m, n, k, 1, np.random.default_rng(7))
    machine = machine_of(array, a[0], b[0])
    cycles = machine.run()
    values = run_tile(array, a, b, trace=True)
    assert values.cycles == cycles
    wanted = product(array, a, b)[0]
    np.testing.assert_array_equal(
        machine.out, wanted if array.dataflow != "is" else wanted.T, "the oracle is wrong"
    )
    names = register_names(array)
    assert {kernel for _, kernel, _ in names} >= set(values.registers) - {"product"}
    for name, kernel, stage in names:
        traced = values.registers[kernel]
        planes = traced if stage is None else traced[stage]
        for x in range(cycles):
            np.testing.assert_array_equal(
                planes[x], machine.registers[x][name], f"{name} at the end of cycle {x}"
            )


ARRAYS = [
    Array(
        rows=rows,
        cols=cols,
        dataflow=dataflow,
        pe_latency_cycles=p,
        weight_load=load,
        drain=drain,
        edge_folds=edges,
    )
    for rows, cols in ((3, 2), (2, 4))
    for dataflow in get_args(Dataflow)
    for p in (1, 4)
    for load in ("serial", "overlapped")
    for drain in ("serial", "preloaded", "overlapped")
    for edges in ("clipped", "full")
    if dataflow != "os" or (load == "serial" and drain != "preloaded")
]


@pytest.mark.parametrize(
    "array", ARRAYS, ids=lambda x: "-".join(str(value) for value in list(vars(x).values())[1:10])
)
@pytest.mark.parametrize(("m", "n", "k"), [(4, 5, 7), (5, 6, 2)])
def test_every_register_in_every_cycle(array: Array, m: int, n: int, k: int) -> None:
    compare(array, m, n, k)


@settings(max_examples=80 if COMPILED else 20, deadline=None)
@given(cases())
def test_every_register_of_random_arrays(case: Case) -> None:
    array, (m, n, k, _, _), _ = case
    compare(array, *(1 + (extent - 1) % 14 for extent in (m, n, k)))


@pytest.mark.parametrize("p", [1, 4])
@pytest.mark.parametrize("dataflow", get_args(Dataflow))
def test_registers_when_planes_have_moved_far(dataflow: Any, p: int) -> None:
    streamed = (p + 1) * SLACK_STEPS
    m, n, k = {"ws": (streamed, 3, 2), "is": (3, streamed, 2), "os": (2, 3, streamed)}[dataflow]
    compare(array_of(rows=2, cols=2, dataflow=dataflow, pe_latency_cycles=p), m, n, k)


def test_control_crosses_columns_without_a_use() -> None:
    """A second fold of one column, and what it does to the column beside it."""
    array = array_of(rows=2, cols=2)
    a, b = np.full((1, 3, 2), 1), np.array([[[1, 2, 3], [4, 5, 6]]])
    values = run_tile(array, a, b, trace=True)
    assert values.stream_start.tolist() == [2, 6]
    weight = values.registers["weight"]
    assert weight[5].tolist() == [[1, 2], [4, 5]]
    assert weight[6].tolist() == [[3, 2], [4, 5]]
    assert weight[7].tolist() == [[3, 0], [6, 5]]
    assert weight[8].tolist() == [[3, 0], [6, 0]]

    values = run_tile(array_of(rows=2, cols=2, dataflow="os"), a[:, :2], b, trace=True)
    assert values.stream_start.tolist() == [0, 3]
    total, drain = values.registers["sum"], values.registers["drain"]
    assert total[3].tolist() == [[3, 7], [5, 7]]
    assert total[4].tolist() == [[9, 0], [3, 7]]
    assert total[5].tolist() == [[9, 0], [9, 0]]
    assert drain[4].tolist() == [[9, 7], [5, 7]]
    assert drain[5].tolist() == [[9, 0], [9, 7]]
    assert drain[6].tolist() == [[9, 0], [9, 0]]


def test_registers_of_two_by_two_by_hand() -> None:
    """B = [[5, 6], [7, 8]] loads in cycles 0 to 2, A = [[1, 2], [3, 4]] streams from cycle 2."""
    array = Array(rows=2, cols=2, dataflow="ws")
    values = run_tile(array, [[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]], trace=True)
    shadow = values.registers["shadow"]
    assert shadow[0].tolist() == [[7, 0], [0, 0]]
    assert shadow[1].tolist() == [[5, 8], [7, 0]]
    assert shadow[2].tolist() == [[5, 6], [7, 8]]
    psum = values.registers["psum"][0]
    assert psum[2].tolist() == [[5, 0], [0, 0]]
    assert psum[3].tolist() == [[15, 6], [19, 0]]
    assert psum[4].tolist() == [[0, 18], [43, 22]]
    assert psum[5].tolist() == [[0, 0], [0, 50]]
    assert values.cycles == 6
    assert values.output.tolist() == [[[19, 22], [43, 50]]]
