"""Studies whose driver and workers are killed: ``python -m tests.study_kills``.

One study again and again, each time in a new folder with a new cache, until there were so many
kills; ``--seed`` says when and whom. A driver that was killed is resumed. What the journal has told
must stay, no point may come twice, no worker may outlive its driver, and the export of each study
must be that of an undisturbed one. The record is docs/validation/study_kills.json.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from arch import __version__
from rtl.lockstep.record import write_json
from sim.jit import KERNEL_HASH
from sim.study.journal import NAME, read
from sim.study.record import Record
from sim.study.status import status_text
from sim.study.study import DOCUMENT, read_folder

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
ORPHAN_SECONDS = 5.0
"""Within which workers must be gone after their driver."""
PATIENCE_SECONDS = 120.0
"""For a study that is not disturbed any more."""
PAUSES_SECONDS = ((0.0, 0.3), (0.3, 3.0), (1.0, 5.0))
"""Between kills: as processes start, as they become ready, and in the middle of points."""
VICTIMS = ("driver", "worker", "worker", "group")
WORKLOAD = """
name: kills
source: tests
operators:
- {kind: Gemm, name: one, m: 192, k: 256, n: 160}
- {kind: Gemm, name: two, inputs: [one], m: 192, k: 160, n: 96}
"""
STUDY = """
name: kills
machine: systolic_32
workloads: {kills: kills.yaml}
counted: {energy: [array, memory]}
parameters:
  array.rows: [8, 12, 16, 24]
  array.cols: [8, 16, 24]
  array.dataflow: [ws, os, is]
  memory.bytes_per_cycle: [4, 8, 16, 32]
  memory.latency_cycles: [10, 100, 1000]
constraints: {cycles: {at_most: 300_000}}
objectives: {cycles: min, energy_pj: min}
"""


@dataclass
class Found:
    """What the kills did, and what was wrong."""

    kills: Counter[str] = field(default_factory=Counter)
    studies: int = 0
    points: int = 0
    slowest_orphan_seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def rounds(self) -> int:
        """Kills in all."""
        return self.kills.total()


def lockstep(*arguments: object) -> "subprocess.Popen[str]":
    """``lockstep study`` in a process group of its own."""
    code = "from sim.cli import main\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "study", *(str(each) for each in arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def workers_of(pid: int) -> list[int]:
    """Children of a driver that multiprocessing began; those it is starting as well."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == pid and b"spawn_main" in command:
            found.append(int(folder.name))
    return sorted(found)


