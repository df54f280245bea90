"""What the value kernel computes, how long it takes, and what it refuses."""

from typing import Any

import numpy as np
import pytest
from array_cases import EXAMPLES, Case, array_of, cases, operands, product, run
from array_oracle import tile_cycles
from hypothesis import given

from arch.array import Array
from arch.errors import InputError
from arch.mac.formats import FORMAT_BITS
from sim.array.value import run_tile
from sim.array.value_planes import SLACK_STEPS


@EXAMPLES
@given(cases())
def test_output_is_the_matrix_product(case: Case) -> None:
    values, wanted = run(case)
    np.testing.assert_array_equal(values.output, wanted)


@pytest.mark.parametrize("p", [1, 3])
@pytest.mark.parametrize("dataflow", ["ws", "os", "is"])
@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (3, 2), (2, 5)])
def test_long_streams(rows: int, cols: int, dataflow: Any, p: int) -> None:
    """Long enough for each plane of registers to come to the end of its buffer and go on."""
    array = array_of(rows=rows, cols=cols, dataflow=dataflow, pe_latency_cycles=p)
    streamed = 2 * p * SLACK_STEPS + 100
    m, n, k = {"ws": (streamed, 5, 3), "is": (5, streamed, 3), "os": (2, 5, streamed)}[dataflow]
    values, wanted = run((array, (m, n, k, 1, 1), np.random.default_rng(3)))
    np.testing.assert_array_equal(values.output, wanted)


@pytest.mark.parametrize("p", [1, 2, 5])
@pytest.mark.parametrize("dataflow", ["ws", "os", "is"])
def test_cycles_of_one_fold(dataflow: Any, p: int) -> None:
    array = Array(rows=6, cols=9, dataflow=dataflow, pe_latency_cycles=p)
    m, n, k = {"ws": (7, 8, 5), "is": (8, 7, 5), "os": (5, 8, 7)}[dataflow]
    a, b = operands(array, m, n, k, 1, np.random.default_rng(0))
    load_and_drain = 7 + p + 2 * 5 + 8 - 3 if dataflow == "os" else 5 + 7 + 5 * p + 8 - 2
    assert run_tile(array, a, b).cycles == load_and_drain


@pytest.mark.parametrize("dataflow", ["ws", "is"])
def test_scalesim_convention_counts_full_folds(dataflow: Any) -> None:
    array = Array(
        rows=4,
        cols=3,
        dataflow=dataflow,
        weight_load="serial",
        drain="serial",
        edge_folds="full",
        convention="scalesim",
    )
    values, wanted = run((array, (7, 5, 9, 1, 1), np.random.default_rng(0)))
    np.testing.assert_array_equal(values.output, wanted)
    folds, streamed = (6, 7) if dataflow == "ws" else (9, 5)
    assert values.cycles == folds * (streamed + 2 * 4 + 3 - 2) == tile_cycles(array, 7, 5, 9)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("dataflow", ["ws", "os", "is"])
@pytest.mark.parametrize(
    ("operand", "accumulator", "overflow", "k"),
    [
        ("int4", "int8", "wrap", 5),
        ("int4", "int8", "saturate", 5),
        ("int8", "int8", "saturate", 5),
        ("int4", "int32", "wrap", 5),
        ("int8", "int16", "wrap", 5),
        ("int8", "int16", "saturate", 5),
        ("int8", "int32", "wrap", 40),
        ("int16", "int32", "wrap", 5),
        ("int16", "int32", "saturate", 5),
        ("int32", "int32", "wrap", 5),
        ("int32", "int32", "saturate", 5),
        ("int16", "int64", "wrap", 5),
        ("int32", "int64", "wrap", 5),
    ],
)
def test_extreme_operands_fit_as_the_accumulators_do(
    operand: Any, accumulator: Any, overflow: Any, k: int, dataflow: Any, sign: int
) -> None:
    array = Array(
        rows=3,
        cols=2,
        dataflow=dataflow,
        pe_latency_cycles=2,
        operand_format=operand,
        accumulator_format=accumulator,
        accumulator_overflow=overflow,
    )
    low = -(2 ** (FORMAT_BITS[operand] - 1))
    a = np.full((1, 4, k), low)
    b = np.full((1, k, 3), low if sign > 0 else -low - 1)
    values = run_tile(array, a, b)
    assert values.output.dtype == accumulator
    np.testing.assert_array_equal(values.output, product(array, a, b))


def test_wrap_is_exercised() -> None:
    array = Array(rows=2, cols=2, dataflow="ws", operand_format="int16")
    a, b = np.full((1, 1, 2), -(2**15)), np.full((1, 2, 1), -(2**15))
    assert run_tile(array, a, b).output.tolist() == [[[-(2**31)]]]


SATURATED: list[tuple[str, dict[str, Any], list[int], list[int], int]] = [
    ("a product", {}, [-128], [-128], 127),
    ("a product before its sum", {}, [-100, 100], [2, 2], -1),
    ("rows downwards", {}, [100, 100, -100], [1, 1, 1], 27),
    ("rows from above", {}, [-100, 100, 100], [1, 1, 1], 100),
    ("below 0", {}, [-100, -100, 100], [1, 1, 1], -28),
    ("a fold by itself", {"rows": 2}, [100, 100, -100, -50], [1, 1, 1, 1], 127 - 128),
    ("fold after fold", {"rows": 1}, [100, 100, -100], [1, 1, 1], 27),
    ("no row of its own", {"rows": 8}, [100, 100, -100], [1, 1, 1], 27),
]


