"""The array's campaign: hundreds of generated arrays, each in lockstep with its model.

``python -m rtl.lockstep.campaign`` writes its result where it is told; docs/VALIDATION.md is made
of it. Which arrays are built, and their seeds, follow from ``--seed`` alone.
"""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from arch import __version__
from arch.array import Array
from arch.errors import InputError, SimulationError
from rtl.lockstep.array import ArrayTwin
from rtl.lockstep.record import write_json
from rtl.lockstep.run import cosim

LARGE = 16
"""Rows and columns of the largest arrays."""
LARGE_SHARE = 14
"""One build in so many is of the largest size."""
WIDE_PES = 150
"""Arrays with more PEs have at most three stages in each: no wire has more than 65536 bits."""
CYCLES = ((64, 550_000), (255, 300_000), (LARGE * LARGE, 160_000))
"""Cycles a build, by the PEs that it has at most."""
OPTIONS: dict[str, tuple[Any, ...]] = {
    "operand_format": ("int4", "int8", "int16"),
    "accumulator_format": ("int16", "int32"),
    "accumulator_overflow": ("wrap", "saturate"),
    "weight_load": ("serial", "overlapped"),
    "drain": ("serial", "overlapped", "overlapped"),
    "edge_folds": ("clipped", "clipped", "full"),
    "pe_latency_cycles": (1, 1, 2, 3, 5),
    "accumulator_rows": (0, 4, 24),
}


@dataclass(frozen=True)
class Build:
    """One array and the seed of its work."""

    array: Array
    seed: int
    cycles: int


def builds(count: int, seed: int) -> list[Build]:
    """The arrays of a campaign: dataflows in turn, every so often one of the largest size."""
    random = Random(seed)
    chosen = []
    for i in range(count):
        rows, cols = (min(random.choice((4, 8, LARGE)), random.randint(1, LARGE)) for _ in "rc")
        if i // 3 % LARGE_SHARE == 0:
            rows = cols = LARGE
        options = {name: random.choice(values) for name, values in OPTIONS.items()}
        if rows * cols > WIDE_PES:
            options["pe_latency_cycles"] = min(options["pe_latency_cycles"], 3)
        array = Array(rows=rows, cols=cols, dataflow=("ws", "is", "os")[i % 3], **options)
        cycles = next(cycles for pes, cycles in CYCLES if rows * cols <= pes)
        chosen.append(Build(array, random.randrange(2**32), cycles))
    return chosen


def run_build(build: Build) -> dict[str, Any]:
    """Co-simulate one build; what it has shown."""
    outcome = cosim(ArrayTwin(build.array), build.seed, build.cycles)
    return {
        "array": build.array.model_dump(exclude_defaults=True),
        "seed": build.seed,
        "cycles": outcome.cycles,
        "compared_cycles": outcome.useful_cycles,
        "mismatch": None if outcome.mismatch is None else str(outcome.mismatch),
        "coverage": outcome.coverage,
    }


def summary(results: list[dict[str, Any]], seed: int, seconds: float) -> dict[str, Any]:
    """The record of a campaign."""
    coverage: dict[str, Counter[str]] = {}
    for result in results:
        counts = {name: n for name, n in result["coverage"].items() if name != "shapes"}
        coverage.setdefault(result["array"]["dataflow"], Counter()).update(counts)
    large = [r for r in results if r["array"]["rows"] == r["array"]["cols"] == LARGE]
    return {
        "lockstep": __version__,
        "seed": seed,
        "seconds": round(seconds),
        "builds": len(results),
        "builds_of_largest_size": len(large),
        "cycles": sum(result["cycles"] for result in results),
        "compared_cycles": sum(result["compared_cycles"] for result in results),
        "fewest_shapes_in_a_build": min(result["coverage"]["shapes"] for result in results),
        "mismatches": sum(result["mismatch"] is not None for result in results),
        "coverage": {name: dict(counts) for name, counts in sorted(coverage.items())},
        "runs": [{k: v for k, v in result.items() if k != "coverage"} for result in results],
    }


def main() -> int:
    """Run the campaign; 1 if a build has a mismatch or cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m rtl.lockstep.campaign", description=__doc__)
    parser.add_argument("--builds", type=int, default=315)
    parser.add_argument("--seed", type=int, default=20_26)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--output", type=Path, default=Path("docs/validation/campaign.json"))
    given = parser.parse_args()
    jobs = builds(given.builds, given.seed)
    results: dict[int, dict[str, Any]] = {}
    failures: list[str] = []
    columns = (
        TextColumn("{task.completed}/{task.total} builds"),
        BarColumn(bar_width=30),
        TimeRemainingColumn(),
    )
    started = time.monotonic()
    context = get_context("spawn")
    with (
        Progress(*columns) as bar,
        ProcessPoolExecutor(given.processes, mp_context=context) as pool,
    ):
        task = bar.add_task("", total=len(jobs))
        running = {pool.submit(run_build, job): i for i, job in enumerate(jobs)}
        for done in as_completed(running):
            bar.advance(task)
            try:
                result = results[running[done]] = done.result()
            except (InputError, SimulationError) as error:
                failures.append(f"build {running[done]}: {error}")
                bar.console.print(failures[-1])
                continue
            if result["mismatch"]:
                bar.console.print(result["mismatch"])
    if not results:
        return 1
    ordered = [results[i] for i in sorted(results)]
    record = summary(ordered, given.seed, time.monotonic() - started)
    write_json(given.output, record)
    counts = "{builds} builds, {compared_cycles:,} cycles compared, {mismatches} mismatches"
    sys.stdout.write(counts.format(**record) + f": {given.output}\n")
    return 1 if record["mismatches"] or failures else 0


if __name__ == "__main__":
    sys.exit(main())
