"""Area: a machine's parameters times the table of its technology.

====================  =============================================================================
component             area
====================  =============================================================================
``array``             PEs x (multiplier of the operand format + adder of the accumulator format)
``array_registers``   flip-flops of the generated array x that of one
``accumulators``      columns x a memory of one column's accumulators
``scratchpad_<name>``  banks x a memory of one bank's capacity
``dma``               unknown
``vector_lanes``      lanes x (multiplier + adder of the output format)
``vector_functions``  exponentials, divisions, roots, activations: unknown
====================  =============================================================================

All cores together. Memories of several ports are in no table. Control outside the array, clock
tree, wires between units, and what drives the pins of an off-chip memory are no components.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from arch.area import AREA, AreaTable
from arch.array import Array
from arch.mac.formats import packed_bytes
from arch.machine import Machine
from arch.technology import UNKNOWN, ByCapacity, at_capacity
from sim.result import sum_of

UM2_PER_MM2 = 1e6
COMMAND_EXTENT_BITS = 16
"""Of an extent in a command to the generated array."""
COMPONENTS = (
    "array", "array_registers", "accumulators", "dma", "vector_lanes", "vector_functions"
)  # fmt: skip
"""Those that any machine may have, next to its scratchpads."""


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

    def total_of(self, components: Sequence[str]) -> float:
        """Area of some components together, in mm2, each counted once.

        ``scratchpads`` and ``vector`` stand for all components of that family. What a machine
        does not have counts as 0. Raises InputError for a name that no component has and for a
        component whose area is unknown.
        """
        names = (*COMPONENTS, *self.by_component_mm2, *self.unknown)
        families = ("scratchpads", "vector")
        return sum_of("area", components, self.by_component_mm2, self.unknown, names, families)


@dataclass(frozen=True)
class Memories:
    """Equal memories of one component, all cores together."""

    component: str
    count: int
    capacity_kib: float
    ports: int

    def total(self, entries: ByCapacity) -> float | None:
        """Sum of an entry over the memories; None where a table does not hold such memories."""
        each = at_capacity(entries, self.capacity_kib) if self.ports == 1 else None
        return None if each is None else self.count * each


def memories(machine: Machine) -> list[Memories]:
    """Memories that a machine is built of, in the order of its components."""
    found = []
    array = machine.array
    if array.accumulator_rows and array.dataflow != "os":
        columns = machine.cores * array.copies * array.cols
        found.append(Memories("accumulators", columns, column_kib(array), 1))
    for name, pad in machine.buffer.scratchpads.items():
        count = machine.cores * pad.banks
        kib = pad.capacity_kib / pad.banks
        found.append(Memories(f"scratchpad_{name}", count, kib, pad.ports))
    return found


def column_kib(array: Array) -> float:
    """Capacity of the accumulators below one column of one copy, in KiB."""
    rows = -(-array.accumulator_rows // array.copies)
    return packed_bytes(rows, array.accumulator_bits) / 1024


def area(machine: Machine, table: AreaTable | None = None) -> Area:
    """Area of a machine in mm2, from the table of its technology unless another is given."""
    table = AREA[machine.technology] if table is None else table
    flip_flop_um2 = table.flip_flop_um2.value
    registers = machine.cores * machine.array.copies * array_flip_flops(machine.array)
    # Those of SIMD engines are not counted.
    registers_um2 = None
    if flip_flop_um2 is not None and machine.array.engine is None:
        registers_um2 = registers * flip_flop_um2
    found: dict[str, float | None] = {
        "array": _mm2(array_um2(machine, table)),
        "array_registers": _mm2(registers_um2),
    }
    for each in memories(machine):
        found[each.component] = each.total(table.sram_mm2)
    if machine.memory is not None:
        found["dma"] = None
    if machine.vector is not None:
        found["vector_lanes"] = _mm2(lanes_um2(machine, table))
        found["vector_functions"] = None
    return Area(
        {name: mm2 for name, mm2 in found.items() if mm2 is not None},
        tuple(name for name, mm2 in found.items() if mm2 is None),
        machine.technology,
    )


def array_um2(machine: Machine, table: AreaTable) -> float | None:
    """Multipliers and adders of all PEs, in um2."""
    array = machine.array
    if array.engine is not None:
        return None
    each = _multiplier_and_adder(table, array.operand_format, array.accumulator_format)
    return None if each is None else machine.cores * array.pes * each


def lanes_um2(machine: Machine, table: AreaTable) -> float | None:
    """Multipliers and adders of all lanes of the vector units, in um2; 0 without one."""
    if machine.vector is None:
        return 0.0
    if machine.array.engine is not None:
        return None
    output = machine.array.output_format
    each = _multiplier_and_adder(table, output, output)
    return None if each is None else machine.cores * machine.vector.lanes * each


def array_flip_flops(array: Array) -> int:
    """Flip-flops of one copy as generated: PEs, skew, streams and control; no accumulators."""
    rows, cols, p = array.rows, array.cols, array.pe_latency_cycles
    operand, word = array.operand_bits, array.accumulator_bits
    stationary = array.dataflow != "os"
    accumulators = array.accumulator_rows if stationary else 0
    overlapped = array.weight_load == "overlapped"
    row, col = _bits(rows - 1), _bits(cols - 1)
    left_lanes, top_lanes = rows * (rows - 1) // 2, cols * (cols - 1) // 2
    extent = COMMAND_EXTENT_BITS

    # Each stream has room for two payloads and a count of those that wait.
    payloads = [3 * extent, cols * operand, rows * operand, cols * word + 1]
    fold = _bits(rows) + _bits(cols) + extent + 2
    beats = _bits(2**extent + rows * (p + 1) + cols + p)
    control = 2 * extent + 1 + beats + fold
    token = 1 + row + col
    if stationary:
        payloads.append(cols * word)
        token += 4 if accumulators else 2
        control += 2 + row + fold + rows * p * token + (cols - 1) * (1 + row)
        pe = 2 * operand + p * word + overlapped * (operand + 1)
        skew = left_lanes * p * (operand + overlapped)
    else:
        token += row
        control += 1 + 2 * row + col + (rows + p - 1) * token
        pe = 2 * operand + 2 + (p - 1) * (word + 2) + word
        pe += word if array.drain == "overlapped" else 0
        skew = left_lanes * (operand + 2)
    if accumulators:
        control += max(1, _bits(accumulators - 1))
    control += (cols - 1) * token
    skew += top_lanes * (operand + word)
    streams = sum(2 + 2 * payload for payload in payloads)
    return rows * cols * pe + skew + streams + control


def _bits(largest: int) -> int:
    return largest.bit_length()


def _multiplier_and_adder(table: AreaTable, multiply: str, add: str) -> float | None:
    multiplier = table.multiply_um2.get(multiply, UNKNOWN).value
    adder = table.add_um2.get(add, UNKNOWN).value
    return None if multiplier is None or adder is None else multiplier + adder


def _mm2(um2: float | None) -> float | None:
    return None if um2 is None else um2 / UM2_PER_MM2
