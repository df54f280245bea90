"""Programs for a co-processor: built once, run in a simulator, what they saw as Python values."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arch.array import Array
from arch.errors import SimulationError
from rtl.coprocessor import Coprocessor
from rtl.lockstep.runner import VERILATOR_FLAGS
from rtl.lockstep.tools import verilator_environment
from rtl.verilog import verilog_of

TOP = "coprocessor"
ICARUS = shutil.which("iverilog") is not None
HERE = Path(__file__).parent
RUNNER = """
import json, sys
from cocotb_tools.runner import get_runner
job = json.loads(sys.argv[1])
runner = get_runner(job["simulator"])
if job["build"]:
    runner.build(
        sources=["coprocessor.v"], hdl_toplevel="coprocessor", build_args=job["flags"],
        build_dir="build", timescale=("1ns", "1ps"),
    )
else:
    runner.test(
        hdl_toplevel="coprocessor", test_module="coprocessor_bench", build_dir="build",
        hdl_toplevel_lang="verilog", test_dir=".", timescale=("1ns", "1ps"),
    )
"""
Step = Sequence[Any]


def reachable(verilog: str) -> str:
    """The text with the top's ports open to cocotb and all else hidden, which builds faster."""
    head, top = verilog.split(f"module {TOP}(", 1)
    names, body = top.split(");", 1)
    body, rest = body.split("endmodule", 1)
    ports = "|".join(re.escape(name) for name in re.split(r"[,\s]+", names.strip()))
    line = re.compile(rf"^(  (?:input|output) (?:\[\d+:0\] )?(?:{ports}));$", re.MULTILINE)
    opened, count = line.subn(r"\1 /*verilator public_flat_rw*/;", body)
    assert count == ports.count("|") + 1
    return f"{head}module {TOP}({names});{opened}endmodule{rest}"


class Heard(Exception):  # noqa: N818
    """Programs are known; there are no answers."""


@dataclass
class Listener:
    """In place of a machine, for what a test will run."""

    machine: "Built"
    asked: list[Sequence[Sequence[Step]]]

    @property
    def array(self) -> Array:
        return self.machine.array

    @property
    def component(self) -> Coprocessor:
        return self.machine.component

    def run(self, programs: Sequence[Sequence[Step]]) -> None:
        """Raises Heard."""
        self.asked.append(programs)
        raise Heard


@dataclass
class Built:
    """A co-processor in a simulator."""

    array: Array
    component: Coprocessor
    simulator: str
    folder: Path
    mutant: int | None = None
    """Value of the port of this name, if there is one."""
    answers: dict[str, str] = field(default_factory=dict)
    """Of programs that have run ahead, as JSON."""

    def __post_init__(self) -> None:
        component = self.component
        ports = [value for _, _, value in component.signature.flatten(component)]
        ports += [component.mutant] if hasattr(component, "mutant") else []
        self.build(reachable(verilog_of(component, TOP, ports)))

    def build(self, verilog: str) -> None:
        """Raises SimulationError where the simulator refuses it."""
        (self.folder / "coprocessor.v").write_text(verilog)
        (self.folder / "run.py").write_text(RUNNER)
        self._call(build=True)

    def run(self, programs: Sequence[Sequence[Step]]) -> list[list[Any]]:
        """What each program saw. Raises SimulationError where one did not end."""
        before = self.answers.get(json.dumps(programs))
        if before is not None:
            found: list[list[Any]] = json.loads(before)
            return found
        job, outcome = self.folder / "job.json", self.folder / "job.outcome"
        outcome.unlink(missing_ok=True)
        given: dict[str, Any] = {"streams": self.component.names, "programs": programs}
        if self.mutant is not None:
            given["mutant"] = self.mutant
        job.write_text(json.dumps(given))
        said = self._call(build=False)
        if not outcome.exists():
            raise SimulationError(said[-3000:])
        seen: list[list[Any]] = json.loads(outcome.read_text())
        return seen

    def run_ahead(self, tests: Sequence[Callable[[Any], None]]) -> None:
        """Run what the tests will run in one process of the simulator: it starts slowly."""
        asked: list[Sequence[Sequence[Step]]] = []
        listener = Listener(self, asked)
        for test in tests:
            with suppress(Heard):
                test(listener)
        seen = iter(self.run([program for programs in asked for program in programs]))
        self.answers = {
            json.dumps(programs): json.dumps([next(seen) for _ in programs]) for programs in asked
        }

    def _call(self, *, build: bool) -> str:
        environment = verilator_environment() | {
            "COPROCESSOR_JOB": str(self.folder / "job.json"),
            "COCOTB_LOG_LEVEL": "WARNING",
            # cocotbext-axi 0.1.28 calls what cocotb 2 deprecates.
            "PYTHONWARNINGS": "ignore::DeprecationWarning",
        }
        environment["PYTHONPATH"] = os.pathsep.join([str(HERE), *filter(None, sys.path)])
        job = {"simulator": self.simulator, "build": build, "flags": []}
        if self.simulator == "verilator":
            # Runs are short and builds are not.
            job["flags"] = [{"-O1": "-O0"}.get(flag, flag) for flag in VERILATOR_FLAGS]
        done = subprocess.run(
            [sys.executable, "run.py", json.dumps(job)],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if build and done.returncode:
            raise SimulationError((done.stdout + done.stderr)[-3000:])
        return done.stdout + done.stderr


def chosen(name: str) -> str:
    """Verilator for one; the others are built in a second by Icarus, where there is one."""
    return "icarus" if ICARUS and name != "engine" else "verilator"
