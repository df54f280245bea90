"""The cocotb test inside a Verilog simulator: rows come through a pipe, none may differ.

A row is one byte of reset, the stimulus and the expected response, each in whole bytes, the
lowest first. The outcome is a JSON file: cycles compared, seconds and, if one differs, its number
and the response in bits, the highest first (X where a bit is unknown).
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

HALF_PERIOD_NS = 1


@cocotb.test()  # type: ignore[untyped-decorator]
async def lockstep(dut: Any) -> None:
    """Apply each row, compare before the clock edge, stop at the first difference."""
    stim_bits, resp_bits = len(dut.stim), len(dut.resp)
    stim_bytes, resp_bytes = -(-stim_bits // 8), -(-resp_bits // 8)
    row_bytes = 1 + stim_bytes + resp_bytes
    outcome: dict[str, Any] = {"cycles": 0, "bad_cycle": None}
    half = Timer(HALF_PERIOD_NS, "ns")
    dut.clk.value = 0
    started = time.monotonic()
    with Path(os.environ["LOCKSTEP_ROWS"]).open("rb") as rows:
        while row := rows.read(row_bytes):
            dut.rst.value = row[0]
            dut.stim.value = int.from_bytes(row[1 : 1 + stim_bytes], "little")
            await half
            expected = int.from_bytes(row[1 + stim_bytes :], "little")
            found = str(dut.resp.value)
            if found != format(expected, f"0{resp_bits}b"):
                outcome["bad_cycle"] = outcome["cycles"]
                outcome["found"] = found
                break
            outcome["cycles"] += 1
            dut.clk.value = 1
            await half
            dut.clk.value = 0
    outcome["seconds"] = time.monotonic() - started
    Path(os.environ["LOCKSTEP_OUTCOME"]).write_text(json.dumps(outcome))
