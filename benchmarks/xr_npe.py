"""The XR-NPE page: ``PYTHONPATH=. python benchmarks/xr_npe.py``.

A network of visual-inertial odometry runs on the engine in each of its formats and in mixes of
them; docs/xr_npe.md and its figure are what came of it. Some two minutes.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from arch.load import load_machine, with_overrides
from arch.mac.engine import Engine
from arch.mac.formats import FORMAT_BITS, scalar_named
from arch.mac.layer import LayerFormats
from arch.machine import Machine
from sim.accuracy import SIDE, with_accuracy
from sim.figures.style import LOOKS, PAGE_IN, SMALL_PT, TEXT_PT, drawing, new_figure, plain, save
from sim.result import OperatorResult, Result
from sim.simulate import run
from traces.operators import Workload
from traces.workload import load

DOCS = Path(__file__).resolve().parents[1] / "docs"
SYNTHESIS = DOCS / "mac_synthesis.json"
NETWORK, SECOND = "vio_flownet", "resnet50"
NPE = load_machine("xr_npe")
PLAIN = ("int8", "fp16")
CHAIN = "posit16_1"
MIXES: dict[str, tuple[tuple[str, str], ...]] = {
    "`posit8_0`, `conv1` and the heads `posit16_1`": (
        ("conv1", "posit16_1"), ("*head", "posit16_1"), ("pose*", "posit16_1"), ("*", "posit8_0"),
    ),
    "`posit8_0`, `conv2` to `conv6` `fp4_e2m1`": (
        ("conv1", "posit8_0"), ("conv*", "fp4_e2m1"), ("*", "posit8_0"),
    ),
    "`posit8_0`, `conv3` to `conv6` and LSTM `fp4_e2m1`, `pose*` `posit16_1`": (
        ("conv[12]", "posit8_0"), ("conv*", "fp4_e2m1"), ("lstm*", "fp4_e2m1"),
        ("pose*", "posit16_1"), ("*", "posit8_0"),
    ),
}  # fmt: skip
"""Formats by layer; the first rule that matches."""
SIDES = (4, 8, 16, 32)

HEAD = """\
# XR-NPE: four formats in one engine

Written by `PYTHONPATH=. python benchmarks/xr_npe.py`.

T. Chaudhari et al., XR-NPE (arXiv:2508.13049), is a SIMD engine for FP4, posit(4,1), posit(8,0) and
posit(16,1) with one multiplier that merges. Its abstract gives the formats, 28 nm and 1.72 GHz; its
repository has no hardware. So the machine `xr_npe` is what we assume: {rows} x {cols} engines,
output stationary, words of {word} bits whose lanes are added to one quire of {quire} bits,
scratchpads of 64 KiB an operand, a memory of 16 GB/s. The engine itself is
[hardware](mac_engine.md) that agrees with the model in every cycle.

The network is the encoder and the pose estimator of a visual-inertial odometry (`{network}`,
{gmacs:.2f} billion MACs for a pair of images): what network the abstract's figures of "VIO" are of
is not said.

## Each format by itself

![Time and error of each format](xr_npe.svg)

All layers in one format. *Error* is the root mean square of the errors of a layer's results,
beside float64, over that of the results: median and worst of the layers, from tensors drawn by a
seed, {side} x {side} results of each. *Energy* is that of memory and scratchpads, in 45 nm: no
source gives that of the engines, so it is a lower bound. `int8` and `fp16` are plain arrays of as
many PEs, one multiply-accumulate each.

"""
CHAINED = """\

Partial sums that leave the array, where a layer's depth does not fit into a tile, are quires of
{quire} bits, a flag for NaR included. So tiles keep the whole depth and are small, and more is
read than plain arrays read, whose sums have 32 bits. A sum that is rounded to {chain} after each
word leaves in 16 bits:

"""
LAYERS = """\

## A format for each layer

A result has the widest format that is read behind it.

"""
SIZES = """\

## If the array had another size

Array, and scratchpad ports to feed it, in `posit8_0` and `fp4_e2m1`; capacities and memory stay.

"""
GATES = """\

## In gates

One engine, with registers at operands and sum, mapped by Yosys without a technology: numbers of
[what MACs cost](mac_synthesis.md), which says what they mean and has the engine's parts. *Gates a
product*: divided among the products of a cycle.

"""
ABSTRACT = """\

## Beside the abstract

