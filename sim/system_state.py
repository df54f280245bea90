"""A machine's state in arrays, at reset."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.buffer import OPERANDS
from arch.clock import periods
from arch.dram.memory import Dram
from arch.mac.formats import FORMAT_BITS
from arch.machine import Channelled, Machine
from arch.memory import Memory
from arch.pim.joint import JointMemory
from arch.vector import VECTOR_OPS
from sim.array.folds import DATAFLOWS
from sim.array.state import ARRAY_STATE, DRAINS, OUT
from sim.buffer.ports import DEMAND, DEMAND_RING, PADS_MAX
from sim.buffer.state import BUFFER_STATE, ENGINE, PAD
from sim.contract import (
    ACCOUNT,
    CAUSES,
    KIND_ARRAY,
    KIND_BUFFER,
    KIND_DRAM,
    KIND_JOINT,
    KIND_LINK,
    KIND_MEMORY,
    KIND_VECTOR,
    NEVER,
    RUNTIME,
    UNIT,
    UNITS_PER_CORE,
)
from sim.dram.build import DRAM_NAMES, DramState, dram_state, front_state
from sim.link import LINK_STATE
from sim.memory import INTERFACE, INTERFACES_MAX, MEMORY_STATE, RING_ITEM
from sim.pim.joint.build import JOINT_NAMES, MachineChannels, joint_channels
from sim.vector import VECTOR_STATE

ACCOUNTS_PER_CORE = 4
ACCOUNT_NAMES = ("array", "dma_load", "dma_store", "vector")

Records = npt.NDArray[np.void]
Integers = npt.NDArray[np.int64]


@dataclass
class State:
    """Everything that a simulation knows, but for its parameters in Python and its trace."""

    units: Records
    arrays: Records
    outs: Records
    demands: Records
    demand_tails: Integers
    buffers: Records
    pads: Records
    engines: Records
    memories: Records
    interfaces: Records
    vectors: Records
    links: Records
    fronts: Records
    lanes: Records
    dram: DramState
    joint: MachineChannels
    accounts: Records
    ticks_by_cause: Integers
    requests: Records
    request_ends: Integers
    responses: Records
    response_ends: Integers
    runtime: Records
    clock: Integers

    def arrays_by_name(self) -> dict[str, npt.NDArray[Any]]:
        """Each array by its name."""
        inner = {"dram": DRAM_NAMES, "joint": JOINT_NAMES}
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in inner}
        for owner, names in inner.items():
            own |= {f"{owner}.{name}": getattr(getattr(self, owner), name) for name in names}
        return own

    def put(self, name: str, array: npt.NDArray[Any]) -> None:
        """Replace an array of ``arrays_by_name``."""
        owner, _, inner = name.rpartition(".")
        setattr(getattr(self, owner) if owner else self, inner, array)


def _array_state(machine: Machine, arrays: Records) -> None:
    spec = machine.array
    arrays["rows"] = spec.rows
    arrays["cols"] = spec.cols
    arrays["dataflow"] = DATAFLOWS.index(spec.dataflow)
    arrays["pe_latency"] = spec.pe_latency_cycles
    arrays["overlapped_load"] = spec.weight_load == "overlapped"
    arrays["drain"] = DRAINS.index(spec.drain)
    arrays["empty_load"] = spec.empty_load_cycles or 0
    arrays["copies"] = spec.copies
    arrays["full_edges"] = spec.edge_folds == "full"
    arrays["drain_counted"] = spec.convention == "physical"
    arrays["accumulator_rows"] = spec.accumulator_rows
    arrays["operand_bits"] = spec.operand_bits
    arrays["accumulator_bits"] = spec.accumulator_bits
    arrays["output_bits"] = FORMAT_BITS[spec.output_format]
    arrays["beat_cycles"] = 1
    for index, pad in enumerate(machine.buffer.scratchpads.values()):
        arrays["accesses_per_cycle"][:, index] = pad.accesses_per_cycle
        arrays["width_bytes"][:, index] = pad.bank_width_bytes
    for operand, name in enumerate(OPERANDS):
        arrays["pad_of_operand"][:, operand] = machine.buffer.scratchpad_of(name)[0]
    arrays["pads"] = len(machine.buffer.scratchpads)


def _buffer_state(machine: Machine, buffers: Records, pads: Records) -> None:
    for index, pad in enumerate(machine.buffer.scratchpads.values()):
        pads["accesses_per_cycle"][:, index] = pad.accesses_per_cycle
        pads["width_bytes"][:, index] = pad.bank_width_bytes
    buffers["pads"] = len(machine.buffer.scratchpads)
    memory = machine.memory
    buffers["separate"] = isinstance(memory, Memory) and not memory.is_shared
    buffers["request_bytes"] = machine.buffer.dma.request_bytes
    buffers["outstanding"] = machine.buffer.dma.outstanding
    buffers["load_to_use"] = machine.buffer.dma.load_to_use_cycles
    buffers["memory_unit"] = machine.cores * UNITS_PER_CORE
    buffers["advance_cycles"] = 1


def _memory_state(machine: Machine, memories: Records, interfaces: Records) -> None:
    memory = machine.memory
    if not isinstance(memory, Memory):
        return
    memories["requesters"] = machine.cores * 2
    memories["latency"] = memory.latency_cycles
    memories["interfaces"] = 1
    if memory.operand_bytes_per_cycle is None:
        interfaces["bytes_per_cycle"] = memory.bytes_per_cycle
    else:
        memories["interfaces"] = len(OPERANDS)
        for operand, name in enumerate(OPERANDS):
            width = getattr(memory.operand_bytes_per_cycle, name)
            interfaces["bytes_per_cycle"][operand] = width


def _vector_state(machine: Machine, vectors: Records) -> None:
    vectors["command"] = -1
    vectors["lanes"] = 1
    vectors["interval"] = 1
    vectors["latency"] = 1
    vectors["output_bits"] = FORMAT_BITS[machine.array.output_format]
    if machine.vector is None:
        return
    vectors["lanes"] = machine.vector.lanes
    for at, op in enumerate(VECTOR_OPS):
        vectors["interval"][:, at] = machine.vector.timing(op).interval_cycles
        vectors["latency"][:, at] = machine.vector.timing(op).latency_cycles


def _link_state(machine: Machine, links: Records) -> None:
    links["command"] = -1
    link = machine.link
    if link is None:
        return
    links["devices"] = link.devices
    links["steps"] = 2 * (link.devices - 1) if link.topology == "ring" else 2
    links["bytes_per_cycle"] = link.bytes_per_cycle
    links["latency"] = link.latency_cycles


def memory_rows(machine: Machine) -> int:
    """Accounts of a memory: its front and a row a channel, or a row an interface."""
    channels = machine.memory.channels if isinstance(machine.memory, Channelled) else 0
    return max(INTERFACES_MAX, 1 + channels)


def _units(machine: Machine) -> Records:
    ticks = periods(machine.clocks_khz)
    memory, link = machine.memory, machine.link
    own = machine.cores * UNITS_PER_CORE
    units = np.zeros(own + (memory is not None) + (link is not None), UNIT)
    units["synchroniser"] = machine.synchroniser_cycles
    units["due"] = units["later"] = NEVER
    vector_clock = machine.array.clock if machine.vector is None else machine.vector.clock
    clocks = (machine.array.clock, machine.buffer.clock, vector_clock)
    for core in range(machine.cores):
        for at, kind in enumerate((KIND_ARRAY, KIND_BUFFER, KIND_VECTOR)):
            unit = units[core * UNITS_PER_CORE + at]
            unit["kind"] = kind
            unit["index"] = core
            unit["period"] = ticks[clocks[at]]
            unit["first_account"] = core * ACCOUNTS_PER_CORE + (0, 1, 3)[at]
            unit["woken_from"] = core * UNITS_PER_CORE
            unit["woken_until"] = (core + 1) * UNITS_PER_CORE
    if memory is not None:
        kinds = {Dram: KIND_DRAM, JointMemory: KIND_JOINT, Memory: KIND_MEMORY}
        units[own]["kind"] = kinds[type(memory)]
        units[own]["period"] = ticks[machine.memory_clock]
        units[own]["first_account"] = machine.cores * ACCOUNTS_PER_CORE
    if link is not None:
        units[-1]["kind"] = KIND_LINK
        units[-1]["period"] = ticks[link.clock]
        units[-1]["first_account"] = machine.cores * ACCOUNTS_PER_CORE + memory_rows(machine)
    if link is not None or machine.pim_channels:
        units["woken_from"], units["woken_until"] = 0, len(units)
    return units


def build_state(machine: Machine, log_entries: int = 0) -> State:
    """The state of a machine at reset, with room for so many commands of each joint channel."""
    cores = machine.cores
    spec = machine.array
    in_array = spec.rows * max(spec.pe_latency_cycles, 2) + spec.cols + spec.pe_latency_cycles + 4
    rings = cores * 2 * INTERFACES_MAX
    places = 1 << (machine.buffer.dma.outstanding + 1).bit_length()
    front, lanes, bursts, transfers = front_state(machine)
    dram = dram_state(machine, bursts, transfers)
    joint = joint_channels(machine, bursts, transfers, log_entries)
    rows = cores * ACCOUNTS_PER_CORE + memory_rows(machine) + (machine.link is not None)
    state = State(
        units=_units(machine),
        arrays=np.zeros(cores, ARRAY_STATE),
        outs=np.zeros((cores, in_array), OUT),
        demands=np.zeros((cores, DEMAND_RING), DEMAND),
        demand_tails=np.zeros(cores, np.int64),
        buffers=np.zeros(cores, BUFFER_STATE),
        pads=np.zeros((cores, PADS_MAX), PAD),
        engines=np.zeros((cores, 2), ENGINE),
        memories=np.zeros(1, MEMORY_STATE),
        interfaces=np.zeros(INTERFACES_MAX, INTERFACE),
        vectors=np.zeros(cores, VECTOR_STATE),
        links=np.zeros(1, LINK_STATE),
        fronts=front,
        lanes=lanes,
        dram=dram,
        joint=joint,
        accounts=np.zeros(rows, ACCOUNT),
        ticks_by_cause=np.zeros((rows, len(CAUSES)), np.int64),
        requests=np.zeros((rings, places), RING_ITEM),
        request_ends=np.zeros((rings, 2), np.int64),
        responses=np.zeros((rings, places), RING_ITEM),
        response_ends=np.zeros((rings, 2), np.int64),
        runtime=np.zeros(0, RUNTIME),
        clock=np.zeros(1, np.int64),
    )
    state.demands["advance_cycles"] = 1
    state.engines["job_command"] = -1
    _array_state(machine, state.arrays)
    _buffer_state(machine, state.buffers, state.pads)
    _memory_state(machine, state.memories, state.interfaces)
    _vector_state(machine, state.vectors)
    _link_state(machine, state.links)
    return state
