"""Running Python programs of this repository as a user would: each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LOCKSTEP = "from sim.cli import main; main()"

# A process counts the memory of the one that it was forked off as its own: fork off a small one.
LAUNCHER = """\
import json, os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
seconds = time.perf_counter() - start
process.returncode = os.waitstatus_to_exitcode(status)
print(json.dumps([process.returncode, seconds, usage.ru_maxrss]))
"""


class Ran(NamedTuple):
    """A program that ended well."""

    seconds: float
    """From its start to its end."""
    peak_bytes: int
    """Largest resident set."""
    stderr: str


def run_python(*arguments: str, **environment: str) -> Ran:
    """Run this interpreter in the root of the repository."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **environment}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, sys.executable, *arguments],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    status, seconds, peak = json.loads(done.stdout)
    if status:
        raise RuntimeError(f"{arguments} failed:\n{done.stderr[-4000:]}")
    kibibyte = 1 if sys.platform == "darwin" else 1024
    return Ran(seconds, peak * kibibyte, done.stderr)


def lockstep(*arguments: str, **environment: str) -> Ran:
    """Run the command line."""
    return run_python("-c", LOCKSTEP, *arguments, **environment)