| the abstract, or the repository | here |
| --- | --- |
| 1.72 GHz in 28 nm | taken as the clock |
| 0.016 mm2, 42 % less area, 38 % less power | gates and levels without a technology: \
[what MACs cost](mac_synthesis.md) |
| 14 pJ | not comparable: of which operation is not said |
| 2.85 x arithmetic intensity by the multiplier | not comparable: no absolute figure; here the \
lanes alone make {intensity:.2f} x MACs a byte in `fp4_e2m1`, beside `posit16_1` |
| 23 % better energy efficiency, 4 % better compute density in VIO workloads | not comparable: \
network and rivals are not named |
| 4.2 x smaller models (README) | not comparable: network and mix are not named; here weights \
shrink by {shrink} beside fp32 |
"""


@dataclass(frozen=True)
class Row:
    """One run."""

    name: str
    result: Result

    @property
    def errors(self) -> list[float]:
        """Of the layers that are products."""
        rows = self.result.operators
        return [row.relative_error for row in rows if row.relative_error is not None]


def ruled(formats: Iterable[tuple[str, str]], base: Machine = NPE) -> Machine:
    """The machine with formats by layer."""
    rules = tuple(LayerFormats(layers=layers, input=form) for layers, form in formats)
    return base.model_copy(update={"mapping": base.mapping.model_copy(update={"formats": rules})})


def plain_array(form: str) -> Machine:
    """As many PEs of one format, one multiply-accumulate each."""
    sums = "int32" if form == "int8" else "fp32"
    return with_overrides(NPE, [
        "array.engine=null", "mapping.formats=[]", f"array.operand_format={form}",
        f"array.accumulator_format={sums}", f"array.output_format={form}",
    ])  # fmt: skip


def judged(name: str, machine: Machine, workload: Workload) -> Row:
    """A run with the errors of its layers, where these are known."""
    result = run(machine, workload).result
    if machine.array.engine is not None:
        result = with_accuracy(result, workload, machine)
    return Row(name, result)


def weight_bits(result: Result, row: OperatorResult) -> int:
    """Of a layer's weights."""
    weights = row.n * row.k * row.groups
    if not row.formats:
        return weights * FORMAT_BITS[result.machine["array"]["operand_format"]]
    form = row.formats.partition(" > ")[0].rpartition(" x ")[2]
    return weights * scalar_named(form).bits


def weights_mb(result: Result) -> float:
    """Of all layers."""
    return sum(weight_bits(result, row) for row in result.operators) / 8e6


def moved(result: Result) -> int:
    """Bytes from and to memory."""
    events = result.events()
    return events["memory_read_bytes"] + events["memory_write_bytes"]


