"""Our stalls beside SCALE-Sim's, with the cause of each difference, as a page.

``PYTHONPATH=. python tests/sim/scalesim_stalls.py`` writes docs/scalesim.md; a test holds the
page to this.
"""

from dataclasses import dataclass
from pathlib import Path

from test_scalesim import Row, gemm, machine, rows_of

from sim.simulate import run
from traces.operators import Conv2d, Workload

PAGE = Path(__file__).parents[2] / "docs" / "scalesim.md"
NAMES = ("ifmap", "filter", "ofmap")

WORDS, TILES, WHOLE, PREFILL, ONCE, TWICE = "words", "tiles", "whole", "prefill", "once", "twice"
CAUSES = {
    WORDS: "they move more words over an interface than we do: lanes are fetched anew for each "
    "fold, image windows overlap, and a tile that straddles two buffer halves is fetched again",
    TILES: "half an SRAM holds less than a fold's operands or results. They stream such a fold "
    "through it; our tiles are whole, so the array does more and smaller folds, each as long as a "
    "full one",
    WHOLE: "ours waits until a tile is whole in its scratchpad, theirs for the first words only",
    PREFILL: "they fill the SRAMs before the first cycle and do not count it",
    ONCE: "we read partial sums and tiles again that did not fit, they never read a partial sum",
    TWICE: "their cycles are more than folds and words explain: a positive stall is counted twice",
}


@dataclass(frozen=True)
class Comparison:
    """One row of the golden file beside our run of it."""

    row: Row
    cycles: int
    stalls: int
    folds: int
    words: tuple[int, int, int]
    """Words of each operand over its interface."""

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(int(self.row[f"{name}_bw"]) for name in NAMES)

    @property
    def their_stalls(self) -> int:
        return int(self.row["stall_cycles"])

    @property
    def their_words(self) -> tuple[int, ...]:
        return tuple(int(self.row[f"dram_{name}_{verb}"]) for name, verb in
                     zip(NAMES, ("reads", "reads", "writes"), strict=True))  # fmt: skip

    @property
    def their_folds(self) -> int:
        extents = {"os": "MN", "ws": "KN", "is": "KM"}[self.row["dataflow"]]
        rows, cols = (
            -(-int(self.row[extent]) // int(self.row[side]))
            for extent, side in zip(extents, ("rows", "cols"), strict=True)
        )
        return rows * cols

    def busiest(self, words: tuple[int, ...]) -> int:
        """Cycles of the interface that needs most."""
        return max(-(-count // width) for count, width in zip(words, self.widths, strict=True))

    def causes(self) -> list[str]:
        """Why the stalls differ; empty where they do not."""
        if self.stalls == self.their_stalls:
            return []
        found = []
        if self.stalls < self.their_stalls:
            if self.busiest(self.words) < self.busiest(self.their_words):
                found.append(WORDS)
            if self.folds > self.their_folds:
                found.append(TILES)
            base = int(self.row["total_cycles"]) - self.their_stalls
            if int(self.row["total_cycles"]) > 1.01 * max(base, self.busiest(self.their_words)):
                found.append(TWICE)
            return found
        if self.folds > self.their_folds:
            found.append(TILES)
        if self.words[2] > int(self.row["M"]) * int(self.row["N"]):
            found.append(ONCE)
        first_fill = sum(
            min(int(self.row[f"{name}_kb"]) * 512, count)
            for name, count in zip(NAMES[:2], self.words[:2], strict=True)
        )
        if first_fill >= 0.5 * (self.words[0] + self.words[1]):
            found.append(PREFILL)
        found.append(WHOLE)
        return found


def compare(row: Row) -> Comparison:
    """Run a row's layer on its machine."""
    widths = {name: int(row[f"{name}_bw"]) for name in NAMES}
    memory = {"clock": "core", "latency_cycles": 0, "operand_bytes_per_cycle": widths}
    spec = machine(row, memory, {name: int(row[f"{name}_kb"]) for name in NAMES})
    work = gemm(row)
    if row["conv"]:
        h, w, fh, fw, c, n, s = map(int, row["conv"].split())
        conv = Conv2d(name=row["layer"], in_h=h, in_w=w, filt_h=fh, filt_w=fw, channels=c,
                      filters=n, stride_h=s, stride_w=s)  # fmt: skip
        work = Workload(name="golden", source="SCALE-Sim", operators=(conv,))
    (operator,) = run(spec, work).result.operators
    events = operator.events
    sums = events["ofmap_write_bytes"] - int(row["M"]) * int(row["N"])
    loaded = events["filter_write_bytes"]
    reloaded = events["memory_read_bytes"] - events["ifmap_write_bytes"] - loaded
    words = (events["ifmap_write_bytes"], loaded, events["memory_write_bytes"] + reloaded)
    assert sums >= 0
    return Comparison(row, operator.cycles, operator.stall_cycles, events["folds"], words)


def page() -> str:
    """The page, in Markdown."""
    lines = [
        "# Stalls beside SCALE-Sim's",
        "",
        "Generated by `PYTHONPATH=. python tests/sim/scalesim_stalls.py` from",
        "tests/golden/scalesim_stalls.csv: each layer on a machine with SCALE-Sim's SRAMs and",
        "interfaces, `convention: scalesim`. Without memory, all 1889 layers of",
        "tests/golden/scalesim_compute.csv have equal cycles.",
        "",
        "The two differ in what they fetch. Ours keeps tiles in slots and loads a tile that is",
        "there no second time; SCALE-Sim prefetches its demand, fold by fold. Why they differ:",
        "",
        *(f"- **{name}**: {text}." for name, text in CAUSES.items()),
        "",
        "| layer | flow | array | KB | words/cycle | their stalls | ours | their words | ours | "
        "their folds | ours | cause |",
        "| --- | --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows_of("scalesim_stalls.csv"):
        c = compare(row)
        cells = [
            row["layer"], row["dataflow"], f"{row['rows']}x{row['cols']}", row["ifmap_kb"],
            row["ifmap_bw"], c.their_stalls, c.stalls, sum(c.their_words), sum(c.words),
            c.their_folds, c.folds, ", ".join(c.causes()) or "equal",
        ]  # fmt: skip
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
