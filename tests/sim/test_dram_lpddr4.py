"""LPDDR4 by name: it is listed, runs, and every command is legal."""

import json
from pathlib import Path

import numpy as np
import pytest
from calling import call

from arch.dram.memory import load_memory
from sim.dram.report import as_dict
from sim.dram.trace import run_trace

REQUEST = np.dtype([("cycle", np.int64), ("address", np.uint64), ("write", np.uint8)])


def test_it_is_listed() -> None:
    listed = call("memories").stdout.splitlines()
    assert "lpddr4_2400    LPDDR4/LPDDR4_8Gb_x16/LPDDR4_2400, 1 channel, 1 GiB" in listed


@pytest.mark.compiled
def test_a_trace_runs_and_its_commands_are_legal(tmp_path: Path) -> None:
    trace, log = tmp_path / "t.trace", tmp_path / "log.csv"
    addresses = np.random.default_rng(1).integers(0, 2**30, 4000)
    kinds = np.where(np.random.default_rng(2).random(4000) < 0.3, "ST", "LD")
    trace.write_text(
        "".join(f"{k} {a:#x}\n" for k, a in zip(kinds, addresses.tolist(), strict=True))
    )
    done = call("run", "lpddr4_2400", "--trace", str(trace), "--commands", str(log), "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["requests"] == 4000
    assert found["commands"]["REFab"] > 1
    assert found["energy"]["total_pj"] is None
    assert "activate" in found["energy"]["unknown"]
    judged = call("check-commands", str(log), "--standard", "LPDDR4")
    assert judged.exit_code == 0
    assert "no violation" in judged.stdout


@pytest.mark.compiled
def test_a_stream_gets_the_peak_but_for_refresh() -> None:
    memory = load_memory("lpddr4_2400", ["controller.refresh=none"])
    requests = np.zeros(100_000, REQUEST)
    requests["cycle"] = np.arange(100_000)
    requests["address"] = np.arange(100_000) * memory.device().burst_bytes
    found = as_dict(run_trace(memory, [requests]))
    assert found["peak_bytes_per_second"] == 4.8e9
    assert found["bytes_per_second"] > 0.99 * found["peak_bytes_per_second"]