def table(rows: Sequence[Row], first: str) -> str:
    """A row a run."""
    lines = [
        f"| {first} | ms | GMAC/s | PEs busy % | weights MB | memory MB | energy mJ | error %, "
        "median | worst |",
        "| --- |" + " ---: |" * 8,
    ]
    for row in rows:
        result = row.result
        errors = row.errors
        shown = (
            [f"{100 * each:.3g}" for each in (median(errors), max(errors))]
            if errors
            else ["-", "-"]
        )
        known = result.energy.by_component_pj
        pj = sum(pj for name, pj in known.items() if name == "memory" or "scratchpad" in name)
        cells = [
            row.name, f"{result.seconds * 1e3:.2f}", f"{result.macs / result.seconds / 1e9:.1f}",
            f"{100 * result.utilisation:.1f}", f"{weights_mb(result):.2f}",
            f"{moved(result) / 1e6:.1f}", f"{pj / 1e9:.2f}", *shown,
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def chained() -> Machine:
    """The machine with sums that are rounded after each word."""
    return with_overrides(
        NPE,
        ["array.engine.accumulation=chained", f"array.engine.chain_format={CHAIN}"],
    )


def sizes(workload: Workload) -> str:
    """Of arrays of several sides."""
    lines = ["| side | format | ms | GMAC/s | of the peak % | PEs busy % |", "| ---: | --- |"
             + " ---: |" * 4]  # fmt: skip
    for side in SIDES:
        for form in ("posit8_0", "fp4_e2m1"):
            wide = [f"buffer.scratchpads.{pad}.bank_width_bytes={2 * side}"
                    for pad in NPE.buffer.scratchpads]  # fmt: skip
            machine = with_overrides(NPE, [f"array.rows={side}", f"array.cols={side}", *wide])
            result = run(ruled([("*", form)], machine), workload).result
            engine = machine.array.engine
            assert isinstance(engine, Engine)
            lanes = engine.lanes(engine.modes[engine.mode_of(form, form)])
            peak = machine.peak_macs_per_second * lanes / machine.array.lanes_most
            rate = result.macs / result.seconds
            cells = [str(side), form, f"{result.seconds * 1e3:.2f}", f"{rate / 1e9:.1f}",
                     f"{100 * rate / peak:.1f}", f"{100 * result.utilisation:.1f}"]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def in_gates(engine: Engine) -> str:
    """The engine, those of one mode, and plain MACs, of ``benchmarks/mac_synthesis.py``."""
    record = json.loads(SYNTHESIS.read_text())
    if record["engine"] != engine.model_dump(mode="json"):
        raise SystemExit(f"{SYNTHESIS}: is of another engine; run benchmarks/mac_synthesis.py")
    designs = record["designs"]
    lanes = {f"only {mode.name}": engine.lanes(mode) for mode in engine.modes}
    rows = [(name, designs["engine"][name], lanes[name]) for name in lanes]
    rows += [(f"plain {name}", each, 1) for name, each in designs["plain"].items()
             if name.partition(",")[0] in PLAIN]  # fmt: skip
    together = designs["engine"]["all four modes"]
    shares = " to ".join(f"{together['gates'] / n:,.0f}" for n in (max(lanes.values()), 1))
    cells = [("all four modes", together, shares)]
    cells += [(name, each, f"{each['gates'] / count:,.0f}") for name, each, count in rows]
    lines = ["| | gates | flip-flops | levels | gates a product |", "| --- |" + " ---: |" * 4]
    lines += [
        f"| {name} | {each['gates']:,} | {each['flip_flops']:,} | {each['levels']} | {share} |"
        for name, each, share in cells
    ]
    return "\n".join(lines) + "\n"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Error of each layer over the layers' time, one curve a format."""
    with drawing():
        figure = new_figure(PAGE_IN, 3.2)
        axes = figure.subplots()
        plain(axes)
        for row, look in zip(rows, LOOKS, strict=False):
            layers = [each for each in row.result.operators if each.relative_error is not None]
            hz = row.result.machine["clocks"]["core"] * 1000
            axes.plot(
                [each.cycles / hz * 1e3 for each in layers],
                [100 * float(each.relative_error or 0.0) for each in layers],
                look.marker, color=look.colour, markersize=4, label=row.name,
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("time of a layer, ms")
        axes.set_ylabel("error of its results, %", fontsize=TEXT_PT)
        axes.legend(fontsize=SMALL_PT, loc="center left", bbox_to_anchor=(1, 0.5))
        save(figure, path)


def main() -> int:
    """Write the page and its figure."""
    engine = NPE.array.engine
    assert engine is not None
    workload, second = load(NETWORK).workload, load(SECOND).workload
    names = [mode.input_format for mode in engine.modes]
    alone = [judged(name, ruled([("*", name)]), workload) for name in names]
    plains = [judged(f"`{name}`, plain", plain_array(name), workload) for name in PLAIN]
    mixes = [judged(name, ruled(rules), workload) for name, rules in MIXES.items()]
    chains = [
        judged(f"{name}, chained", ruled([("*", name)], chained()), workload) for name in names
    ]
    draw(alone, DOCS / "xr_npe.svg")
    head = HEAD.format(
        rows=NPE.array.rows, cols=NPE.array.cols, word=engine.word_bits, quire=engine.quire_bits,
        network=NETWORK, gmacs=alone[0].result.macs / 1e9, side=SIDE,
    )  # fmt: skip
    others = [judged(name, ruled([("*", name)]), second) for name in names]
    fp32_mb = sum(row.n * row.k * row.groups for row in alone[0].result.operators) * 4 / 1e6
    factors = [fp32_mb / weights_mb(row.result) for row in mixes]
    per_byte = [row.result.macs / moved(row.result) for row in (alone[0], alone[-1])]
    parts = [
        head,
        table([*alone, *plains], NETWORK),
        f"\n`{SECOND}` (ONNX, one image):\n\n",
        table(others, SECOND),
        CHAINED.format(quire=engine.sum_bits, chain=f"`{CHAIN}`"),
        table(chains, NETWORK),
        LAYERS,
        table(mixes, "formats"),
        SIZES,
        sizes(workload),
        GATES,
        in_gates(engine),
        ABSTRACT.format(
            intensity=per_byte[0] / per_byte[1],
            shrink=", ".join(f"{each:.1f} x" for each in factors) + " in the three mixes",
        ),
    ]
    (DOCS / "xr_npe.md").write_text("".join(parts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