def runs(pid: int) -> bool:
    """Whether a process is there and not only waits to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def seconds_until_gone(pids: list[int]) -> float:
    """How long processes last, ``ORPHAN_SECONDS`` at most."""
    begin = time.monotonic()
    while any(map(runs, pids)) and time.monotonic() - begin < ORPHAN_SECONDS:
        time.sleep(0.01)
    return time.monotonic() - begin


class KilledStudy:
    """One study in a folder, which is disturbed until it is done."""

    def __init__(self, study: Path, folder: Path, random: Random, found: Found) -> None:
        self._study, self._folder = study, folder
        self._random, self._found = random, found
        self._told: dict[int, Record] = {}
        self._driver = self._start()

    def _start(self) -> "subprocess.Popen[str]":
        """Begin the study, or go on with it if there is one yet."""
        begun = (self._folder / DOCUMENT).exists()
        what = ["resume", self._folder] if begun else ["run", self._study, "--out", self._folder]
        cache = ["--cache", f"{self._folder}.cache", "--workers", WORKERS, "--quiet"]
        return lockstep(*what, *cache)

    def run(self, rounds: int) -> None:
        """Kill until the study is done or there were so many kills, then let it end."""
        while self._found.rounds < rounds:
            low, high = self._random.choice(PAUSES_SECONDS)
            try:
                self._driver.wait(self._random.uniform(low, high))
                break
            except subprocess.TimeoutExpired:
                self._look()
                self._kill()
                self._look()
        output, _ = self._driver.communicate(timeout=PATIENCE_SECONDS)
        if self._driver.returncode != 0:
            self._fault(f"exit code {self._driver.returncode}: {output[-2000:]}")
        self._look()

    def _kill(self) -> None:
        victim = self._random.choice(VICTIMS)
        workers = workers_of(self._driver.pid)
        if victim == "worker":
            if workers:
                self._found.kills[victim] += 1
                os.kill(self._random.choice(workers), signal.SIGKILL)
            return
        self._found.kills[victim] += 1
        if victim == "group":
            os.killpg(self._driver.pid, signal.SIGKILL)
        else:
            self._driver.kill()
        self._driver.wait()
        seconds = seconds_until_gone(workers)
        assert self._driver.stdout is not None
        self._driver.stdout.close()
        self._found.slowest_orphan_seconds = max(self._found.slowest_orphan_seconds, seconds)
        if seconds >= ORPHAN_SECONDS:
            self._fault(f"workers {workers} outlive their driver")
        self._driver = self._start()

    def _look(self) -> None:
        """All that was told before must still be told; ``read`` refuses what is there twice."""
        if not (self._folder / DOCUMENT).exists():
            return
        now = {record.index: record for record in read(self._folder / NAME).records}
        lost = [index for index, record in self._told.items() if now.get(index) != record]
        if lost:
            self._fault(f"points {lost} were told and are lost or others now")
        study, records = read_folder(self._folder, to_run=False)
        shown = status_text(study, self._folder, records).splitlines()[0]
        if f"{len(records)} points finished" not in shown or len(records) < len(now):
            self._fault(f"status says {shown!r} where the journal has {len(now)} points")
        self._told |= now | {record.index: record for record in records}

    def _fault(self, text: str) -> None:
        self._found.faults.append(f"{self._folder.name}, kill {self._found.rounds}: {text}")


def exported(folder: Path) -> dict[str, bytes]:
    """All points of a study, in each format."""
    found = {}
    for suffix in (".csv", ".json", ".parquet"):
        path = folder / f"points{suffix}"
        output, _ = (process := lockstep("export", folder, path)).communicate()
        if process.returncode != 0:
            raise RuntimeError(output)
        found[suffix] = path.read_bytes()
    return found


def campaign(rounds: int, seed: int, folder: Path) -> dict[str, Any]:
    """Studies until there were so many kills; the record."""
    started, random, found = time.monotonic(), Random(seed), Found()
    (folder / "kills.yaml").write_text(WORKLOAD)
    study = folder / "study.yaml"
    study.write_text(STUDY)
    begun = time.monotonic()
    KilledStudy(study, folder / "undisturbed", random, Found()).run(rounds=0)
    alone = time.monotonic() - begun
    expected = exported(folder / "undisturbed")
    while found.rounds < rounds:
        name = f"disturbed{found.studies}"
        killed = KilledStudy(study, folder / name, random, found)
        killed.run(rounds)
        for suffix, data in exported(folder / name).items():
            if data != expected[suffix]:
                found.faults.append(f"{name}: its {suffix} is not that of the undisturbed study")
        found.studies += 1
        found.points += len(read(folder / name / NAME).records)
    return {
        "lockstep": __version__,
        "kernels": KERNEL_HASH,
        "seed": seed,
        "seconds": round(time.monotonic() - started),
        "kills": dict(sorted(found.kills.items())),
        "studies": found.studies,
        "points": found.points,
        "undisturbed_seconds": round(alone, 1),
        "slowest_orphan_seconds": round(found.slowest_orphan_seconds, 2),
        "faults": found.faults,
    }


def main() -> int:
    """Write the record; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.study_kills", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20_26)
    parser.add_argument("--output", type=Path, default=Path("docs/validation/study_kills.json"))
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        record = campaign(given.rounds, given.seed, Path(folder))
    write_json(given.output, record)
    sys.stdout.write(
        f"{sum(record['kills'].values())} kills, {record['studies']} studies, "
        f"{len(record['faults'])} faults: {given.output}\n"
    )
    return 1 if record["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
