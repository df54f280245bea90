"""Area: a machine's parameters times the table of its technology.

Arithmetic of the PEs is what tables know so far; registers, control, wires, DMA and vector unit
have no sourced area, so that every total is a lower bound.
"""

from dataclasses import dataclass

from arch.area import AREA, AreaTable
from arch.mac.formats import storage_bytes
from arch.machine import Machine
from arch.technology import UNKNOWN


@dataclass(frozen=True)
class Area:
    """Area by component in mm2; unknown components make the total a lower bound."""

    by_component_mm2: dict[str, float]
    """Area of each component whose area is known, all cores together, in mm2."""
    unknown: tuple[str, ...]
    """Components of the machine without a sourced area."""
    technology: str
    """Name of the table."""

    @property
    def total_mm2(self) -> float:
        return sum(self.by_component_mm2.values())

    @property
    def is_lower_bound(self) -> bool:
        return bool(self.unknown)


def area(machine: Machine, table: AreaTable | None = None) -> Area:
    """Area of a machine in mm2, from the table of its technology unless another is given.

    ``array`` is one multiplier of the operand format and one adder of the accumulator format a
    PE; ``accumulators`` and ``scratchpad_<name>`` are capacity times area per KiB.
    """
    table = AREA[machine.technology] if table is None else table
    array = machine.array
    multiplier = table.multiply_um2.get(array.operand_format, UNKNOWN).value
    adder = table.add_um2.get(array.accumulator_format, UNKNOWN).value
    each_um2 = None if multiplier is None or adder is None else multiplier + adder
    pes = machine.cores * array.rows * array.cols
    found: dict[str, float | None] = {
        "array": None if each_um2 is None else pes * each_um2 / 1e6,
        "array_registers": None,
    }
    sums = storage_bytes(array.accumulator_rows * array.cols, array.accumulator_format)
    storage = {"accumulators": sums} if sums else {}
    for name, pad in machine.buffer.scratchpads.items():
        storage[f"scratchpad_{name}"] = pad.capacity_bytes
    per_kib = table.sram_mm2_per_kib.value
    for name, size in storage.items():
        found[name] = None if per_kib is None else machine.cores * size / 1024 * per_kib
    if machine.memory is not None:
        found["dma"] = None
    if machine.vector is not None:
        found["vector"] = None
    return Area(
        {name: mm2 for name, mm2 in found.items() if mm2 is not None},
        tuple(name for name, mm2 in found.items() if mm2 is None),
        machine.technology,
    )
