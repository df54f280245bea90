# amaranth: UnusedElaboratable=no
"""A mesh of packet-switched routers, with a node's port at each."""

from typing import Any

from amaranth.hdl import Module, ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from arch.mesh.packet import PacketMesh
from rtl.copies import Copy
from rtl.mesh.packet_delay import Delay
from rtl.mesh.packet_node import NodePort
from rtl.mesh.packet_parameters import NODE, NUMBER_BITS, OPPOSITE, PORT_NAMES, Parameters
from rtl.mesh.packet_router import PacketRouter


class PacketNetwork(wiring.Component):
    """Carries packets between nodes: routers, links and the nodes' ports.

    A packet waits outside until its node takes it; what has arrived is taken at once, and its
    credit goes back in that cycle. The number of cycles that each way takes is that of the
    simulator, docs/mesh.md.

    Parameters
    ----------
    mesh : arch.mesh.packet.PacketMesh
    number_bits
        As of ``Parameters``, which lists what raises InputError.

    Members
    -------
    packet_NODE : In(stream of Parameters.packet)
        What the node is to send next.
    taken_NODE : Out(Parameters.moving)
        The flit that has reached the node.
    """

    def __init__(self, mesh: PacketMesh, *, number_bits: int = NUMBER_BITS) -> None:
        self.parameters = p = Parameters(mesh, number_bits=number_bits)
        members: dict[str, In | Out] = {}
        for node in range(p.nodes):
            members[f"packet_{node}"] = In(stream.Signature(p.packet))
            members[f"taken_{node}"] = Out(p.moving)
        super().__init__(members)
        self.parts: dict[str, Any] = {}
        router, sender = PacketRouter(p), NodePort(p)
        for node in range(p.nodes):
            self.parts[f"router_{node}"] = Copy("packet_router", router)
            self.parts[f"node_{node}"] = Copy("node_port", sender)
            for port in p.ports(node):
                flits, credits = p.link_flit_cycles, p.link_credit_cycles
                if port == NODE:
                    flits, credits = p.sent_cycles, p.taken_credit_cycles
                    self.parts[f"taken_{node}"] = Delay(p.moving, p.taken_cycles)
                    self.parts[f"credits_to_node_{node}"] = Delay(p.credit, p.sent_cycles)
                name = f"{node}_{PORT_NAMES[port]}"
                self.parts[f"flits_to_{name}"] = Delay(p.moving, flits)
                self.parts[f"credits_to_{name}"] = Delay(p.credit, credits)
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
            router = self.parts[f"router_{node}"]
            x, y = p.place(node)
            m.d.comb += [router.x.eq(x), router.y.eq(y)]
            for port in p.ports(node):
                name = PORT_NAMES[port]
                behind = p.neighbour(node, port)
                if behind is None:
                    self._connect_node(m, node)
                else:
                    there = PORT_NAMES[OPPOSITE[port]]
                    flits = self.parts[f"flits_to_{behind}_{there}"]
                    credits = self.parts[f"credits_to_{behind}_{there}"]
                    m.d.comb += [
                        flits.input.eq(getattr(router, f"out_{name}")),
                        credits.input.eq(getattr(router, f"credit_out_{name}")),
                    ]
                m.d.comb += [
                    getattr(router, f"in_{name}").eq(self.parts[f"flits_to_{node}_{name}"].output),
                    getattr(router, f"credit_in_{name}").eq(
                        self.parts[f"credits_to_{node}_{name}"].output
                    ),
                ]
        return m

    def _connect_node(self, m: Module, node: int) -> None:
        """Between a router, its node's port and what the node takes."""
        router, port = self.parts[f"router_{node}"], self.parts[f"node_{node}"]
        taken, paid = self.parts[f"taken_{node}"], self.parts[f"credits_to_node_{node}"]
        back = self.parts[f"credits_to_{node}_{PORT_NAMES[NODE]}"]
        wiring.connect(m, wiring.flipped(getattr(self, f"packet_{node}")), port.packet)
        m.d.comb += [
            self.parts[f"flits_to_{node}_{PORT_NAMES[NODE]}"].input.eq(port.sent),
            paid.input.eq(router.credit_out_node),
            port.credit.eq(paid.output),
            taken.input.eq(router.out_node),
            getattr(self, f"taken_{node}").eq(taken.output),
            back.input.valid.eq(taken.output.valid),
            back.input.vc.eq(taken.output.vc),
        ]
