"""Energy: event counts times the table of the machine's technology, plus leakage times time.

=======================  ========================================================================
component                energy
=======================  ========================================================================
``array``                ``macs`` x (multiply of the operand format + add of the accumulator's); no
                         source gives that of a SIMD engine
``accumulators``         words read and written x bits / 64 x an access to a memory that holds
                         one column's accumulators
``scratchpad_<name>``    bytes read and written x 8 / 64 x an access to a memory of its capacity
``memory``               bytes read and written x 8 / 64 x a memory access
``memory_<part>``        in place of ``memory`` and ``pim`` where channels that compute have an
``pim_<part>``           ``energy``: their commands, as of ``sim.pim.joint.energy``
``pim``                  columns multiplied in memory; no source gives that of one
``link``                 bytes sent to other devices; no source gives that of one
``vector_<op>``          elements x (``add``, ``sum``: an add, ``mul``: a multiply, ``max``: an add
                         of integers of that width, ``copy``: nothing) of the output format; the
                         other operations have no sourced energy
``leakage_sram``         seconds x that of the memories of accumulators and scratchpads
``leakage_registers``    seconds x flip-flops of the array x that of one
``leakage_arithmetic``   seconds x area of multipliers and adders x that of an area
``memory_standby``       seconds x ranks of such channels x that of one with no row open
=======================  ========================================================================

This is the order in which components are computed and added up. A component without events is
left out; one with events but without a sourced energy is named in ``unknown``, and the total is a
lower bound. Switching of registers, clock tree, control and wires between units is in no table,
and neither is leakage of what has no area.

A scratchpad's access is charged at its whole capacity, whatever its banks: data cross the
scratchpad on wires, and CACTI, asked for the same capacity in 4 to 32 banks with those wires,
finds 0.7 to 1.1 of the energy of one bank.
"""

from collections.abc import Iterator, Mapping

from arch.area import AREA, AreaTable
from arch.energy import ENERGY, EnergyTable
from arch.mac.formats import FORMAT_BITS
from arch.machine import Machine
from arch.pim.joint import JointMemory
from arch.technology import UNKNOWN, Entry, at_capacity
from arch.vector import VECTOR_OPS
from sim.area import array_flip_flops, array_um2, column_kib, lanes_um2, memories
from sim.charges import Cost, spent
from sim.pim.joint.energy import joint_costs, joint_powers
from sim.result import LEAKAGES, Energy

MW_PER_NW = 1e-6


def energy(
    machine: Machine,
    events: Mapping[str, int],
    seconds: float,
    table: EnergyTable | None = None,
    area_table: AreaTable | None = None,
) -> Energy:
    """Energy of events that happened within ``seconds``.

    ``events`` are counts of all cores together by the names of docs/statistics.md; those that
    are not there are 0. The tables are those of the machine's technology unless given.
    """
    return EnergyModel(machine, table, area_table).energy(events, seconds)


class EnergyModel:
    """What the events of one machine cost, looked up once for any number of operators."""

    def __init__(
        self,
        machine: Machine,
        table: EnergyTable | None = None,
        area_table: AreaTable | None = None,
    ) -> None:
        table = ENERGY[machine.technology] if table is None else table
        area_table = AREA[machine.technology] if area_table is None else area_table
        self._costs = tuple(_costs(machine, table))
        powers = (
            _sram_mw(machine, table),
            _registers_mw(machine, table),
            _arithmetic_mw(machine, table, area_table),
        )
        self._powers_mw = [*zip(LEAKAGES, powers, strict=True)]
        if isinstance(machine.memory, JointMemory):
            self._powers_mw += joint_powers(machine.memory, machine.memory.channels)
        self.components = tuple(name for name, _ in (*self._costs, *self._powers_mw))
        """All that the machine's energy can have, in order."""

    def energy(self, events: Mapping[str, int], seconds: float) -> Energy:
        """Energy of events that happened within ``seconds``."""
        return spent(self._costs, self._powers_mw, events, seconds)


