"""The twin of a DRAM channel: its hardware, the simulator's kernel, and what drives both."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from arch.dram.controller import Controller
from arch.dram.device import Device
from arch.dram.memory import MemorySystem
from rtl.dram import Channel
from rtl.dram.parameters import TAG_BITS, Parameters
from rtl.lockstep.batches import Counted, in_runs
from rtl.lockstep.dram_model import OUTPUTS, SHAPE
from rtl.lockstep.dram_traffic import EVENTS, drive
from rtl.lockstep.draws import new_traffic
from rtl.lockstep.requests import FIELDS, REQUESTS
from rtl.lockstep.timers import TimerPlaces
from rtl.lockstep.twin import Batch
from sim.dram.replay import Replay
from sim.dram.replays import new_replay
from sim.dram.state import LOG, REQUEST, State, new_state

LOG_ENTRIES = 2
INPUTS = FIELDS + 1
CONDITIONS = {
    "write behind a read of its place": "ordered",
    "request has waited for long": "cap_cycles",
    "refresh waits for an owner": "refresh",
    "refresh postponed": "refresh_slack",
    "refresh closes rows": "refresh",
}
"""Events that need an attribute of ``Parameters``."""


class Tables:
    """Where the hardware's registers are in the kernel's state."""

    def __init__(self, p: Parameters, replay: Replay) -> None:
        self.shape = np.zeros(1, SHAPE)
        self.shape["banks"], self.shape["entries"] = p.banks, p.entries
        self.shape["rows"], self.shape["columns"] = p.device.rows, p.device.columns
        self.shape["tag_bits"], self.shape["cap_cycles"] = p.tag_bits, p.cap_cycles or 0
        self.shape["refreshes"] = p.refresh is not None
        span = 1 if p.refresh is None else p.commands[p.refresh].span
        self.shape["refresh_span"], self.shape["refresh_turns"] = span, p.refresh_turns
        self.shape["refresh_nodes"] = p.banks // (p.refresh_turns * span)
        self.timers = TimerPlaces(p, replay.tables)
        self.response_size = self._response_size(p)
        self.rules = _rule_names(p, replay)

    def _response_size(self, p: Parameters) -> int:
        shape = self.shape[0]
        queue = 1 + FIELDS + 2 + p.entries * (2 + FIELDS + (p.cap_cycles is not None))
        banks = 3 * p.banks + self.timers.count(p.banks)
        refresh = 2 + (shape["refresh_nodes"] > 1) + (shape["refresh_turns"] > 1)
        refresh *= shape["refreshes"]
        return int(OUTPUTS + queue + 1 + banks + refresh)


@dataclass
class DramTraffic(Counted):
    """One run of a channel under random requests, legal and hostile, with resets.

    Useful are cycles in which a request was offered or waited, or a command issued.
    """

    event_names = EVENTS
    parameters: Parameters
    replay: Replay
    tables: Tables
    state: State = field(init=False)
    before: npt.NDArray[np.int64] = field(init=False)
    taken: list[npt.NDArray[np.void]] = field(default_factory=list)

    def __post_init__(self) -> None:
        kernel = self.replay.tables
        banks, commands = self.parameters.banks, len(kernel.names)
        super().__post_init__()
        self.issued = np.zeros(commands, np.int64)
        self.bindings = np.zeros(len(kernel.rules), np.int64)
        self.log = np.zeros(LOG_ENTRIES, LOG)
        self.request = np.zeros(1, REQUEST)
        self.order = np.zeros((self.parameters.entries, 2), np.int64)
        self.last = np.empty((commands, banks), np.int64)
        self.recent = np.empty((len(kernel.rules), banks, kernel.history_depth), np.int64)
        self.rows = np.zeros(banks, np.int64)
        self.incoming = np.zeros(INPUTS, np.int64)
        self.before = np.zeros(INPUTS + 1, np.int64)
        self.before[INPUTS] = 1
        self._reset()

    def _reset(self) -> None:
        """All registers have their reset values; what is offered stays."""
        self.state = new_state(self.replay.tables)
        self.last[:], self.recent[:] = -1, -1
        self.rows[:], self.incoming[:] = 0, 0

    def next(self, cycles: int) -> Batch:
        """The next cycles."""
        return in_runs(cycles, INPUTS, self.tables.response_size, self._drive, self._reset)

    def _drive(
        self,
        stimuli: npt.NDArray[np.int64],
        resets: npt.NDArray[np.uint8],
        responses: npt.NDArray[np.int64],
    ) -> int:
        kernel, tables = self.replay.tables, self.tables
        return int(
            drive(
                kernel.config,
                kernel.commands,
                kernel.rules,
                *vars(self.state).values(),
                self.log,
                self.request,
                tables.shape,
                *tables.timers.arrays,
                self.rows,
                self.order,
                self.incoming,
                self.before,
                self.traffic,
                self.last,
                self.recent,
                self.events,
                self.issued,
                self.bindings,
                stimuli,
                resets,
                responses,
            )
        )

    def can_show(self, event: str) -> bool:
        """With its controller."""
        needed = CONDITIONS.get(event)
        return needed is None or getattr(self.parameters, needed) not in (None, 0)

    @property
    def coverage(self) -> dict[str, int]:
        """Cycles that showed each event that this channel can show, commands, and for each rule
        how often a command would have come sooner without it."""
        found = super().coverage
        for command in self.parameters.commands:
            at = self.replay.tables.names.index(command.name)
            found[command.name] = int(self.issued[at])
        for name, count in zip(self.tables.rules, self.bindings, strict=True):
            if name is not None:
                found[name] = found.get(name, 0) + int(count)
        return found


class DramTwin:
    """A channel as hardware and as the simulator's kernel; parameters as of ``Channel``."""

    name = "dram"

    def __init__(self, device: Device, controller: Controller, *, tag_bits: int = TAG_BITS) -> None:
        self.parameters = Parameters(device, controller, tag_bits)
        self.controller = controller
        self.replay = new_replay(device, controller)
        self.tables = Tables(self.parameters, self.replay)
        self._build = partial(Channel, device, controller, tag_bits=tag_bits)

    @property
    def component(self) -> Channel:
        """New hardware."""
        return self._build()

    def traffic(self, seed: int) -> DramTraffic:
        """The run of a seed."""
        traffic = new_traffic(REQUESTS, seed)
        return DramTraffic(traffic, self.parameters, self.replay, self.tables)


def dram_twin(memory: MemorySystem) -> DramTwin:
    """The twin of one channel of a memory.

    Raises InputError that says which field to set where hardware does not support it.
    """
    return DramTwin(memory.device(), memory.controller)


def _rule_names(p: Parameters, replay: Replay) -> list[str | None]:
    """Of each of the kernel's rules between commands that the hardware gives."""
    kernel = replay.tables
    levels = dict(zip(p.spans, p.device.levels, strict=True))
    given = {command.name for command in p.commands}
    names: list[str | None] = [None] * len(kernel.rules)
    for name, command in zip(kernel.names, kernel.commands, strict=True):
        for i in range(command["first_rule"], command["end_rule"]):
            rule = kernel.rules[i]
            following = kernel.names[rule["following"]]
            if not {name, following} <= given:
                continue
            text = f"{name} to {following}, {levels[int(rule['span'])]}"
            text += f", {rule['window']} back" if rule["window"] > 1 else ""
            text += ", sibling" if rule["sibling_span"] else ""
            names[i] = text
    return names
