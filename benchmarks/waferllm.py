"""WaferLLM's layers: ``PYTHONPATH=. python benchmarks/waferllm.py``.

Three costs are fitted to the six published figures of LLaMA3-8B, by each of four readings of a PE;
layers of the other models are then simulated with what fits best. docs/waferllm.md and
docs/validation/waferllm.json are what came of it. Simulations that the record has are not done
again: delete it to begin anew. Some 40 minutes.
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

**One set of costs, fitted to the six figures of LLaMA3-8B alone**, for prefill and decoding:
{costs}.
What is printed for the other models is predicted.

What is taken for given, and from where:

- Timed is what WaferLLM's code does ([as_published](wavelet_workloads.md#what-the-programs-do)):
  nothing is appended to the cache, and SILU in decoding is of as many elements as a PE has of the
  token.
- *Descriptors.* The operands of a command are registers that the code loads before it. Counted in
  it: three for an FMA, which is one command for each k of a product (`matmul_compute`), three for a
  sum of an allreduce, one for a tile that moves, as descriptors of the fabric stay loaded.
- *Divisions* are software: SILU, reciprocals and roots are loops over elements. (A comment of
  Cerebras' csl-examples has 50 cycles for integers.) WaferLLM's own exponential has none.
- *Lanes.* {lanes} of fp16: WaferLLM's section 7 and Cerebras' SDK (CSL language, appendix, SIMD
  mode) have two reads and a write of 32 bits a cycle. Hot Chips 34 has 64 bits, four lanes.
- *Ramps* take 7 cycles, as in older literature; HPDC 2024 has about 2, as `wse2`. Decoding cannot
  tell ramps from what software adds to each stage of an allreduce, which may be the rest.
- An operation of a prefill moves two wavelets (`pe.wavelets_per_operation`), one of decoding one:
  the code transfers 64 bits at once in the products of a prefill, 32 in decoding.

LLaMA3-8B's figures decide for this reading, too: of these it fits them best. *Commands alike* have
one descriptor each. Mean errors, and the costs in cycles:

{fits}

Which costs to look for (descriptors, divisions) and where lanes matter was seen with the figures of
all models at hand, in regressions of some dozens of forms; how large they are was not. The form is
not the only one: VECs load descriptors too, and begin at no cost here. A regression in which they
begin at one or two fits LLaMA3-8B's six about as well and predicts decoding of the six between by
about 4 %, as three grids tell a cost of each layer badly from one of each element. So what lies in
this page beyond the size of the costs is that one such form agrees with all 24 figures.

Beside them two null models. *Work*: cycles = a + b x multiply-adds of a PE, a and b fitted to the
same three figures of LLaMA3-8B; drawn out to much larger products it falls below zero. *Between*:
linear in the weights of a layer between the **measured** cycles of LLaMA3-8B and QWen2-72B, so that
it knows six figures more than we do; it says nothing of these two. An error is how much more than
published it is."""


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
    return "" if found is None else f"{100 * found / point.cycles - 100:+.1f} %"


def _mean(errors: Sequence[float]) -> str:
    return f"{100 * float(np.mean(np.abs(errors))):.2f} %"


def costs_told(fitted: Mapping[str, int]) -> str:
    """Costs in words."""
    return (
        f"{fitted['descriptor_millicycles'] / 1000:.1f} cycles to load a descriptor, "
        f"{fitted['divide_cycles']} for an element that is divided,\n"
        f"{fitted['callback_millicycles'] / 1000:g} for each vector of an FMA (a callback)"
    )


def _table(first: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [first, ["---"] + ["---:"] * (len(first) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def fits_told(found: Mapping[str, Fitted]) -> str:
    """A table of readings, the one that fits best first."""
    rows = []
    for name, each in found.items():
        own, others = (
            [
                _mean(each.errors([point for point in of(phase) if (point.model == FITTED) is own]))
                for phase in PHASES
            ]
            for own in (True, False)
        )
        costs = [f"{each.costs[name] / (1000 if 'milli' in name else 1):.4g}" for name in COSTS]
        rows.append([name, *own, *others, *costs])
    heads = ["", *(f"{phase}, {whose}" for whose in ("8B", "others") for phase in PHASES)]
    return _table([*heads, "callback", "descriptor", "division"], rows)


def page(found: Mapping[str, Fitted]) -> str:
    """docs/waferllm.md."""
    simulated, costs = next(iter(found.values()))
    every = points()
    check = of("prefill")[0]
    first, second = SMALL
    low, high = (simulated.prefill(check, side, costs) for side in SMALL)
    side = 2 * second
    line = low + (high - low) / (second - first) * (side - first)
    straight = 100 * abs(simulated.prefill(check, side, costs) / line - 1)
    text = [
        HEAD.format(
            small=" and ".join(f"{each} x {each}" for each in SMALL), straight=straight,
            check=f"{side} x {side}", costs=costs_told(costs),
            lanes=str(simulated.reading.lanes),
            fits=fits_told(found),
        )
    ]  # fmt: skip
    for phase in PHASES:
        text.append(f"\n## {'Decoding' if phase == 'decode' else 'Prefill'}, cycles a layer\n")
        text.append(
            "| model | grid | published | simulated | error | work | between |\n"
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
        )
        errors: dict[str, list[float]] = {"simulated": [], "work": [], "between": [], "same": []}
        for point in of(phase):
            took = simulated.cycles(point, costs)
            work, middle = by_work(point, every), between(point, every)
            text.append(
                f"| {point.model} | {point.grid} | {point.cycles:,} | {took:,.0f} | "
                f"{_percent(took, point)} | {_percent(work, point)} | {_percent(middle, point)} |"
            )
            if point.model != FITTED:
                errors["simulated"].append(took / point.cycles - 1)
                errors["work"].append(work / point.cycles - 1)
            if middle is not None:
                errors["between"].append(middle / point.cycles - 1)
                errors["same"].append(took / point.cycles - 1)
        text.append(
            f"\nMean error of the nine that are predicted: {_mean(errors['simulated'])}; of the "
            f"work alone {_mean(errors['work'])}. Of the six between: {_mean(errors['same'])}; of "
            f"the line between measured ones {_mean(errors['between'])}."
        )
    return "\n".join(text) + "\n"


def main() -> None:
    """Fit, predict, write."""
    found = fits(known_cycles())
    simulated, fitted = next(iter(found.values()))
    PAGE.write_text(page(found))
    reading = simulated.reading
    simulated.save({
        "fitted": fitted, "lanes": reading.lanes, "descriptors": reading.descriptors,
        "costs": reading.costs(fitted),
    })  # fmt: skip


if __name__ == "__main__":
    main()
