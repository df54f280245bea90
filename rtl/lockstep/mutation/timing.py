"""Mutants of the generator: mistakes of timing as a person makes them.

Each is a change of text in a copy of ``rtl``, built for one array that shows it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import arch
from arch.errors import SimulationError
from rtl.lockstep.library import build
from rtl.lockstep.mutation.judge import Judge, Verdict
from rtl.lockstep.mutation.timing_table import MUTANTS, Mistake

ROOT = Path(__file__).resolve().parents[3]
PROCESSES = 2


def changed_text(mistake: Mistake) -> str:
    """The file with the mistake. Raises ValueError where its place is not there exactly once."""
    text = (ROOT / "rtl" / mistake.file).read_text()
    if text.count(mistake.right) != 1:
        count = text.count(mistake.right)
        raise ValueError(f"rtl/{mistake.file}: {count} times, not once: {mistake.right!r}")
    return text.replace(mistake.right, mistake.wrong)


def timing_mutants(
    judges: dict[str, Judge], mistakes: Sequence[Mistake] = MUTANTS
) -> list[Verdict]:
    """Build each mistake and run it against the model of its array."""
    with ThreadPoolExecutor(PROCESSES) as pool:
        found = pool.map(lambda mistake: _killed_at(judges[mistake.case], mistake), mistakes)
        return [Verdict(str(m), at, "") for m, at in zip(mistakes, found, strict=True)]


def _killed_at(judge: Judge, mistake: Mistake) -> int | None:
    wrapper = judge.wrapper
    verilog = _verilog(judge, mistake)
    return judge.first_difference(build(verilog, len(wrapper.stim), len(wrapper.resp)))


def _verilog(judge: Judge, mistake: Mistake) -> str:
    array = judge.twin.array.model_dump(mode="json")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "rtl"
        shutil.copytree(ROOT / "rtl", copy, ignore=shutil.ignore_patterns("__pycache__"))
        (copy / mistake.file).write_text(changed_text(mistake))
        done = subprocess.run(
            [sys.executable, "-m", "rtl.lockstep.mutation.generate"],
            input=json.dumps({"array": array, "extent_bits": judge.twin.extent_bits}),
            env={**os.environ, "PYTHONPATH": str(Path(arch.__file__).parents[1])},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SimulationError(f"{mistake}: cannot be built: {done.stderr.splitlines()[-1]}")
    return done.stdout
