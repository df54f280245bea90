"""Runs requests through a channel."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.dram.device import Device
from arch.errors import SimulationError
from sim.dram.cycle import advance, offer, waiting
from sim.dram.state import LOG, State
from sim.dram.tables import NEVER, Tables
from sim.jit import njit

REFILL, DONE, LOG_FULL, STUCK = range(4)
"""Why the kernel has come back: requests used up, all served, no room in the log, no progress."""
COMMANDS_A_CYCLE = 2


@njit
def run(config, commands, rules, channel, picks, entries, keys, banks, ready,
        history, issued, latencies, pending, finished, requests, more, every, done,
        log):  # fmt: skip
    """Serve requests until they are used up and ``more`` come, or all are served.

    - ``requests`` [request] of REQUEST, cycles not decreasing
    - ``every``: look at every cycle, which changes nothing but the time it takes
    - ``done`` [request], cycle of the data (reads) or of the command (writes), or empty
    - ``log`` [command] of LOG, or empty
    """
    c = config[0]
    s = channel[0]
    while True:
        if s["cursor"] == requests.shape[0] and more:
            return REFILL
        if log.shape[0] > 0 and log.shape[0] - s["logged"] < COMMANDS_A_CYCLE:
            return LOG_FULL
        now = s["now"]
        s["finished"] = 0
        offered = s["cursor"] < requests.shape[0] and not s["refused"]
        if offered and requests[s["cursor"]]["cycle"] < now:
            given = requests[s["cursor"]]
            if offer(c, s, commands, picks, entries, keys, banks, ready, latencies, finished,
                     given):  # fmt: skip
                s["cursor"] += 1
        future = advance(c, s, commands, rules, picks, entries, keys, banks, ready, history,
                         issued, latencies, pending, finished, log)  # fmt: skip
        for i in range(s["finished"]):
            if finished[i]["sequence"] < done.shape[0]:
                done[finished[i]["sequence"]] = finished[i]["cycle"]
        if s["cursor"] < requests.shape[0]:
            if not s["refused"]:
                future = min(future, max(now, requests[s["cursor"]]["cycle"]) + 1)
        elif more:
            future = now + 1
        elif waiting(s) == 0:
            s["now"] = now + 1
            return DONE
        if future >= NEVER:
            return STUCK
        s["now"] = now + 1 if every else max(future, now + 1)


@dataclass
class Replay:
    """A channel that runs requests, chunk by chunk."""

    device: Device
    tables: Tables
    state: State
    status: int = REFILL
    """Why the kernel has come back the last time."""

    def run(
        self,
        requests: npt.NDArray[np.void],
        *,
        more: bool = False,
        every: bool = False,
        done: npt.NDArray[np.int64] | None = None,
        log: npt.NDArray[np.void] | None = None,
    ) -> int:
        """Serve a chunk; see the kernel. Returns why it has come back.

        After LOG_FULL the same chunk goes on, with an empty log. Raises SimulationError where no
        command may ever issue.
        """
        state, tables = self.state, self.tables
        if self.status != LOG_FULL:
            state.channel["cursor"] = 0
        state.channel["logged"] = 0
        self.status = int(
            run(
                tables.config,
                tables.commands,
                tables.rules,
                state.channel,
                state.picks,
                state.entries,
                state.keys,
                state.banks,
                state.ready,
                state.history,
                state.issued,
                state.latencies,
                state.pending,
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
            raise SimulationError(f"{self.device.name}: no request can go on from cycle {now}")
        return self.status

    def log(
        self, requests: npt.NDArray[np.void], *, every: bool = False, chunk_commands: int = 65536
    ) -> npt.NDArray[np.void]:
        """Serve all requests; every command, as LOG."""
        parts = []
        while True:
            room = np.zeros(chunk_commands, LOG)
            status = self.run(requests, every=every, log=room)
            parts.append(room[: int(self.state.channel["logged"][0])])
            if status == DONE:
                return np.concatenate(parts)
