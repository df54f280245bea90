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
    sends, takes : int
        Most that are sent at once, and that leave: 1 or 2, up to ``depth``.

    Members
    -------
    sent : In(range(sends + 1))
        So many are on their way. There must be room.
    lands, wavelet : In(1), In(shape)
        One is there, ``stages`` cycles after it was sent, or later.
    leaves : In(range(takes + 1))
        The first ones, which must be there.
    front : Out(shape)
    is_there : Out(1)
    is_full, is_empty : Out(1), Out(1)
        Wavelets on their way included.
    second, are_two : Out(shape), Out(1)
        If two may leave.
    has_two_free : Out(1)
        If two may be sent; wavelets on their way included.
    """

    def __init__(
        self, shape: data.StructLayout | int, depth: int, stages: int, sends: int = 1,
        takes: int = 1,
    ) -> None:  # fmt: skip
        members = {
            "sent": In(range(sends + 1)), "lands": In(1), "wavelet": In(shape),
            "leaves": In(range(takes + 1)), "front": Out(shape), "is_there": Out(1),
            "is_full": Out(1), "is_empty": Out(1),
        }  # fmt: skip
        if takes > 1:
            members |= {"second": Out(shape), "are_two": Out(1)}
        if sends > 1:
            members |= {"has_two_free": Out(1)}
        super().__init__(members)
        self.depth, self.sends, self.takes = depth, sends, takes
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
        if self.takes > 1:
            m.d.comb += [self.second.eq(self.entries[1]), self.are_two.eq(self.there > 1)]
        if self.sends > 1:
            m.d.comb += self.has_two_free.eq(self.count < self.depth - 1)
        m.d.sync += self.there.eq(behind + self.lands)
        if self.count is not self.there:
            m.d.sync += self.count.eq(self.count + self.sent - self.leaves)
        for i, entry in enumerate(self.entries):
            with m.If(self.lands & (behind == i)):
                m.d.sync += entry.eq(self.wavelet)
            for many in range(1, self.takes + 1):
                with m.Elif(self.leaves == many):
                    after = i + many
                    m.d.sync += entry.eq(self.entries[after] if after < self.depth else 0)
        return m
