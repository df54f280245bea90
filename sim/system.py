"""A machine's state in arrays, and the engine's calls on it."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.buffer import OPERANDS
from arch.clock import periods, tick_khz
from arch.commands import (
    COMMAND,
    OP_STORE,
    TENSOR,
    CommandTrace,
    link_queue,
    pim_queue,
    side_queue,
    side_store_queue,
)
from arch.dram.memory import Dram
from arch.errors import InputError
from arch.mac.formats import FORMAT_BITS
from arch.machine import Channelled, Machine
from arch.memory import Memory
from arch.pim.joint import JointMemory
from arch.vector import VECTOR_OPS
from sim import engine
from sim.array.folds import DATAFLOWS
from sim.array.state import ARRAY_STATE, OUT
from sim.buffer.ports import DEMAND, DEMAND_RING, PADS_MAX
from sim.buffer.state import BUFFER_STATE, ENGINE, PAD, STORE
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
from sim.dram.build import DRAM_NAMES, DramState, dram_state, dram_tables, front_state
from sim.link import LINK_STATE
from sim.memory import INTERFACE, INTERFACES_MAX, MEMORY_STATE, RING_ITEM
from sim.pim.joint.build import JOINT_NAMES, MachineChannels, joint_channels, joint_tables
from sim.pim.joint.load import check_queues, load_items, load_queues
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
    arrays["overlapped_drain"] = spec.drain == "overlapped"
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
    front, lanes, dram = dram_state(machine)
    joint = joint_channels(machine, *front_state(machine)[2:], log_entries)
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


class System:
    """A machine that runs command traces, one after the other."""

    def __init__(
        self, machine: Machine, *, force: bool = False, seed: int = 0, log_entries: int = 0
    ) -> None:
        self.machine = machine
        self.tick_khz = tick_khz(machine.clocks_khz)
        self.force = force
        """Step every unit at every edge."""
        self.seed = seed
        """Other than 0: shuffle the order of units within a cycle."""
        self._log_entries = log_entries
        self._dram_tables = dram_tables(machine)
        self._joint_tables = joint_tables(machine)
        self.reset()
        self._marked = np.zeros(len(self.state.units), np.int64)

    def reset(self) -> None:
        """Put every unit back to where it starts, without commands."""
        self.state = build_state(self.machine, self._log_entries)
        self.load(EMPTY_TRACE)

    def load(self, trace: CommandTrace) -> None:
        """Put a trace's commands into the queues; the former trace must have run to its end.

        Raises InputError for commands that the machine cannot run.
        """
        self.resume(trace)
        state = self.state
        commands = trace.commands
        if (commands["queue"] >= pim_queue(self.machine.cores, 0)).any():
            check_queues(self.machine, trace)
        state.runtime = np.zeros(len(commands), RUNTIME)
        state.runtime["start"] = state.runtime["end"] = -1
        state.runtime["left_bytes"] = commands["bytes"]
        pads = [self.machine.buffer.scratchpad_of(name)[0] for name in OPERANDS]
        state.runtime["pad"] = np.array(pads)[commands["operand"]]
        if state.memories["interfaces"][0] > 1:
            state.runtime["interface"] = commands["operand"]
        state.runtime["address"] = self._addresses(trace)
        cores, channels = self.machine.cores, self.machine.pim_channels
        first, side = pim_queue(cores, 0), side_queue(cores, channels, 0)
        link, last = link_queue(cores, channels), side_store_queue(cores, channels, cores)
        ends = np.searchsorted(commands["queue"][self.queue], np.arange(last), side="right")
        begins = np.concatenate(([0], ends[:-1]))
        if channels:
            load_items(self.machine, state.joint, trace)
            load_queues(state.joint, begins[first:side], ends[first:side])
        state.vectors["side_head"], state.vectors["side_end"] = begins[side:link], ends[side:link]
        state.links["head"], state.links["queue_end"] = begins[link], ends[link]
        state.engines["side_head"][:, STORE] = begins[link + 1 :]
        state.engines["side_end"][:, STORE] = ends[link + 1 :]
        for core in range(cores):
            load, store, array, vector = range(pim_queue(core, 0), pim_queue(core + 1, 0))
            for engine_index, queue in enumerate((load, store)):
                state.engines["head"][core, engine_index] = begins[queue]
                state.engines["queue_end"][core, engine_index] = ends[queue]
            for records, queue in ((state.arrays, array), (state.vectors, vector)):
                records["head"][core] = begins[queue]
                records["queue_end"][core] = ends[queue]
        units = state.units
        edges = -(-state.clock[0] // units["period"]) * units["period"]
        units["later"] = np.where(units["due"] > edges, units["due"], NEVER)
        units["due"] = np.minimum(units["due"], edges)

    def _addresses(self, trace: CommandTrace) -> Integers:
        """First byte of what each command moves, where memory has addresses."""
        commands, memory = trace.commands, self.machine.memory
        moves = (commands["opcode"] <= OP_STORE) & (commands["tensor"] >= 0)
        addresses = np.zeros(len(commands), np.int64)
        if not isinstance(memory, Channelled) or not moves.any():
            return addresses
        moved = commands[moves]
        addresses[moves] = trace.tensors["address"][moved["tensor"]] + moved["offset_bytes"]
        whole = (moved["bytes"] - 1) // np.maximum(1, moved["segment_bytes"])
        ends = addresses[moves] + whole * moved["stride_bytes"] + moved["segment_bytes"]
        capacity = memory.address_map().capacity_bytes
        if ends.max() > capacity:
            name = trace.tensor_names[int(moved["tensor"][ends.argmax()])]
            raise InputError(
                f"{self.machine.name}: tensor {name} ends at byte {int(ends.max()):,}, beyond the "
                f"memory's {capacity:,}; give memory more channels, a larger organisation, or run "
                "a smaller workload"
            )
        return addresses

    def resume(self, trace: CommandTrace) -> None:
        """Take up the trace that the state is in the middle of."""
        self.trace = trace
        self.queue = np.argsort(trace.commands["queue"], kind="stable").astype(np.int64)

    def advance(self, limit_tick: int = 2**62, steps: int = 2**62) -> int:
        """Simulate until all commands are done, a tick or a number of cycles is reached.

        Returns ``engine.DONE``, ``engine.PAUSED`` or ``engine.DEADLOCK``.
        """
        s = self.state
        dram = joint = None
        if isinstance(self.machine.memory, Dram):
            dram = tuple(getattr(s.dram, name) for name in DRAM_NAMES)
        if isinstance(self.machine.memory, JointMemory):
            joint = tuple(getattr(s.joint, name) for name in JOINT_NAMES)
        status: int = engine.run(
            s.units, self._marked, s.arrays, s.outs, s.demands, s.demand_tails, s.buffers, s.pads,
            s.engines, s.memories, s.interfaces, s.vectors, s.links, self._dram_tables, s.fronts,
            s.lanes, dram, self._joint_tables, joint, s.accounts, s.ticks_by_cause, s.requests,
            s.request_ends, s.responses, s.response_ends, self.trace.commands,
            self.trace.dependencies, s.runtime, self.queue, s.clock, limit_tick, steps, self.force,
            self.seed,
        )  # fmt: skip
        return status

    @property
    def dram_commands(self) -> tuple[str, ...]:
        """Names of the commands that the DRAM counts."""
        memory = self.machine.memory
        return tuple(memory.device().commands) if isinstance(memory, Channelled) else ()

    def flush(self, end_tick: int) -> None:
        """Account for every cycle before a tick."""
        s = self.state
        engine.flush(
            s.units, s.arrays, s.demands, s.demand_tails, s.buffers, s.pads, s.engines,
            s.memories, s.dram.channels, s.joint.channels, s.joint.states, s.accounts,
            s.ticks_by_cause, end_tick,
        )  # fmt: skip

    def ticks_of(self, clock: str) -> int:
        """Period of a clock in ticks."""
        return periods(self.machine.clocks_khz)[clock]

    @property
    def next_tick(self) -> int:
        """The next cycle in which a unit is due."""
        return int(self.state.units["due"].min())

    @property
    def now_tick(self) -> int:
        """The last cycle simulated."""
        return int(self.state.clock[0])


EMPTY_TRACE = CommandTrace(np.zeros(0, COMMAND), np.zeros(0, np.int64), np.zeros(0, TENSOR), (), ())
