"""A machine that runs commands: the engine's calls on its state."""

import numpy as np

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
from arch.machine import Channelled, Machine
from arch.pim.joint import JointMemory
from sim import engine
from sim.buffer.state import STORE
from sim.contract import (
    NEVER,
    RUNTIME,
)
from sim.dram.build import DRAM_NAMES, dram_tables
from sim.pim.joint.build import JOINT_NAMES, joint_tables
from sim.pim.joint.load import check_queues, load_items, load_queues
from sim.system_state import Integers, build_state


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
