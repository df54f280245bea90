"""Random traffic on every memory, each command judged: ``python -m tests.dram_campaign``.

Memories and policies follow each other, every run with other requests; ``--seed`` alone says which.
The record, docs/validation/dram.json, is part of docs/VALIDATION.md.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from arch import __version__
from arch.dram.controller import Controller
from arch.dram.memory import MemorySystem, load_memory
from rtl.lockstep.record import write_json
from sim.dram.address import bank_place
from sim.dram.replay import LOG_FULL
from sim.dram.replays import new_replay
from sim.dram.state import LOG, REQUEST
from sim.dram.tables import REFRESHES
from sim.dram_check.check import Checker
from sim.dram_check.rules import CODES
from sim.dram_check.state import LOG as JUDGED
from sim.dram_check.tables import resolve

JUDGES = {
    "ddr4_2400": ("DDR4", "ddr4_2400R"),
    "ddr5_4800": ("DDR5", "ddr5_4800B"),
    "gddr6_14000": ("GDDR6", "gddr6_14000_1250mV"),
    "hbm2_2000": ("HBM2", "hbm2_2000"),
    "hbm3_6400": ("HBM3", "hbm3_6400"),
    "lpddr4_2400": ("LPDDR4", "lpddr4_2400"),
    "lpddr5_6400": ("LPDDR5", "lpddr5_6400"),
}
"""Standard and speed bin of the judge, by memory."""
RANKED = ("ddr4_2400", "ddr5_4800", "lpddr4_2400")
"""Memories that also run with two ranks."""
RUN_REQUESTS = 400_000
ROOM = 1 << 18
NAMES = {"PREpb": "PRE"}
"""The judge's, where they differ."""
WHOLE = ("PREab", "REFab")


def controller(random: Random, commands: Collection[str]) -> Controller:
    """A controller of random policies for a device with these commands."""
    turns: Any = [name for name, command in REFRESHES.items() if command in commands]
    return Controller(
        scheduler=random.choice(("frfcfs", "frfcfs", "fcfs")),
        cap_cycles=random.choice((None, 100, 10_000)),
        row_policy=random.choice(("open", "closed", "timeout")),
        timeout_cycles=random.randint(1, 400),
        refresh=random.choice(turns),
        postponed_refreshes=random.randint(0, 3),
        hazards=random.choice(("ordered", "unordered")),
        read_entries=random.choice((4, 32, 64)),
        write_entries=random.choice((4, 32, 64)),
    )


def traffic(memory: MemorySystem, seed: int, count: int) -> npt.NDArray[np.void]:
    """Random requests: how dense, how local and how many writes changes every thousand."""
    device, random = memory.device(), np.random.default_rng(seed)
    requests = np.zeros(count, REQUEST)
    phase = np.arange(count) // 1000
    phases = phase[-1] + 1
    gap = random.choice([0, 1, 4, 40], phases)[phase]
    requests["cycle"] = np.cumsum((random.random(count) * (2 * gap + 1)).astype(np.int64))
    banks = random.choice([1, 4, device.banks], phases)[phase]
    rows = random.choice([1, 3, device.rows], phases)[phase]
    first = random.integers(0, device.banks, phases)[phase]
    requests["bank"] = (first + (random.random(count) * banks).astype(np.int64)) % device.banks
    requests["row"] = random.random(count) * rows
    requests["column"] = random.integers(0, device.columns, count)
    requests["write"] = random.random(count) < random.choice([0, 0.1, 0.5, 1], phases)[phase]
    place = (requests["bank"] * device.rows + requests["row"]) * device.columns
    requests["address"] = place + requests["column"]
    return requests


def judged(memory: MemorySystem, log: npt.NDArray[np.void], kinds: Any) -> npt.NDArray[np.void]:
    """A log in the judge's terms."""
    device = memory.device()
    chunk = np.zeros(len(log), JUDGED)
    chunk["cycle"] = log["cycle"]
    chunk["kind"] = kinds[log["command"]]
    place = bank_place(device, log["bank"])
    chunk["rank"] = place.get("rank", place.get("pseudo_channel", 0))
    chunk["stack"] = place.get("stack", 0)
    whole = np.isin(chunk["kind"], [CODES[name] for name in WHOLE])
    every_group = whole | (chunk["kind"] == CODES["REFsb"])
    for name, level, apart in (("group", "bank_group", every_group), ("bank", "bank", whole)):
        chunk[name] = np.where(apart, -1, place[level])
    chunk["row"] = np.where(whole, -1, log["row"])
    return chunk


def run(name: str, seed: int, count: int = RUN_REQUESTS) -> dict[str, Any]:
    """One run of ``count`` requests; commands given, violations found."""
    random = Random(seed)
    ranks = random.choice((1, 2)) if name in RANKED else 0
    memory = load_memory(name, [f"levels.rank={ranks}"] if ranks else [])
    device = memory.device()
    chosen = controller(random, device.commands)
    replay = new_replay(device, chosen)
    kinds = np.array([CODES[NAMES.get(command, command)] for command in device.commands])
    checker = Checker(resolve(*JUDGES[name]), refresh=True)
    requests, room = traffic(memory, seed, count), np.zeros(ROOM, LOG)
    while True:
        status = replay.run(requests, log=room)
        log = room[: int(replay.state.channel["logged"][0])]
        assert checker.feed(judged(memory, log, kinds)) == -1
        if status != LOG_FULL:
            break
    report = checker.report()
    return {
        "memory": name,
        "seed": seed,
        "controller": chosen.model_dump(exclude_defaults=True),
        "commands": report.commands,
        "violations": report.total,
        "rules": report.by_rule,
        "first": [str(each) for each in report.violations[:3]],
    }


def main() -> int:
    """Run until so many commands are judged; 1 if one was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.dram_campaign", description=__doc__)
    parser.add_argument("--commands", type=int, default=100_000_000)
    parser.add_argument("--seed", type=int, default=20_26)
    parser.add_argument("--output", type=Path, default=Path("docs/validation/dram.json"))
    given = parser.parse_args()
    started, random = time.monotonic(), Random(given.seed)
    done: Counter[str] = Counter()
    wrong: list[dict[str, Any]] = []
    runs = 0
    while sum(done.values()) < given.commands:
        name = sorted(JUDGES)[runs % len(JUDGES)]
        found = run(name, random.randrange(2**32))
        done[name] += found["commands"]
        runs += 1
        if found["violations"]:
            wrong.append(found)
            sys.stdout.write(f"{found}\n")
    record = {
        "lockstep": __version__,
        "seed": given.seed,
        "seconds": round(time.monotonic() - started),
        "runs": runs,
        "commands": dict(done),
        "runs_with_violations": wrong,
    }
    write_json(given.output, record)
    sys.stdout.write(
        f"{runs} runs, {sum(done.values()):,} commands, {len(wrong)} runs with violations: "
        f"{given.output}\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
