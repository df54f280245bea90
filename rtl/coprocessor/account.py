"""What became of cycles, products and beats."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.coprocessor.registers import COUNTER_BITS

PRODUCT_BITS = 32


class Account(wiring.Component):
    """Counts cycles in which the array has work, by what it did, and keeps the first error.

    Members
    -------
    clear : In(1)
        The counts become 0.
    works, advance, blocked : In(1)
        The array has work; a beat ends; a result has no room.
    ended : In(1)
        A product ends.
    beats, stalled_input, stalled_output, products : Out
    error<i>, number<i> : In(1), In(number_bits[i])
        A beat of stream i passes that is wrong, and its number.
    clean : In(1)
        No beat has been wrong.
    beat, stream : Out, Out
        The first wrong beat since ``clean``; of several in one cycle that of the lowest stream.
    """

    def __init__(self, number_bits: Sequence[int]) -> None:
        self.streams = len(number_bits)
        self.counters = {
            name: Signal(bits, name=name)
            for name, bits in (
                ("beats", COUNTER_BITS),
                ("stalled_input", COUNTER_BITS),
                ("stalled_output", COUNTER_BITS),
                ("products", PRODUCT_BITS),
            )
        }
        self.first_beat = Signal(max(number_bits))
        self.first_stream = Signal(range(self.streams))
        self.registers: dict[str, ValueLike] = {
            **self.counters,
            "beat": self.first_beat,
            "stream": self.first_stream,
        }
        members: dict[str, wiring.Member] = {
            name: In(1) for name in ("clear", "works", "advance", "blocked", "ended", "clean")
        }
        members |= {name: Out(len(counter)) for name, counter in self.counters.items()}
        for i, bits in enumerate(number_bits):
            members |= {f"error{i}": In(1), f"number{i}": In(bits)}
        members |= {"beat": Out(len(self.first_beat)), "stream": Out(len(self.first_stream))}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        stalls = self.works & ~self.advance
        events = {
            "beats": self.works & self.advance,
            "stalled_input": stalls & ~self.blocked,
            "stalled_output": stalls & self.blocked,
            "products": self.ended,
        }
        for name, counter in self.counters.items():
            m.d.comb += getattr(self, name).eq(counter)
            m.d.sync += counter.eq(Mux(self.clear, 0, counter + events[name]))
        m.d.comb += [self.beat.eq(self.first_beat), self.stream.eq(self.first_stream)]
        with m.If(self.clean):
            for i in reversed(range(self.streams)):
                with m.If(getattr(self, f"error{i}")):
                    m.d.sync += [
                        self.first_beat.eq(getattr(self, f"number{i}")),
                        self.first_stream.eq(i),
                    ]
        return m
