"""Energy: event counts times the table of the machine's technology, plus leakage times time.

=====================  ==========================================================================
component              energy
=====================  ==========================================================================
``array``              ``macs`` x (multiply of the operand format + add of the accumulator format)
``accumulators``       words read and written x bits / 64 x an SRAM access at their capacity
``scratchpad_<name>``  bytes read and written x 8 / 64 x an SRAM access at its capacity
``memory``             bytes read and written x 8 / 64 x a memory access
``vector_<op>``        elements x (``add``, ``sum``: an add, ``mul``: a multiply, ``copy``: nothing)
                       of the output format; the other operations have no sourced energy
``leakage``            (PEs x mW a PE + KiB of scratchpads and accumulators x mW a KiB) x seconds
=====================  ==========================================================================

This is the order in which components are computed and added up. A component without events is
left out; one with events but without a sourced energy is named in ``unknown``, and the total is a
lower bound. Registers, clock tree, control and wires are in no table.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import exp, log

from arch.array import Array
from arch.energy import ENERGY, EnergyTable
from arch.mac.formats import FORMAT_BITS, storage_bytes
from arch.machine import Machine
from arch.technology import UNKNOWN, Entry
from arch.vector import VECTOR_OPS
from sim.result import Energy

PJ_PER_MJ = 1e9


def energy(
    machine: Machine,
    events: Mapping[str, int],
    seconds: float,
    table: EnergyTable | None = None,
) -> Energy:
    """Energy of events that happened within ``seconds``.

    ``events`` are counts of all cores together by the names of docs/statistics.md; those that
    are not there are 0. The table is that of the machine's technology unless given.
    """
    table = ENERGY[machine.technology] if table is None else table
    known: dict[str, float] = {}
    unknown: list[str] = []
    for name, count, each_pj in _parts(machine, events, table):
        if count == 0:
            continue
        if each_pj is None:
            unknown.append(name)
        else:
            known[name] = count * each_pj
    if seconds > 0:
        power_mw = _leakage_mw(machine, table)
        if power_mw is None:
            unknown.append("leakage")
        else:
            known["leakage"] = power_mw * seconds * PJ_PER_MJ
    return Energy(known, tuple(unknown))


def sram_pj_per_64_bits(table: EnergyTable, capacity_kib: float) -> float | None:
    """Energy of an access to 64 bits of a memory of some capacity, in pJ.

    A straight line on logarithmic axes joins neighbouring entries of the table; that is our
    interpolation, not the sources'. None outside the range of the table.
    """
    points = [(kib, entry.value) for kib, entry in table.sram_pj_per_64_bits.items()]
    for kib, pj in points:
        if kib == capacity_kib:
            return pj
    for (low_kib, low_pj), (high_kib, high_pj) in pairwise(points):
        if low_pj is None or high_pj is None or not low_kib < capacity_kib < high_kib:
            continue
        share = log(capacity_kib / low_kib) / log(high_kib / low_kib)
        return exp(log(low_pj) + share * log(high_pj / low_pj))
    return None


def _parts(
    machine: Machine, events: Mapping[str, int], table: EnergyTable
) -> Iterator[tuple[str, int, float | None]]:
    """Name of a component, count of its events, and energy of one in pJ."""
    array = machine.array
    multiply = table.multiply_pj.get(array.operand_format, UNKNOWN)
    add = table.add_pj.get(array.accumulator_format, UNKNOWN)
    yield "array", events.get("macs", 0), _sum(multiply, add)

    bits = FORMAT_BITS[array.accumulator_format]
    words = events.get("accumulator_read_words", 0) + events.get("accumulator_write_words", 0)
    yield "accumulators", words, _each(sram_pj_per_64_bits(table, accumulator_kib(array)), bits)

    for name, pad in machine.buffer.scratchpads.items():
        moved = events.get(f"{name}_read_bytes", 0) + events.get(f"{name}_write_bytes", 0)
        yield (
            f"scratchpad_{name}",
            moved,
            _each(sram_pj_per_64_bits(table, pad.capacity_kib), 8),
        )

    moved = events.get("memory_read_bytes", 0) + events.get("memory_write_bytes", 0)
    yield "memory", moved, _each(table.memory_pj_per_64_bits.value, 8)

    add = table.add_pj.get(array.output_format, UNKNOWN)
    multiply = table.multiply_pj.get(array.output_format, UNKNOWN)
    by_op = {"add": add.value, "sum": add.value, "mul": multiply.value, "copy": 0.0}
    for op in VECTOR_OPS:
        yield f"vector_{op}", events.get(f"vector_{op}_elements", 0), by_op.get(op)


def _sum(first: Entry, second: Entry) -> float | None:
    if first.value is None or second.value is None:
        return None
    return first.value + second.value


def _each(pj_per_64_bits: float | None, bits: int) -> float | None:
    return None if pj_per_64_bits is None else pj_per_64_bits * bits / 64


def _leakage_mw(machine: Machine, table: EnergyTable) -> float | None:
    per_pe, per_kib = table.leakage_mw_per_pe.value, table.leakage_mw_per_sram_kib.value
    if per_pe is None or per_kib is None:
        return None
    array = machine.array
    kib: float = sum(pad.capacity_kib for pad in machine.buffer.scratchpads.values())
    kib += accumulator_kib(array)
    return machine.cores * (array.rows * array.cols * per_pe + kib * per_kib)


def accumulator_kib(array: Array) -> float:
    """Capacity of the accumulators of one core."""
    sums = array.accumulator_rows * array.cols
    return storage_bytes(sums, array.accumulator_format) / 1024