def _costs(machine: Machine, table: EnergyTable) -> Iterator[Cost]:
    array = machine.array
    multiply = table.multiply_pj.get(array.operand_format, UNKNOWN)
    add = table.add_pj.get(array.accumulator_format, UNKNOWN)
    yield "array", (("macs", None if array.engine else _sum(multiply, add)),)

    kib, bits = column_kib(array), array.accumulator_bits
    read, write = _accesses(table, kib, bits)
    yield (
        "accumulators",
        (("accumulator_read_words", read), ("accumulator_write_words", write)),
    )

    for name, pad in machine.buffer.scratchpads.items():
        read, write = _accesses(table, pad.capacity_kib, 8) if pad.ports == 1 else (None, None)
        yield f"scratchpad_{name}", ((f"{name}_read_bytes", read), (f"{name}_write_bytes", write))

    yield from _memory_costs(machine, table)
    if machine.link is not None:
        yield "link", (("link_bytes", None),)

    output = array.output_format
    add = table.add_pj.get(output, UNKNOWN)
    # Numbers of IEEE 754 are in the order of integers of their bits, sign and magnitude.
    compare = table.add_pj.get(f"int{FORMAT_BITS[output]}", UNKNOWN)
    multiply = table.multiply_pj.get(output, UNKNOWN)
    if array.engine is not None:
        # Elements have the format of their layer.
        add = compare = multiply = UNKNOWN
    by_op = {
        "add": add.value,
        "sum": add.value,
        "mul": multiply.value,
        "max": compare.value,
        "copy": 0.0,
    }
    for op in VECTOR_OPS:
        yield f"vector_{op}", ((f"vector_{op}_elements", by_op.get(op)),)


def _memory_costs(machine: Machine, table: EnergyTable) -> Iterator[Cost]:
    memory = machine.memory
    if isinstance(memory, JointMemory) and memory.energy is not None:
        yield from joint_costs(memory)
        return
    each = _each(table.memory_pj_per_64_bits.value, 8)
    yield "memory", (("memory_read_bytes", each), ("memory_write_bytes", each))
    if machine.pim_channels:
        yield "pim", (("pim_columns", None),)


def _accesses(
    table: EnergyTable, capacity_kib: float, bits: int
) -> tuple[float | None, float | None]:
    """Of a read and of a write of some bits of a memory, in pJ."""
    read = at_capacity(table.sram_read_pj_per_64_bits, capacity_kib)
    write = at_capacity(table.sram_write_pj_per_64_bits, capacity_kib)
    return _each(read, bits), _each(write, bits)


def _sum(first: Entry, second: Entry) -> float | None:
    if first.value is None or second.value is None:
        return None
    return first.value + second.value


def _each(pj_per_64_bits: float | None, bits: int) -> float | None:
    return None if pj_per_64_bits is None else pj_per_64_bits * bits / 64


def _sram_mw(machine: Machine, table: EnergyTable) -> float | None:
    total = 0.0
    for each in memories(machine):
        power_mw = each.total(table.sram_leakage_mw)
        if power_mw is None:
            return None
        total += power_mw
    return total


def _registers_mw(machine: Machine, table: EnergyTable) -> float | None:
    each_nw = table.flip_flop_leakage_nw.value
    if each_nw is None or machine.array.engine is not None:
        return None
    grids = machine.cores * machine.array.copies
    return grids * array_flip_flops(machine.array) * each_nw * MW_PER_NW


def _arithmetic_mw(machine: Machine, table: EnergyTable, area_table: AreaTable) -> float | None:
    nw_per_um2 = table.arithmetic_leakage_nw_per_um2.value
    array, lanes = array_um2(machine, area_table), lanes_um2(machine, area_table)
    if nw_per_um2 is None or array is None or lanes is None:
        return None
    return (array + lanes) * nw_per_um2 * MW_PER_NW
