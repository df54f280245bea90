"""Running ``lockstep`` in tests."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from log_examples import example
from result_examples import result
from typer.testing import CliRunner, Result

from sim.cli import app, inputs
from sim.simulate import Options, Run

ROOT = Path(__file__).resolve().parents[2]


def call(*arguments: object) -> Result:
    """Run ``lockstep`` in this process, at 80 columns."""
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [str(each) for each in arguments])


def launch(*arguments: str, code: str = "") -> "subprocess.CompletedProcess[str]":
    """Run ``lockstep`` as a program, after ``code``."""
    return subprocess.run(
        [sys.executable, "-c", f"{code}\nfrom sim.cli import main\nmain()", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Stub:
    """Stands for the simulation and keeps what it was asked."""

    def __init__(self) -> None:
        self.machine: Any = None
        self.workload: Any = None
        self.options = Options()
        self.raises: BaseException | None = None

    def __call__(self, machine: Any, workload: Any, options: Options, progress: Any) -> Run:
        self.machine, self.workload, self.options = machine, workload, options
        if self.raises is not None:
            raise self.raises
        progress(0, 1, "conv1", 10)
        return Run(result(notes=options.notes), example() if options.log_commands else None)


def stubbed(monkeypatch: pytest.MonkeyPatch) -> Stub:
    """A stub in place of the simulation, its kernels compiled."""
    made = Stub()
    monkeypatch.setattr(inputs, "simulate", made)
    monkeypatch.setattr(inputs, "replay", made)
    monkeypatch.setattr(inputs, "kernels_compiled", lambda: True)
    return made
