"""Feeds a product to the array's register model, vector by vector, and collects what leaves."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from arch.array import Array
from arch.mac.formats import FORMAT_BITS
from sim.array.registers import Registers


@dataclass
class Run:
    """What one product did."""

    output: Any
    """[m, n]"""
    beats: list[dict[str, int]] = field(default_factory=list)
    """Registers at the end of each beat, from the first one that loads or streams on."""
    port_beats: list[int] = field(default_factory=list)
    """Beats in which a vector of results is complete, counted from that one."""


def operand_vectors(array: Array, a: Any, b: Any, random: np.random.Generator) -> tuple[Any, Any]:
    """Vectors for the left and the top stream; lanes without a use hold anything."""
    rows, cols = array.rows, array.cols
    high = 2 ** (FORMAT_BITS[array.operand_format] - 1)

    def fill(vector: Any, width: int) -> list[int]:
        rest = random.integers(-high, high, width - len(vector))
        return [int(word) for word in (*vector, *rest)]

    left, top = [], []
    if array.dataflow == "os":
        for i in range(0, a.shape[0], rows):
            for j in range(0, b.shape[1], cols):
                for k in range(a.shape[1]):
                    left.append(fill(a[i : i + rows, k], rows))
                    top.append(fill(b[k, j : j + cols], cols))
        return left, top
    stream, held = (a, b) if array.dataflow == "ws" else (b.T, a.T)
    for j in range(0, held.shape[1], cols):
        for i in range(0, held.shape[0], rows):
            block = held[i : i + rows, j : j + cols]
            if array.edge_folds == "full":
                top += [fill([], cols) for _ in range(rows - len(block))]
            top += [fill(word, cols) for word in block[::-1]]
            left += [fill(vector[i : i + rows], rows) for vector in stream]
    return left, top


def assemble(array: Array, m: int, n: int, vectors: list[list[int]]) -> Any:
    """The product out of the vectors that left, in their order."""
    rows, cols = array.rows, array.cols
    taken = iter(vectors)
    if array.dataflow == "os":
        output = np.zeros((m, n), np.int64)
        for i in range(0, m, rows):
            for j in range(0, n, cols):
                used = min(rows, m - i)
                timed = rows if array.edge_folds == "full" else used
                block = [next(taken) for _ in range(timed)][::-1]
                for r in range(used):
                    output[i + r, j : j + cols] = block[r][: min(cols, n - j)]
    else:
        across, down = (n, m) if array.dataflow == "ws" else (m, n)
        output = np.zeros((down, across), np.int64)
        for j in range(0, across, cols):
            for i in range(down):
                output[i, j : j + cols] = next(taken)[: min(cols, across - j)]
        output = output if array.dataflow == "ws" else output.T
    assert next(taken, None) is None, "more vectors left than the product has"
    return output


def feed(array: Array, a: Any, b: Any, random: np.random.Generator, rate: float) -> Run:
    """Run one product; each stream is valid, or ready, in a fraction ``rate`` of the cycles."""
    model = Registers(array)
    stimuli = {field.name: i for i, field in enumerate(model.layout.stimuli)}
    names = [field.name for field in (*model.layout.outputs, *model.layout.registers)]
    left, top = operand_vectors(array, a, b, random)
    waiting = {"command": [[a.shape[0], b.shape[1], a.shape[1]]], "top": top, "left": left}
    if array.dataflow != "os":
        waiting["partial"] = []
    vectors: list[list[int]] = []
    run = Run(None)
    begun = False
    quiet = 0
    while quiet < 4 * (array.rows * array.pe_latency_cycles + array.cols) + 40:
        stimulus = np.zeros((1, len(stimuli)), np.int64)
        offered = []
        for stream, words in waiting.items():
            if words and random.random() < rate:
                offered.append(stream)
                first = min(i for name, i in stimuli.items() if name.startswith(stream))
                stimulus[0, first : first + len(words[0])] = words[0]
                stimulus[0, stimuli[f"{stream}.valid"]] = 1
        ready = random.random() < rate
        stimulus[0, stimuli["output.ready"]] = ready
        row = model.advance(stimulus, np.zeros(1, np.uint8))[0]
        now = dict(zip(names, row.tolist(), strict=True))
        after = dict(zip(names, model.row[: len(names)].tolist(), strict=True))
        for stream in offered:
            if now[f"{stream}.ready"]:
                waiting[stream].pop(0)
        if now["output.valid"] and ready:
            words = [now[f"output.payload.words[{c}]"] for c in range(array.cols)]
            (vectors if now["output.payload.complete"] else waiting["partial"]).append(words)
        beat = model.beat[0]
        begun = begun or beat["load"] == 1 or beat["stream"] == 1
        if begun and beat["advance"]:
            if beat["column"] >= 0:
                run.port_beats.append(len(run.beats))
            run.beats.append(after)
        idle = not offered and not now["output.valid"] and beat["advance"] and not beat["stream"]
        quiet = quiet + 1 if idle else 0
    assert not any(waiting.values()), "the array has not taken all it should"
    run.output = assemble(array, a.shape[0], b.shape[1], vectors)
    return run
