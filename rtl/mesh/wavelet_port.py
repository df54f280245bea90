# amaranth: UnusedElaboratable=no
"""A PE's side of its ramp: queues of each colour, both ways."""

from typing import Any

from amaranth.hdl import Module, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.mesh.packet_delay import Delay
from rtl.mesh.packet_pick import any_of, only_if
from rtl.mesh.wavelet_parameters import WORD_BITS, Parameters
from rtl.mesh.wavelet_queue import WaveletQueue


class FabricPort(wiring.Component):
    """Takes a wavelet from the router and puts one to it in a cycle, each of any colour.

    What is asked for without a wavelet or without room does nothing. ``has`` and ``room`` are
    functions of registers; ``taken`` is combinational in ``take``.

    Latency: ``ramp_cycles`` from ``down`` to ``has``, ``ramp_cycles + 1`` from ``put`` to
    ``up_there``. Initiation interval: 1 cycle.

    Members
    -------
    take : In(Parameters.colour)
    taken : Out(32)
        The wavelet; 0 if the queue has none.
    has : Out(colours)
        Those with a wavelet that can be taken.
    put : In(Parameters.moving)
    room : Out(colours)
        Those with room for one.
    down, down_accepted : In(Parameters.falling), Out(colours)
        From the router.
    up_there, up_front, up_leaves : Out(colours), Out(ArrayLayout(wavelet, colours)), In(colours)
        To the router.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "take": In(p.colour), "taken": Out(WORD_BITS), "has": Out(p.colours),
                "put": In(p.moving), "room": Out(p.colours),
                "down": In(p.falling), "down_accepted": Out(p.colours),
                "up_there": Out(p.colours), "up_leaves": In(p.colours),
                "up_front": Out(data.ArrayLayout(p.wavelet, p.colours)),
            }
        )  # fmt: skip
        self.parts: dict[str, Any] = {
            "falls": Delay(p.falling, p.down_stages),
            "rises": Delay(p.moving, p.up_stages),
        }
        for k in range(p.colours):
            self.parts[f"down_{k}"] = WaveletQueue(WORD_BITS, p.down_depth, p.down_stages)
            self.parts[f"up_{k}"] = WaveletQueue(p.wavelet, p.up_depth, p.up_stages)
        self.registers: dict[str, ValueLike] = {
            f"{name}.{register}": value
            for name, part in self.parts.items()
            for register, value in part.registers.items()
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, part in self.parts.items():
            m.submodules[name] = part
        falls, rises = self.parts["falls"], self.parts["rises"]
        m.d.comb += falls.input.eq(self.down)
        words = []
        puts = []
        for k in range(self.parameters.colours):
            down, up = self.parts[f"down_{k}"], self.parts[f"up_{k}"]
            takes = self.take.valid & (self.take.number == k)
            put = self.put.colour.valid & (self.put.colour.number == k) & ~up.is_full
            landed, risen = falls.output, rises.output
            words.append(only_if(takes, down.front))
            puts.append(put)
            m.d.comb += [
                down.sent.eq(self.down.colour.valid & (self.down.colour.number == k)),
                down.lands.eq(landed.colour.valid & (landed.colour.number == k)),
                down.wavelet.eq(landed.word),
                down.leaves.eq(takes & down.is_there),
                self.has[k].eq(down.is_there),
                self.down_accepted[k].eq(~down.is_full),
                up.sent.eq(put),
                up.lands.eq(risen.colour.valid & (risen.colour.number == k)),
                up.wavelet.eq(risen.wavelet),
                up.leaves.eq(self.up_leaves[k]),
                self.up_there[k].eq(up.is_there),
                self.up_front[k].eq(up.front),
                self.room[k].eq(~up.is_full),
            ]
        m.d.comb += self.taken.eq(any_of(words))
        with m.If(any_of(puts)):
            m.d.comb += rises.input.eq(self.put)
        return m
