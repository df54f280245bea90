"""Integers or floats in blocks: ``PYTHONPATH=. python benchmarks/int_or_fp.py``.

Blocks of all crest factors are quantised to each block format; docs/int_or_fp.md and its figure are
what came of it.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from arch.mac.formats import format_named
from arch.mac.kinds import Block
from sim.figures.style import (
    LOOKS,
    PAGE_IN,
    SMALL_PT,
    TEXT_PT,
    Look,
    drawing,
    new_figure,
    plain,
    save,
)
from sim.mac import blocks
from sim.mac.sqnr import DISTRIBUTIONS, compare, drawn

Values = npt.NDArray[np.float64]
DOCS = Path(__file__).resolve().parents[1] / "docs"
SEED = 3
BLOCKS_EACH = 24_000
"""Blocks of each shape of distribution."""
SHAPES = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 6.0, 20.0)
"""Exponents of generalised normal distributions: 1 is Laplace's, 2 the normal, 20 near uniform."""
BIN, BLOCKS_LEAST = 0.1, 200
"""Width of a bin of crest factors, and how many blocks make a point."""
PAIRS = (("mxint8", "mxfp8_e4m3"), ("mxint8", "mxfp6_e2m3"), ("nvint4", "nvfp4"))
SHOWN = (
    "mxint8", "mxfp8_e4m3", "mxfp8_e5m2", "mxfp6_e2m3", "mxfp6_e3m2", "mxfp4_e2m1", "nvfp4",
    "nvint4",
)  # fmt: skip
ROTATED = 128
"""Side of the Hadamard matrix."""
ELEMENTS = 1 << 20
CURVES = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)
"""Crest factors of the table."""

HEAD = """\
# Integers or floats in blocks

Written by `PYTHONPATH=. python benchmarks/int_or_fp.py`.

![Signal to noise over crest factor](int_or_fp.svg)

## How to read it

A point is the blocks whose crest factor, the largest magnitude over the root mean square, lies
within {bin} of each other; {blocks:,} blocks each of {shapes} generalised normal distributions,
from long tails to nearly uniform, are sorted so. Upwards is signal to quantisation noise, 10 log10
of the mean of squares over that of errors. Every block has the same root mean square before it is
scaled by a random factor between 1/16 and 16. Scales are those of the formats: E8M0 by the rule of
OCP MX v1.0 (6.3), which clips some largest magnitudes; E4M3 for the NV formats, the largest
magnitude to the largest element. All is rounded by the [codecs](number_formats.md) that are checked
bit by bit.

Steps of an integer are as wide as the largest magnitude says, so its curve falls with the crest
factor; steps of a float follow each number, so its curve is level where numbers are not too small.
Where they cross depends on how many bits of mantissa the float has left.

"""
ROTATED_HEAD = """
## Rotated

Tensors of {elements:,} numbers in dB, as they are and after random signs and a Hadamard matrix of
{side} along rows. `outliers`: normal, one in a thousand times 30. `student`: of four degrees of
freedom.
"""


@dataclass(frozen=True)
class Curve:
    """Signal to noise of a format by crest factor."""

    name: str
    crest: Values
    sqnr_db: Values


def sample(size: int, random: np.random.Generator) -> Values:
    """Blocks [n, size] of root mean square 1."""
    parts = []
    for shape in SHAPES:
        magnitudes = random.gamma(1 / shape, size=(BLOCKS_EACH, size)) ** (1 / shape)
        parts.append(magnitudes * random.choice([-1.0, 1.0], size=magnitudes.shape))
    found = np.concatenate(parts)
    scaled: Values = found / np.sqrt(np.mean(found * found, axis=1, keepdims=True))
    return scaled


def curve(name: str) -> Curve:
    """Quantise blocks of all crest factors."""
    form = format_named(name)
    assert isinstance(form, Block)
    random = np.random.default_rng(SEED)
    values = sample(form.size, random)
    crest = np.abs(values).max(axis=1)
    # No scale of a block is in a special place of its format.
    factors = np.exp2(random.uniform(-4, 4, (len(values), 1)))
    errors = (blocks.quantise(values * factors, form).values() - values * factors) / factors
    noise = np.mean(errors * errors, axis=1)
    bins = np.floor(crest / BIN).astype(int)
    kept = [index for index in np.unique(bins) if (bins == index).sum() >= BLOCKS_LEAST]
    mean = np.array([noise[bins == index].mean() for index in kept])
    return Curve(name, (np.array(kept) + 0.5) * BIN, -10 * np.log10(mean))


def crossings(integer: Curve, float_: Curve) -> list[float]:
    """Crest factors at which two curves cross."""
    crest, i, f = np.intersect1d(integer.crest, float_.crest, return_indices=True)
    ahead = integer.sqnr_db[i] - float_.sqnr_db[f]
    at = np.flatnonzero(np.sign(ahead[1:]) != np.sign(ahead[:-1]))
    return [float(crest[k] + BIN * ahead[k] / (ahead[k] - ahead[k + 1])) for k in at]


def hadamard(side: int) -> Values:
    """Orthonormal."""
    made = np.ones((1, 1))
    while len(made) < side:
        made = np.block([[made, made], [made, -made]])
    return made / np.sqrt(side)


def rotated(values: Values) -> Values:
    """Signs at random, then a Hadamard matrix along rows: energy stays, large numbers spread."""
    random = np.random.default_rng(SEED)
    signs = random.choice([-1.0, 1.0], ROTATED)
    whole = values.reshape(-1, ROTATED) * signs
    return (whole @ hadamard(ROTATED)).reshape(values.shape)


