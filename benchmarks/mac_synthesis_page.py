"""The page of ``benchmarks/mac_synthesis.py``: what MACs cost, in tables."""

from dataclasses import dataclass

from arch.mac.engine import Engine
from rtl.synth import Size

JUDGE_CELLS, JUDGE_LEVELS = 982, 40
"""An int8 MAC with a sum of 32 bits by Yosys, from outside."""
HEAD = """\
# What MACs cost

Written by `PYTHONPATH=. python benchmarks/mac_synthesis.py`; with `--liberty FILE` it has areas in
the standard cells of that file, too. None is shipped.

## How to read it

Every design is generated from its parameters and mapped by Yosys. *Gates*: cells of two or three
inputs after `synth -flatten`, without flip-flops. *Levels*: the longest path between registers or
ports when what came out is mapped once more to functions of two inputs, for speed (`abc -lut 2`);
no wires, no drive strengths. *Depth*: the longest path of the gates in the first column, which are
mapped for few of them. *ECP5*: `synth_ecp5 -nodsp`, so that multipliers are in tables, too; carry
chains are not counted as tables.

A MAC has registers at its operands and its sum, and all between them in one cycle: these are sizes,
and no clock was asked for. Floats of plain MACs are rounded twice, the product to the format of the
sum and then the sum; they are not fused. Integers wrap.

"""
JUDGE = """\
## An outside judge

Such a MAC, `int8` with a sum of 32 bits, was written and synthesised apart from this project, by
Yosys: {judge_cells} cells with flip-flops, {judge_levels} levels of two-input gates. Ours has
{cells} with flip-flops ({ratio:+.1%}) and {levels} levels. It clears its sum by a flag that travels
with the operands (one register, and an AND for each bit of the sum); what that one has for it is
not said.

"""
ENGINE_HEAD = """\
## The SIMD engine

Words of {bits} bits, {modes}; a quire of {quire} bits
(`carry_bits` {carry}). The cost of a mode is what goes away without it. A quire is as wide as the
widest format in the engine needs it, so without `posit16_1` it is narrower.

"""
CLAIMS = {
    "0.016 mm2 in 28 nm, 1.72 GHz": "needs that library; `--liberty` gives an area and no clock",
    "42 % less area, 38 % less power than the best MAC before": "that MAC's absolute figures are "
    "not in the abstract",
    "2.85 x arithmetic intensity by RMMEC": "no absolute figure",
    "1.4 x fewer LUTs, 1.77 x fewer flip-flops on a VCU129": "of a whole co-processor, beside "
    "designs without figures",
}
PAPER = """\
## Beside XR-NPE's abstract

Its abstract (arXiv:2508.13049) has these figures for hardware, and none of them is of cells of a
technology-free netlist:

{claims}

What can be said of one multiplier for all formats is among the designs here: it takes {merged:,}
gates, a plain one of as many bits {plain_multiplier:,} ({overhead:+.0%}), and four engines of one
mode each take {apart:,} gates beside {together:,} of the one with all four modes.
"""


@dataclass(frozen=True)
class Row:
    """One design."""

    name: str
    sizes: list[Size]

    @property
    def gates(self) -> int:
        """Without flip-flops."""
        return self.sizes[0].cells["gates"]

    @property
    def levels(self) -> int:
        """Of two-input functions."""
        assert self.sizes[0].levels is not None
        return self.sizes[0].levels

    def record(self) -> dict[str, int | None]:
        """Its numbers, as the table has them."""
        gates, luts = self.sizes[:2]
        return {
            "gates": self.gates,
            "flip_flops": gates.cells["flip-flops"],
            "levels": gates.levels,
            "depth": gates.depth,
            "ecp5_lut4": luts.cells["LUT4"],
            "ecp5_flip_flops": luts.cells["flip-flops"],
        }


def table(rows: list[Row], base: Row | None = None) -> str:
    """As a table; ``base`` is what gates are told in multiples of."""
    mapped = len(rows[0].sizes) > 2
    head = ["", "gates", "flip-flops", "levels", "depth", "ECP5 LUT4", "ECP5 flip-flops"]
    head += [f"of {base.name}"] if base else []
    head += [f"area ({rows[0].sizes[2].target})"] if mapped else []
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for row in rows:
        gates, luts = row.sizes[0], row.sizes[1]
        cells = [row.name, f"{row.gates:,}", f"{gates.cells['flip-flops']:,}"]
        cells += [f"{gates.levels}", f"{gates.depth}"]
        cells += [f"{luts.cells['LUT4']:,}", f"{luts.cells['flip-flops']:,}"]
        cells += [f"{row.gates / base.gates:.2f} x"] if base else []
        cells += [f"{row.sizes[2].area:,.0f}"] if mapped else []
        lines.append(cells)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(engine: Engine, found: dict[str, list[Row]]) -> str:
    """All tables."""
    int8 = found["plain"][0]
    gates = int8.sizes[0].cells
    cells = gates["gates"] + gates["flip-flops"]
    parts = {row.name: row for row in found["parts"]}
    engines = {row.name: row for row in found["engine"]}
    merged, plain = (
        row for name, row in parts.items() if "multiplier," in name and "lanes" not in name
    )
    singles = [row.gates for name, row in engines.items() if name.startswith("only ")]
    together = engines["all four modes"].gates
    shares = [f"{mode.name} {together / engine.lanes(mode):,.0f}" for mode in engine.modes]
    claims = ["| it says | here |", "| --- | --- |"]
    claims += [f"| {said} | not comparable: {why} |" for said, why in CLAIMS.items()]
    modes = ", ".join(f"{engine.lanes(mode)} x {mode.name}" for mode in engine.modes)
    return "".join(
        [
            HEAD,
            "## Plain MACs\n\n",
            table(found["plain"], int8) + "\n\n",
            JUDGE.format(
                judge_cells=JUDGE_CELLS,
                judge_levels=JUDGE_LEVELS,
                cells=cells,
                ratio=cells / JUDGE_CELLS - 1,
                levels=int8.levels,
            ),
            ENGINE_HEAD.format(
                bits=engine.word_bits,
                modes=modes,
                quire=engine.quire_bits,
                carry=engine.carry_bits,
            ),
            table(found["engine"], int8) + "\n\n",
            "Chained sums are rounded after each word; their register is as wide as the format.\n",
            "\nGates of the whole engine for each product of a cycle: ",
            ", ".join(shares) + f"; a plain int8 MAC has {int8.gates:,}.\n",
            "\n## Its parts\n\nCombinational.\n\n",
            table(found["parts"]) + "\n\n",
            "## Codecs\n\nAn encoder is for what products of its format can be.\n\n",
            table(found["codecs"]) + "\n\n",
            PAPER.format(
                claims="\n".join(claims),
                merged=merged.gates,
                plain_multiplier=plain.gates,
                overhead=merged.gates / plain.gates - 1,
                apart=sum(singles),
                together=together,
            ),
        ]
    )
