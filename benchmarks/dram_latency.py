"""Latency under load: ``PYTHONPATH=. python benchmarks/dram_latency.py``.

Every memory by name takes traces of increasing rate; docs/dram_latency.md and its figure are what
they showed.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from chart import Curve, Panel, Sheet, svg

from arch.dram.memory import MemorySystem, load_memory, memory_names
from sim.dram.trace import MemoryRun, run_trace
from traces.requests import REQUEST

DOCS = Path(__file__).resolve().parents[1] / "docs"
REQUESTS = 60_000
LOADS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)
"""Offered, as shares of what the memory achieves at most."""
PATTERNS = {"random": "#c8641e", "sequential": "#1f5fa8"}
MIXES = {"reads only": 0, "2 reads : 1 write": 3}
"""Of so many requests one is a write; 0: none."""
SHOWN_LOADS = (0.1, 0.5, 0.9)

HEAD = """\
# Latency under load

Written by `PYTHONPATH=. python benchmarks/dram_latency.py`: one channel of each memory by name,
under its own controller, mapping and refresh.

![Read latency by bandwidth, two panels for each memory](dram_latency.svg)

## How to read it

A point is a trace of {requests:,} requests at one rate, at random times (a Poisson process). To the
right is the bandwidth that it got, as a share of the peak of the data pins. Upwards is the mean
latency of its reads, from the cycle in which the queue takes a read to its last data
([statistics](statistics.md)); the band above a curve ends at the 95th percentile. Dots are a read
of a closed row when there is nothing else to do. All panels have the same axes, and that of latency
is logarithmic.

`random` is anywhere in the memory, so that another row is open and must close first; `sequential`
is one burst after the other. With writes, every third request of the same stream is one. Their
latency is not shown: nobody waits for them. But they are held back and come in drains, for which
reads wait, so reads take longer long before the data pins are busy.

Where a curve turns up and ends, the memory takes no more: further right there is nothing, at any
rate. What waits in front of a full queue is not counted, so latency ends at what a queue holds. For
the same reason a refresh, which stops a rank or pseudo-channel for a while, shows most at low
rates: there all reads that come meanwhile find room in the queue, at higher rates they wait in
front of it. A sequential read is below the dots where its row is open.

## In numbers

`most` is the bandwidth of all requests at once. Then mean and 95th percentile of the latency in ns
with 10 %, 50 % and 90 % of that offered, and all at once.

"""
LIMITS = """\

## What saturates

All requests at once, in shares of the time or of what is possible. `data`: of the data pins.
`activates`: of those that tFAW allows. `refresh`: of the time of a rank or pseudo-channel. `row
hits`: of all requests. Random requests activate a row each; where that is not what limits them,
banks are: a bank that has opened a row opens no other for tRC, and a queue names few banks that are
free. Sequential ones are limited by the data pins, which refreshes and new rows leave idle; writes
among reads turn the data bus round besides.

