"""What a user waits for, and the memory it takes: whole processes of ``lockstep``."""

from typing import Any

import pytest
from figures import Figure, state
from programs import Ran, lockstep

SECTION = "Whole processes"
INCLUDES = "From the start of Python to its end, kernels compiled before; median of several."
COMMANDS = {
    "`lockstep --help`": (("--help",), 0.3),
    "`lockstep run systolic_128 --workload squeezenet`": (
        ("run", "systolic_128", "--workload", "squeezenet"),
        2.0,
    ),
    "`lockstep run systolic_128 --workload resnet50`": (
        ("run", "systolic_128", "--workload", "resnet50"),
        None,
    ),
}
PEAK_BYTES = 300e6


@pytest.mark.parametrize("command", COMMANDS)
def test_process(benchmark: Any, command: str) -> None:
    arguments, below = COMMANDS[command]
    peaks: list[int] = []

    def once() -> Ran:
        ran = lockstep(*arguments)
        peaks.append(ran.peak_bytes)
        return ran

    ran = benchmark.pedantic(once, rounds=7, warmup_rounds=1)
    assert "compiling" not in ran.stderr
    state(
        benchmark,
        SECTION,
        command,
        [
            Figure("time", benchmark.stats.stats.median, "s", below=below),
            Figure("peak resident set", max(peaks), "B", below=PEAK_BYTES),
        ],
        INCLUDES,
    )
