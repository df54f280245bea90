"""The queue of a colour."""

from typing import Any

from amaranth.hdl import Module, Signal, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class WaveletQueue(wiring.Component):
    """Wavelets in the order of their arrival, the oldest in entry 0; empty entries are 0.

    It counts those on their way to it too. Outputs are registers.

    Latency: 1 cycle from ``lands`` to ``front``. Initiation interval: 1 cycle.

    Parameters
    ----------
    shape : StructLayout or int
        Of a wavelet.
    depth : int
    stages : int
        Registers between who sends and this.

    Members
    -------
    sent : In(1)
        One is on its way. There must be room.
    lands, wavelet : In(1), In(shape)
        One is there, ``stages`` cycles after it was sent.
    leaves : In(1)
        The first one, which must be there.
    front : Out(shape)
    is_there : Out(1)
    is_full, is_empty : Out(1), Out(1)
        Wavelets on their way included.
    """

    def __init__(self, shape: data.StructLayout | int, depth: int, stages: int) -> None:
        super().__init__(
            {
                "sent": In(1), "lands": In(1), "wavelet": In(shape), "leaves": In(1),
                "front": Out(shape), "is_there": Out(1), "is_full": Out(1), "is_empty": Out(1),
            }
        )  # fmt: skip
        self.depth = depth
        self.entries: list[Any] = [Signal(shape, name=f"entry_{i}") for i in range(depth)]
        self.there = Signal(range(depth + 1))
        self.registers: dict[str, ValueLike] = {
            f"entry_{i}": each for i, each in enumerate(self.entries)
        }
        self.registers["there"] = self.there
        self.count = self.there
        if stages:
            self.count = Signal(range(depth + 1))
            self.registers["count"] = self.count

    def elaborate(self, platform: object) -> Module:
        m = Module()
        behind = Signal.like(self.there, name="behind")
        m.d.comb += [
            behind.eq(self.there - self.leaves),
            self.front.eq(self.entries[0]),
            self.is_there.eq(self.there != 0),
            self.is_full.eq(self.count == self.depth),
            self.is_empty.eq(self.count == 0),
        ]
        m.d.sync += self.there.eq(behind + self.lands)
        if self.count is not self.there:
            m.d.sync += self.count.eq(self.count + self.sent - self.leaves)
        for i, entry in enumerate(self.entries):
            with m.If(self.lands & (behind == i)):
                m.d.sync += entry.eq(self.wavelet)
            with m.Elif(self.leaves):
                m.d.sync += entry.eq(self.entries[i + 1] if i + 1 < self.depth else 0)
        return m
