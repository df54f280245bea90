"""What the hardware takes from ``arch.mesh.wavelet.WaveletMesh``, and what it refuses."""

from amaranth.lib import data

from arch.mesh.program import RAMP
from arch.mesh.wavelet import CONTROLS_MAX, WaveletMesh
from rtl.refusal import check_most

LINKS = RAMP
"""Ports of a router that are links: E, W, S, N, which are numbered before the ramp."""
PORTS = LINKS + 1
STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1))
"""To the router behind each link, in x and y."""
WORD_BITS = 32
CONTROL_BITS = 2
CONTROLS_BITS = CONTROLS_MAX * CONTROL_BITS
SIDE_MAX = 16
"""Routers along x and y."""


class Parameters:
    """Widths and times of one mesh.

    Parameters
    ----------
    mesh : arch.mesh.wavelet.WaveletMesh

    Raises InputError for a mesh of more than ``SIDE_MAX`` x ``SIDE_MAX``.
    """

    def __init__(self, mesh: WaveletMesh) -> None:
        for name in ("width", "height"):
            check_most(name, getattr(mesh, name), SIDE_MAX, mesh.name)
        self.mesh = mesh
        self.width, self.height, self.nodes = mesh.width, mesh.height, mesh.nodes
        self.colours = mesh.router.colours
        self.positions = mesh.router.switch_positions
        self.depth = mesh.router.queue_wavelets
        self.down_depth, self.up_depth = mesh.ramp_down_wavelets, mesh.ramp_up_wavelets
        self.together = mesh.pe.wavelets_per_operation
        """Wavelets that a PE takes, and puts, at once: 1 or 2."""

    @property
    def wavelet(self) -> data.StructLayout:
        """``word`` of a control wavelet has its controls, the next router's lowest."""
        return data.StructLayout({"word": WORD_BITS, "control": 1})

    @property
    def colour(self) -> data.StructLayout:
        """Of one wavelet; all 0 where none is."""
        return data.StructLayout({"valid": 1, "number": range(self.colours)})

    @property
    def moving(self) -> data.StructLayout:
        """A wavelet on its way to a queue of its colour; all 0 where none is."""
        return data.StructLayout({"colour": self.colour, "wavelet": self.wavelet})

    @property
    def falling(self) -> data.StructLayout:
        """A wavelet on its way to a PE, which no control wavelet reaches."""
        return data.StructLayout({"colour": self.colour, "word": WORD_BITS})

    @property
    def taking(self) -> data.StructLayout:
        """What a PE takes: a wavelet of a colour, or ``two``."""
        number = range(self.colours)
        return data.StructLayout({"valid": 1, "number": number, "two": self.together - 1})

    @property
    def putting(self) -> data.StructLayout:
        """What a PE puts: a wavelet, or ``two``; the second one has a word of data."""
        rest = self.together - 1
        return data.StructLayout(
            {
                "colour": self.colour, "wavelet": self.wavelet, "two": rest,
                "second": rest * WORD_BITS,
            }
        )  # fmt: skip

    @property
    def pairs(self) -> dict[str, int]:
        """Outputs of a PE's port, and their bits, beside those of a wavelet at once."""
        if self.together == 1:
            return {}
        return {"taken_second": WORD_BITS, "has_two": self.colours, "room_two": self.colours}

    @property
    def way(self) -> data.StructLayout:
        """Of a colour in one position: the port in, above ``RAMP`` for none; and ports out."""
        return data.StructLayout({"source": 3, "to": PORTS})

    @property
    def ways(self) -> data.StructLayout:
        """Of a colour in one router: each position's way, the position at the start, the last."""
        position = range(self.positions)
        return data.StructLayout(
            {
                "position": data.ArrayLayout(self.way, self.positions),
                "first": position,
                "last": position,
            }
        )

    @property
    def switched(self) -> data.StructLayout:
        """A PE sets the position of a colour in its router."""
        return data.StructLayout({"valid": 1, "position": range(self.positions)})

    @property
    def hop_stages(self) -> int:
        """Registers of a link, before the queue behind it."""
        return self.mesh.hop_cycles - 1

    @property
    def down_stages(self) -> int:
        """Registers from a router to a PE's queue."""
        return self.mesh.ramp_cycles - 1

    @property
    def up_stages(self) -> int:
        """Registers from a PE to its queue at the router."""
        return self.mesh.ramp_cycles

    def neighbour(self, node: int, port: int) -> int | None:
        """Router behind a link, None at an edge."""
        x, y = node % self.width + STEPS[port][0], node // self.width + STEPS[port][1]
        if 0 <= x < self.width and 0 <= y < self.height:
            return y * self.width + x
        return None

    def links(self, node: int) -> tuple[int, ...]:
        """Ports of a router that lead to another one."""
        return tuple(port for port in range(LINKS) if self.neighbour(node, port) is not None)
