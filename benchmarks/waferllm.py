"""WaferLLM's layers: ``PYTHONPATH=. python benchmarks/waferllm.py``.

Three costs of commands, and the lanes of the datapath, are fitted to the six published figures of
LLaMA3-8B; layers of the other models are then simulated with them. They are fitted again to the
twelve figures of the smallest and the largest model, which is what a line between these two knows.
docs/waferllm.md and docs/validation/waferllm.json are what came of it. Simulations that the record
has are not done again: delete it to begin anew. Some 35 minutes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from waferllm_runs import (
    COSTS,
    ENDS,
    FITTED,
    PHASES,
    ROOT,
    SMALL,
    Fitted,
    Point,
    fits,
    known_cycles,
    of,
    points,
    weights,
)

PAGE = ROOT / "docs" / "waferllm.md"

HEAD = """\
# WaferLLM's layers on wse2

Written by `PYTHONPATH=. python benchmarks/waferllm.py`.

WaferLLM (OSDI 2025, arXiv 2502.04563v3) gives tokens a second of four models on three grids each,
for prefills of 4096 tokens (Table 3) and decoding with 4096 in the cache (Table 4): 24 figures,
as cycles a layer at its 1.1 GHz. Of the layers [mapped to the mesh](wavelet_workloads.md) every
wavelet, router and PE is simulated: decoding on the whole grid; a prefill with the tiles of the
grid on {small} PEs, drawn out to the grid, as each of its steps takes the same on all grids
({straight:.2f} % is the most by which {check} PEs differ from that line).

Ramps take 7 cycles, as in older literature; HPDC 2024 has about 2, as `wse2`. Decoding cannot tell
them from what software adds to each stage of an allreduce. An operation of a prefill moves two
wavelets (`pe.wavelets_per_operation`), one of decoding one: WaferLLM's code for WSE-2 transfers 64
bits at once in the products of a prefill, 32 in decoding. What begins a command costs nothing in
`wse2`. Three costs are fitted, to the six figures of LLaMA3-8B alone, one set for prefill and
decoding: {costs}. What is printed for the others is predicted.

Hot Chips 34 has four lanes of fp16, two reads and a write of 64 bits a cycle. With them LLaMA3-8B
does not fit: its tiles have 9, 7 and 6 rows in the three prefills, and what a vector of an FMA
takes grows with them by more than a quarter of a cycle. With half as many it does, so {lanes} a
cycle are taken here. Cerebras' SDK has that width: two reads and a write of 32 bits a cycle (CSL
language, appendix, SIMD mode), two fp16 of an FMA whose operands are in memory. LLaMA3-8B alone
decides it too, but that lanes are the place to look at was seen with the figures of all models at
hand, and the SDK's page was found last.

| lanes | LLaMA3-8B, decoding | its prefill | prefill of the others | a vector | to begin | GEMV |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{fits}

With four lanes a vector of a GEMV has to cost much more than one of a GEMM; a regression over all
24 figures has 17.6 and 4.83 cycles. With two that is nearly gone, as GEMV has the longer vectors.

