"""A stream of operands on its way into the array, checked against the product that it is for."""

from amaranth.hdl import Module, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.array.controller import command_layout
from rtl.array.parameters import Parameters
from rtl.coprocessor.beats import Beats, FoldBeats
from rtl.coprocessor.lanes import axis_layout, unpacked
from rtl.stream import Fifo


class Intake(wiring.Component):
    """Passes beats on as words, once there is a product for them.

    TLAST and TKEEP are checked and not followed: a product takes the beats that it needs.

    Latency: 1 cycle. Initiation interval: 1 cycle. ``axis.ready`` depends on registers only.

    Members
    -------
    command : In(stream of command_layout)
    axis : In(stream of axis_layout)
    words : Out(stream of the array's words)
    early, missing, keep : Out(1)
        In the cycle in which a beat passes: TLAST though it is not the last, no TLAST though it
        is, TKEEP that leaves out a byte.
    number : Out(FoldBeats.number_bits)
        Of this beat in its product.
    """

    def __init__(self, parameters: Parameters, layout: data.ArrayLayout, beats: FoldBeats) -> None:
        self.layout = layout
        axis = axis_layout(layout)
        super().__init__(
            {
                "command": In(stream.Signature(command_layout(parameters))),
                "axis": In(stream.Signature(axis)),
                "words": Out(stream.Signature(layout)),
                "early": Out(1),
                "missing": Out(1),
                "keep": Out(1),
                "number": Out(beats.number_bits(parameters)),
            }
        )
        self.fifo = Fifo(axis)
        self.beats = Beats(parameters, beats)
        self.registers: dict[str, ValueLike] = {
            f"{part}.{name}": word
            for part, component in (("fifo", self.fifo), ("beats", self.beats))
            for name, word in component.registers.items()
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo, m.submodules.beats = fifo, beats = self.fifo, self.beats
        wiring.connect(m, wiring.flipped(self.axis), fifo.input)
        wiring.connect(m, wiring.flipped(self.command), beats.command)
        beat = fifo.output
        m.d.comb += [
            self.words.valid.eq(beat.valid & beats.due),
            self.words.payload.eq(unpacked(beat.payload.data, self.layout)),
            beat.ready.eq(self.words.ready & beats.due),
            beats.take.eq(self.words.valid & self.words.ready),
            self.early.eq(beats.take & beat.payload.last & ~beats.last),
            self.missing.eq(beats.take & ~beat.payload.last & beats.last),
            self.keep.eq(beats.take & ~beat.payload.keep.all()),
            self.number.eq(beats.number),
        ]
        return m
