"""Area: parameters times tables, by hand."""

from dataclasses import replace

import pytest

from arch.area import AREA
from arch.load import load_machine
from arch.technology import Entry
from sim.area import Area, area


def test_by_hand() -> None:
    """32 x 32 PEs of an int8 multiplier and an int32 adder: 282 + 137 um2."""
    found = area(load_machine("systolic_32"))
    assert found.by_component_mm2 == {"array": pytest.approx(1024 * 419e-6)}
    assert found.total_mm2 == pytest.approx(0.429056)
    assert found.technology == "45nm"
    assert found.is_lower_bound
    assert found.unknown == (
        "array_registers", "accumulators", "scratchpad_ifmap", "scratchpad_filter",
        "scratchpad_ofmap", "dma", "vector",
    )  # fmt: skip


def test_only_what_the_machine_has() -> None:
    lean = load_machine(
        "systolic_32", ["vector=null", "memory=null", "array.accumulator_rows=0", "cores=3"]
    )
    found = area(lean)
    assert found.by_component_mm2["array"] == pytest.approx(3 * 1024 * 419e-6)
    assert found.unknown == (
        "array_registers", "scratchpad_ifmap", "scratchpad_filter", "scratchpad_ofmap"
    )  # fmt: skip


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
        assert found.total_mm2 == 0
    else:
        assert found.by_component_mm2 == {"array": pytest.approx(1024 * um2 * 1e-6)}


def test_memories_when_their_area_is_known() -> None:
    """128 KiB each and 1024 x 32 x 4 bytes of accumulators, two cores."""
    table = replace(AREA["45nm"], sram_mm2_per_kib=Entry(0.01, "a test"))
    found = area(load_machine("systolic_32", ["cores=2"]), table)
    assert list(found.by_component_mm2) == [
        "array", "accumulators", "scratchpad_ifmap", "scratchpad_filter", "scratchpad_ofmap"
    ]  # fmt: skip
    assert found.by_component_mm2["accumulators"] == pytest.approx(2.56)
    assert found.by_component_mm2["scratchpad_filter"] == pytest.approx(2.56)
    assert found.unknown == ("array_registers", "dma", "vector")


def test_an_unknown_technology() -> None:
    found = area(load_machine("tpu_v1"))
    assert found.by_component_mm2 == {}
    assert found.total_mm2 == 0
    assert "array" in found.unknown
    assert found == Area({}, found.unknown, "unknown")
