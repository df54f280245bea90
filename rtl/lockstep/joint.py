"""The twin of a channel with memory and PIM commands: hardware, and the simulator's kernel."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from arch.pim.joint import JointPim
from rtl.lockstep.batches import Counted, in_runs
from rtl.lockstep.draws import new_traffic
from rtl.lockstep.joint_drive import drive
from rtl.lockstep.joint_events import EVENTS
from rtl.lockstep.joint_model import INPUTS, OUTPUTS, PIM_FIELDS, SHAPE
from rtl.lockstep.joint_traffic import TRAFFIC
from rtl.lockstep.requests import FIELDS
from rtl.lockstep.timers import TimerPlaces
from rtl.lockstep.twin import Batch
from rtl.pim.joint import JointChannel
from rtl.pim.joint.parameters import COLUMNS_MIN, COUNT_BITS, HITS, TAG_BITS, Parameters
from sim.dram.bank_queues_state import NONE
from sim.dram.state import LOG, REQUEST
from sim.pim.joint.state import ITEM, JOINT_STATE, JointState, new_joint
from sim.pim.joint.tables import JointTables, build

Integers = npt.NDArray[np.int64]
ITEMS = 64
"""Of the ring of instructions; more than all queues hold."""
LOG_ENTRIES = 2


def _concurrent(p: Parameters) -> bool:
    return not p.blocked


def _bounded(p: Parameters) -> bool:
    """Whether memory may go first."""
    pim_first = p.priority == "pim_first" and p.fairness_cycles is None
    return not p.blocked and not pim_first


def _pim_may(p: Parameters) -> bool:
    memory_first = p.priority == "memory_first" and p.fairness_cycles is None
    return not p.blocked and not memory_first


CONDITIONS: dict[str, Callable[[Parameters], bool]] = {
    "both could go, PIM does": _pim_may,
    "both could go, memory does": _bounded,
    "memory waits for the time left": lambda p: not p.blocked and p.slack_checked,
    "row kept for the time left": lambda p: (
        not p.blocked and p.slack_checked and p.refresh_gap is not None
    ),
    "unit waits for a refresh": lambda p: p.refresh_gap is not None,
    "unit begins in the last cycle": lambda p: p.lenient and p.refresh_gap is not None,
    "refresh waits for a tile": lambda p: p.tile_ends_first and p.refresh_gap is not None,
    "refresh in a tile": lambda p: not p.tile_ends_first and p.refresh_gap is not None,
    "refresh closes rows": lambda p: p.refresh_gap is not None,
    "refresh closes rows of PIM": lambda p: p.dual and p.refresh_gap is not None,
    "rows of both sides open": lambda p: p.dual,
    "memory closes a row of PIM": lambda p: p.dual,
    "column between those of a composite": lambda p: p.counted and not p.blocked,
    "turn of memory begins": lambda p: p.turns,
    "turn of PIM begins": lambda p: p.turns,
}
"""Events that only some channels can show."""
MISSING: dict[str, Callable[[Parameters], bool]] = {
    "refresh": lambda p: p.refresh_gap is None,
    "pimpre": lambda p: not p.dual,
}
"""Commands that some channels never give."""


class Layout:
    """Where the hardware's registers are in the kernel's state."""

    def __init__(self, p: Parameters, tables: JointTables) -> None:
        self.shape = np.zeros(1, SHAPE)
        limit = p.fairness_cycles is not None and not p.blocked
        side = {"pim_first": 1, "memory_first": 2, "alternating": 0}[p.priority]
        for name, value in {
            "banks": p.banks,
            "rows": p.device.rows,
            "columns": p.device.columns,
            "tag_bits": p.tag_bits,
            "count_bits": COUNT_BITS,
            "transactions": p.transactions,
            "pim_commands": p.pim_commands,
            "bank_entries": p.bank_entries,
            "hits": HITS,
            "turns": p.turns,
            "side": p.priority == "alternating" and not p.blocked,
            "since": side if limit else 0,
            "gwrite_left": p.gwrite_cycles > 1,
            "refreshes": p.refresh_gap is not None,
            "clear_after": p.clear_after,
        }.items():
            self.shape[name] = value
        self.timers = TimerPlaces(p, tables.memory)
        self.response_size = self._response_size(p)

    def _response_size(self, p: Parameters) -> int:
        shape = self.shape[0]
        requests = 1 + FIELDS + 1 + 2 + 4 * (p.read_entries + p.write_entries)
        queued = p.transactions + p.pim_commands
        pim = 1 + PIM_FIELDS + 2 + PIM_FIELDS * queued + p.transactions * p.among_reads
        arbiter = 2 + 3 * shape["turns"] + shape["side"] + (shape["since"] > 0)
        unit = 10 + shape["gwrite_left"] + 2 * p.counted
        refresh = (2 + (p.ranks > 1)) * shape["refreshes"]
        banks = p.banks * (4 + 2 * p.dual + 4 * p.bank_entries) + self.timers.count(p.banks)
        return int(OUTPUTS + requests + pim + arbiter + unit + refresh + banks)


@dataclass
class JointTraffic(Counted):
    """One run of a channel under random requests and PIM programs, with resets.

    Useful are cycles in which anything was offered or waited, or a command was given.
    """

    event_names = EVENTS
    pim: JointPim
    parameters: Parameters
    tables: JointTables
    layout: Layout
    state: JointState = field(init=False)
    before: Integers = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.issued = np.zeros(len(self.tables.memory.commands), np.int64)
        self.log = np.zeros(LOG_ENTRIES, LOG)
        self.request = np.zeros(1, REQUEST)
        self.items = np.zeros(ITEMS, ITEM)
        self.copies = [np.zeros(1, JOINT_STATE) for _ in range(2)]
        self.incoming = np.zeros(INPUTS, np.int64)
        self.before = np.zeros(INPUTS + 2, np.int64)
        self.before[INPUTS:] = 1
        self._reset()

    def _reset(self) -> None:
        """All registers have their reset values; what is offered stays."""
        self.state = new_joint(self.pim, self.tables)
        # Hardware has no room for reads that share the data of another: they wait.
        self.state.queues.arbiter["free_shared"] = NONE
        self.incoming[:] = 0

    def next(self, cycles: int) -> Batch:
        """The next cycles."""
        return in_runs(cycles, INPUTS, self.layout.response_size, self._drive, self._reset)

    def _drive(self, stimuli: Integers, resets: npt.NDArray[np.uint8], responses: Integers) -> int:
        kernel, layout, state = self.tables.memory, self.layout, self.state
        own, queues = state.memory, state.queues
        cycles = drive(
            kernel.config, kernel.commands, kernel.rules, queues.limits, self.tables.joint,
            own.channel, queues.arbiter, state.joint, queues.entries, queues.lists, queues.queue,
            queues.soon, queues.queues, queues.shared, queues.marks, own.banks, state.pim_rows,
            own.ready, own.history, own.issued, own.latencies, own.finished, self.items, state.came,
            self.log, self.request, layout.shape, *layout.timers.arrays, self.incoming, self.before,
            self.traffic, *self.copies, self.events, self.issued, stimuli, resets, responses,
        )  # fmt: skip
        return int(cycles)

    def can_show(self, event: str) -> bool:
        """With its controller."""
        return event not in CONDITIONS or CONDITIONS[event](self.parameters)

    @property
    def coverage(self) -> dict[str, int]:
        """Cycles that showed each event that this channel can show, and commands."""
        p, found = self.parameters, super().coverage
        for code, command in enumerate(p.commands):
            if not any(code == getattr(p, name) and none(p) for name, none in MISSING.items()):
                found[command.name] = int(self.issued[self.tables.names.index(command.name)])
        return found


class JointTwin:
    """A channel as hardware and as the simulator's kernel; parameters as of ``JointChannel``."""

    name = "joint"

    def __init__(self, pim: JointPim, *, tag_bits: int = TAG_BITS) -> None:
        self.pim = pim
        self.parameters = p = Parameters(pim, tag_bits)
        self.tables = build(pim)
        self.layout = Layout(p, self.tables)
        self._build = partial(JointChannel, pim, tag_bits=tag_bits)

    @property
    def component(self) -> JointChannel:
        """New hardware."""
        return self._build()

    def traffic(self, seed: int) -> JointTraffic:
        """The run of a seed."""
        traffic = new_traffic(TRAFFIC, seed, columns_max=columns_max(self.parameters))
        return JointTraffic(traffic, self.pim, self.parameters, self.tables, self.layout)


def columns_max(p: Parameters) -> int:
    """Columns of a tile that may begin in the first half of the time between two refreshes."""
    if p.refresh_gap is None:
        return p.count_max
    rows = p.banks * p.rtp + p.faw * (p.banks // p.group_banks) + p.rcd_rd + 8 * p.results_cycles
    return min(p.count_max, max(COLUMNS_MIN, (p.refresh_gap // 2 - rows) // p.comp_cycles))


def joint_twin(pim: JointPim) -> JointTwin:
    """The twin of one channel of a PIM.

    Raises InputError that says which field to set where hardware does not support it.
    """
    return JointTwin(pim)
