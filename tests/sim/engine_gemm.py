"""Layers cut to small products, packed into words, and fed to the register model of an array."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from engine_oracle import bits_of, engine_code, packed
from test_array_timing import Tile, array_machine, simulate

from arch.array import Array
from arch.mac.engine import Engine
from sim.array.registers import Registers
from sim.mac import formats


@dataclass(frozen=True)
class Layer:
    """A layer of a network, cut: as many outputs, pixels of the window, channels and filters."""

    name: str
    m: int
    window: int
    channels: int
    n: int


RESNET_50 = (
    Layer("conv1 7x7x3", 5, 49, 3, 6),
    Layer("conv2 1x1", 6, 1, 64, 5),
    Layer("conv2 3x3", 4, 9, 8, 7),
    Layer("conv5 1x1", 9, 1, 33, 4),
    Layer("fc 2048", 1, 1, 70, 9),
)
"""K. He et al., Deep Residual Learning for Image Recognition, CVPR 2016, table 1."""
ODOMETRY = (
    Layer("conv1 7x7x6", 4, 49, 6, 5),
    Layer("conv2 5x5", 5, 25, 5, 4),
    Layer("conv6 3x3", 3, 9, 10, 8),
    Layer("LSTM gates", 1, 1, 61, 10),
    Layer("pose", 1, 1, 34, 6),
)
"""FlowNet-S before two LSTMs: S. Wang et al., DeepVO, ICRA 2017, table I; R. Clark et al., VINet,
AAAI 2017."""


@dataclass(frozen=True)
class Work:
    """A product of codes: ``a`` [m, window, channels], ``b`` [n, window, channels]."""

    layer: Layer
    mode: int
    result: int
    a: Any
    b: Any

    def words(self, engine: Engine) -> tuple[Any, Any]:
        """Words [m, k] and [n, k], k = window x ceil(channels / lanes)."""
        mode = engine.modes[self.mode]
        names = (mode.input_format, mode.weight)
        left, top = (
            packed(codes, bits_of(name), engine.lanes(mode)).reshape(len(codes), -1)
            for codes, name in zip((self.a, self.b), names, strict=True)
        )
        return left, top

    def expected(self, engine: Engine) -> list[list[int]]:
        left, top = (words.tolist() for words in self.words(engine))
        return [[engine_code(engine, self.mode, self.result, a, b) for b in top] for a in left]


def work_of(layer: Layer, engine: Engine, mode: int, result: int, seed: int) -> Work:
    """Activations behind a ReLU, weights around zero."""
    random = np.random.default_rng(seed)
    chosen = engine.modes[mode]
    a = np.maximum(random.normal(size=(layer.m, layer.window, layer.channels)), 0)
    b = random.normal(size=(layer.n, layer.window, layer.channels)) * 0.5
    return Work(
        layer, mode, result, formats.encode(a, chosen.input_format),
        formats.encode(b, chosen.weight),
    )  # fmt: skip


def works_of(layers: Sequence[Layer], engine: Engine, first: int) -> list[Work]:
    """The layers, each in another mode than the one before."""
    return [
        work_of(layer, engine, (first + i) % len(engine.modes), i % len(engine.results), i)
        for i, layer in enumerate(layers)
    ]


def timing_cycles(array: Array, works: Sequence[Work]) -> int:
    """Of tiles whose depth is in words."""
    assert array.engine is not None
    tiles = []
    for work in works:
        left, top = work.words(array.engine)
        tiles.append(Tile(len(left), len(top), left.shape[1], 1, 1))
    machine = array_machine(array.model_dump(exclude_defaults=True))
    return int(simulate(machine, tiles).now_tick)


@dataclass
class Run:
    stimuli: Any
    outputs: list[list[list[int]]]
    """Of each product, [m, n]."""
    beats: int
    """From the first word on until the last vector of results stands in the registers."""


def feed(array: Array, works: Sequence[Work], seed: int, rate: float = 1.0) -> Run:
    """Products one after the other; each stream is valid, or ready, in a ``rate`` of the cycles."""
    assert array.engine is not None
    model, random = Registers(array), np.random.default_rng(seed)
    place = {field.name: i for i, field in enumerate(model.layout.stimuli)}
    outputs = {field.name: i for i, field in enumerate(model.layout.outputs)}
    commands: list[list[int]] = []
    left, top = [], []
    for work in works:
        a, b = work.words(array.engine)
        choices = {"mode": work.mode, "result": work.result}
        commands.append([len(a), len(b), a.shape[1]])
        commands[-1] += [
            value for name, value in choices.items() if f"command.payload.{name}" in place
        ]
        for i in range(0, len(a), array.rows):
            for j in range(0, len(b), array.cols):
                for k in range(a.shape[1]):
                    left.append(_filled(a[i : i + array.rows, k], array.rows, random))
                    top.append(_filled(b[j : j + array.cols, k], array.cols, random))
    waiting = {"command": commands, "top": top, "left": left}
    sent = dict.fromkeys(waiting, 0)
    stimuli, vectors = [], []
    beats = last = quiet = 0
    first_of = {name: min(i for f, i in place.items() if f.startswith(name)) for name in waiting}
    while quiet < 4 * (array.rows + array.cols + array.pe_latency_cycles) + 20:
        stimulus = np.zeros((1, len(place)), np.int64)
        offered = [
            name for name, words in waiting.items()
            if sent[name] < len(words) and random.random() < rate
        ]  # fmt: skip
        for name in offered:
            words = waiting[name][sent[name]]
            stimulus[0, first_of[name] : first_of[name] + len(words)] = words
            stimulus[0, place[f"{name}.valid"]] = 1
        ready = random.random() < rate
        stimulus[0, place["output.ready"]] = ready
        stimuli.append(stimulus[0])
        row = model.advance(stimulus, np.zeros(1, np.uint8))[0]
        for name in offered:
            sent[name] += int(row[outputs[f"{name}.ready"]])
        if row[outputs["output.valid"]] and ready:
            start = outputs["output.payload.words[0]"]
            vectors.append(row[start : start + array.cols].tolist())
        beat = model.beat[0]
        works_now = beat["stream"] or beat["column"] >= 0
        if beats or works_now:
            beats += int(beat["advance"])
        if beat["column"] >= 0:
            last = beats
        idle = not offered and not works_now and not row[outputs["output.valid"]]
        quiet = quiet + 1 if idle else 0
    assert all(sent[name] == len(words) for name, words in waiting.items())
    return Run(np.array(stimuli), _assembled(array, works, vectors), last)


def _filled(words: Any, width: int, random: np.random.Generator) -> list[int]:
    """Lanes without a use hold anything."""
    return [int(word) for word in words] + random.integers(0, 256, width - len(words)).tolist()


def _assembled(
    array: Array, works: Sequence[Work], vectors: list[list[int]]
) -> list[list[list[int]]]:
    taken = iter(vectors)
    found = []
    for work in works:
        m, n = len(work.a), len(work.b)
        output = np.zeros((m, n), np.int64)
        for i in range(0, m, array.rows):
            for j in range(0, n, array.cols):
                used = min(array.rows, m - i)
                timed = array.rows if array.edge_folds == "full" else used
                block = [next(taken) for _ in range(timed)][::-1]
                for r in range(used):
                    output[i + r, j : j + array.cols] = block[r][: min(array.cols, n - j)]
        found.append(output.tolist())
    assert next(taken, None) is None, "more vectors left than the products have"
    return found
