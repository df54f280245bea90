"""Channels of a PIM under traces of PIM instructions and ordinary requests."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arch.errors import SimulationError
from arch.pim.joint import JointPim
from sim.dram.state import LOG, REQUEST
from sim.pim.joint import kernel
from sim.pim.joint.state import GWRITE, HEADER, ITEM, OPS, JointState, new_joint
from sim.pim.joint.tables import JointTables, build

Records = npt.NDArray[np.void]
Integers = npt.NDArray[np.int64]
LOG_CHUNK_COMMANDS = 1 << 16
NO_LOG = np.zeros(0, LOG)
NO_REQUESTS = np.zeros(0, REQUEST)
NO_CYCLES = np.zeros(0, np.int64)
LogSink = Callable[[Records], None]
"""Given commands (LOG) of the channel, by cycle."""


@dataclass
class Channel:
    """One channel, which goes on from where it is."""

    pim: JointPim
    tables: JointTables
    state: JointState
    every: bool = False
    items: Records = field(default_factory=lambda: np.zeros(1, ITEM))

    @property
    def now(self) -> int:
        """The next cycle."""
        return int(self.state.memory.channel["now"][0])

    @property
    def done_at(self) -> int:
        """Cycle at which the last PIM instruction so far was done."""
        return int(self.state.joint["last_done"][0])

    def run(
        self,
        items: Records,
        requests: Records = NO_REQUESTS,
        *,
        until: int = 0,
        done: Integers = NO_CYCLES,
        pim_done: Integers = NO_CYCLES,
        log: LogSink | None = None,
    ) -> None:
        """Run PIM instructions (ITEM) and requests (REQUEST) until all are given.

        - ``until``: go on to this cycle at least
        - ``done``: filled with the cycle at which each request is done, of all that the channel
          ever took
        - ``pim_done``: the same of each tag

        Raises SimulationError where none may go on.
        """
        own, queues = self.state.memory, self.state.queues
        self._put(items)
        own.channel["cursor"] = own.channel["refused"] = 0
        room = NO_LOG if log is None else np.zeros(LOG_CHUNK_COMMANDS, LOG)
        memory = self.tables.memory
        while True:
            own.channel["logged"] = 0
            status = kernel.run(
                memory.config, memory.commands, memory.rules, queues.limits, self.tables.joint,
                own.channel, queues.arbiter, self.state.joint, queues.entries, queues.lists,
                queues.queue, queues.soon, queues.queues, queues.shared, queues.marks, own.banks,
                self.state.pim_rows, own.ready, own.history, own.issued, own.latencies,
                own.finished, self.items, self.state.came, requests, until,
                self.every, done, pim_done, room,
            )  # fmt: skip
            if log is not None:
                log(room[: int(own.channel["logged"][0])].copy())
            if status == kernel.DONE:
                return
            if status != kernel.LOG_FULL:
                self._fail()

    def _put(self, items: Records) -> None:
        """Put instructions into the ring, which is empty."""
        joint = self.state.joint
        size = 1 << max(0, int(len(items) - 1).bit_length())
        if size > len(self.items):
            self.items = np.zeros(size, ITEM)
        first = int(joint["tail"][0])
        self.items[(first + np.arange(len(items))) & (len(self.items) - 1)] = items
        joint["tail"] += len(items)

    def _fail(self) -> None:
        joint = self.state.joint[0]
        what = "nothing can go on"
        if joint["tile"]:
            what = f"the tile of row {joint['reserved']} is open and never ends"
        item = self.items[int(joint["head"]) & (len(self.items) - 1)]
        if joint["queued"] and joint["held"] and item["op"] in (GWRITE, HEADER):
            gap = int(self.tables.joint["refresh_gap"][0])
            what = (
                f"the {OPS[int(item['op'])]} of row {int(item['row'])} never begins: it is "
                f"estimated to take longer than the {gap} cycles between two refreshes"
            )
        raise SimulationError(f"{self.pim.name}: cycle {self.now}: {what}")


def new_channel(pim: JointPim, *, every: bool = False) -> Channel:
    """A channel at rest, before cycle 0; ``every``: step in each cycle. Raises InputError."""
    tables = build(pim)
    return Channel(pim, tables, new_joint(pim, tables), every)
