"""Figures of ``pim_gpt.py``."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING

from sim.figures.scale import put, scale_of
from sim.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GRID,
    INK,
    MIDDLE,
    ORANGE,
    PAGE_IN,
    PURPLE,
    SKY,
    SMALL_PT,
    TEXT_PT,
    VERMILION,
    drawing,
    new_figure,
    plain,
    render,
    settle,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GROUPS = {
    "weights": ("qkv", "attention_out", "ffn_up", "ffn_down"),
    "logits": ("lm_head",),
    "append": ("append",),
    "scores": ("scores",),
    "softmax": ("softmax",),
    "values": ("values",),
    "norms": ("attention_norm", "ffn_norm", "final_norm"),
    "activation": ("ffn_activation",),
    "other": ("embedding", "embedding_add", "attention_add", "ffn_add"),
}
"""Kinds of operators that are told of together."""
COLOURS = (BLUE, SKY, PURPLE, VERMILION, ORANGE, GREEN, MIDDLE, BLACK, GRID)
HATCHES = ("", "", "\\\\\\\\", "", "////", "", "", "", "")
SIZES = {
    "small": (BLUE, "o"),
    "medium": (VERMILION, "s"),
    "large": (GREEN, "^"),
    "xl": (BLACK, "D"),
}
STEPS_AN_OCTAVE = 4
Shares = Mapping[str, Mapping[str, float]]


def shares_figure(panels: Mapping[str, Shares]) -> bytes:
    """Bars of shares by group, a bar a model, a panel a number of tokens."""
    with drawing():
        figure = new_figure(PAGE_IN, 2.6)
        axes: Sequence[Axes] = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for plot, (title, models) in zip(axes, panels.items(), strict=True):
            plain(plot, "x")
            left = [0.0] * len(models)
            for group, colour, hatch in zip(GROUPS, COLOURS, HATCHES, strict=True):
                widths = [100 * found[group] for found in models.values()]
                plot.barh(
                    range(len(models)), widths, 0.74, left, color=colour, hatch=hatch,
                    edgecolor=INK, linewidth=0.3, label=group,
                )  # fmt: skip
                left = [at + width for at, width in zip(left, widths, strict=True)]
            plot.set_yticks(range(len(models)), list(models))
            plot.tick_params(axis="y", length=0)
            plot.set_xlim(0, 100)
            plot.set_xlabel("share of the time (%)")
            plot.set_title(title, fontsize=TEXT_PT, loc="left")
        axes[0].invert_yaxis()
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside upper center", ncols=len(GROUPS), fontsize=SMALL_PT,
            handlelength=1.2, columnspacing=1.2,
        )  # fmt: skip
        settle(figure)
    return render(figure, ".svg")


def means(cycles: Sequence[int]) -> list[tuple[float, float]]:
    """Middle and mean of contexts that are about as far apart as on a logarithmic axis."""
    edges, at = [1], 0
    while edges[-1] <= len(cycles):
        at += 1
        edges.append(max(edges[-1] + 1, round(2 ** (at / STEPS_AN_OCTAVE))))
    edges[-1] = len(cycles) + 1
    return [
        ((first + end - 1) / 2, fmean(cycles[first - 1 : end - 1]))
        for first, end in pairwise(edges)
        if end > first
    ]


def size(name: str) -> str:
    """Of a model; the plain name is the small one's."""
    found = name.rpartition("_")[2]
    return found if found in SIZES else "small"


def growth_figure(tokens: Mapping[str, Sequence[int]], seconds_a_cycle: float) -> bytes:
    """The time of a token against its context, a line a model."""
    lines = {
        name: [(at, cycles * seconds_a_cycle) for at, cycles in means(found)]
        for name, found in tokens.items()
    }
    values = [y for line in lines.values() for _, y in line]
    scale = scale_of("time of a token", "s", values, log=True)
    with drawing():
        figure = new_figure(PAGE_IN, 3.2)
        plot = figure.subplots()
        plain(plot)
        for name, line in lines.items():
            colour, marker = SIZES[size(name)]
            plot.plot(
                [x for x, _ in line], scale.drawn([y for _, y in line]), color=colour,
                marker=marker, markersize=2.5, markevery=STEPS_AN_OCTAVE, linewidth=1.1,
                linestyle="-" if name.startswith("gpt2") else (0, (3, 2)), label=name,
                markerfacecolor=colour if name.startswith("gpt2") else "white",
            )  # fmt: skip
        put(plot, "y", scale)
        longest = max(map(len, tokens.values()))
        plot.set_xscale("log", base=2)
        ticks = [4**power for power in range(8) if 4**power <= longest]
        plot.set_xticks(ticks + [longest] * (longest not in ticks))
        plot.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
        plot.set_xlim(0.9, longest * 1.1)
        plot.set_xlabel("context, tokens")
        handles, labels = plot.get_legend_handles_labels()
        # Filled column by column: models of a size stand above one another.
        order = sorted(range(len(labels)), key=lambda i: list(SIZES).index(size(labels[i])))
        figure.legend(
            [handles[i] for i in order], [labels[i] for i in order], loc="outside upper center",
            ncols=len(SIZES), fontsize=SMALL_PT, handlelength=2.6,
        )  # fmt: skip
        settle(figure)
    return render(figure, ".svg")