Beside them two null models. *Work*: cycles = a + b x multiply-adds of a PE, a and b fitted to the
same three figures of LLaMA3-8B. *Between*: linear in the weights of a layer between the
**measured** cycles of LLaMA3-8B and QWen2-72B, so that it knows six figures more than we do; it
says nothing of these two. What comes of our costs with the same twelve figures is
[at the end](#with-the-figures-of-both-ends).
"""

BOTH = """
## With the figures of both ends

The line *between* is drawn through measured figures of {ends}. Here the
same twelve are given to the three costs, and the six figures between are predicted: mean errors.

| | its twelve: decoding | prefill | the six between: decoding | prefill |
| --- | ---: | ---: | ---: | ---: |
{rows}

The twelve fit two lanes better, so these would be taken here too: nearer than the line in
decoding, not in prefill. With the four lanes of Hot Chips 34 it is nearer in both. With the figures
of LLaMA3-8B alone the line is nearer in both, as the tables above say.
"""


def by_work(point: Point, every: Sequence[Point]) -> float:
    """The null model of multiply-adds, from LLaMA3-8B's figures."""
    own = [each for each in every if each.model == FITTED and each.phase == point.phase]
    line = np.polyfit([each.macs for each in own], [each.cycles for each in own], 1)
    return float(np.polyval(line, point.macs))


def between(point: Point, every: Sequence[Point]) -> float | None:
    """The null model between the measured cycles of the first and the last model."""
    ends = {
        each.model: each.cycles
        for each in every
        if (each.phase, each.grid) == (point.phase, point.grid)
    }
    if point.model in ENDS:
        return None
    small, large = ENDS
    part = (weights(point.model) - weights(small)) / (weights(large) - weights(small))
    return ends[small] + part * (ends[large] - ends[small])


def _percent(found: float | None, point: Point) -> str:
    return "" if found is None else f"{100 * (found / point.cycles - 1):+.1f} %"


def _mean(errors: Sequence[float]) -> str:
    return f"{100 * float(np.mean(np.abs(errors))):.1f} %" if errors else ""


def costs_told(costs: Mapping[str, int]) -> str:
    """Costs in words."""
    return (
        f"{costs['callback_millicycles'] / 1000:.2f} cycles a vector of an FMA (a callback), "
        f"{costs['fabric_cycles']} to begin a command that sends or receives, "
        f"{costs['dependent_millicycles'] / 1000:.2f} more a vector that adds to the elements of "
        "the one before (GEMV, not GEMM)"
    )


def fits_told(found: Sequence[Fitted]) -> str:
    """Rows of the table of lanes."""
    rows = []
    for each in sorted(found, key=lambda each: -each.simulated.lanes):
        own = [[point for point in of(phase) if point.model == FITTED] for phase in PHASES]
        others = [point for point in of("prefill") if point.model != FITTED]
        errors = [_mean(each.errors(some)) for some in (*own, others)]
        costs = [f"{each.costs[name] / (1000 if 'milli' in name else 1):.4g}" for name in COSTS]
        rows.append(f"| {each.simulated.lanes} | {' | '.join([*errors, *costs])} |")
    return "\n".join(rows)


def both_told(found: Sequence[Fitted]) -> str:
    """What comes of the figures of both ends, in place of those of the first."""
    every, rows = points(), []
    for each in sorted(found, key=lambda each: -each.simulated.lanes):
        errors = [
            _mean(each.errors([point for point in of(phase) if (point.model in ENDS) == inside]))
            for inside in (True, False)
            for phase in PHASES
        ]
        rows.append(f"| {each.simulated.lanes} lanes | {' | '.join(errors)} |")
    lines = [
        _mean([
            found / point.cycles - 1
            for point in of(phase)
            if (found := between(point, every)) is not None
        ])
        for phase in PHASES
    ]  # fmt: skip
    rows.append(f"| the line between | 0 | 0 | {' | '.join(lines)} |")
    return BOTH.format(ends=" and ".join(ENDS), rows="\n".join(rows))


def page(fitted: Sequence[Fitted], both: Sequence[Fitted]) -> str:
    """docs/waferllm.md."""
    (simulated, costs), every = fitted[0], points()
    check = of("prefill")[0]
    first, second = SMALL
    low, high = (simulated.prefill(check, side, costs) for side in SMALL)
    side = 2 * second
    line = low + (high - low) / (second - first) * (side - first)
    straight = 100 * abs(simulated.prefill(check, side, costs) / line - 1)
    text = [
        HEAD.format(
            small=" and ".join(f"{each} x {each}" for each in SMALL), straight=straight,
            check=f"{side} x {side}", costs=costs_told(costs), lanes=simulated.lanes,
            fits=fits_told(fitted),
        )
    ]  # fmt: skip
    for phase in PHASES:
        text.append(f"\n## {'Decoding' if phase == 'decode' else 'Prefill'}, cycles a layer\n")
        text.append(
            "| model | grid | published | simulated | | work | between |\n"
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
        )
        errors: dict[str, list[float]] = {"simulated": [], "work": [], "between": [], "same": []}
        for point in of(phase):
            found = simulated.cycles(point, costs)
            work, middle = by_work(point, every), between(point, every)
            text.append(
                f"| {point.model} | {point.grid} | {point.cycles:,} | {found:,.0f} | "
                f"{_percent(found, point)} | {_percent(work, point)} | {_percent(middle, point)} |"
            )
            if point.model != FITTED:
                errors["simulated"].append(found / point.cycles - 1)
                errors["work"].append(work / point.cycles - 1)
            if middle is not None:
                errors["between"].append(middle / point.cycles - 1)
                errors["same"].append(found / point.cycles - 1)
        text.append(
            f"\nMean error of the nine that are predicted: {_mean(errors['simulated'])}; of the "
            f"work alone {_mean(errors['work'])}. Of the six between: {_mean(errors['same'])}; of "
            f"the line between measured ones {_mean(errors['between'])}."
        )
    return "\n".join([*text, both_told(both)])


def main() -> None:
    """Fit, predict, write."""
    found = fits(known_cycles())
    simulated, costs = found[0]
    PAGE.write_text(page(found, fits(simulated.known, ENDS)))
    simulated.save({"costs": costs, "lanes": simulated.lanes})


if __name__ == "__main__":
    main()
