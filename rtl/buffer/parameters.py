"""What the hardware takes from ``arch.buffer.Scratchpad``, and what it refuses."""

from amaranth.lib import data
from amaranth.utils import ceil_log2

from arch.buffer import Scratchpad
from arch.errors import InputError
from rtl.refusal import refuse

ACCESSES_MAX = 16
"""Most accesses a cycle: the crossbar between requesters and ports grows with the square."""

BYTES_MAX = 1024
"""Most bytes that all accesses of a cycle move."""

WORD_BYTES_MAX = 4
"""A line is an array of words that a model holds in 64-bit integers with a sign."""


class Parameters:
    """Widths and sizes of one scratchpad; everything below ``rtl/buffer`` reads them from here.

    Parameters
    ----------
    pad : arch.buffer.Scratchpad
    depth_lines : int
        Lines of each half (of the only one if not double-buffered): a power of two.
    count_bits : int
        Width of the number of accesses of a beat or a burst.
    path : str
        Where the scratchpad is in the machine, for messages.

    Raises InputError for more than 16 accesses or 1024 bytes a cycle, for a depth that is not a
    power of two, is less than the accesses of a cycle, or more than ``capacity_kib`` has.
    """

    def __init__(self, pad: Scratchpad, depth_lines: int, count_bits: int, path: str) -> None:
        accesses, width = pad.accesses_per_cycle, pad.bank_width_bytes
        if accesses > ACCESSES_MAX:
            banks = max(1, ACCESSES_MAX // pad.ports)
            refuse(
                path, f"banks * ports of {ACCESSES_MAX} at most", f"{pad.banks} * {pad.ports}",
                f"; {path}.banks={banks} would do",
            )  # fmt: skip
        if accesses * width > BYTES_MAX:
            refuse(
                path, f"banks * ports * bank_width_bytes of {BYTES_MAX} at most",
                f"{pad.banks} * {pad.ports} * {width}",
                f"; {path}.bank_width_bytes={BYTES_MAX // accesses} would do",
            )  # fmt: skip
        needed = max(2, accesses)
        if lines_of_half(pad) < needed:
            twice = " twice" if pad.double_buffered else ""
            needs = f"room for {needed}{twice} lines of {width} bytes"
            refuse(f"{path}.capacity_kib", needs, pad.capacity_kib)
        if depth_lines < 2 or depth_lines & (depth_lines - 1):
            raise InputError(f"depth_lines: must be a power of two from 2 on, not {depth_lines}")
        if depth_lines < accesses:
            raise InputError(
                f"depth_lines: must be {accesses} at least, the accesses of a cycle of {path}, "
                f"not {depth_lines}"
            )
        if depth_lines > lines_of_half(pad):
            raise InputError(
                f"depth_lines: must be {lines_of_half(pad)} at most, as "
                f"{path}.capacity_kib is {pad.capacity_kib}, not {depth_lines}"
            )
        if not 1 <= count_bits <= 32:
            raise InputError(f"count_bits: must be 1 to 32, not {count_bits}")
        self.accesses = accesses
        self.double_buffered = pad.double_buffered
        self.depth_lines = depth_lines
        self.count_bits = count_bits
        self.word_bytes = max(n for n in range(1, WORD_BYTES_MAX + 1) if width % n == 0)
        self.words = width // self.word_bytes

    @property
    def address_bits(self) -> int:
        """Width of the address of a line in its half."""
        return int(ceil_log2(self.depth_lines))

    @property
    def line(self) -> data.ArrayLayout:
        """A line: what one access moves."""
        return data.ArrayLayout(8 * self.word_bytes, self.words)

    @property
    def lanes(self) -> data.ArrayLayout:
        """The lines that one side can move in a cycle."""
        return data.ArrayLayout(self.line, self.accesses)

    @property
    def advance(self) -> data.StructLayout:
        """A beat of the array: lines that it reads, then lines that it writes."""
        return data.StructLayout(
            {
                "reads": self.count_bits,
                "read_at": self.address_bits,
                "writes": self.count_bits,
                "write_at": self.address_bits,
                "last": 1,
            }
        )

    @property
    def fill(self) -> data.StructLayout:
        """A burst of a load."""
        return data.StructLayout({"lines": self.count_bits, "at": self.address_bits, "last": 1})

    @property
    def drain(self) -> data.StructLayout:
        """A burst of a store."""
        fields: dict[str, int] = {"lines": self.count_bits, "at": self.address_bits}
        if self.double_buffered:
            fields["half"] = 1
        return data.StructLayout(fields)


def lines_of_half(pad: Scratchpad) -> int:
    """Lines that each half has room for."""
    return pad.capacity_bytes // pad.bank_width_bytes // (2 if pad.double_buffered else 1)
