"""NeuPIMs' evaluation, each baseline as published and without what weakens it.

``PYTHONPATH=. python benchmarks/neupims_evaluation.py FILE`` runs what FILE does not hold yet, a
line a run, in two processes, and writes docs/neupims_evaluation.md and
docs/validation/neupims_evaluation.json. With ``--write`` it runs nothing.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import neupims_runs as runs
from neupims_runs import Numbers

from arch import __version__
from arch.serving import load_system

WORKERS = 2
DOCS = Path(__file__).resolve().parent.parent / "docs"
MISSING = "Runs that are missing below were not made.\n\n"
NEAR = 0.9
"""A published factor is met from this part of it."""

Found = dict[str, Numbers]
Point = tuple[str, str, int]


def points(found: Found, *systems: str) -> list[Point]:
    """Model, data set and batch of which all of some systems have been run, in order."""
    grid = [(m, d, b) for d in runs.DATA_SETS for m in runs.MODELS for b in runs.BATCHES]
    return [each for each in grid if all(key(each, system) in found for system in systems)]


def key(point: Point, system: str) -> str:
    """In what was found."""
    return runs.Case(*point, system).key


def gain(found: Found, point: Point, system: str, over: str) -> float:
    """Tokens a second over those of another system."""
    rates = [found[key(point, each)]["tokens_per_second"] for each in (system, over)]
    return float(rates[0] / rates[1])


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """In Markdown, the first columns to the left."""
    marks = ["---" if at < left else "---:" for at in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, marks, *rows))


def throughput(found: Found) -> str:
    """Tokens a second of every run."""
    rows = []
    for point in points(found, "neupims"):
        cells = [found.get(key(point, system)) for system in runs.SYSTEMS]
        rates = [f"{each['tokens_per_second']:,.0f}" if each else "" for each in cells]
        model, data_set, batch = point
        own = found[key(point, "neupims")]
        room = "yes" if own["fits"] else "no"
        rows.append([f"`{model}`", data_set, f"{batch}", f"{own['mean_length']:.0f}", room, *rates])
    head = ["model", "lengths", "batch", "attended", "fits", *(f"`{s}`" for s in runs.SYSTEMS)]
    return table(head, rows, 2)


def gains(found: Found, system: str, others: Sequence[str]) -> str:
    """Of one system over others."""
    rows = []
    for point in points(found, system):
        cells = [
            f"{gain(found, point, system, other):.2f}" if key(point, other) in found else ""
            for other in others
        ]
        rows.append([f"`{point[0]}`", point[1], f"{point[2]}", *cells])
    return table(["model", "lengths", "batch", *(f"`{each}`" for each in others)], rows, 2)


def utilisation(found: Found) -> str:
    """Of arrays, PIM and pins."""
    rows = []
    systems = ("npu_only", "npu_pim_as_published", "npu_pim", "neupims_whole_batch", "neupims")
    for point in points(found, *systems):
        cells = []
        for system in systems:
            own = found[key(point, system)]
            parts = ("npu_utilisation", "pim_utilisation", "bandwidth_utilisation")
            cells.append(" / ".join(f"{100 * own[part]:.0f}" for part in parts))
        rows.append([f"`{point[0]}`", point[1], f"{point[2]}", *cells])
    return table(["model", "lengths", "batch", *(f"`{each}`" for each in systems)], rows, 2)


def claims(found: Found) -> str:
    """Each published factor beside ours, under each assumption."""
    rows = []

    def factor(
        claim: str,
        published: float,
        under: str,
        over: str,
        of: Callable[..., float],
        system: str = "neupims",
        only: Callable[[Point], bool] = lambda _: True,
    ) -> None:
        all_points = [each for each in points(found, system, over) if only(each)]
        if not all_points:
            return
        value = of(gain(found, each, system, over) for each in all_points)
        verdict = "holds" if value >= NEAR * published else "does not hold"
        if value > published / NEAR:
            verdict = "more than that"
        rows.append(
            [claim, under, f"{published:.2f}", f"{value:.2f}", f"{len(all_points)}", verdict]
        )

    factor("over GPU-only, at most", 3.0, "GPU at its peaks", "gpu_a100", max)
    factor("over NPU-only, at most", 2.4, "sequences round 8 arrays", "npu_only", max)
    factor("over NPU-only, at most", 2.4, "heads one after the other on all arrays, as in its "
           "simulator's branch", "npu_only_as_published", max)  # fmt: skip
    factor("over NPU+PIM, mean", 1.6, "one PIM instruction a cycle for the device",
           "npu_pim_as_published", fmean)  # fmt: skip
    factor("over NPU+PIM, mean", 1.6, "the same, channels by load", "npu_pim_throttled", fmean)
    factor("over NPU+PIM, mean", 1.6, "channels get their instructions at once", "npu_pim", fmean)

    def of_7b(point: Point) -> bool:
        return point[:2] == ("gpt3_6_7b", "sharegpt")

    row = "two row buffers, `gpt3_6_7b`, ShareGPT, mean"
    factor(row, 1.697, "against `npu_pim_as_published`", "npu_pim_as_published", fmean,
           "neupims_whole_batch", of_7b)  # fmt: skip
    factor(row, 1.697, "against `npu_pim`", "npu_pim", fmean, "neupims_whole_batch", of_7b)
    factor(row, 1.697, "with sub-batches, one row buffer against two", "neupims_single_row_buffer",
           fmean, "neupims", of_7b)  # fmt: skip
    point = ("gpt3_30b", "sharegpt", 256)
    for system, published in (("neupims", 64.9), ("neupims_whole_batch", 64.9),
                              ("npu_pim_as_published", 28.0), ("npu_pim", 28.0)):  # fmt: skip
        own = found.get(key(point, system))
        if own is not None:
            value = 100 * own["npu_utilisation"]
            near = abs(value / published - 1) <= 1 - NEAR
            rows.append(
                ["NPU utilisation, `gpt3_30b`, 256, ShareGPT, %", f"`{system}`",
                 f"{published:.1f}", f"{value:.1f}", "1", "holds" if near else "does not hold"]
            )  # fmt: skip
    return table(["claim", "assumption", "published", "ours", "runs", ""], rows, 2)


def ceiling(batch: int) -> float:
    """Part of the peak that products can reach where each weight is read for so many tokens."""
    device = load_system("neupims").device()
    assert device is not None
    assert device.memory is not None
    assert device.memory.bytes_per_cycle is not None
    weights = device.memory.bytes_per_cycle / 2
    return min(1.0, batch * weights / (device.cores * device.array.pes))


def gpu_part(found: Found) -> str:
    """Of its peaks that a GPU may reach at most, for NeuPIMs to be three times as fast."""
    parts = [gain(found, each, "neupims", "gpu_a100") / 3 for each in points(found, "neupims")]
    return f"{100 * min(parts):.0f} to {100 * max(parts):.0f} %"


def page(found: Found) -> str:
    """The page."""
    done, all_runs = len(found), len(runs.cases())
    spent = sum(each["cpu_seconds"] for each in found.values())
    over = (
        "gpu_a100",
        "npu_only",
        "npu_only_as_published",
        "npu_pim",
        "npu_pim_throttled",
        "npu_pim_as_published",
    )
    ablations = ("neupims_single_row_buffer", "neupims_whole_batch", "neupims_round_robin")
    text = (Path(__file__).resolve().parent / "neupims_evaluation_text.md").read_text()
    return text.format(
        version=__version__, runs=done, all_runs=all_runs, warm_up=runs.WARM_UP, seed=runs.SEED,
        claims=claims(found), near=f"{100 * NEAR:.0f} %", throughput=throughput(found),
        gains=gains(found, "neupims", over), ablations=gains(found, "neupims", ablations),
        utilisation=utilisation(found), half=f"{100 * ceiling(128):.0f} %",
        whole=f"{100 * ceiling(256):.0f} %", gpu_part=gpu_part(found),
        seconds=f"{spent:,.0f}", unfit=unfit(found), missing="" if done == all_runs else MISSING,
        throttle=share_of_throttle(found),
    )  # fmt: skip


def share_of_throttle(found: Found) -> str:
    """What one PIM instruction a cycle costs, alone."""
    own = [gain(found, each, "npu_pim", "npu_pim_throttled")
           for each in points(found, "npu_pim", "npu_pim_throttled")]  # fmt: skip
    whole = [gain(found, each, "npu_pim", "npu_pim_as_published")
             for each in points(found, "npu_pim", "npu_pim_as_published")]  # fmt: skip
    if not own:
        return "not run"
    return f"{fmean(own):.2f} times as fast, {fmean(whole):.2f} with the placement"


def unfit(found: Found) -> str:
    """Cases whose keys and values of all layers have no room."""
    without: dict[str, list[str]] = {}
    for point in points(found, "neupims"):
        model, data_set, batch = point
        if not found[key(point, "neupims")]["fits"]:
            without.setdefault(f"of {data_set} with `{model}`", []).append(f"{batch}")
    names = [f"{', '.join(batches)} {where}" for where, batches in without.items()]
    return "; ".join(names) if names else "none of those that were run"


def main() -> None:
    """Run and write."""
    arguments = [each for each in sys.argv[1:] if each != "--write"]
    if len(arguments) != 1:
        raise SystemExit("give one file that keeps the runs")
    path = Path(arguments[0])
    if "--write" not in sys.argv:
        runs.main(path, WORKERS)
    lines = dict(json.loads(line) for line in path.read_text().splitlines())
    wanted = [case.key for case in runs.cases()]
    found: Found = {name: lines[name] for name in wanted if name in lines}
    record = {
        "lockstep": __version__, "seed": runs.SEED, "warm_up": runs.WARM_UP, "runs": found,
    }  # fmt: skip
    (DOCS / "neupims_evaluation.md").write_text(page(found))
    text = json.dumps(record, indent=1) + "\n"
    (DOCS / "validation" / "neupims_evaluation.json").write_text(text)


if __name__ == "__main__":
    main()
