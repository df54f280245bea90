"""What the hardware takes from ``arch.mesh.packet.PacketMesh``, and what it refuses."""

from amaranth.lib import data
from amaranth.utils import ceil_log2

from arch.errors import InputError
from arch.mesh.packet import PORTS, PacketMesh
from rtl.refusal import check_most

NODE = 4
"""Port of a router towards its node."""
PORT_NAMES = ("east", "west", "north", "south", "node")
"""+x, -x, +y, -y, node."""
STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1))
"""To the neighbour behind each port, in x and y."""
OPPOSITE = (1, 0, 3, 2)
NUMBER_BITS = 6
LENGTH_BITS = 4
LIMITS = {"width": 16, "height": 16, "link_latency_cycles": 8, "node_latency_cycles": 8}
"""Of the mesh."""
ROUTER_LIMITS = {
    "vcs": 8, "buffer_flits": 64, "routing_cycles": 8, "traversal_cycles": 8, "credit_cycles": 8,
}  # fmt: skip


class Parameters:
    """Widths and times of one mesh.

    Parameters
    ----------
    mesh : arch.mesh.packet.PacketMesh
    number_bits : int
        Width of the packet's number, which each of its flits carries: hardware does not look at it.

    Raises InputError for sizes above ``LIMITS`` and ``ROUTER_LIMITS``.
    """

    def __init__(self, mesh: PacketMesh, *, number_bits: int = NUMBER_BITS) -> None:
        router = mesh.router
        for spec, limits, path in ((mesh, LIMITS, ""), (router, ROUTER_LIMITS, "router.")):
            for name, most in limits.items():
                check_most(f"{path}{name}", getattr(spec, name), most, mesh.name)
        if not 1 <= number_bits <= 32:
            raise InputError(f"number_bits: must be 1 to 32, not {number_bits}")
        self.mesh = mesh
        self.width, self.height = mesh.width, mesh.height
        self.nodes = mesh.nodes
        self.vcs, self.depth = router.vcs, router.buffer_flits
        self.routing_cycles = router.routing_cycles
        self.vc_allocator, self.switch_allocator = router.vc_allocator, router.switch_allocator
        self.size = PORTS * self.vcs
        """VCs of a router: one of all ports has the number ``port * vcs + vc``."""
        self.x_bits, self.y_bits = ceil_log2(mesh.width), ceil_log2(mesh.height)
        self.number_bits = number_bits
        self.length_bits = max(LENGTH_BITS, mesh.packet_flits.bit_length())

    @property
    def flit(self) -> data.StructLayout:
        """``x`` and ``y`` are those of the destination."""
        return data.StructLayout(
            {"head": 1, "tail": 1, "x": self.x_bits, "y": self.y_bits, "number": self.number_bits}
        )

    @property
    def moving(self) -> data.StructLayout:
        """A flit on its way to a queue; all 0 where none is."""
        return data.StructLayout({"valid": 1, "vc": range(self.vcs), "flit": self.flit})

    @property
    def credit(self) -> data.StructLayout:
        """For one place in the queue of a VC; all 0 where none is."""
        return data.StructLayout({"valid": 1, "vc": range(self.vcs)})

    @property
    def packet(self) -> data.StructLayout:
        """What a node is to send, of 1 flit or more."""
        return data.StructLayout(
            {
                "x": self.x_bits,
                "y": self.y_bits,
                "flits": self.length_bits,
                "number": self.number_bits,
            }
        )

    @property
    def link_flit_cycles(self) -> int:
        """Registers between a switch and the queue behind a link: crossbar's, then wire's."""
        return self.mesh.router.traversal_cycles + self.mesh.link_latency_cycles

    @property
    def link_credit_cycles(self) -> int:
        """Registers of credits of that queue: of the wire, then the router before."""
        return self.mesh.link_latency_cycles + self.mesh.router.credit_cycles

    @property
    def sent_cycles(self) -> int:
        """Registers between a node and its router's queue, and for credits of that queue."""
        return self.mesh.node_latency_cycles

    @property
    def taken_cycles(self) -> int:
        """Registers between a switch and what a node has taken, the last of them the node's."""
        return self.mesh.router.traversal_cycles + self.mesh.node_latency_cycles + 1

    @property
    def taken_credit_cycles(self) -> int:
        """Registers of the node's credits."""
        return self.mesh.node_latency_cycles + self.mesh.router.credit_cycles

    def place(self, node: int) -> tuple[int, int]:
        """x and y of a node, or of its router."""
        return node % self.width, node // self.width

    def neighbour(self, node: int, port: int) -> int | None:
        """Router behind a port, None at an edge and for NODE."""
        if port == NODE:
            return None
        x, y = (at + step for at, step in zip(self.place(node), STEPS[port], strict=True))
        if 0 <= x < self.width and 0 <= y < self.height:
            return y * self.width + x
        return None

    def ports(self, node: int) -> tuple[int, ...]:
        """That a router has: those at an edge have no port there."""
        return (*(p for p in range(NODE) if self.neighbour(node, p) is not None), NODE)
