"""Small studies, their records made up or run, and functions that workers import."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from arch.load import load_machine
from arch.machine import Machine
from sim.study import Outcome, Parameter, Study, StudySpec, study_of
from sim.study.evaluate import Evaluator, Task
from sim.study.export import export
from sim.study.journal import NAME, read
from sim.study.record import Record
from sim.study.sampling import Enumeration, Sampler
from sim.study.space import Point, Space, space_of

ROOT = Path(__file__).resolve().parents[2]
PYTHONPATH = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "sim")])
SUFFIXES = (".csv", ".json", ".parquet")
PAUSE, MARKS = "STUDY_TEST_PAUSE", "STUDY_TEST_MARKS"
WORKLOAD = """
name: tiny
source: tests
operators:
- {kind: Gemm, name: one, m: 12, k: 20, n: 9}
- {kind: Gemm, name: two, inputs: [one], m: 12, k: 9, n: 5}
"""
STUDY = """
name: tiny
machine: systolic_32
workloads: {tiny: tiny.yaml}
counted: {energy: [array, accumulators, scratchpads, memory]}
parameters:
  array.rows: [4, 8, 16]
  array.dataflow: [ws, os]
  memory.latency_cycles: {first: 10, last: 30, step: 10}
objectives: {cycles: min, energy_pj: min}
"""


def space(parameters: Mapping[str, Any], machine: str = "systolic_32") -> Space:
    """Of parameters as in YAML."""
    return space_of(spec(parameters), load_machine(machine), "tests")


def spec(parameters: Mapping[str, Any], **others: Any) -> StudySpec:
    """A study of own points, as in YAML."""
    fields: dict[str, Any] = {
        "name": "tests",
        "machine": "systolic_32",
        "parameters": {name: Parameter.model_validate(given) for name, given in parameters.items()},
        "objectives": {"cost": "min"},
    }
    return StudySpec.model_validate(fields | others)


def own(evaluate: Callable[[Any], Any], parameters: Mapping[str, Any], **others: Any) -> Study:
    """A study of an own function."""
    return study_of(spec(parameters, **others), evaluate)


def tiny(folder: Path, text: str = STUDY) -> Path:
    """The file of a study that simulates."""
    (folder / "tiny.yaml").write_text(WORKLOAD)
    path = folder / "study.yaml"
    path.write_text(text)
    return path


def played(
    sampler: Sampler, result: Callable[[Point], dict[str, float]], batches: int = 1000
) -> list[list[Point]]:
    """Batches of a sampler that is told made-up results."""
    told: list[Record] = []
    found = []
    for _ in range(batches):
        points = list(sampler.ask(told))
        if not points:
            break
        found.append(points)
        told += [
            Record(index, point, "done", result(point))
            for index, point in enumerate(points, len(told))
        ]
    return found


def start(*arguments: object, group: bool = False) -> "subprocess.Popen[str]":
    """``lockstep study`` as a program, in a process group of its own if so."""
    return subprocess.Popen(
        [
            sys.executable, "-c", "from sim.cli import main\nmain()",
            "study", *(str(each) for each in arguments),
        ],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", "PYTHONPATH": PYTHONPATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=group,
    )  # fmt: skip


def said(stderr: str) -> list[str]:
    """Lines, but for one that depends on what earlier tests have compiled."""
    return [line for line in stderr.splitlines() if not line.startswith("compiling kernels")]


def until(happened: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something, not for ever."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Workers of a driver: its children that spawn began."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return sorted(found)


def lives(pid: int) -> bool:
    """Whether a process runs; one that only waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def rows_and_cols(machine: Machine) -> dict[str, float]:
    """A made-up trade."""
    return {"cost": machine.array.rows, "gain": machine.array.cols * 7 % 11}


def slow(machine: Machine) -> dict[str, float]:
    """Takes ``PAUSE`` seconds, 0.03 if there is none."""
    time.sleep(float(os.environ.get(PAUSE, "0.03")))
    return rows_and_cols(machine)


def deadly(machine: Machine) -> dict[str, float]:
    """Ends its process where there are 5 rows."""
    mark(machine)
    if machine.array.rows == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return rows_and_cols(machine)


def leaving(machine: Machine) -> dict[str, float]:
    """Leaves where there are 5 rows."""
    mark(machine)
    if machine.array.rows == 5:
        sys.exit(7)
    return rows_and_cols(machine)


def mark(machine: Machine) -> None:
    """Add rows and columns to the file ``MARKS``, as they are asked for."""
    with Path(os.environ[MARKS]).open("a") as file:
        file.write(f"{machine.array.rows}x{machine.array.cols}\n")


NONSENSE: dict[int, Any] = {
    1: None,
    2: "text",
    3: {"cost": float("nan")},
    4: {"cost": float("inf")},
    5: {"cost": "much"},
    6: {"cost": None},
    7: [("cost", 1)],
}


def nonsense(machine: Machine) -> Any:
    """What nobody asked for, by the number of rows."""
    if machine.array.rows == 8:
        return {"cost": 1 // (machine.array.rows - 8)}
    return NONSENSE.get(machine.array.rows, rows_and_cols(machine))


def silent(machine: Machine) -> dict[str, float]:
    """Says nothing of what is asked."""
    return {"other": machine.array.rows}


def endless(machine: Machine) -> dict[str, float]:
    """Takes a minute."""
    mark(machine)
    time.sleep(60)
    return rows_and_cols(machine)


def exported(outcome: Outcome, folder: Path) -> dict[str, bytes]:
    """What the points are, in bytes."""
    found = {}
    for suffix in SUFFIXES:
        path = folder / f"points{suffix}"
        export(outcome.study, outcome.records, path)
        found[suffix] = path.read_bytes()
    return found


def alone(study: Study) -> list[Record]:
    """All points in this process, without journal, workers and cache."""
    task = Task(study.spec, study.space, dict(study.workloads), study.evaluate, None, False, 0)
    evaluate = Evaluator(task)
    told: list[Record] = []
    sampler = Enumeration(study.spec, study.space)
    while points := sampler.ask(told):
        told += [evaluate(index, point) for index, point in enumerate(points, len(told))]
    return told


def finished(folder: Path) -> int:
    """Points that a study's journal tells."""
    return len(read(folder / NAME).records)
