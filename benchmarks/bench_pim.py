"""Commands a second of AiM: ``pytest benchmarks/bench_pim.py``.

The 4096 x 4096 GEMV over 32 channels of the AiM simulator's golden traces, once and 20 times over.
That simulator (commit 0f28a07, built as Release, no log) gave 1.65 M commands a second on the
machine on which the target was set.
"""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from figures import Figure, seconds_of, state

from arch.pim.system import load_pim
from sim.pim.run import Simulation
from traces.pim.aim import aim_in

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "pim_aim_traces.parquet"
PEER = 1.65e6
INCLUDES = (
    "The GEMV 4096 x 4096 over 32 channels, each command of each channel simulated; the trace in "
    "memory and read. `Refresh`: cycles with it over cycles without."
)


def gemv(times: int) -> bytes:
    text = str(pd.read_parquet(GOLDEN).set_index("trace").loc["gemv_4096x4096_32ch"].text)
    body = text.removeprefix("W CFR 0 0\n").removesuffix("AiM EOC\n")
    return ("W CFR 0 0\n" + body * times + "AiM EOC\n").encode()


@pytest.mark.parametrize("times", [1, 20])
@pytest.mark.parametrize("name", ["aim", "aim_as_simulated"])
def test_commands_a_second(benchmark: Any, name: str, times: int) -> None:
    pim = load_pim(name, ["registers_checked=false"])
    (instructions,) = aim_in(gemv(times), pim)

    def run(*changes: str, log: bool = False) -> Simulation:
        changed = load_pim(name, ["registers_checked=false", *changes]) if changes else pim
        simulation = Simulation(changed, log=(lambda _: None) if log else None)
        simulation.feed(instructions, more=False)
        return simulation

    done = benchmark.pedantic(run, rounds=7, iterations=1, warmup_rounds=1).run
    commands = sum(done.commands.values())
    figures = [
        Figure(
            "commands", commands / benchmark.stats.stats.median, "commands/s", at_least=10 * PEER
        ),
        Figure("with a log", commands / seconds_of(lambda: run(log=True), 5), "commands/s"),
        Figure("cycles", done.cycles, "cycles"),
    ]
    if name == "aim":
        without = run("controller.refresh=none").run.cycles
        figures.append(Figure("refresh", done.cycles / without, "x"))
    state(benchmark, "PIM, AiM", f"`{name}`, {times} times", figures, INCLUDES)