"""


@dataclass(frozen=True)
class Point:
    """What one trace has shown."""

    bandwidth: float
    """Share of the peak."""
    mean_ns: float
    high_ns: float
    """95th percentile."""


def trace(
    memory: MemorySystem, pattern: str, write_every: int, gap_cycles: float
) -> npt.NDArray[np.void]:
    """Requests at random times, so many cycles apart on average."""
    random = np.random.default_rng(2026)
    mapping = memory.address_map()
    requests = np.zeros(REQUESTS, REQUEST)
    requests["cycle"] = np.cumsum(random.exponential(1, REQUESTS) * gap_cycles)
    bursts = np.arange(REQUESTS)
    if pattern == "random":
        bursts = random.integers(0, mapping.capacity_bytes // mapping.burst_bytes, REQUESTS)
    requests["address"] = bursts * mapping.burst_bytes
    if write_every:
        requests["write"] = np.arange(REQUESTS) % write_every == write_every - 1
    return requests


def serve(memory: MemorySystem, pattern: str, write_every: int, gap_cycles: float) -> MemoryRun:
    """Run a trace in memory."""
    return run_trace(memory, [trace(memory, pattern, write_every, gap_cycles)])


def burst_share(memory: MemorySystem) -> float:
    """Peak requests a cycle."""
    device = memory.device()
    return memory.channels * device.data_buses / device.burst_cycles


def bandwidth(run: MemoryRun) -> float:
    """Bursts on the data pins, as a share of the peak."""
    return run.total("served") / run.cycles / burst_share(run.memory)


def point(run: MemoryRun) -> Point:
    """What a run shows."""
    ns = 1e6 / run.memory.device().clock_khz
    return Point(
        bandwidth(run),
        run.total("latency_sum") / run.reads * ns,
        run.latency_percentile(0.95) * ns,
    )


def limits(run: MemoryRun) -> tuple[float, float, float, float]:
    """Shares: data pins, activates, refresh, row hits."""
    device, commands = run.memory.device(), run.commands
    level = device.commands["REFab"].level
    nodes = device.nodes(level) * run.memory.channels
    windows = [rule for rule in device.rules if rule.window > 1 and "ACT" in rule.preceding]
    window = max(windows, key=lambda rule: rule.cycles)
    activates = sum(commands.get(name, 0) for name in ("ACT", "ACT1"))
    refresh = max(rule.cycles for rule in device.rules if rule.preceding == "REFab")
    time = nodes * run.cycles
    return (
        bandwidth(run),
        activates * window.cycles / window.window / time,
        commands.get("REFab", 0) * refresh / time,
        run.total("hits") / run.total("served"),
    )


def curve(memory: MemorySystem, pattern: str, write_every: int) -> tuple[list[Point], MemoryRun]:
    """Points of increasing rate, and the run of all requests at once."""
    at_once = serve(memory, pattern, write_every, 0)
    gap = 1 / (bandwidth(at_once) * burst_share(memory))
    points = [point(serve(memory, pattern, write_every, gap / load)) for load in LOADS]
    return [*points, point(at_once)], at_once


def rows(name: str) -> Iterator[tuple[str, str, list[Point], MemoryRun]]:
    """Mix, pattern, points and the last run of a memory."""
    memory = load_memory(name)
    for mix, write_every in MIXES.items():
        for pattern in PATTERNS:
            yield (mix, pattern, *curve(memory, pattern, write_every))


def panel(name: str, mix: str, curves: dict[tuple[str, str], list[Point]]) -> Panel:
    """The chart of a memory and mix."""
    device = load_memory(name).device()
    return Panel(
        f"{name}, {mix}",
        [
            Curve(
                colour,
                [each.bandwidth for each in curves[mix, pattern]],
                [each.mean_ns for each in curves[mix, pattern]],
                [each.high_ns for each in curves[mix, pattern]],
            )
            for pattern, colour in PATTERNS.items()
        ],
        device.idle_latency_cycles * 1e6 / device.clock_khz,
    )


def main() -> int:
    """Write the page and the figure."""
    numbers = [
        "| memory, traffic | most |" + "".join(f" {x:.0%} |" for x in SHOWN_LOADS) + " all |"
    ]
    numbers.append("| --- |" + " ---: |" * (len(SHOWN_LOADS) + 2))
    saturated = ["| memory, traffic | data | activates | refresh | row hits |"]
    saturated.append("| --- |" + " ---: |" * 4)
    panels = []
    for name in memory_names():
        curves: dict[tuple[str, str], list[Point]] = {}
        for mix, pattern, points, at_once in rows(name):
            curves[mix, pattern] = points
            label = f"{name} {pattern}{', 2:1' if MIXES[mix] else ''}"
            shown = [points[LOADS.index(load)] for load in SHOWN_LOADS] + [points[-1]]
            cells = [f"{points[-1].bandwidth:.0%}"]
            cells += [f"{each.mean_ns:.0f}, {each.high_ns:.0f}" for each in shown]
            numbers.append(f"| {label} | {' | '.join(cells)} |")
            saturated.append(f"| {label} | {' | '.join(f'{x:.0%}' for x in limits(at_once))} |")
        panels.append([panel(name, mix, curves) for mix in MIXES])
    sheet = Sheet(
        panels,
        y_min=20,
        y_max=1000,
        y_ticks=(20, 50, 100, 200, 500, 1000),
        x_label="bandwidth, share of the peak",
        y_label="read latency, ns",
        legend=[(colour, pattern) for pattern, colour in PATTERNS.items()],
        note="line: mean; band: up to the 95th percentile; dots: closed row, nothing else to do",
    )
    (DOCS / "dram_latency.svg").write_text(svg(sheet))
    text = HEAD.format(requests=REQUESTS) + "\n".join(numbers) + "\n" + LIMITS
    text += "\n".join(saturated) + "\n"
    (DOCS / "dram_latency.md").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
