"""The starts of folds: as the rules say, and none of them a cycle too late."""

from typing import Any

import numpy as np
import pytest
from array_cases import EXAMPLES, Case, Tile, array_of, cases, product, run
from array_oracle import tile_cycles, tile_folds
from hypothesis import given
from hypothesis import strategies as st

from sim.array.value import run_tile


@EXAMPLES
@given(cases())
def test_folds_start_and_end_when_the_rules_say(case: Case) -> None:
    array, tile, _ = case
    values, _ = run(case)
    folds = tile_folds(array, *tile)
    assert values.cycles == tile_cycles(array, *tile)
    assert values.load_start.tolist() == [fold.l for fold in folds]
    assert values.stream_start.tolist() == [fold.s for fold in folds]
    assert values.end.tolist() == [fold.e for fold in folds]


def distinct_operands(
    m: int, n: int, k: int, groups: int, random: np.random.Generator
) -> tuple[Any, Any]:
    """Operands of which no two are equal and none is zero: a wrong one always shows."""
    words = groups * k * (m + n)
    drawn = random.permutation(np.setdiff1d(np.arange(-words, words + 1), [0]))
    cut = groups * m * k
    return drawn[:cut].reshape(groups, m, k), drawn[cut:words].reshape(groups, k, n)


PLAIN_SUMS = {
    "operand_format": "int16",
    "accumulator_format": "int32",
    "accumulator_overflow": "wrap",
}
"""No wrong word can hide behind a saturated sum."""


@EXAMPLES
@given(cases(drain="overlapped", edge_folds="clipped", **PLAIN_SUMS), st.data())
def test_no_start_can_be_earlier(case: Case, data: st.DataObject) -> None:
    array, (m, n, k, groups, pack), random = case
    folds = tile_folds(array, *case[1])
    kinds: list[Any] = ["stream"] if array.dataflow == "os" else ["load", "stream"]
    kind = data.draw(st.sampled_from(kinds))
    first = 1 if kind == "load" or array.dataflow == "os" else 0
    if len(folds) > first:
        fold = data.draw(st.integers(first, len(folds) - 1))
        a, b = distinct_operands(m, n, k, groups, random)
        values = run_tile(array, a, b, pack=pack, early=(kind, fold))
        assert not np.array_equal(values.output, product(array, a, b))


WIDE = {"rows": 6, "cols": 12}
SLOW = {"pe_latency_cycles": 3}
OS = {"dataflow": "os"}
PRELOADED_SERIAL = {"drain": "preloaded", "weight_load": "serial"}
RULES: list[tuple[str, str, dict[str, Any], Tile, int]] = [
    ("load", "shadow still to be taken", {}, (9, 4, 8, 1, 1), 1),
    ("load", "shadow still to be taken", SLOW, (9, 4, 12, 1, 1), 1),
    ("load", "shadow still to be taken", SLOW, (9, 4, 6, 1, 1), 1),
    ("load", "weight still in use", {"weight_load": "serial"}, (9, 4, 8, 1, 1), 1),
    ("load", "weight still in use", {"weight_load": "serial"} | SLOW, (9, 4, 6, 1, 1), 1),
    ("load", "shadow still to be taken", {"drain": "preloaded"} | SLOW, (9, 4, 6, 1, 1), 1),
    ("load", "weight still in use", PRELOADED_SERIAL, (9, 4, 8, 1, 1), 1),
    ("stream", "weights loaded", {}, (1, 4, 8, 1, 1), 0),
    ("stream", "weights loaded", {}, (1, 4, 8, 1, 1), 1),
    ("stream", "left edge", {}, (9, 8, 5, 1, 1), 2),
    ("stream", "column order", WIDE, (9, 5, 2, 4, 3), 2),
    ("stream", "column order", WIDE | SLOW, (9, 5, 2, 4, 3), 2),
    ("stream", "output port", {}, (9, 5, 4, 1, 1), 1),
    ("stream", "output port", SLOW, (9, 5, 4, 1, 1), 1),
    ("stream", "edges", OS, (8, 4, 9, 1, 1), 1),
    ("stream", "drain registers", OS, (6, 4, 1, 2, 1), 2),
    ("stream", "drain registers", OS | SLOW, (6, 4, 1, 2, 1), 2),
    ("stream", "column order", OS, (5, 5, 2, 1, 1), 2),
    ("stream", "output port", OS, (4, 5, 2, 1, 1), 1),
]


@pytest.mark.parametrize(("kind", "rule", "options", "tile", "fold"), RULES)
def test_a_cycle_less_in_one_rule_spoils_the_product(
    kind: Any, rule: str, options: dict[str, Any], tile: Tile, fold: int
) -> None:
    array = array_of(operand_format="int16", **options)
    timing = tile_folds(array, *tile)[fold]
    rules = timing.load_rules if kind == "load" else timing.stream_rules
    assert [name for name, cycle in rules.items() if cycle == max(rules.values())] == [rule]
    m, n, k, groups, pack = tile
    a, b = distinct_operands(m, n, k, groups, np.random.default_rng(1))
    wanted = product(array, a, b)
    np.testing.assert_array_equal(run_tile(array, a, b, pack=pack).output, wanted)
    early = run_tile(array, a, b, pack=pack, early=(kind, fold))
    assert not np.array_equal(early.output, wanted)


@EXAMPLES
@given(cases(drain="serial"))
def test_a_serial_drain_keeps_folds_apart(case: Case) -> None:
    values, _ = run(case)
    assert values.load_start[1:].tolist() == values.end[:-1].tolist()


HELD = st.sampled_from(["ws", "is"])


@EXAMPLES
@given(HELD.flatmap(lambda held: cases(drain="preloaded", dataflow=held)))
def test_a_preloaded_fold_streams_into_an_empty_array(case: Case) -> None:
    values, _ = run(case)
    assert (values.stream_start[1:] >= values.end[:-1]).all()
    assert (values.load_start[1:] < values.end[:-1]).all()
