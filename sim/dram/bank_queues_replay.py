"""Runs requests through a channel whose controller has a command queue for each bank."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arch.errors import SimulationError
from sim.dram.bank_queues import take
from sim.dram.bank_queues_cycle import advance
from sim.dram.bank_queues_state import QueuesState
from sim.dram.replay import COMMANDS_A_CYCLE, DONE, LOG_FULL, REFILL, STUCK, Replay
from sim.dram.state import LOG, READS, WRITES
from sim.dram.tables import NEVER
from sim.jit import njit


@njit
def run(config, commands, rules, limits, channel, arbiter, entries, lists, queue, soon, queues,
        shared, marks, banks, ready, history, issued, latencies, finished, requests, more, every,
        done, log):  # fmt: skip
    """Serve requests; as ``sim.dram.replay.run``.

    Where nothing makes the last writes go, it comes back without them when all else is served.
    """
    c, k = config[0], limits[0]
    s, q = channel[0], arbiter[0]
    while True:
        if s["cursor"] == requests.shape[0] and more:
            return REFILL
        if log.shape[0] > 0 and log.shape[0] - s["logged"] < COMMANDS_A_CYCLE:
            return LOG_FULL
        now = s["now"]
        s["finished"] = 0
        offered = s["cursor"] < requests.shape[0] and not s["refused"]
        if offered and requests[s["cursor"]]["cycle"] < now:
            if take(c, s, q, entries, lists, queue, queues, shared, marks, latencies, finished,
                    requests[s["cursor"]]):  # fmt: skip
                s["cursor"] += 1
            else:
                s["refused"] = 1
        future = advance(c, k, s, q, commands, rules, banks, ready, history, issued, latencies,
                         finished, log, entries, lists, queue, soon, queues, shared,
                         marks)  # fmt: skip
        for i in range(s["finished"]):
            if finished[i]["sequence"] < done.shape[0]:
                done[finished[i]["sequence"]] = finished[i]["cycle"]
        if s["cursor"] < requests.shape[0]:
            if not s["refused"]:
                future = min(future, max(now, requests[s["cursor"]]["cycle"]) + 1)
        elif more:
            future = now + 1
        elif s["counts"][READS] + q["queued"] == 0 and (
            s["counts"][WRITES] == 0 or future >= NEVER
        ):
            s["now"] = now + 1
            return DONE
        if future >= NEVER:
            return STUCK
        future = min(future, s["next_refresh"])
        s["now"] = now + 1 if every else max(future, now + 1)


@dataclass
class QueuesReplay(Replay):
    """A channel that runs requests, chunk by chunk.

    Of ``state``, entries, keys and picks are not used.
    """

    queues: QueuesState = field(kw_only=True)
    """What replaces them."""

    def run(
        self,
        requests: npt.NDArray[np.void],
        *,
        more: bool = False,
        every: bool = False,
        done: npt.NDArray[np.int64] | None = None,
        log: npt.NDArray[np.void] | None = None,
    ) -> int:
        """As of ``Replay``."""
        state, tables, own = self.state, self.tables, self.queues
        if self.status != LOG_FULL:
            state.channel["cursor"] = 0
        state.channel["logged"] = 0
        self.status = int(
            run(
                tables.config,
                tables.commands,
                tables.rules,
                own.limits,
                state.channel,
                own.arbiter,
                own.entries,
                own.lists,
                own.queue,
                own.soon,
                own.queues,
                own.shared,
                own.marks,
                state.banks,
                state.ready,
                state.history,
                state.issued,
                state.latencies,
                state.finished,
                requests,
                more,
                every,
                np.zeros(0, np.int64) if done is None else done,
                np.zeros(0, LOG) if log is None else log,
            )
        )
        if self.status == STUCK:
            now = int(state.channel["now"][0])
            raise SimulationError(
                f"{self.device.name}: no request can go on from cycle {now}: a write waits for a "
                "read of its address, and the read for the drain; must have hazards: ordered, or "
                "a number for cap_cycles"
            )
        return self.status
