# amaranth: UnusedElaboratable=no
"""A PE's side of its ramp: queues of each colour, both ways."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.mesh.packet_delay import Delay
from rtl.mesh.packet_pick import any_of, only_if
from rtl.mesh.wavelet_parameters import WORD_BITS, Parameters
from rtl.mesh.wavelet_queue import WaveletQueue


class FabricPort(wiring.Component):
    """Takes a wavelet from the router and puts one to it in a cycle, each of any colour; or two
    of a colour, where PEs move two at once.

    What is asked for without enough wavelets or enough room does nothing. ``has`` and ``room`` are
    functions of registers; ``taken`` is combinational in ``take``. The ramp carries a wavelet a
    cycle: a second one waits in a register for a cycle, in which there is no room for others.

    Latency: ``ramp_cycles`` from ``down`` to ``has``, ``ramp_cycles + 1`` from ``put`` to
    ``up_there``, for a second one another. Initiation interval: 1 cycle, 2 to put two.

    Members
    -------
    take : In(Parameters.taking)
    taken : Out(32)
        The wavelet; 0 if none is taken.
    has : Out(colours)
        Those with a wavelet that can be taken.
    put : In(Parameters.putting)
    room : Out(colours)
        Those with room for one.
    taken_second, has_two, room_two : Out(32), Out(colours), Out(colours)
        If two move at once.
    down, down_accepted : In(Parameters.falling), Out(colours)
        From the router.
    up_there, up_front, up_leaves : Out(colours), Out(ArrayLayout(wavelet, colours)), In(colours)
        To the router.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        members = {
            "take": In(p.taking), "taken": Out(WORD_BITS), "has": Out(p.colours),
            "put": In(p.putting), "room": Out(p.colours),
            "down": In(p.falling), "down_accepted": Out(p.colours),
            "up_there": Out(p.colours), "up_leaves": In(p.colours),
            "up_front": Out(data.ArrayLayout(p.wavelet, p.colours)),
        }  # fmt: skip
        members |= {name: Out(bits) for name, bits in p.pairs.items()}
        super().__init__(members)
        self.parts: dict[str, Any] = {
            "falls": Delay(p.falling, p.down_stages),
            "rises": Delay(p.moving, p.up_stages),
        }
        for k in range(p.colours):
            self.parts[f"down_{k}"] = WaveletQueue(
                WORD_BITS, p.down_depth, p.down_stages, takes=p.together
            )
            self.parts[f"up_{k}"] = WaveletQueue(
                p.wavelet, p.up_depth, p.up_stages, sends=p.together
            )
        self.registers: dict[str, ValueLike] = {
            f"{name}.{register}": value
            for name, part in self.parts.items()
            for register, value in part.registers.items()
        }
        self.second: Any = Signal(p.falling)
        if p.together > 1:
            self.registers["second"] = self.second

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, part in self.parts.items():
            m.submodules[name] = part
        m.d.comb += self.parts["falls"].input.eq(self.down)
        for k in range(self.parameters.colours):
            self._connect(m, k)
        self._take(m)
        self._put(m)
        return m

    def _connect(self, m: Module, k: int) -> None:
        """The router's side of the queues of a colour."""
        down, up = self.parts[f"down_{k}"], self.parts[f"up_{k}"]
        landed, risen = self.parts["falls"].output, self.parts["rises"].output
        m.d.comb += [
            down.sent.eq(self.down.colour.valid & (self.down.colour.number == k)),
            down.lands.eq(landed.colour.valid & (landed.colour.number == k)),
            down.wavelet.eq(landed.word),
            self.down_accepted[k].eq(~down.is_full),
            up.lands.eq(risen.colour.valid & (risen.colour.number == k)),
            up.wavelet.eq(risen.wavelet),
            up.leaves.eq(self.up_leaves[k]),
            self.up_there[k].eq(up.is_there),
            self.up_front[k].eq(up.front),
        ]

    def _take(self, m: Module) -> None:
        """Wavelets of a colour to the PE."""
        words, seconds = [], []
        for k in range(self.parameters.colours):
            down = self.parts[f"down_{k}"]
            asks = self.take.valid & (self.take.number == k)
            m.d.comb += self.has[k].eq(down.is_there)
            goes = asks & down.is_there
            if self.parameters.together > 1:
                goes = asks & Mux(self.take.two, down.are_two, down.is_there)
                both = goes & self.take.two
                seconds.append(only_if(both, down.second))
                m.d.comb += [down.leaves.eq(goes + both), self.has_two[k].eq(down.are_two)]
            else:
                m.d.comb += down.leaves.eq(goes)
            words.append(only_if(goes, down.front))
        m.d.comb += self.taken.eq(any_of(words))
        if seconds:
            m.d.comb += self.taken_second.eq(any_of(seconds))

    def _put(self, m: Module) -> None:
        """Wavelets of a colour from the PE, the second one behind the first."""
        rises, second = self.parts["rises"], self.second
        puts: list[Value] = []
        for k in range(self.parameters.colours):
            up = self.parts[f"up_{k}"]
            asks = self.put.colour.valid & (self.put.colour.number == k)
            room = ~up.is_full
            goes = asks & room
            if self.parameters.together > 1:
                free = ~second.colour.valid
                room, room_two = free & ~up.is_full, free & up.has_two_free
                goes = asks & Mux(self.put.two, room_two, room)
                m.d.comb += [
                    up.sent.eq(goes + (goes & self.put.two)), self.room_two[k].eq(room_two)
                ]  # fmt: skip
            else:
                m.d.comb += up.sent.eq(goes)
            m.d.comb += self.room[k].eq(room)
            puts.append(goes)
        put = any_of(puts)
        with m.If(put):
            m.d.comb += [
                rises.input.colour.eq(self.put.colour), rises.input.wavelet.eq(self.put.wavelet)
            ]  # fmt: skip
        if self.parameters.together > 1:
            with m.Elif(second.colour.valid):
                m.d.comb += [
                    rises.input.colour.eq(second.colour),
                    rises.input.wavelet.word.eq(second.word),
                ]
            behind = Cat(self.put.colour, self.put.second)
            m.d.sync += second.eq(only_if(put & self.put.two, behind))
