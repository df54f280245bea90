"""Results on their way out, marked where a product ends."""

from amaranth.hdl import Module, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.array.controller import command_layout
from rtl.array.parameters import Parameters
from rtl.coprocessor.beats import Beats, FoldBeats
from rtl.coprocessor.lanes import axis_layout, packed
from rtl.stream import Fifo


class Outlet(wiring.Component):
    """Makes beats of an array's results.

    The mark goes through a ``Fifo`` beside the array's own, in step with it, so that the end of a
    product is known in the cycle in which its last result is.

    Members
    -------
    command : In(stream of command_layout)
    sent : In(1)
        A result enters the array's FIFO in this cycle.
    ended : Out(1)
        It is the last one of a product.
    results : In(stream of the array's output)
    axis, complete : Out(stream of axis_layout), Out(1)
        ``complete`` is 0 with partial sums, which are to come back.
    """

    def __init__(self, parameters: Parameters, layout: data.StructLayout, beats: FoldBeats) -> None:
        words = layout.members["words"]
        super().__init__(
            {
                "command": In(stream.Signature(command_layout(parameters))),
                "sent": In(1),
                "ended": Out(1),
                "results": In(stream.Signature(layout)),
                "axis": Out(stream.Signature(axis_layout(words))),
                "complete": Out(1),
            }
        )
        self.beats = Beats(parameters, beats, numbered=False)
        self.marks = Fifo(1)
        self.registers: dict[str, ValueLike] = {
            f"{part}.{name}": word
            for part, component in (("beats", self.beats), ("marks", self.marks))
            for name, word in component.registers.items()
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.beats, m.submodules.marks = beats, marks = self.beats, self.marks
        wiring.connect(m, wiring.flipped(self.command), beats.command)
        m.d.comb += [
            beats.take.eq(self.sent),
            self.ended.eq(self.sent & beats.last),
            marks.input.valid.eq(self.sent),
            marks.input.payload.eq(beats.last),
            marks.output.ready.eq(self.results.valid & self.axis.ready),
            self.results.ready.eq(self.axis.ready),
            self.axis.valid.eq(self.results.valid),
            self.axis.payload.data.eq(packed(self.results.payload.words)),
            self.axis.payload.keep.eq(-1),
            self.axis.payload.last.eq(marks.output.payload),
            self.complete.eq(self.results.payload.complete),
        ]
        return m
