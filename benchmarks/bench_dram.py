"""Requests a second of one DRAM channel: ``pytest benchmarks/bench_dram.py``.

The cases of docs/benchmarks.md that peers were measured on: a million reads on DDR4-2400, offered
every cycle, at random or one burst after the other.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figures import Figure, seconds_of, state

from arch.dram.memory import MemorySystem, load_memory
from sim.dram.address import Decoder
from sim.dram.replay import DONE
from sim.dram.replays import new_replay
from sim.dram.state import REQUEST
from sim.dram.trace import run_trace
from traces.requests import open_requests

COUNT = 1_000_000
TARGETS = {("random", 16): 2.0e6, ("sequential", 16): 4.0e6, ("random", 64): 1.0e6,
           ("sequential", 64): 2.0e6}  # fmt: skip
INCLUDES = (
    f"{COUNT:,} reads, one offered a cycle, in memory and decoded; refresh, latency histogram and "
    "row statistics as always. `From a file`: DRAMsim3's text, parsed and decoded."
)


def addresses(memory: MemorySystem, pattern: str) -> np.ndarray[Any, Any]:
    if pattern == "sequential":
        return np.arange(COUNT, dtype=np.uint64) * 64
    random = np.random.default_rng(1)
    bursts = random.integers(0, memory.address_map().capacity_bytes // 64, COUNT)
    return bursts.astype(np.uint64) * 64


@pytest.mark.parametrize("ranks", [1, 4])
@pytest.mark.parametrize("pattern", ["random", "sequential"])
def test_requests_a_second(benchmark: Any, pattern: str, ranks: int, tmp_path: Path) -> None:
    memory = load_memory("ddr4_2400", [f"levels.rank={ranks}"])
    device = memory.device()
    given = addresses(memory, pattern)
    fields = Decoder(device, memory.address_map(), "none").decode(given)
    requests = np.zeros(COUNT, REQUEST)
    requests["cycle"] = np.arange(COUNT)
    for name in ("bank", "row", "column"):
        requests[name] = fields[name]
    requests["address"] = given // 64

    def run() -> None:
        assert new_replay(device, memory.controller).run(requests) == DONE

    benchmark.pedantic(run, rounds=7, iterations=1, warmup_rounds=1)
    rate = COUNT / benchmark.stats.stats.median
    path = tmp_path / "t.trace"
    path.write_text("".join(f"{a:#x} READ {i}\n" for i, a in enumerate(given.tolist())))

    def from_file() -> None:
        with open_requests(path) as stream:
            assert run_trace(memory, stream).requests == COUNT

    state(
        benchmark,
        "DRAM, one channel of DDR4-2400",
        f"{pattern}, {device.banks} banks",
        [
            Figure("requests", rate, "requests/s", at_least=TARGETS[pattern, device.banks]),
            Figure("from a file", COUNT / seconds_of(from_file, 3), "requests/s"),
        ],
        INCLUDES,
    )