@pytest.mark.parametrize("p", [1, 3])
@pytest.mark.parametrize("dataflow", ["ws", "is", "os"])
@pytest.mark.parametrize(("what", "options", "a", "b", "wanted"), SATURATED)
def test_sums_saturate_by_hand(
    what: str, options: dict[str, Any], a: Any, b: Any, wanted: int, dataflow: Any, p: int
) -> None:
    array = array_of(
        accumulator_format="int8",
        accumulator_overflow="saturate",
        dataflow=dataflow,
        pe_latency_cycles=p,
        **options,
    )
    if dataflow == "os" and what == "a fold by itself":
        wanted = -23  # all of K in one sum
    values = run_tile(array, [[a]], [[[x] for x in b]])
    assert values.output.tolist() == [[[wanted]]], what


def test_the_order_of_saturated_sums_is_exercised() -> None:
    """Else the tests against ``product`` would pass a kernel that saturates only at the end."""
    array = array_of(accumulator_format="int16", accumulator_overflow="saturate")
    a, b = operands(array, 9, 9, 20, 1, np.random.default_rng(2))
    at_the_end = np.clip(a @ b, -(2**15), 2**15 - 1)
    over_all_rows = product(array.model_copy(update={"dataflow": "os"}), a, b)
    wanted = product(array, a, b)
    assert not np.array_equal(wanted, at_the_end)
    assert not np.array_equal(wanted, over_all_rows)
    np.testing.assert_array_equal(run_tile(array, a, b).output, wanted)


def test_registers_are_kept_only_on_request() -> None:
    array = Array(rows=2, cols=2, dataflow="os")
    assert run_tile(array, [[[1]]], [[[2]]]).registers == {}


ONES = [[[1, 1], [1, 1]]]
REFUSED: list[tuple[dict[str, Any], Any, Any, int, str]] = [
    ({"operand_format": "bf16"}, ONES, ONES, 1, "operand_format: .* integer format, not 'bf16'"),
    ({"accumulator_format": "fp32"}, ONES, ONES, 1, "accumulator_format: .* not 'fp32'"),
    ({"accumulator_format": "int4", "operand_format": "int4"}, ONES, ONES, 1, "int8 or wider"),
    ({"accumulator_format": "int8", "operand_format": "int16"}, ONES, ONES, 1, "no narrower"),
    (
        {"accumulator_format": "int64", "accumulator_overflow": "saturate"},
        ONES,
        ONES,
        1,
        "array.accumulator_overflow: must be 'wrap' with accumulator_format 'int64'",
    ),
    ({}, [[1, 1]], ONES, 1, r"a: must be integers \[groups, m, k\].* shape \(1, 2\)"),
    ({}, ONES, [[[1.0, 1.0]]], 1, "b: must be integers .* not float64"),
    ({}, np.zeros((1, 0, 2), int), ONES, 1, "none of them 0"),
    ({}, ONES, [[[1, 1]]], 1, r"groups and k, not have shapes \(1, 2, 2\) and \(1, 1, 2\)"),
    ({}, ONES * 2, ONES, 1, "agree in groups"),
    ({}, [[[128, 1]]], ONES, 1, "a: values .* 'int8' must be -128 to 127, not 128"),
    ({"operand_format": "int4"}, ONES, [[[1], [-9]]], 1, "b: values .* must be -8 to 7, not -9"),
    ({}, ONES, ONES, 4, "pack: must be 1 to 3 on 4 x 3 PEs, not 4"),
    ({}, ONES, ONES, 0, "pack: must be 1 to 3"),
    ({"rows": 65536, "cols": 65536}, ONES, ONES, 1, "65536 x 65536 PEs of latency 1 have"),
    (
        {
            "dataflow": "os",
            "weight_load": "serial",
            "drain": "serial",
            "edge_folds": "full",
            "convention": "scalesim",
        },
        ONES,
        ONES,
        1,
        "'scalesim' counts no drain .* for values use 'physical'",
    ),
    ({"copies": 2}, ONES, ONES, 1, "array.copies: values are those of one grid; must be 1, not 2"),
    ({"empty_load_cycles": 3}, ONES, ONES, 1, "which no hardware does; .* leave it out, not 3"),
]


@pytest.mark.parametrize(("options", "a", "b", "pack", "message"), REFUSED)
def test_wrong_input_is_refused(
    options: dict[str, Any], a: Any, b: Any, pack: int, message: str
) -> None:
    array = array_of(**({"cols": 3} | options))
    with pytest.raises(InputError, match=message):
        run_tile(array, a, b, pack=pack)


@pytest.mark.parametrize(
    ("dataflow", "drain", "kind"),
    [("ws", "serial", "load"), ("os", "serial", "stream"), ("is", "preloaded", "stream")],
)
def test_a_start_that_waits_for_an_empty_array_cannot_be_early(
    dataflow: Any, drain: Any, kind: Any
) -> None:
    array = Array(rows=2, cols=2, dataflow=dataflow, drain=drain)
    with pytest.raises(InputError, match="until the array is empty"):
        run_tile(array, ONES, ONES, early=(kind, 1))
