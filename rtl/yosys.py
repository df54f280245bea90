"""Yosys in a process of its own: its log is caught, and its aborts are errors."""

import importlib.util
import subprocess
import sys
from pathlib import Path

from arch.errors import InputError, SimulationError

_SCRIPT = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.stdin.read().splitlines():
    libyosys.run_pass(command, design)
"""


def run_yosys(commands: list[str], folder: Path) -> str:
    """Run passes in ``folder`` and return the log.

    Raises InputError where pyosys is missing, SimulationError with the end of the log where a
    pass fails.
    """
    if importlib.util.find_spec("pyosys") is None:
        raise InputError(
            "hardware needs Yosys as a Python package: pip install 'lockstep-sim[rtl]' (pyosys)"
        )
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        input="\n".join(commands),
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    if done.returncode:
        end = (done.stdout + done.stderr).strip().splitlines()[-5:]
        raise SimulationError("yosys failed: " + "\n  ".join(end))
    return done.stdout
