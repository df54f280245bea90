"""Area: parameters times tables, by hand."""

from dataclasses import replace
from typing import Any

import pytest
from covering import array_of, covering_choices
from hypothesis import given
from hypothesis import strategies as st

from arch.area import AREA
from arch.array import Array
from arch.errors import InputError
from arch.load import load_machine
from arch.technology import UNKNOWN
from rtl.array import SystolicArray
from rtl.verilog import flip_flops
from rtl.wrapper import TOP, Wrapper
from sim.area import COMMAND_EXTENT_BITS, Area, area, array_flip_flops, memories
from sim.array.registers import Layout

CHOICES = covering_choices()
REGISTERS_OF_SYSTOLIC_32 = (
    # PEs: two stationary registers and an operand of 8 bits, a sum of 32 and a flag.
    1024 * (8 + 8 + 8 + 32 + 1)
    # Skew: operands and flags from the left, operands from the top, sums below.
    + 496 * (8 + 1) + 496 * 8 + 496 * 32
    # Streams, two entries and a count of two bits each: commands, operands of top and left,
    # partial sums, results with a flag.
    + 2 * (48 + 256 + 256 + 1024 + 1025) + 5 * 2
    # Control: the cutter's extents; streams, beats (up to 65 633); two folds; loads, loaded, word.
    + 32 + 1 + 17 + 2 * (6 + 6 + 16 + 2) + 1 + 1 + 5
    # Tokens of 1 + 5 + 5 + 4 bits down the rows and along the columns; loads along the columns.
    + 32 * 15 + 31 * 15 + 31 * (1 + 5)
    # Of 1024 rows of accumulators, which one.
    + 10
)  # fmt: skip


def test_by_hand() -> None:
    """32 x 32 PEs of an int8 multiplier and an int32 adder; 32 columns of 4 KiB of accumulators;
    four banks of 32 KiB a scratchpad; 32 lanes of int8.
    """
    found = area(load_machine("systolic_32"))
    assert found.by_component_mm2 == {
        "array": pytest.approx(1024 * (282 + 137) * 1e-6),
        "array_registers": pytest.approx(REGISTERS_OF_SYSTOLIC_32 * 4.522e-6),
        "accumulators": pytest.approx(32 * 0.01253),
        "scratchpad_ifmap": pytest.approx(4 * 0.1328),
        "scratchpad_filter": pytest.approx(4 * 0.1328),
        "scratchpad_ofmap": pytest.approx(4 * 0.1328),
        "vector_lanes": pytest.approx(32 * (282 + 36) * 1e-6),
    }
    assert found.unknown == ("dma", "vector_functions")
    assert found.is_lower_bound
    assert found.technology == "45nm"
    assert found.total_mm2 == pytest.approx(sum(found.by_component_mm2.values()))


def test_copies_are_arrays() -> None:
    """Four grids; the accumulators of all together are four times as many of a quarter."""
    one, four = (load_machine("systolic_32", [f"array.copies={copies}"]) for copies in (1, 4))
    ours, theirs = area(four).by_component_mm2, area(one).by_component_mm2
    for name in ("array", "array_registers"):
        assert ours[name] == pytest.approx(4 * theirs[name])
    found = {each.component: each for each in memories(four)}
    assert (found["accumulators"].count, found["accumulators"].capacity_kib) == (128, 1)


def test_only_what_the_machine_has() -> None:
    lean = load_machine(
        "systolic_32", ["vector=null", "memory=null", "array.accumulator_rows=0", "cores=3"]
    )
    found = area(lean)
    assert list(found.by_component_mm2) == [
        "array", "array_registers", "scratchpad_ifmap", "scratchpad_filter", "scratchpad_ofmap"
    ]  # fmt: skip
    assert found.by_component_mm2["array"] == pytest.approx(3 * 1024 * 419e-6)
    assert found.by_component_mm2["scratchpad_filter"] == pytest.approx(3 * 4 * 0.1328)
    assert not found.is_lower_bound


def test_sums_that_stay_in_the_pes_need_no_accumulators() -> None:
    found = area(load_machine("systolic_32", ["array.dataflow=os"]))
    assert "accumulators" not in (*found.by_component_mm2, *found.unknown)


