"""The stream FIFO's twin: a plain model, random traffic, and a FIFO with a fault."""

import random

import numpy as np
from amaranth.hdl import Module, signed
from amaranth.lib import data

from rtl.lockstep.twin import Batch
from rtl.stream import Fifo

SHAPE = data.StructLayout({"a": signed(5), "b": data.ArrayLayout(signed(9), 3), "z": 0, "c": 64})
"""Signed and not, across words of 32 bits, as wide as a field may be, and nothing at all."""
WIDTHS = [5, 9, 9, 9, 64]
SIGNED = [True, True, True, True, False]
RARE = 77
"""What ``c`` ends in, in its low byte, when the faulty FIFO fails."""


class FaultyFifo(Fifo):
    """Loses a bit of some words that it has to keep for a second cycle."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        kept = self.input.valid & (self.level == 1) & ~self.output.ready
        with m.If(kept & (self.input.payload.c[:8] == RARE)):
            m.d.sync += self.second.c.eq(self.input.payload.c ^ 2)
        return m


class FifoTwin:
    name = "fifo"

    def __init__(self, hardware: type[Fifo] = Fifo) -> None:
        self.hardware = hardware

    @property
    def component(self) -> Fifo:
        return self.hardware(SHAPE)

    def traffic(self, seed: int) -> "FifoTraffic":
        return FifoTraffic(seed)


class FifoTraffic:
    """A queue in a list, driven in one cycle after another."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.zero = [0] * len(WIDTHS)
        self.queue: list[list[int]] = []
        self.first, self.second = self.zero, self.zero
        self.word, self.valid = self.zero, 0
        self.coverage = {"taken": 0, "stalled": 0, "resets": 0}
        self.useful_cycles = 0

    def draw(self) -> list[int]:
        word = []
        for width, is_signed in zip(WIDTHS, SIGNED, strict=True):
            value = self.random.getrandbits(width)
            # The model's numbers are int64: of 64 bits the upper half is negative.
            if (is_signed or width == 64) and value >> (width - 1):
                value -= 1 << width
            word.append(value)
        return word

    def next(self, cycles: int) -> Batch:
        stim, rst, resp = [], [], []
        for _ in range(cycles):
            ready = len(self.queue) < 2
            if not self.valid or self.random.random() < 0.5:
                self.word, self.valid = self.draw(), self.random.getrandbits(1)
            taking = self.random.getrandbits(1)
            reset = self.random.random() < 0.01
            stim.append([*self.word, self.valid, taking])
            rst.append(reset)
            shown = [ready, *self.first, len(self.queue) > 0, len(self.queue)]
            resp.append([*shown, *self.first, *self.second])
            self.cycle(ready, taking, reset)
        return Batch(np.array(stim, np.int64), np.array(rst, np.uint8), np.array(resp, np.int64))

    def cycle(self, ready: bool, taking: int, reset: bool) -> None:
        given = self.valid and ready
        taken = taking and self.queue
        self.coverage["taken"] += bool(taken)
        self.coverage["stalled"] += bool(self.valid and not ready)
        self.coverage["resets"] += reset
        self.useful_cycles += bool(self.valid or taken)
        if reset:
            self.queue, self.first, self.second = [], self.zero, self.zero
            return
        if taken:
            self.queue.pop(0)
            self.first = self.second
        if given:
            self.queue.append(self.word)
        # What is behind the last word is what was there: registers keep what nobody replaces.
        if self.queue:
            self.first = self.queue[0]
        if len(self.queue) == 2:
            self.second = self.queue[1]
