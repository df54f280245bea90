"""Commands a second of AiM, and GPT-3 XL on PIM-GPT: ``pytest benchmarks/bench_pim.py``.

The 4096 x 4096 GEMV over 32 channels of the AiM simulator's golden traces, once and 20 times over.
That simulator (commit 0f28a07, built as Release, no log) gave 1.65 M commands a second on the
machine on which the target was set.
"""

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from figures import Figure, seconds_of, state

from arch.pim.system import load_pim
from sim.pim.generate import generate, place
from sim.pim.run import LogSink, Simulation
from traces.mapping.pim.decode import generation
from traces.pim.aim import aim_in

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "pim_aim_traces.parquet"
PEER = 1.65e6
INCLUDES = (
    "The GEMV 4096 x 4096 over 32 channels, each command of each channel simulated; the trace in "
    "memory and read. `Refresh`: cycles with it over cycles without."
)
MODEL, TOKENS, PREFIX_TOKENS = "gpt3_xl", 1024, 16
GENERATION_INCLUDES = (
    "GPT-3 XL on `pim_gpt`, 1024 tokens from an empty cache, one process: lowering of each token, "
    "all 8 channels, refresh. Columns of an instruction are taken at once where nothing else could "
    "come between, and channels in the same state that are sent the same are stepped once; a "
    "command counts for each column and channel. `One by one`: the first 16 tokens with a log, "
    "which switches both off, in the same cycles with the same commands, each instruction done at "
    "the same tick."
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


def test_generation(benchmark: Any) -> None:
    pim = load_pim("pim_gpt")
    layout = place(pim, MODEL, TOKENS)

    def prefix(log: LogSink | None = None) -> tuple[float, Simulation, list[npt.NDArray[np.void]]]:
        simulation = Simulation(pim, log=log)
        start = perf_counter()
        traces = generation(layout, 1, PREFIX_TOKENS)
        progress = [simulation.feed(trace, more=True) for trace in traces]
        return perf_counter() - start, simulation, progress

    prefix()
    seconds, together, progress = prefix()
    one_by_one, alone, its_progress = prefix(lambda _: None)
    assert alone.run.cycles == together.run.cycles
    assert alone.run.commands == together.run.commands
    for one, other in zip(progress, its_progress, strict=True):
        np.testing.assert_array_equal(one, other)
    done = benchmark.pedantic(generate, (pim, layout, 1, TOKENS), rounds=1, iterations=1)
    spent = benchmark.stats.stats.median
    commands = sum(done.run.commands.values())
    figures = [
        Figure("seconds", spent, "s", below=60),
        Figure("tokens", TOKENS / spent, "tokens/s"),
        Figure("commands", commands / spent, "commands/s"),
        Figure("simulated", done.seconds, "s"),
        Figure("one by one, commands", sum(alone.run.commands.values()) / one_by_one, "commands/s"),
        Figure("one by one / together", one_by_one / seconds, "x"),
    ]
    state(benchmark, "PIM-GPT", f"`{MODEL}`, {TOKENS} tokens", figures, GENERATION_INCLUDES)
