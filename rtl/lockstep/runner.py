"""Runs ``bench`` in a Verilog simulator, from a process of its own.

cocotb's runner takes tools from the environment and ends the process where one is missing.
"""

import json
import sys
from pathlib import Path

from cocotb_tools.runner import get_runner

VERILATOR_FLAGS = (
    "--no-public-flat-rw",
    "-O3",
    "-CFLAGS",
    "-O1",
    "-Wno-fatal",
    "-Wno-WIDTHEXPAND",
    "-Wno-WIDTHTRUNC",
)


def main() -> None:
    """Build and run; the one argument is JSON: simulator, folder, rows and outcome."""
    job = json.loads(sys.argv[1])
    folder = Path(job["folder"])
    runner = get_runner(job["simulator"])
    runner.build(
        sources=[folder / "twin.v"],
        hdl_toplevel="twin",
        build_args=list(VERILATOR_FLAGS) if job["simulator"] == "verilator" else [],
        build_dir=folder / "build",
        timescale=("1ns", "1ps"),
    )
    runner.test(
        hdl_toplevel="twin",
        test_module="rtl.lockstep.bench",
        build_dir=folder / "build",
        test_dir=folder,
        timescale=("1ns", "1ps"),
        extra_env={"LOCKSTEP_ROWS": job["rows"], "LOCKSTEP_OUTCOME": job["outcome"]},
    )


if __name__ == "__main__":
    main()
