# amaranth: UnusedElaboratable=no
"""A mesh of wavelet routers, with the fabric port of a PE at each."""

from typing import Any

from amaranth.hdl import Module, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from arch.mesh.program import OPPOSITE, PORT_NAMES
from arch.mesh.wavelet import WaveletMesh
from rtl.copies import Copy
from rtl.mesh.packet_delay import Delay
from rtl.mesh.wavelet_parameters import WORD_BITS, Parameters
from rtl.mesh.wavelet_port import FabricPort
from rtl.mesh.wavelet_router import WaveletRouter


class WaveletFabric(wiring.Component):
    """Carries wavelets between PEs, which are outside: routers, links, ramps.

    Cycles are those of the simulator, docs/wavelet.md. Routes are inputs, so that one design
    carries any program.

    Parameters
    ----------
    mesh : arch.mesh.wavelet.WaveletMesh
        ``Parameters`` lists what raises InputError.

    Members
    -------
    ways_NODE : In(ArrayLayout(Parameters.ways, colours))
        Routes, which change with a reset only.
    switched_NODE : In(ArrayLayout(Parameters.switched, colours))
        Positions that the PE sets.
    take_NODE, taken_NODE, has_NODE, put_NODE, room_NODE
        As of ``FabricPort``; taken_second_NODE, has_two_NODE, room_two_NODE where it has them.
    """

    def __init__(self, mesh: WaveletMesh) -> None:
        self.parameters = p = Parameters(mesh)
        members: dict[str, In | Out] = {}
        for node in range(p.nodes):
            members |= {
                f"ways_{node}": In(data.ArrayLayout(p.ways, p.colours)),
                f"switched_{node}": In(data.ArrayLayout(p.switched, p.colours)),
                f"take_{node}": In(p.taking), f"taken_{node}": Out(WORD_BITS),
                f"has_{node}": Out(p.colours), f"put_{node}": In(p.putting),
                f"room_{node}": Out(p.colours),
            }  # fmt: skip
            members |= {f"{name}_{node}": Out(bits) for name, bits in p.pairs.items()}
        super().__init__(members)
        self.parts: dict[str, Any] = {}
        router, port = WaveletRouter(p), FabricPort(p)
        for node in range(p.nodes):
            self.parts[f"router_{node}"] = Copy("wavelet_router", router)
            self.parts[f"port_{node}"] = Copy("fabric_port", port)
            for link in p.links(node):
                name = f"link_{node}_{PORT_NAMES[link]}"
                self.parts[name] = Delay(p.moving, p.hop_stages)
        self.registers: dict[str, ValueLike] = {
            f"{name}.{register}": value
            for name, part in self.parts.items()
            for register, value in part.registers.items()
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        for name, part in self.parts.items():
            m.submodules[name] = part
        for node in range(p.nodes):
            router, port = self.parts[f"router_{node}"], self.parts[f"port_{node}"]
            m.d.comb += [
                router.ways.eq(getattr(self, f"ways_{node}")),
                router.switched.eq(getattr(self, f"switched_{node}")),
                router.up_there.eq(port.up_there),
                router.up_front.eq(port.up_front),
                router.down_accepted.eq(port.down_accepted),
                port.up_leaves.eq(router.up_leaves),
                port.down.eq(router.down),
                port.take.eq(getattr(self, f"take_{node}")),
                port.put.eq(getattr(self, f"put_{node}")),
                getattr(self, f"taken_{node}").eq(port.taken),
                getattr(self, f"has_{node}").eq(port.has),
                getattr(self, f"room_{node}").eq(port.room),
            ]
            m.d.comb += [
                getattr(self, f"{name}_{node}").eq(getattr(port, name)) for name in p.pairs
            ]
            for link in p.links(node):
                self._connect_link(m, node, link)
        return m

    def _connect_link(self, m: Module, node: int, link: int) -> None:
        """What comes to a router by a link, from the one behind it."""
        p = self.parameters
        name, there = PORT_NAMES[link], PORT_NAMES[OPPOSITE[link]]
        router = self.parts[f"router_{node}"]
        behind = self.parts[f"router_{p.neighbour(node, link)}"]
        wire = self.parts[f"link_{node}_{name}"]
        out = getattr(behind, f"out_{there}")
        m.d.comb += [
            wire.input.eq(out),
            getattr(router, f"sent_{name}").eq(out.colour),
            getattr(router, f"in_{name}").eq(wire.output),
            getattr(behind, f"accepted_{there}").eq(getattr(router, f"accepts_{name}")),
        ]
