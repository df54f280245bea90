"""The smallest twin: a stream FIFO and a plain model of it, for tests of the harness."""

from dataclasses import dataclass, field

import numpy as np
from amaranth.hdl import Module

from rtl.lockstep.twin import Batch
from rtl.stream import Fifo

WIDTH = 5


class LosingFifo(Fifo):
    """A fault that shows rarely: a word of all ones loses its top bit on its way."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.output.payload.eq(self.first & ~((self.first == 31) << (WIDTH - 1)))
        return m


@dataclass
class FifoTwin:
    """Hardware of the given class, and the model."""

    kind: type[Fifo] = Fifo
    name: str = "fifo"

    @property
    def component(self) -> Fifo:
        return self.kind(WIDTH)

    def traffic(self, seed: int) -> "FifoTraffic":
        return FifoTraffic(np.random.default_rng(seed))


@dataclass
class FifoTraffic:
    """Hostile words, resets now and then."""

    random: np.random.Generator
    words: list[int] = field(default_factory=list)
    first: int = 0
    second: int = 0
    coverage: dict[str, int] = field(default_factory=lambda: {"words": 0})
    useful_cycles: int = 0

    def next(self, cycles: int) -> Batch:
        stim, rst, resp = [], [], []
        for _ in range(cycles):
            payload, valid, ready, reset = (
                int(self.random.integers(limit)) for limit in (2**WIDTH, 2, 2, 100)
            )
            stim.append((payload, valid, ready))
            rst.append(reset == 0)
            level = len(self.words)
            resp.append((level != 2, self.first, level != 0, level, self.first, self.second))
            self.step(payload, valid == 1, ready == 1, reset == 0)
        return Batch(np.array(stim, np.int64), np.array(rst, np.uint8), np.array(resp, np.int64))

    def step(self, payload: int, valid: bool, ready: bool, reset: bool) -> None:
        comes = valid and len(self.words) < 2
        goes = ready and len(self.words) > 0
        self.useful_cycles += comes or goes
        if reset:
            self.words, self.first, self.second = [], 0, 0
            return
        self.coverage["words"] += goes
        if goes:
            self.words.pop(0)
            self.first = self.second
        if comes:
            self.words.append(payload)
            if len(self.words) == 1:
                self.first = payload
            else:
                self.second = payload
