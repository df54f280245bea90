"""Few addresses, each value and each wait checked: ``python -m tests.dram_hazards``.

Memories follow each other, every run with other policies and requests; ``--seed`` alone says which.
The record, docs/validation/dram_hazards.json, is part of docs/VALIDATION.md. What a read gets is
told by ``tests.dram_values``, how long a request may wait by ``longest_wait``.
"""

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from arch import __version__
from arch.dram.controller import Controller
from arch.dram.device import Device
from arch.dram.memory import load_memory, memory_names
from arch.errors import InputError, SimulationError
from rtl.lockstep.record import write_json
from sim.dram.replay import DONE, Replay
from sim.dram.replays import new_replay
from sim.dram.state import LOG, REQUEST
from sim.jit import KERNEL_HASH
from tests.dram_values import wrong_values

RUN_REQUESTS = 100_000
COMMANDS_A_REQUEST = 8
"""Room in the log; refreshes of idle times come on top."""
LOGS_MAX = 8
"""Such logs in a run; one that needs more gives commands for ever."""
SHOWN = 3
CAPS = (None, 1, 10, 100, 1000, 10_000)
GAPS_CYCLES = (0, 0, 1, 4, 40)
REFRESHES: dict[str, Callable[[Device], int]] = {
    "all_bank": lambda device: device.nodes(device.commands["REFab"].level),
    "per_bank": lambda device: device.banks,
    "same_bank": lambda device: device.nodes("rank") * device.sizes[-1],
}
"""Commands that refresh all banks once, by policy."""
STEADY_SHARE, STRAY_SHARE = 0.25, 0.001
WRITE_SHARES = (0, 0.1, 1 / 3, 1 / 3, 0.5, 0.9)


def controller(random: Random) -> Controller:
    """A controller of random policies."""
    high = random.choice((random.random(), 0.8, 1.0, 0.0))
    refreshes = get_args(Controller.model_fields["refresh"].annotation)
    return Controller(
        scheduler=random.choice(("frfcfs", "frfcfs", "fcfs")),
        cap_cycles=random.choice(CAPS),
        row_policy=random.choice(("open", "closed", "timeout")),
        timeout_cycles=random.randint(1, 400),
        refresh=random.choice(refreshes),
        postponed_refreshes=random.randint(0, 3),
        hazards=random.choice(("ordered", "ordered", "ordered", "unordered")),
        read_entries=random.choice((1, 2, random.randint(1, 64), 64)),
        write_entries=random.choice((1, 2, random.randint(1, 64), 64)),
        drain_high=high,
        drain_low=high * random.choice((random.random(), 1.0, 0.0)),
    )


def channel(name: str, random: Random) -> tuple[Replay, Controller]:
    """A channel of a memory by name, with one rank or two, under a controller that it can have."""
    while True:
        ranks = random.choice((1, 1, 2))
        chosen = controller(random)
        try:
            device = load_memory(name, [f"levels.rank={ranks}"] if ranks > 1 else []).device()
            return new_replay(device, chosen), chosen
        except InputError:
            continue


def hazards(device: Device, seed: int, count: int) -> npt.NDArray[np.void]:
    """Random requests to few addresses; how few, how dense and how many writes changes every
    thousand. Sixteen banks with four rows of 32 columns, all at once, are the input on which
    DRAMsim3 stops for ever. A quarter of the seeds have a steady stream to one row instead, which
    the few requests to another must get through."""
    random = np.random.default_rng(seed)
    requests = np.zeros(count, REQUEST)
    phase = np.arange(count) // 1000
    phases = phase[-1] + 1
    if random.random() < STEADY_SHARE:
        requests["cycle"] = np.arange(count) * random.integers(2, 10)
        requests["row"] = random.random(count) < STRAY_SHARE
        requests["column"] = random.integers(0, min(32, device.columns), count)
    else:
        gap = random.choice(GAPS_CYCLES, phases)[phase]
        requests["cycle"] = np.cumsum((random.random(count) * (2 * gap + 1)).astype(np.int64))
        for name, sizes, most in (
            ("bank", (1, 2, 16), device.banks),
            ("row", (1, 2, 4), device.rows),
            ("column", (1, 2, 32), device.columns),
        ):
            size = np.minimum(random.choice(sizes, phases), most)[phase]
            first = random.integers(0, most, phases)[phase]
            requests[name] = (first + (random.random(count) * size).astype(np.int64)) % most
    requests["write"] = random.random(count) < random.choice(WRITE_SHARES, phases)[phase]
    place = (requests["bank"] * device.rows + requests["row"]) * device.columns
    requests["address"] = place + requests["column"]
    return requests


