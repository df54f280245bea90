"""Energy: counts times tables, by hand."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.array import Array
from arch.buffer import Buffer, Scratchpad
from arch.energy import ENERGY, EnergyTable
from arch.machine import Machine
from arch.memory import Memory
from arch.technology import UNKNOWN, Entry
from arch.vector import VECTOR_OPS, Vector
from sim.energy import energy, sram_pj_per_64_bits
from sim.result import Energy

TABLE = ENERGY["45nm"]


def machine(cores: int = 1, technology: str = "45nm", **array: Any) -> Machine:
    """Scratchpads at and beside the entries of the table."""
    return Machine.model_validate(
        {
            "name": "m",
            "source": "a test",
            "clocks": {"core": 1_000_000, "memory": 1_000_000},
            "cores": cores,
            "array": Array(rows=4, cols=8, dataflow="ws", **array),
            "buffer": Buffer(
                scratchpads={
                    "small": Scratchpad(
                        operands=("ifmap",), capacity_kib=8, banks=1, bank_width_bytes=8
                    ),
                    "large": Scratchpad(
                        operands=("filter", "ofmap"), capacity_kib=1024, banks=1, bank_width_bytes=8
                    ),
                }
            ),
            "vector": Vector(lanes=4),
            "memory": Memory(latency_cycles=1, bytes_per_cycle=8),
            "technology": technology,
        }
    )


EVENTS = {
    "macs": 1000,
    "accumulator_read_words": 16,
    "accumulator_write_words": 48,
    "small_read_bytes": 80,
    "small_write_bytes": 16,
    "large_read_bytes": 8,
    "large_write_bytes": 24,
    "memory_read_bytes": 64,
    "memory_write_bytes": 4,
    "vector_add_elements": 100,
    "vector_mul_elements": 10,
    "vector_sum_elements": 1000,
    "vector_copy_elements": 7,
    "vector_act_elements": 3,
    "folds": 5,
    "psum_read_words": 1,
    "ifmap_read_words": 99,
}


def test_by_hand() -> None:
    """32 KiB of accumulators: 1024 rows x 8 columns x 4 bytes."""
    found = energy(machine(accumulator_rows=1024), EVENTS, 0.0)
    assert found.by_component_pj == {
        "array": pytest.approx(1000 * (0.2 + 0.1)),
        "accumulators": pytest.approx(64 * 20.0 / 2),
        "scratchpad_small": pytest.approx(96 / 8 * 10.0),
        "scratchpad_large": pytest.approx(32 / 8 * 100.0),
        "memory": pytest.approx(68 / 8 * 1300.0),
        "vector_add": pytest.approx(100 * 0.03),
        "vector_mul": pytest.approx(10 * 0.2),
        "vector_sum": pytest.approx(1000 * 0.03),
        "vector_copy": 0.0,
    }
    assert found.unknown == ("vector_act",)
    assert found.is_lower_bound
    assert found.total_pj == pytest.approx(300 + 640 + 120 + 400 + 11_050 + 3 + 2 + 30)


def test_the_order_is_fixed() -> None:
    """Of components and so of the sum, whatever the order of the counts."""
    wanted = energy(machine(accumulator_rows=1024), EVENTS, 1.0)
    assert list(wanted.by_component_pj) == [
        "array", "accumulators", "scratchpad_small", "scratchpad_large", "memory",
        "vector_add", "vector_mul", "vector_sum", "vector_copy",
    ]  # fmt: skip
    reordered = dict(reversed(EVENTS.items()))
    found = energy(machine(accumulator_rows=1024), reordered, 1.0)
    assert list(found.by_component_pj) == list(wanted.by_component_pj)
    assert found.total_pj.hex() == wanted.total_pj.hex()


def test_nothing_costs_nothing() -> None:
    assert energy(machine(), {}, 0.0) == Energy({})
    zeros = dict.fromkeys(EVENTS, 0)
    assert energy(machine(), zeros, 0.0) == Energy({})


@pytest.mark.parametrize(
    ("operand", "accumulator", "each"),
    [
        ("int8", "int32", 0.2 + 0.1),
        ("fp16", "fp32", 1.1 + 0.9),
        ("fp16", "fp16", 1.1 + 0.4),
        ("fp32", "fp32", 3.7 + 0.9),
        ("int32", "int32", 3.1 + 0.1),
        ("int8", "int16", 0.2 + 0.05),
        ("int16", "int32", None),
        ("bf16", "fp32", None),
        ("int8", "int64", None),
        ("int4", "int32", None),
    ],
)
def test_formats(operand: str, accumulator: str, each: float | None) -> None:
    of = machine(operand_format=operand, accumulator_format=accumulator)
    found = energy(of, {"macs": 10}, 0.0)
    if each is None:
        assert found == Energy({}, ("array",))
    else:
        assert found == Energy({"array": pytest.approx(10 * each)})


def test_the_vector_unit_works_in_the_output_format() -> None:
    of = machine(output_format="fp16")
    events = {f"vector_{op}_elements": 2 for op in VECTOR_OPS}
    found = energy(of, events, 0.0)
    assert found.by_component_pj == pytest.approx(
        {"vector_add": 0.8, "vector_mul": 2.2, "vector_sum": 0.8, "vector_copy": 0.0}
    )
    assert found.unknown == (
        "vector_max", "vector_exp", "vector_div", "vector_sqrt", "vector_act"
    )  # fmt: skip


def test_words_of_the_accumulators_have_their_formats_width() -> None:
    """1024 rows x 8 columns of 2 bytes: 16 KiB, half-way between 8 and 32 on a logarithmic axis."""
    of = machine(accumulator_rows=1024, operand_format="fp16", accumulator_format="fp16")
    found = energy(of, {"accumulator_read_words": 4}, 0.0)
    assert found.by_component_pj == {"accumulators": pytest.approx(4 * 16 / 64 * 200**0.5)}


def test_accumulators_outside_the_table() -> None:
    found = energy(machine(accumulator_rows=8), {"accumulator_write_words": 1}, 0.0)
    assert found == Energy({}, ("accumulators",))


def test_an_unknown_technology_knows_nothing() -> None:
    found = energy(machine(technology="unknown"), EVENTS, 1e-3)
    # A copy does nothing but access its scratchpad.
    assert found.by_component_pj == {"vector_copy": 0.0}
    assert found.unknown == (
        "array", "accumulators", "scratchpad_small", "scratchpad_large", "memory", "vector_add",
        "vector_mul", "vector_act", "vector_sum", "leakage",
    )  # fmt: skip


def test_unknown_needs_events() -> None:
    assert energy(machine(technology="unknown"), {"macs": 0}, 0.0) == Energy({})
    assert energy(machine(technology="unknown"), {"macs": 1}, 0.0) == Energy({}, ("array",))


LEAKY = replace(
    TABLE,
    leakage_mw_per_pe=Entry(0.5, "a test"),
    leakage_mw_per_sram_kib=Entry(0.25, "a test"),
)


def test_leakage() -> None:
    """2 cores x (32 PEs x 0.5 mW + (8 + 1024 + 32) KiB x 0.25 mW) = 564 mW, for 2 ms."""
    found = energy(machine(cores=2, accumulator_rows=1024), {}, 2e-3, LEAKY)
    assert found == Energy({"leakage": pytest.approx(564 * 2e-3 * 1e9)})


def test_leakage_takes_time() -> None:
    assert energy(machine(), {}, 0.0, LEAKY) == Energy({})
    assert energy(machine(), {}, 1e-9) == Energy({}, ("leakage",))


@pytest.mark.parametrize("missing", ["leakage_mw_per_pe", "leakage_mw_per_sram_kib"])
def test_leakage_needs_both_numbers(missing: str) -> None:
    table = replace(LEAKY, **{missing: UNKNOWN})
    assert energy(machine(), {}, 1.0, table) == Energy({}, ("leakage",))


def test_sram_at_the_entries_is_exact() -> None:
    assert [sram_pj_per_64_bits(TABLE, kib) for kib in (8, 32, 1024)] == [10.0, 20.0, 100.0]


def test_sram_between_entries() -> None:
    """Doubling from 8 to 32 KiB is a square root; 32 to 1024 is five doublings."""
    assert sram_pj_per_64_bits(TABLE, 16) == pytest.approx(200**0.5)
    assert sram_pj_per_64_bits(TABLE, 128) == pytest.approx(20 * 5**0.4)


@pytest.mark.parametrize("kib", [0, 4, 7.999, 1024.001, 2048, 2**32])
def test_sram_outside_the_table_is_unknown(kib: float) -> None:
    assert sram_pj_per_64_bits(TABLE, kib) is None


@given(st.lists(st.floats(8, 1024), min_size=2, max_size=20))
def test_larger_memories_cost_more(sizes: list[float]) -> None:
    costs = [sram_pj_per_64_bits(TABLE, kib) for kib in sorted(sizes)]
    for low, high in itertools.pairwise(costs):
        assert low is not None
        assert high is not None
        assert 10.0 * (1 - 1e-12) <= low <= high * (1 + 1e-12) <= 100.0 * (1 + 1e-11)


def test_an_entry_without_a_source_makes_its_neighbourhood_unknown() -> None:
    table = EnergyTable(sram_pj_per_64_bits={8: Entry(1.0, "a"), 16: UNKNOWN, 32: Entry(2.0, "b")})
    assert sram_pj_per_64_bits(table, 8) == 1.0
    assert sram_pj_per_64_bits(table, 16) is None
    assert sram_pj_per_64_bits(table, 12) is None
    assert sram_pj_per_64_bits(table, 24) is None


@given(st.dictionaries(st.sampled_from(sorted(EVENTS)), st.integers(0, 2**40)))
def test_energy_is_linear_in_counts(events: dict[str, int]) -> None:
    of = machine(accumulator_rows=1024)
    one = energy(of, events, 1e-3, LEAKY)
    two = energy(of, {name: 2 * count for name, count in events.items()}, 2e-3, LEAKY)
    assert two.unknown == one.unknown
    assert two.by_component_pj == pytest.approx(
        {name: 2 * pj for name, pj in one.by_component_pj.items()}
    )
