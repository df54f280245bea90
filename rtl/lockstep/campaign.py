"""A unit's campaign: many pieces of generated hardware, each in lockstep with its model.

``python -m rtl.lockstep.campaign`` writes its result where it is told; docs/VALIDATION.md is made
of it. What is built, and the seeds, follow from ``--seed`` alone.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from arch import __version__
from arch.errors import InputError, SimulationError
from rtl.lockstep.campaign_builds import Build, array_builds, buffer_builds
from rtl.lockstep.campaign_dram import dram_builds
from rtl.lockstep.campaign_engines import engine_builds
from rtl.lockstep.campaign_joint import joint_builds
from rtl.lockstep.campaign_mac import mac_builds
from rtl.lockstep.campaign_mesh import mesh_builds
from rtl.lockstep.campaign_pim import pim_builds, vector_builds
from rtl.lockstep.campaign_wavelet import wavelet_builds
from rtl.lockstep.record import write_json
from rtl.lockstep.run import cosim

UNITS: dict[str, tuple[Callable[[int, int], list[Build]], int]] = {
    "array": (array_builds, 315),
    "buffer": (buffer_builds, 60),
    "dram": (dram_builds, 32),
    "joint": (joint_builds, 24),
    "mac_array": (engine_builds, 16),
    "mac": (mac_builds, 40),
    "mesh": (mesh_builds, 34),
    "pim": (pim_builds, 36),
    "vector": (vector_builds, 36),
    "wavelet": (wavelet_builds, 40),
}
"""How each unit's builds are chosen, and how many."""
DEFAULTS = ", ".join(f"{count} of {unit}" for unit, (_, count) in UNITS.items())
RECORDS = {
    "dram": "dram_rtl",
    "joint": "joint_rtl",
    "mac": "mac_rtl",
    "mac_array": "mac_array_rtl",
    "mesh": "mesh_rtl",
    "pim": "pim_rtl",
    "vector": "vector_rtl",
    "wavelet": "wavelet_rtl",
}
"""Names of records that are not that of their unit."""


def run_build(build: Build) -> dict[str, Any]:
    """Co-simulate one build; what it has shown."""
    outcome = cosim(build.twin(), build.seed, build.cycles)
    return {
        **build.parameters,
        "seed": build.seed,
        "cycles": outcome.cycles,
        "compared_cycles": outcome.useful_cycles,
        "mismatch": None if outcome.mismatch is None else str(outcome.mismatch),
        "group": build.group,
        "large": build.large,
        "coverage": outcome.coverage,
    }


def summary(results: list[dict[str, Any]], seed: int, seconds: float) -> dict[str, Any]:
    """The record of a campaign."""
    coverage: dict[str, Counter[str]] = {}
    shapes = [result["coverage"].pop("shapes", None) for result in results]
    for result in results:
        coverage.setdefault(result["group"], Counter()).update(result["coverage"])
    left_out = ("coverage", "group", "large")
    return {
        "lockstep": __version__,
        "seed": seed,
        "seconds": round(seconds),
        "builds": len(results),
        "builds_of_largest_size": sum(result["large"] for result in results),
        "cycles": sum(result["cycles"] for result in results),
        "compared_cycles": sum(result["compared_cycles"] for result in results),
        "fewest_shapes_in_a_build": None if None in shapes else min(shapes),
        "mismatches": sum(result["mismatch"] is not None for result in results),
        "coverage": {name: dict(counts) for name, counts in sorted(coverage.items())},
        "runs": [{k: v for k, v in result.items() if k not in left_out} for result in results],
    }


def run_all(jobs: list[Build], processes: int) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Of each build, as it ends, its number and its result or why it has none."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(run_build, job): i for i, job in enumerate(jobs)}
        for done in as_completed(running):
            try:
                yield running[done], done.result()
            except (InputError, SimulationError) as error:
                yield running[done], f"build {running[done]}: {error}"


def main() -> int:
    """Run the campaign; 1 if a build has a mismatch or cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m rtl.lockstep.campaign", description=__doc__)
    parser.add_argument("--unit", choices=UNITS, default="array")
    parser.add_argument("--builds", type=int, help=f"default: {DEFAULTS}")
    parser.add_argument("--seed", type=int, default=20_26)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--output", type=Path, help="default: docs/validation/UNIT.json")
    given = parser.parse_args()
    choose, count = UNITS[given.unit]
    output = given.output or Path(f"docs/validation/{RECORDS.get(given.unit, given.unit)}.json")
    jobs = choose(given.builds or count, given.seed)
    results: dict[int, dict[str, Any]] = {}
    columns = (
        TextColumn("{task.completed}/{task.total} builds"),
        BarColumn(bar_width=30),
        TimeRemainingColumn(),
    )
    started = time.monotonic()
    with Progress(*columns) as bar:
        task = bar.add_task("", total=len(jobs))
        for i, result in run_all(jobs, given.processes):
            bar.advance(task)
            if isinstance(result, str):
                bar.console.print(result)
                continue
            results[i] = result
            if result["mismatch"]:
                bar.console.print(result["mismatch"])
    if not results:
        return 1
    ordered = [results[i] for i in sorted(results)]
    record = summary(ordered, given.seed, time.monotonic() - started)
    write_json(output, record)
    counts = "{builds} builds, {compared_cycles:,} cycles compared, {mismatches} mismatches"
    sys.stdout.write(counts.format(**record) + f": {output}\n")
    return 1 if record["mismatches"] or len(results) < len(jobs) else 0


if __name__ == "__main__":
    sys.exit(main())
