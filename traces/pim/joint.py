"""Traces of channels that hold memory and PIM instructions together, as text.

A line an instruction or a request; ``#`` begins a comment; numbers are decimal or begin with 0x:

    GWRITE channel bank row             a row goes to the global buffer of its channel
    HEADER channel row columns results  a tile begins: all banks open the row
    COMPS channel row columns [last]    columns in all banks and their result, composite
    COMP channel row count              columns, an instruction each
    READRES channel row [last]          their result
    R cycle channel bank row column     an ordinary read, so many cycles after the SYNC before
    W cycle channel bank row column
    SYNC [cycles]                       what follows begins so many cycles after all is done
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.pim.joint import JointPim
from traces.requests.fields import FieldError, prefixed_or_decimal, text
from traces.requests.lines import blocks
from traces.requests.source import Source, open_bytes, open_file

BLOCK_BYTES = 1 << 20
CYCLES_END = 1 << 40
FIELDS = {
    "GWRITE": ("channel", "bank", "row"),
    "HEADER": ("channel", "row", "count", "results"),
    "COMP": ("channel", "row", "count"),
    "READRES": ("channel", "row"),
    "COMPS": ("channel", "row", "count"),
    "R": ("cycle", "channel", "bank", "row", "column"),
    "W": ("cycle", "channel", "bank", "row", "column"),
    "SYNC": (),
}
"""Numbers of each operation, in order."""
OPS = tuple(FIELDS)
GWRITE, HEADER, COMP, READRES, COMPS, READ, WRITE, SYNC = range(len(OPS))
LINE = np.dtype(
    [
        ("op", np.int64),  # OPS
        ("channel", np.int64),
        ("bank", np.int64),  # of the channel
        ("row", np.int64),
        ("column", np.int64),
        ("count", np.int64),  # columns
        ("results", np.int64),
        ("last", np.int64),  # 1: ends its tile
        ("cycle", np.int64),  # R, W, SYNC
        ("line", np.int64),  # in the file
    ]
)
Lines = npt.NDArray[np.void]


@dataclass(frozen=True)
class Ends:
    """Bounds of the numbers of a trace."""

    channel: int
    bank: int
    row: int
    column: int
    count: int
    results: int = 1 << 20
    cycle: int = CYCLES_END


@dataclass
class Tile:
    """That has begun and not ended."""

    row: int
    results: int
    """That its HEADER says."""
    given: int = 0


class JointTrace:
    """A trace, chunk by chunk.

    - ``path``: of the file
    - ``bytes_total``, ``bytes_read``: of the file as it is stored
    """

    def __init__(self, source: Source, pim: JointPim, block_bytes: int = BLOCK_BYTES) -> None:
        self._source, self._block_bytes = source, block_bytes
        self.path = source.name
        self.bytes_total = source.bytes_total
        device = pim.device()
        lanes = pim.command_set().mac.lanes * 2
        columns = device.columns * device.burst_bytes // lanes
        self._ends = Ends(pim.channels, device.banks, device.rows, device.columns, columns + 1)
        self._tiles: dict[int, Tile] = {}

    @property
    def bytes_read(self) -> int:
        """For a progress bar."""
        return self._source.bytes_read

    def __iter__(self) -> Iterator[Lines]:
        """Chunks of LINE. Raises InputError with file and line of what is wrong."""
        line = 1
        try:
            for line, content in blocks(self._source, self._block_bytes):
                rows = []
                for number, raw in enumerate(content.split(b"\n")[:-1], start=line):
                    fields = raw.split(b"#")[0].split()
                    if not fields:
                        continue
                    try:
                        rows.append(self._line(fields, number))
                    except FieldError as fault:
                        raise InputError(f"{self.path}: line {number}: {fault}") from None
                line += content.count(b"\n")
                if rows:
                    yield np.array(rows, LINE)
        finally:
            self._source.close()
        for channel, tile in self._tiles.items():
            raise InputError(
                f"{self.path}: line {line}: the trace ends within the tile of row {tile.row} in "
                f"channel {channel}; its last COMPS or READRES must say last"
            )

    def _line(self, fields: list[bytes], number: int) -> tuple[int, ...]:
        name = fields[0].decode("ascii", "replace")
        if name not in FIELDS:
            raise FieldError(f"begins with {text(fields[0])}; must be one of {', '.join(OPS)}")
        given, last = fields[1:], 0
        if name in ("COMPS", "READRES") and given and given[-1] == b"last":
            given, last = given[:-1], 1
        kinds = FIELDS[name]
        one = dict.fromkeys(("cycle", "channel", "bank", "row", "column", "count", "results"), 0)
        if name == "SYNC" and given:
            kinds = ("cycle",)
        if len(given) != len(kinds):
            raise FieldError(
                f"{name} has {len(given)} numbers; must have {len(kinds)}: "
                f"{' '.join([name, *map(str.upper, kinds)])}"
            )
        for kind, field in zip(kinds, given, strict=True):
            least = kind == "results" or (kind == "count" and name != "HEADER")
            end = CYCLES_END if name == "HEADER" and kind == "count" else getattr(self._ends, kind)
            one[kind] = prefixed_or_decimal(kind, field, end)
            if one[kind] < least:
                raise FieldError(f"{kind} is {one[kind]}; must be 1 at least")
        self._follow(name, one, last)
        return (
            OPS.index(name), one["channel"], one["bank"], one["row"], one["column"], one["count"],
            one["results"], last, one["cycle"], number,
        )  # fmt: skip

    def _follow(self, name: str, one: dict[str, int], last: int) -> None:
        """Columns and results lie in a tile, of its row and as many as its HEADER says; nothing
        else of PIM does."""
        channel, row = one["channel"], one["row"]
        tile = self._tiles.get(channel)
        if name == "SYNC" and self._tiles:
            raise FieldError(f"SYNC is within a tile of channel {min(self._tiles)}")
        if name in ("HEADER", "GWRITE"):
            if tile is not None:
                raise FieldError(f"{name} comes before the tile of row {tile.row} has ended")
            if name == "HEADER":
                self._tiles[channel] = Tile(row, one["results"])
        elif name in ("COMP", "READRES", "COMPS"):
            if tile is None:
                raise FieldError(f"{name} has no HEADER before it")
            if tile.row != row:
                raise FieldError(f"{name} has row {row}; must be that of its HEADER, {tile.row}")
            tile.given += name != "COMP"
            if last:
                if tile.given != tile.results:
                    raise FieldError(
                        f"the tile of row {row} ends with result {tile.given}; its HEADER must say "
                        f"as many results, not {tile.results}"
                    )
                del self._tiles[channel]


def open_joint(path: str | Path, pim: JointPim) -> JointTrace:
    """Open a trace, plain or compressed with gzip or zstd. Raises InputError."""
    return JointTrace(open_file(Path(path)), pim)


def joint_in(data: bytes, pim: JointPim, name: str = "trace") -> JointTrace:
    """As ``open_joint``, of a file's bytes."""
    return JointTrace(open_bytes(name, data), pim)


def as_text(chunks: Iterable[Lines]) -> Iterator[str]:
    """The lines of a trace, as text."""
    for chunk in chunks:
        for one in chunk:
            name = OPS[int(one["op"])]
            kinds = ("cycle",) if name == "SYNC" else FIELDS[name]
            numbers = [str(int(one[kind])) for kind in kinds]
            yield " ".join([name, *numbers, *(["last"] if one["last"] else [])]) + "\n"