def longest_wait(device: Device, chosen: Controller) -> int | None:
    """Bound on the cycles from a request's turn to its end; None where there is no cap.

    A request that has waited for the cap goes before all younger ones: what may go first are the
    older ones, one at a time, and one a bank that has activated its row. Each waits for the longest
    rule before a precharge, an activate and a column command. Refreshes take their share of the
    time, and those postponed come at once. A request waits so long twice at most: for an entry that
    it needs, and in its own.
    """
    if chosen.cap_cycles is None:
        return None
    actions = {name: each.action for name, each in device.commands.items()}

    def longest(following: tuple[str, ...], *, of_refresh: bool = False) -> int:
        """Longest rule before commands, after refreshes or after others."""
        return max(
            (
                rule.cycles
                for rule in device.rules
                if actions[rule.following] in following
                and (actions[rule.preceding] == "refresh") == of_refresh
            ),
            default=0,
        )

    closing = longest(("precharge",))
    one = closing + longest(("activate", "activate_1")) + longest(("read", "write"))
    one += device.timings.get("nAAD", 0)
    before = chosen.read_entries + chosen.write_entries + device.banks
    wait = chosen.cap_cycles + before * one + device.read_latency_cycles
    if chosen.refresh != "none":
        # All must close, what refreshed last be done; then a bank is away until it activates.
        each = closing + longest(("refresh",))
        away = longest(("activate", "activate_1", "refresh"), of_refresh=True)
        refreshes = REFRESHES[chosen.refresh](device)
        share = (refreshes * each + away) / device.timings["nREFI"]
        assert share < 1, (device.name, share)
        backlog = (chosen.postponed_refreshes + 1) * refreshes * (each + away)
        wait = math.ceil((wait + backlog) / (1 - share))
    return 2 * wait


def waits(requests: npt.NDArray[np.void], done: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Cycles from when a request may be offered and the one before it has ended to its end."""
    turn = requests["cycle"].copy()
    turn[1:] = np.maximum(turn[1:], done[:-1])
    return np.asarray(done - turn, np.int64)


def check(
    replay: Replay, chosen: Controller, requests: npt.NDArray[np.void]
) -> tuple[list[str], int, npt.NDArray[np.void]]:
    """Serve requests; what is wrong, the longest wait in cycles, and the log."""
    device = replay.device
    done = np.full(len(requests), -1, np.int64)
    parts: list[npt.NDArray[np.void]] = []
    status = None
    try:
        while status != DONE:
            if len(parts) == LOGS_MAX:
                return [f"no end after {sum(map(len, parts))} commands"], 0, np.concatenate(parts)
            room = np.zeros(len(requests) * COMMANDS_A_REQUEST, LOG)
            status = replay.run(requests, done=done, log=room)
            parts.append(room[: int(replay.state.channel["logged"][0])])
    except SimulationError as error:
        return [str(error)], 0, room
    log = np.concatenate(parts)
    missing = np.flatnonzero(done < 0)
    if len(missing):
        return [f"request {missing[0]} and {len(missing) - 1} others have not ended"], 0, log
    found = []
    longest, bound = waits(requests, done), longest_wait(device, chosen)
    at = int(np.argmax(longest))
    if bound is not None and longest[at] > bound:
        found.append(f"request {at} waits for {longest[at]} cycles, {bound} at most")
    if chosen.hazards == "ordered":
        actions = [each.action for each in device.commands.values()]
        found += wrong_values(requests, done, log, actions, device.read_latency_cycles)
    return found, int(longest[at]), log


def run(name: str, seed: int, count: int = RUN_REQUESTS) -> dict[str, Any]:
    """One run of ``count`` requests: what it did, and what was wrong."""
    random = Random(seed)
    replay, chosen = channel(name, random)
    requests = hazards(replay.device, random.randrange(2**32), count)
    wrong, longest, log = check(replay, chosen, requests)
    bound = longest_wait(replay.device, chosen)
    counts = replay.state.channel[0]
    return {
        "memory": name,
        "seed": seed,
        "controller": chosen.model_dump(exclude_defaults=True),
        "ordered": chosen.hazards == "ordered",
        "writes": int(np.count_nonzero(requests["write"])),
        "commands": len(log),
        "forwarded": int(counts["forwarded"]),
        "coalesced": int(counts["coalesced"]),
        "longest_wait_cycles": longest,
        "share_of_bound": 0.0 if bound is None else longest / bound,
        "capped": bound is not None,
        "wrong": len(wrong),
        "first": wrong[:SHOWN],
    }


def campaign(count: int, seed: int, run_requests: int = RUN_REQUESTS) -> dict[str, Any]:
    """Runs until so many requests are served; the record."""
    started, random = time.monotonic(), Random(seed)
    names, totals = memory_names(), Counter[str]()
    requests: Counter[str] = Counter()
    wrong: list[dict[str, Any]] = []
    share = 0.0
    runs = 0
    while sum(requests.values()) < count:
        found = run(names[runs % len(names)], random.randrange(2**32), run_requests)
        runs += 1
        requests[found["memory"]] += run_requests
        for name in ("writes", "commands", "forwarded", "coalesced"):
            totals[name] += found[name]
        totals["requests with a cap"] += run_requests * found["capped"]
        totals["reads with a value"] += (run_requests - found["writes"]) * found["ordered"]
        share = max(share, found["share_of_bound"])
        if found["wrong"]:
            wrong.append(found)
            sys.stdout.write(f"{found}\n")
    return {
        "lockstep": __version__,
        "kernels": KERNEL_HASH,
        "seed": seed,
        "seconds": round(time.monotonic() - started),
        "runs": runs,
        "requests": dict(sorted(requests.items())),
        "totals": dict(sorted(totals.items())),
        "longest_wait_share_of_bound": round(share, 4),
        "runs_with_faults": wrong,
    }


def main() -> int:
    """Write the record; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.dram_hazards", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=20_26)
    parser.add_argument("--output", type=Path, default=Path("docs/validation/dram_hazards.json"))
    given = parser.parse_args()
    record = campaign(given.requests, given.seed)
    write_json(given.output, record)
    served, wrong = sum(record["requests"].values()), len(record["runs_with_faults"])
    sys.stdout.write(
        f"{record['runs']} runs, {served:,} requests, {wrong} runs with faults: {given.output}\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