def test_all_components_grow_with_the_cores() -> None:
    one, three = (area(load_machine("systolic_32", [f"cores={n}"])) for n in (1, 3))
    assert three.unknown == one.unknown
    assert three.by_component_mm2 == pytest.approx(
        {name: 3 * mm2 for name, mm2 in one.by_component_mm2.items()}
    )


@pytest.mark.parametrize(
    ("operand", "accumulator", "um2"),
    [
        ("int8", "int32", 282 + 137),
        ("fp16", "fp32", 1640 + 4184),
        ("fp32", "fp32", 7700 + 4184),
        ("int32", "int32", 3495 + 137),
        ("int8", "int16", 282 + 67),
        ("bf16", "fp32", None),
        ("int8", "int64", None),
    ],
)
def test_formats(operand: str, accumulator: str, um2: float | None) -> None:
    machine = load_machine(
        "systolic_32",
        [f"array.operand_format={operand}", f"array.accumulator_format={accumulator}"],
    )
    found = area(machine)
    if um2 is None:
        assert "array" in found.unknown
        assert "array" not in found.by_component_mm2
    else:
        assert found.by_component_mm2["array"] == pytest.approx(1024 * um2 * 1e-6)


def test_lanes_are_of_the_output_format() -> None:
    options = ["array.output_format=fp16", "vector.lanes=10", "cores=2"]
    found = area(load_machine("systolic_32", options))
    assert found.by_component_mm2["vector_lanes"] == pytest.approx(2 * 10 * (1640 + 1360) * 1e-6)
    unknown = area(load_machine("systolic_32", ["array.output_format=bf16"]))
    assert unknown.unknown == ("dma", "vector_lanes", "vector_functions")


def pad(capacity_kib: int, banks: int, ports: int = 1) -> float | None:
    path = "buffer.scratchpads.ifmap"
    options = {"capacity_kib": capacity_kib, "banks": banks, "ports": ports}
    machine = load_machine("systolic_32", [f"{path}.{k}={v}" for k, v in options.items()])
    found = area(machine)
    assert ("scratchpad_ifmap" in found.unknown) != ("scratchpad_ifmap" in found.by_component_mm2)
    return found.by_component_mm2.get("scratchpad_ifmap")


def test_banks_by_hand() -> None:
    assert pad(256, 1) == pytest.approx(0.8721)
    assert pad(256, 8) == pytest.approx(8 * 0.1328)
    assert pad(1, 4) == pytest.approx(4 * 0.001412)
    # 192 KiB lie between 128 and 256, log2(1.5) of the way.
    assert pad(192, 1) == pytest.approx(0.4986 * (0.8721 / 0.4986) ** 0.5849625, rel=1e-6)


@given(st.integers(1, 2**16), st.integers(1, 2**16), st.sampled_from([1, 2, 4]))
def test_capacity_costs_area(one: int, other: int, banks: int) -> None:
    low, high = sorted((pad(one, banks), pad(other, banks)), key=lambda mm2: mm2 or 0.0)
    assert low is not None
    assert high is not None
    assert (pad(min(one, other), banks), pad(max(one, other), banks)) == (low, high)


@given(st.integers(2, 2**16), st.integers(1, 8))
def test_banks_never_save_much(capacity_kib: int, doublings: int) -> None:
    """CACTI's area of a KiB wavers by a third above 1 KiB, and rises below."""
    one, many = pad(capacity_kib, 1), pad(capacity_kib, 2**doublings)
    assert one is not None
    if capacity_kib / 2**doublings < 0.25:
        assert many is None
    else:
        assert many is not None
        assert many > 0.75 * one


def test_the_smallest_banks_cost_area() -> None:
    of_4_kib = [pad(4, banks) for banks in (1, 2, 4, 8, 16)]
    assert None not in of_4_kib
    assert of_4_kib == sorted(of_4_kib, key=lambda mm2: mm2 or 0.0)
    assert len(set(of_4_kib)) == 5


def test_memories_that_are_in_no_table() -> None:
    assert pad(256, 8, ports=2) is None
    assert pad(1, 8) is None  # 128 bytes
    assert pad(2**17, 1) is None
    few = area(load_machine("systolic_32", ["array.accumulator_rows=63"]))
    assert few.unknown == ("accumulators", "dma", "vector_functions")


