"""Commands a second of HBM-PIM: ``pytest benchmarks/bench_pim_hbm.py``.

PIMSimulator's kernels on 64 channels. That simulator (commit b464dde, ``-O2``, no log) gave these
commands a second on the machine on which the targets were set, with its kernels as they are.
"""

from typing import Any

import pytest
from figures import Figure, seconds_of, state

from arch.pim.hbm import load_hbm_pim
from sim.pim.hbm.run import HbmRun, Simulation
from traces.mapping.hbm_pim import kernel_lines
from traces.pim.hbm_pim import hbm_in

PEER = {"gemv": 0.147e6, "read": 0.265e6, "add": 0.12e6}
SHAPES = {"gemv": (4096, 4096), "read": (4096, 4096), "add": (1 << 20, 1)}
INCLUDES = (
    "Kernels over 64 channels, each command of each channel simulated; the trace in memory and "
    "read. The peer's own commands a second, times ten, are the target."
)


@pytest.mark.parametrize("kernel", SHAPES)
@pytest.mark.parametrize("name", ["hbm_pim", "hbm_pim_as_simulated"])
def test_commands_a_second(benchmark: Any, name: str, kernel: str) -> None:
    pim = load_hbm_pim(name)
    text = "\n".join(kernel_lines(pim, kernel, *SHAPES[kernel])) + "\n"
    chunks = list(hbm_in(text.encode(), pim))

    def run(*, log: bool = False) -> HbmRun:
        simulation = Simulation(pim, log=(lambda _: None) if log else None)
        for chunk in chunks:
            simulation.feed(chunk)
        return simulation.finish()

    done = benchmark.pedantic(run, rounds=5, iterations=1, warmup_rounds=1)
    commands = sum(done.commands.values())
    figures = [
        Figure(
            "commands", commands / benchmark.stats.stats.median, "commands/s",
            at_least=10 * PEER[kernel],
        ),
        Figure("with a log", commands / seconds_of(lambda: run(log=True), 3), "commands/s"),
        Figure("cycles", done.cycles, "cycles"),
    ]  # fmt: skip
    state(benchmark, "PIM, HBM-PIM", f"`{name}`, {kernel}", figures, INCLUDES)
