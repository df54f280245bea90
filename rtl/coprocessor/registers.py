"""The registers of the co-processor: one table, of which hardware and page are made."""

from dataclasses import dataclass
from typing import Literal

from arch.errors import InputError

Access = Literal["ro", "rw", "pulse", "w1c", "constant"]
ACCESS = {
    "ro": "read",
    "rw": "read, write",
    "pulse": "write 1: once; reads 0",
    "w1c": "read; write 1 clears",
    "constant": "read",
}
IDENTITY = 0x4C4B_5350
VERSION = 1
"""Of this table: another one has another number."""
COUNTERS = {
    "BEATS": "Beats: cycles in which the array went on, with work inside.",
    "STALLED_INPUT": "Cycles in which it waited for a word, of `left`, `top` or `partial`.",
    "STALLED_OUTPUT": "Cycles in which it waited for room for a result.",
}
COUNTER_BITS = 64


@dataclass(frozen=True)
class Bits:
    """A field of a register."""

    name: str
    low: int
    """Its lowest bit."""
    width: int
    access: Access
    text: str
    value: int = 0
    """Of a constant."""


@dataclass(frozen=True)
class Register:
    """A word of 32 bits. Bits that no field has read as 0."""

    name: str
    address: int
    fields: tuple[Bits, ...]

    @property
    def writable(self) -> bool:
        """Whether a write does anything."""
        return any(field.access in ("rw", "pulse", "w1c") for field in self.fields)


@dataclass(frozen=True)
class Sizes:
    """What the table depends on."""

    rows: int
    cols: int
    left_bytes: int
    """Of one lane, as ``top_bytes`` and ``result_bytes``."""
    top_bytes: int
    result_bytes: int
    extent_bits: int
    modes: int
    results: int
    depth: int
    streams: tuple[str, ...]
    """Those that come in."""

    @property
    def mode_bits(self) -> int:
        """Of the number of a mode; 1 where there is one mode, which is 0."""
        return max(1, (self.modes - 1).bit_length())

    @property
    def result_bits(self) -> int:
        """Of the number of a result format, likewise."""
        return max(1, (self.results - 1).bit_length())

    @property
    def level_bits(self) -> int:
        """Of a number of products in the queue."""
        return self.depth.bit_length()


def check(extent_bits: int, depth: int) -> None:
    """Raise InputError for an extent or a queue that the registers have no room for."""
    if not 4 <= extent_bits <= 32:
        raise InputError(f"extent_bits: must be 4 to 32, not {extent_bits}")
    if depth not in [1 << i for i in range(1, 16)]:
        raise InputError(f"depth: must be a power of two from 2 to 32768, not {depth}")


def table(sizes: Sizes) -> tuple[Register, ...]:
    """All registers, in the order of their addresses."""
    s = sizes
    errors = []
    for name in s.streams:
        errors += [
            (f"{name}_early", f"TLAST of `{name}` before the last beat of a product."),
            (f"{name}_missing", f"No TLAST with the last beat of `{name}`."),
            (f"{name}_keep", f"A beat of `{name}` without all bytes (TKEEP)."),
        ]
    errors += [
        ("refused", "A start with an extent of 0, or a mode or format that there is not."),
        ("full", "A start without room in the queue."),
    ]
    rows: list[tuple[str, list[Bits]]] = [
        ("ID", [Bits("id", 0, 32, "constant", "Says that this is it.", IDENTITY)]),
        ("VERSION", [Bits("version", 0, 32, "constant", "Of this table.", VERSION)]),
        (
            "SHAPE",
            [
                Bits("rows", 0, 16, "constant", "Lanes of `left`.", s.rows),
                Bits("cols", 16, 16, "constant", "Lanes of `top` and `result`.", s.cols),
            ],
        ),
        (
            "LANES",
            [
                Bits("left", 0, 8, "constant", "Bytes of a lane.", s.left_bytes),
                Bits("top", 8, 8, "constant", "Bytes of a lane.", s.top_bytes),
                Bits("result", 16, 8, "constant", "Bytes of a lane.", s.result_bytes),
            ],
        ),
        (
            "CHOICES",
            [
                Bits("modes", 0, 8, "constant", "How many there are.", s.modes),
                Bits("results", 8, 8, "constant", "Formats of results.", s.results),
                Bits("depth", 16, 16, "constant", "Of the queue.", s.depth),
            ],
        ),
        (
            "CONTROL",
            [
                Bits("start", 0, 1, "pulse", "Queue the product of M, N, K, MODE and RESULT."),
                Bits("irq_done", 1, 1, "rw", "`irq` while STATUS.done."),
                Bits("irq_error", 2, 1, "rw", "`irq` while STATUS.error."),
                Bits("clear", 3, 1, "pulse", "PRODUCTS and the counters of cycles become 0."),
            ],
        ),
        (
            "STATUS",
            [
                Bits("busy", 0, 1, "ro", "Products are in the queue."),
                Bits("done", 1, 1, "w1c", "A product has ended: its last result is on its way."),
                Bits("error", 2, 1, "ro", "ERRORS is not 0."),
                Bits("level", 16, s.level_bits, "ro", "Products in the queue, those at work too."),
            ],
        ),
        ("ERRORS", [Bits(name, i, 1, "w1c", text) for i, (name, text) in enumerate(errors)]),
        (
            "ERROR_BEAT",
            [
                Bits(
                    "beat", 0, 32, "ro",
                    "Number in its product, from 0 and modulo 2^32, of the first beat since ERRORS "
                    "was 0 with an error.",
                )
            ],
        ),
        (
            "ERROR_STREAM",
            [Bits("stream", 0, 2, "ro", f"Its stream: {_numbered(s.streams)}.")],
        ),
        ("M", [Bits("m", 0, s.extent_bits, "rw", "Rows of A and C.")]),
        ("N", [Bits("n", 0, s.extent_bits, "rw", "Columns of B and C.")]),
        ("K", [Bits("k", 0, s.extent_bits, "rw", "Columns of A, rows of B, in words.")]),
        ("MODE", [Bits("mode", 0, s.mode_bits, "rw", "Of the engine, as in its `modes`.")]),
        (
            "RESULT",
            [Bits("result", 0, s.result_bits, "rw", "Format, as in the engine's `results`.")],
        ),
        ("PRODUCTS", [Bits("products", 0, 32, "ro", "That have ended.")]),
        *((name, [Bits(name.lower(), 0, 32, "ro", text)]) for name, text in COUNTERS.items()),
        (
            "HIGH",
            [Bits("high", 0, 32, "ro", "The upper 32 bits of the counter of cycles read last.")],
        ),
    ]  # fmt: skip
    return tuple(Register(name, 4 * i, tuple(fields)) for i, (name, fields) in enumerate(rows))


def _numbered(names: tuple[str, ...]) -> str:
    return ", ".join(f"{i} {name}" for i, name in enumerate(names))


def markdown(registers: tuple[Register, ...]) -> str:
    """The table as a table."""
    lines = [
        "| address | register | bits | field | access | |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for register in registers:
        for i, field in enumerate(register.fields):
            high = field.low + field.width - 1
            bits = f"{high}:{field.low}" if field.width > 1 else f"{field.low}"
            text = field.text
            if field.access == "constant" and register.name in ("ID", "VERSION"):
                text += f" `{field.value:#x}`"
            head = (f"`{register.address:#04x}`", register.name) if i == 0 else ("", "")
            row = (*head, bits, field.name, ACCESS[field.access], text)
            lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"