def test_an_unknown_technology() -> None:
    found = area(load_machine("tpu_v1"))
    assert found == Area({}, found.unknown, "unknown")
    assert found.total_mm2 == 0
    assert found.unknown == (
        "array", "array_registers", "accumulators", "scratchpad_weight_fifo",
        "scratchpad_unified_buffer", "dma", "vector_lanes", "vector_functions",
    )  # fmt: skip


@pytest.mark.parametrize("missing", ["flip_flop_um2", "sram_mm2"])
def test_a_table_without_an_entry(missing: str) -> None:
    table = replace(AREA["45nm"], **{missing: UNKNOWN if missing == "flip_flop_um2" else {}})
    found = area(load_machine("systolic_32"), table)
    lost = {"array_registers"} if missing == "flip_flop_um2" else {
        "accumulators", "scratchpad_ifmap", "scratchpad_filter", "scratchpad_ofmap"
    }  # fmt: skip
    assert set(found.unknown) == lost | {"dma", "vector_functions"}


# Flip-flops of the array


@pytest.mark.parametrize("choice", CHOICES[:3], ids=lambda choice: str(choice["dataflow"]))
def test_flip_flops_are_those_of_the_netlist(choice: dict[str, Any]) -> None:
    array = array_of(choice)
    wrapper = Wrapper(SystolicArray(array))
    assert array_flip_flops(array) == flip_flops(wrapper, TOP, wrapper.ports)


def listed(array: Array) -> int:
    """Sum over the list of registers that the hardware is compared with."""
    return sum(field.width for field in Layout(array, COMMAND_EXTENT_BITS).registers)


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: "-".join(map(str, choice.values())))
def test_flip_flops_of_every_option(choice: dict[str, Any]) -> None:
    assert array_flip_flops(array_of(choice)) == listed(array_of(choice))


@given(
    st.builds(
        Array,
        rows=st.integers(1, 20),
        cols=st.integers(1, 20),
        dataflow=st.sampled_from(["ws", "is", "os"]),
        pe_latency_cycles=st.integers(1, 5),
        weight_load=st.sampled_from(["serial", "overlapped"]),
        drain=st.sampled_from(["serial", "overlapped"]),
        accumulator_rows=st.sampled_from([0, 1, 2, 3, 1024]),
        operand_format=st.sampled_from(["int4", "int8", "fp16"]),
        accumulator_format=st.sampled_from(["int16", "int32", "fp32"]),
    )
)
def test_flip_flops_are_those_of_the_list(array: Array) -> None:
    assert array_flip_flops(array) == listed(array)


# Totals of some components


def test_total_of_some() -> None:
    found = area(load_machine("systolic_32"))
    each = found.by_component_mm2
    assert found.total_of(["array"]) == each["array"]
    assert found.total_of(["vector_lanes", "array"]) == each["array"] + each["vector_lanes"]
    pads = [each[name] for name in each if name.startswith("scratchpad_")]
    assert found.total_of(["scratchpads"]) == sum(pads)
    assert found.total_of(["scratchpad_ifmap", "scratchpads", "scratchpads"]) == sum(pads)


def test_what_a_machine_does_not_have_is_nothing() -> None:
    lean = area(load_machine("systolic_32", ["vector=null", "array.accumulator_rows=0"]))
    assert lean.total_of(["vector", "accumulators", "vector_lanes"]) == 0
    assert lean.total_of(["array", "vector"]) == lean.by_component_mm2["array"]


@pytest.mark.parametrize(
    ("components", "message"),
    [
        (["array", "dma"], "area of dma: no source gives it"),
        (["vector"], "area of vector_functions: no source gives it"),
        (["aray"], "component of area 'aray': must be one of array, array_registers, "),
        (["scratchpad_ifmp"], "'scratchpad_ifmp': must be one of .*scratchpad_ifmap, "),
        (["leakage"], "'leakage': must be one of .*vector_functions.*, scratchpads, vector$"),
        (["memory"], "'memory': must be one of"),
        ([], "components of area: must be one or more, not none"),
    ],
)
def test_what_has_no_total(components: list[str], message: str) -> None:
    found = area(load_machine("systolic_32"))
    with pytest.raises(InputError, match=message):
        found.total_of(components)
