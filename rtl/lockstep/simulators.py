"""A wrapper in a Verilog simulator under cocotb, fed through a pipe."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from arch.errors import InputError, SimulationError
from rtl.lockstep.packing import Bits, pack
from rtl.lockstep.tools import compiler, icarus, verilator_environment
from rtl.lockstep.twin import Batch
from rtl.wrapper import TOP, Wrapper

PORT = re.compile(
    r"^(  (?:input|output|wire) (?:\[\d+:0\] )?(?:clk|rst|stim|resp));$", re.MULTILINE
)
TOP_MODULE = re.compile(rf"^module {TOP}\(.*?^endmodule", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Ended:
    """How a run in a simulator ended."""

    cycles: int
    """Compared and found equal."""
    bad_cycle: int | None
    found: str | None
    """The response of the bad cycle in bits, the highest first."""
    seconds: float
    """Without the build."""


def reachable(verilog: str) -> str:
    """The text with the wrapper's ports open to cocotb; all else stays hidden from it, which
    builds nine times faster."""
    return TOP_MODULE.sub(
        lambda top: PORT.sub(r"\1 /*verilator public_flat_rw*/;", top[0]), verilog
    )


def run_cocotb(wrapper: Wrapper, verilog: str, batches: Iterator[Batch], simulator: str) -> Ended:
    """Compare batch after batch in ``verilator`` or ``icarus`` until one differs.

    Raises InputError where the simulator is missing, SimulationError where it fails.
    """
    if simulator == "icarus":
        icarus()
    elif simulator == "verilator":
        compiler()
    else:
        raise InputError(f"simulator: must be batch, verilator or icarus, not {simulator!r}")
    environment = verilator_environment()
    root = str(Path(__file__).parents[2])
    environment["PYTHONPATH"] = os.pathsep.join([root, *filter(None, sys.path)])
    with tempfile.TemporaryDirectory(prefix="lockstep-") as name:
        folder = Path(name)
        (folder / "twin.v").write_text(reachable(verilog))
        rows, outcome = folder / "rows", folder / "outcome.json"
        os.mkfifo(rows)
        failed: list[Exception] = []
        given = (rows, wrapper, batches, failed)
        feeder = threading.Thread(target=_feed, args=given, daemon=True)
        job = {
            "simulator": simulator,
            "folder": name,
            "rows": str(rows),
            "outcome": str(outcome),
        }
        feeder.start()
        done = subprocess.run(
            [sys.executable, "-m", "rtl.lockstep.runner", json.dumps(job)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        _release(rows)
        feeder.join()
        if failed:
            # The bench has taken the end of the rows for the end of the run.
            raise failed[0]
        if not outcome.exists():
            end = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-12:])
            raise SimulationError(f"{simulator} did not finish:\n  {end}")
        ended = json.loads(outcome.read_text())
    return Ended(ended["cycles"], ended["bad_cycle"], ended.get("found"), ended["seconds"])


def _feed(rows: Path, wrapper: Wrapper, batches: Iterator[Batch], failed: list[Exception]) -> None:
    """Write rows until the bench has seen enough; what is raised goes into ``failed``."""
    try:
        with rows.open("wb") as pipe:
            for batch in batches:
                parts = [
                    batch.rst[:, None],
                    _bytes(pack(batch.stim, wrapper.stim_fields), len(wrapper.stim)),
                    _bytes(pack(batch.resp, wrapper.resp_fields), len(wrapper.resp)),
                ]
                pipe.write(np.concatenate(parts, axis=1).tobytes())
    except BrokenPipeError:
        return
    except Exception as error:
        failed.append(error)


def _bytes(words: Bits, bits: int) -> npt.NDArray[np.uint8]:
    """Rows of words as rows of the bytes that hold ``bits``."""
    octets = words.astype("<u4", copy=False).view(np.uint8).reshape(len(words), -1)
    return octets[:, : -(-bits // 8)]


def _release(rows: Path) -> None:
    """Let a feeder go on whose pipe nobody has opened."""
    try:
        os.close(os.open(rows, os.O_RDONLY | os.O_NONBLOCK))
    except FileNotFoundError:
        return
