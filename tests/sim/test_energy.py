"""Energy: counts times tables, by hand."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.area import AREA
from arch.array import Array
from arch.buffer import Buffer, Scratchpad
from arch.energy import ENERGY
from arch.errors import InputError
from arch.machine import Machine
from arch.memory import Memory
from arch.technology import UNKNOWN, Entry
from arch.vector import VECTOR_OPS, Vector
from sim.area import array_flip_flops
from sim.energy import EnergyModel, energy
from sim.result import LEAKAGES, Energy

TABLE = ENERGY["45nm"]


def machine(
    cores: int = 1, technology: str = "45nm", ports: int = 1, banks: int = 1, **array: Any
) -> Machine:
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
                        operands=("ifmap",),
                        capacity_kib=8,
                        banks=banks,
                        bank_width_bytes=8,
                        ports=ports,
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
    """A column has 4 KiB of accumulators: 1024 rows x 4 bytes."""
    found = energy(machine(accumulator_rows=1024), EVENTS, 0.0)
    assert found.by_component_pj == {
        "array": pytest.approx(1000 * (0.2 + 0.1)),
        "accumulators": pytest.approx(16 / 2 * 3.013 + 48 / 2 * 6.101),
        "scratchpad_small": pytest.approx(80 / 8 * 5.546 + 16 / 8 * 7.308),
        "scratchpad_large": pytest.approx(8 / 8 * 63.79 + 24 / 8 * 57.45),
        "memory": pytest.approx(68 / 8 * 1300.0),
        "vector_add": pytest.approx(100 * 0.03),
        "vector_mul": pytest.approx(10 * 0.2),
        "vector_sum": pytest.approx(1000 * 0.03),
        "vector_copy": 0.0,
    }
    assert found.unknown == ("vector_act",)
    assert found.is_lower_bound
    assert found.total_pj == pytest.approx(300 + 170.528 + 70.076 + 236.14 + 11_050 + 3 + 2 + 30)


def test_the_order_is_fixed() -> None:
    """Of components and so of the sum, whatever the order of the counts."""
    wanted = energy(machine(accumulator_rows=1024), EVENTS, 1.0)
    assert list(wanted.by_component_pj) == [
        "array", "accumulators", "scratchpad_small", "scratchpad_large", "memory",
        "vector_add", "vector_mul", "vector_sum", "vector_copy",
        "leakage_sram", "leakage_registers", "leakage_arithmetic",
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


@pytest.mark.parametrize(
    ("output", "by_op"),
    [
        ("int8", {"add": 0.03, "mul": 0.2, "max": 0.03, "sum": 0.03}),
        ("fp16", {"add": 0.4, "mul": 1.1, "max": 0.05, "sum": 0.4}),
        ("fp32", {"add": 0.9, "mul": 3.7, "max": 0.1, "sum": 0.9}),
        ("bf16", {"max": 0.05}),
        ("fp8_e5m2", {"max": 0.03}),
        ("int4", {}),
        ("int64", {}),
    ],
)
def test_the_vector_unit_works_in_the_output_format(output: str, by_op: dict[str, float]) -> None:
    """And compares integers of its width."""
    of = machine(output_format=output)
    events = {f"vector_{op}_elements": 2 for op in VECTOR_OPS}
    found = energy(of, events, 0.0)
    wanted = {f"vector_{op}": 2 * pj for op, pj in {**by_op, "copy": 0.0}.items()}
    assert found.by_component_pj == pytest.approx(wanted)
    assert found.unknown == tuple(
        f"vector_{op}" for op in VECTOR_OPS if f"vector_{op}" not in wanted
    )


def test_words_of_the_accumulators_have_their_formats_width() -> None:
    """1536 rows of 2 bytes: 3 KiB, log2(1.5) of the way from 2 to 4 KiB."""
    of = machine(accumulator_rows=1536, operand_format="fp16", accumulator_format="fp16")
    found = energy(of, {"accumulator_read_words": 4}, 0.0)
    each = 2.381 * (3.013 / 2.381) ** 0.5849625
    assert found.by_component_pj == {"accumulators": pytest.approx(4 * 16 / 64 * each)}


def test_accumulators_outside_the_table() -> None:
    found = energy(machine(accumulator_rows=8), {"accumulator_write_words": 1}, 0.0)
    assert found == Energy({}, ("accumulators",))


@pytest.mark.parametrize("banks", [1, 4, 64])
def test_an_access_costs_the_same_in_any_bank(banks: int) -> None:
    found = energy(machine(banks=banks), {"small_read_bytes": 8}, 0.0)
    assert found == Energy({"scratchpad_small": 5.546})


def test_memories_of_two_ports_are_in_no_table() -> None:
    found = energy(machine(ports=2), {"small_read_bytes": 8, "large_read_bytes": 8}, 1.0)
    assert found.unknown == ("scratchpad_small", "leakage_sram")
    assert found.by_component_pj["scratchpad_large"] == 63.79


def test_a_read_and_a_write_with_one_known() -> None:
    table = replace(TABLE, sram_write_pj_per_64_bits={})
    of = machine(accumulator_rows=1024)
    reads = {"small_read_bytes": 8, "small_write_bytes": 0}
    assert energy(of, reads, 0.0, table) == Energy({"scratchpad_small": 5.546})
    both = reads | {"small_write_bytes": 1}
    assert energy(of, both, 0.0, table) == Energy({}, ("scratchpad_small",))


def test_an_unknown_technology_knows_nothing() -> None:
    found = energy(machine(technology="unknown"), EVENTS, 1e-3)
    # A copy does nothing but access its scratchpad.
    assert found.by_component_pj == {"vector_copy": 0.0}
    assert found.unknown == (
        "array", "accumulators", "scratchpad_small", "scratchpad_large", "memory", "vector_add",
        "vector_mul", "vector_act", "vector_sum", *LEAKAGES,
    )  # fmt: skip


def test_unknown_needs_events() -> None:
    assert energy(machine(technology="unknown"), {"macs": 0}, 0.0) == Energy({})
    assert energy(machine(technology="unknown"), {"macs": 1}, 0.0) == Energy({}, ("array",))


def test_leakage() -> None:
    """2 cores: 8 columns of 4 KiB, 2 banks of 4 KiB and one of 1024; 32 PEs and 4 lanes."""
    of = machine(cores=2, banks=2, accumulator_rows=1024)
    found = energy(of, {}, 2e-3)
    sram_mw = 2 * (8 * 0.6441 + 2 * 0.6441 + 126.6)
    registers_mw = 2 * array_flip_flops(of.array) * 79.112308e-6
    um2 = 2 * (32 * (282 + 137) + 4 * (282 + 36))
    arithmetic_mw = um2 * 75.762253 / 4.256 * 1e-6
    assert found == Energy(
        {
            "leakage_sram": pytest.approx(sram_mw * 2e-3 * 1e9),
            "leakage_registers": pytest.approx(registers_mw * 2e-3 * 1e9),
            "leakage_arithmetic": pytest.approx(arithmetic_mw * 2e-3 * 1e9),
        }
    )


def test_leakage_takes_time() -> None:
    assert energy(machine(), {}, 0.0) == Energy({})
    assert energy(machine(technology="unknown"), {}, 1e-9) == Energy({}, LEAKAGES)


@pytest.mark.parametrize(
    ("entry", "value", "component"),
    [
        ("sram_leakage_mw", {}, "leakage_sram"),
        ("flip_flop_leakage_nw", UNKNOWN, "leakage_registers"),
        ("arithmetic_leakage_nw_per_um2", UNKNOWN, "leakage_arithmetic"),
    ],
)
def test_leakage_without_an_entry(entry: str, value: Any, component: str) -> None:
    found = energy(machine(), {}, 1.0, replace(TABLE, **{entry: value}))
    assert found.unknown == (component,)
    assert set(found.by_component_pj) == {*LEAKAGES} - {component}


@pytest.mark.parametrize("array", [{"operand_format": "bf16"}, {"output_format": "bf16"}])
def test_arithmetic_without_an_area_has_no_leakage(array: dict[str, str]) -> None:
    assert energy(machine(**array), {}, 1.0).unknown == ("leakage_arithmetic",)


def test_another_table_of_areas() -> None:
    """Twice the area of a multiplier of 282 um2 in 32 PEs and 4 lanes."""
    table = replace(AREA["45nm"], multiply_um2={"int8": Entry(564.0, "a test")})
    before, after = (energy(machine(), {}, 1e-9, None, areas) for areas in (None, table))
    more = (
        after.by_component_pj["leakage_arithmetic"] - before.by_component_pj["leakage_arithmetic"]
    )
    assert more == pytest.approx(36 * 282 * 75.762253 / 4.256 * 1e-6)


@given(st.dictionaries(st.sampled_from(sorted(EVENTS)), st.integers(0, 2**40)))
def test_energy_is_linear_in_counts(events: dict[str, int]) -> None:
    of = machine(accumulator_rows=1024)
    one = energy(of, events, 1e-3)
    two = energy(of, {name: 2 * count for name, count in events.items()}, 2e-3)
    assert two.unknown == one.unknown
    assert two.by_component_pj == pytest.approx(
        {name: 2 * pj for name, pj in one.by_component_pj.items()}
    )


# Totals of some components


def test_total_of_some() -> None:
    found = energy(machine(accumulator_rows=1024), EVENTS, 1e-9)
    each = found.by_component_pj
    assert found.total_of(["memory"]) == each["memory"]
    assert found.total_of(["memory", "array"]) == each["array"] + each["memory"]
    pads = each["scratchpad_small"] + each["scratchpad_large"]
    assert found.total_of(["scratchpads"]) == pads
    assert found.total_of(["scratchpad_large", "scratchpads", "scratchpads"]) == pads
    assert found.total_of(["leakage"]) == sum(each[name] for name in LEAKAGES)
    del each["vector_copy"]
    known = ["array", "accumulators", "scratchpads", "memory", "leakage"]
    vector = [f"vector_{op}" for op in VECTOR_OPS if op != "act"]
    assert found.total_of([*vector, *known]) == found.total_pj


def test_what_had_no_events_is_nothing() -> None:
    found = energy(machine(), {"macs": 1}, 0.0)
    nothing = ["accumulators", "memory", "vector", "vector_act", "scratchpads", "leakage"]
    assert found.total_of(nothing) == 0
    assert found.total_of([*nothing, "array"]) == found.total_pj
    names = EnergyModel(machine()).components
    assert found.total_of(["scratchpad_small"], names) == 0


def test_components_of_a_machine() -> None:
    assert EnergyModel(machine()).components == (
        "array", "accumulators", "scratchpad_small", "scratchpad_large", "memory",
        *(f"vector_{op}" for op in VECTOR_OPS), *LEAKAGES,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("components", "message"),
    [
        (["memory", "vector_act"], "energy of vector_act: no source gives it"),
        (["vector"], "energy of vector_act: no source gives it"),
        (["aray"], "component of energy 'aray': must be one of array, accumulators, memory, "),
        (["scratchpad_smal"], "'scratchpad_smal': must be one of .*scratchpad_small, "),
        (["dma"], "'dma': must be one of .*, scratchpads, vector, leakage$"),
        ([], "components of energy: must be one or more, not none"),
    ],
)
def test_what_has_no_total(components: list[str], message: str) -> None:
    found = energy(machine(accumulator_rows=1024), EVENTS, 1e-9)
    with pytest.raises(InputError, match=message):
        found.total_of(components)
