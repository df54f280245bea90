"""The AXI4-Lite slave: five channels on one side, reads and writes of words on the other."""

from amaranth.hdl import Cat, Const, Module, Mux, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream import Fifo

WORD_BITS = 32
OKAY, SLVERR = 0b00, 0b10
WRITE = data.StructLayout({"data": WORD_BITS, "strobe": WORD_BITS // 8})
READ = data.StructLayout({"data": WORD_BITS, "response": 2})


class AxiLite(wiring.Component):
    """One write and one read at a time, each once its channels' words are there.

    Latency: 3 cycles from the address to the response. Initiation interval: 1 cycle, for each of
    reads and writes. The lowest two bits of addresses are ignored.

    Members
    -------
    aw, w, b, ar, r
        The channels, each behind a ``Fifo``.
    write, write_index, write_word, write_refused : Out(1), Out, Out(WRITE), In(1)
        In the cycle of ``write`` the word at ``write_index`` takes the bytes that have a strobe,
        or ``write_refused`` says that it does not.
    read, read_index, read_data, read_refused : Out(1), Out, In(32), In(1)
    """

    def __init__(self, address_bits: int) -> None:
        address = address_bits
        index = address_bits - 2
        super().__init__(
            {
                "aw": In(stream.Signature(address)),
                "w": In(stream.Signature(WRITE)),
                "b": Out(stream.Signature(2)),
                "ar": In(stream.Signature(address)),
                "r": Out(stream.Signature(READ)),
                "write": Out(1),
                "write_index": Out(index),
                "write_word": Out(WRITE),
                "write_refused": In(1),
                "read": Out(1),
                "read_index": Out(index),
                "read_data": In(WORD_BITS),
                "read_refused": In(1),
            }
        )
        shapes = {"aw": address, "w": WRITE, "b": 2, "ar": address, "r": READ}
        self.fifos = {name: Fifo(shape) for name, shape in shapes.items()}
        self.registers: dict[str, ValueLike] = {
            f"{part}.{name}": word
            for part, fifo in self.fifos.items()
            for name, word in fifo.registers.items()
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, fifo in self.fifos.items():
            m.submodules[name] = fifo
            outside = wiring.flipped(getattr(self, name))
            if name in ("b", "r"):
                wiring.connect(m, fifo.output, outside)
            else:
                wiring.connect(m, outside, fifo.input)
        aw, w, ar = (self.fifos[name].output for name in ("aw", "w", "ar"))
        b, r = (self.fifos[name].input for name in ("b", "r"))
        m.d.comb += [
            self.write.eq(aw.valid & w.valid & b.ready),
            self.write_index.eq(aw.payload[2:]),
            self.write_word.eq(w.payload),
            aw.ready.eq(self.write),
            w.ready.eq(self.write),
            b.valid.eq(self.write),
            b.payload.eq(Mux(self.write_refused, SLVERR, OKAY)),
            self.read.eq(ar.valid & r.ready),
            self.read_index.eq(ar.payload[2:]),
            ar.ready.eq(self.read),
            r.valid.eq(self.read),
            r.payload.eq(
                Mux(
                    self.read_refused,
                    Cat(Const(0, WORD_BITS), Const(SLVERR, 2)),
                    Cat(self.read_data, Const(OKAY, 2)),
                )
            ),
        ]
        return m
