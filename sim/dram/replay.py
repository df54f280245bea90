"""Runs requests through a channel."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.dram.controller import Controller
from arch.dram.device import Device
from arch.errors import SimulationError
from sim.dram.channel import take
from sim.dram.picking import locate, when_at
from sim.dram.schedule import WAITING, schedule
from sim.dram.state import LOG, READS, WRITES, State, new_state
from sim.dram.tables import NEVER, Tables, build
from sim.jit import njit

REFILL, DONE, LOG_FULL, STUCK = range(4)
"""Why the kernel has come back: requests used up, all served, no room in the log, no progress."""
COMMANDS_A_CYCLE = 2


@njit
def start_refresh(c, s, pending):
    """A refresh is due, of each node or of one bank of each."""
    first = s["refresh_bank"]
    while first < c["banks"]:
        pending[(s["pending_at"] + s["pending"]) % pending.shape[0]] = first
        s["pending"] += 1
        first += c["refresh_node"] if c["refresh_one"] else c["refresh_span"]
    if c["refresh_one"]:
        s["refresh_bank"] = (s["refresh_bank"] + 1) % c["refresh_node"]
    s["next_refresh"] += c["refresh_interval_cycles"]


@njit
def offer(c, s, commands, picks, entries, places, banks, ready, latencies, done, given):
    """Offer a request; whether it is taken."""
    kind = WRITES if given["write"] else READS
    at = s["counts"][kind]
    if not take(c, s, entries, places, latencies, done, given):
        return False
    if s["counts"][kind] > at and (kind == WRITES) == (s["draining"] == 1):
        locate(c, s, commands, entries, places, banks, kind, at)
        for slot in range(c["slots"]):
            pick = picks[WAITING, slot]
            if not pick["stale"]:
                when = when_at(c, s, commands, ready, places[slot, kind, at], s["now"])
                if when < pick["when"]:
                    pick["when"] = when
                    pick["entry"] = at
    elif s["counts"][kind] > at:
        locate(c, s, commands, entries, places, banks, kind, at)
    return True


@njit
def run(config, commands, rules, channel, picks, entries, places, banks, ready,
        history, issued, latencies, pending, requests, more, every, done, log):  # fmt: skip
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
        offered = s["cursor"] < requests.shape[0] and not s["refused"]
        if offered and requests[s["cursor"]]["cycle"] < now:
            given = requests[s["cursor"]]
            if offer(c, s, commands, picks, entries, places, banks, ready, latencies, done,
                     given):  # fmt: skip
                s["cursor"] += 1
            else:
                s["refused"] = 1
        if now >= s["next_refresh"]:
            start_refresh(c, s, pending)
        future = schedule(c, s, commands, rules, picks, entries, places, banks,
                          ready, history, issued, latencies, pending, done, log)  # fmt: skip
        waiting = 0
        for kind in range(s["counts"].shape[0]):
            waiting += s["counts"][kind]
        if s["cursor"] < requests.shape[0]:
            if not s["refused"]:
                future = min(future, max(now, requests[s["cursor"]]["cycle"]) + 1)
        elif more:
            future = now + 1
        elif waiting == 0:
            s["now"] = now + 1
            return DONE
        future = min(future, s["next_refresh"])
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
                state.places,
                state.banks,
                state.ready,
                state.history,
                state.issued,
                state.latencies,
                state.pending,
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


def new_replay(device: Device, controller: Controller) -> Replay:
    """A channel at rest. Raises InputError where the device lacks a command that is needed."""
    tables = build(device, controller)
    return Replay(device, tables, new_state(tables))