def rotation() -> dict[str, dict[str, float]]:
    """Signal to noise of each format, of each distribution as it is and rotated."""
    chosen = [format_named(name) for name in SHOWN]
    found = {}
    for name in DISTRIBUTIONS:
        values = drawn(name, ELEMENTS, SEED)
        for label, tensor in ((name, values), (f"{name}, rotated", rotated(values))):
            found[label] = {each.name: each.sqnr_db for each in compare(tensor, chosen)}
    return found


def rotation_table(tensors: dict[str, dict[str, float]]) -> list[str]:
    """A row a tensor."""
    rows = [
        f"| tensor | {' | '.join(SHOWN)} | better of NV |",
        "| --- |" + " ---: |" * len(SHOWN) + " --- |",
    ]
    for label, found in tensors.items():
        better = max(("nvint4", "nvfp4"), key=found.__getitem__)
        cells = " | ".join(f"{found[each]:.2f}" for each in SHOWN)
        rows.append(f"| {label} | {cells} | {better} |")
    return rows


def draw(curves: Sequence[Curve], path: Path) -> None:
    """All curves in one figure."""
    with drawing():
        figure = new_figure(PAGE_IN, 3.6)
        axes = figure.subplots()
        plain(axes)
        for each, look in zip(curves, (*LOOKS, Look(LOOKS[-1].colour, "o")), strict=True):
            line = "-" if "int" in each.name else "--"
            axes.plot(
                each.crest, each.sqnr_db, line, color=look.colour, marker=look.marker,
                markersize=3, markevery=4, linewidth=1, label=each.name,
            )  # fmt: skip
        axes.set_xlabel("crest factor of a block")
        axes.set_ylabel("signal to quantisation noise, dB", fontsize=TEXT_PT)
        axes.legend(fontsize=SMALL_PT, ncols=1, loc="center left", bbox_to_anchor=(1, 0.5))
        save(figure, path)


def curve_table(curves: Sequence[Curve]) -> list[str]:
    """Curves at some crest factors."""
    rows = [
        "| crest factor | " + " | ".join(f"{crest:g}" for crest in CURVES) + " |",
        "| --- |" + " ---: |" * len(CURVES),
    ]
    for each in curves:
        cells = []
        for crest in CURVES:
            near = int(np.abs(each.crest - crest).argmin())
            there = abs(each.crest[near] - crest) <= BIN
            cells.append(f"{each.sqnr_db[near]:.2f}" if there else "-")
        rows.append(f"| {each.name} | {' | '.join(cells)} |")
    return rows


def crossing_table(curves: dict[str, Curve]) -> list[str]:
    """Where integers and floats cross, and which of them is ahead at the ends."""
    rows = [
        "| integer | float | crest factors seen | crossing | ahead below | ahead above |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for integer, float_ in PAIRS:
        a, b = curves[integer], curves[float_]
        at = crossings(a, b)
        first = integer if a.sqnr_db[0] > b.sqnr_db[0] else float_
        last = integer if a.sqnr_db[-1] > b.sqnr_db[-1] else float_
        where = ", ".join(f"{crest:.2f}" for crest in at) or "none"
        seen = f"{a.crest[0]:.2f} to {a.crest[-1]:.2f}"
        rows.append(f"| {integer} | {float_} | {seen} | {where} | {first} | {last} |")
    return rows


STUDY = """\
The study that asked this is M. Chen et al., INT v.s. FP: A Comprehensive Study of Fine-Grained
Low-bit Quantization Formats, arXiv:2510.25602. What its abstract says of accuracy, here on
distributions from seeds and not on tensors of models:

| it says | here |
| --- | --- |
| MXINT8 is superior to its FP counterpart | {mx} |
| NVFP4 often holds an accuracy advantage | {nv} |
| NVINT4 can surpass NVFP4 where Hadamard rotation is applied | {rotated} |
"""


def study(curves: dict[str, Curve], tensors: dict[str, dict[str, float]]) -> str:
    """What the study says beside what was found."""

    def ahead(first: str, second: str, *, turned: bool) -> str:
        names = [name for name in tensors if name.endswith(", rotated") == turned]
        won = sum(tensors[name][first] > tensors[name][second] for name in names)
        return f"{won} of {len(names)} tensors"

    over = curves["mxint8"].sqnr_db - curves["mxfp8_e4m3"].sqnr_db
    at = crossings(curves["nvint4"], curves["nvfp4"])
    return STUDY.format(
        mx=f"ahead by {over.min():.1f} dB or more at all crest factors seen, "
        f"{curves['mxint8'].crest[0]:.2f} to {curves['mxint8'].crest[-1]:.2f} "
        f"(no block of 32 has more than {np.sqrt(32):.2f}), "
        f"and in {ahead('mxint8', 'mxfp8_e4m3', turned=False)}",
        nv=f"ahead above a crest factor of {', '.join(f'{each:.2f}' for each in at)}, and in "
        f"{ahead('nvfp4', 'nvint4', turned=False)} as they are",
        rotated=f"ahead in {ahead('nvint4', 'nvfp4', turned=True)} after rotation",
    )


def main() -> int:
    """Write the page and its figure."""
    tensors = rotation()
    curves = {name: curve(name) for name in SHOWN}
    draw(list(curves.values()), DOCS / "int_or_fp.svg")
    parts = [
        HEAD.format(bin=BIN, blocks=BLOCKS_EACH, shapes=len(SHAPES)),
        "## In numbers\n\nSignal to noise in dB.\n",
        "\n".join(curve_table(list(curves.values()))),
        "\n## Where they cross\n",
        "\n".join(crossing_table(curves)),
        "\n" + study(curves, tensors),
        ROTATED_HEAD.format(elements=ELEMENTS, side=ROTATED),
        "\n".join(rotation_table(tensors)),
    ]
    (DOCS / "int_or_fp.md").write_text("\n".join(parts) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
