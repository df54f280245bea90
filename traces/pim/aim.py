"""Instruction traces in the text form of the AiM simulator.

A line an instruction: ``AiM MAC_ABK 64 15 7``, ``W CFR 0 1``, ``R GPR 3``, ``W MEM 0 2 8``; ``#``
begins a comment. The last one is ``AiM EOC``. Bit 0 of a channel mask is the last channel; in MEM
the channel is given by its number. Numbers are decimal or begin with 0x.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.pim.system import Pim
from traces.pim.dtype import AIM_FIELDS, CFR_AFM, CODES, HOST_FIELDS, INSTRUCTION
from traces.pim.registers import Registers
from traces.requests.fields import FieldError, prefixed_or_decimal, text
from traces.requests.lines import blocks
from traces.requests.source import Source, open_bytes, open_file

Instructions = npt.NDArray[np.void]
BLOCK_BYTES = 1 << 20
GPR_END = 1 << 24
"""Bound on the number of a general register; the simulator has none."""
HOST = ("R", "W")
GLOBAL_BUFFER = ("WR_GB", "EWADD")


class AimTrace:
    """A trace of instructions, chunk by chunk.

    - ``path``: of the file
    - ``bytes_total``, ``bytes_read``: of the file as it is stored
    """

    def __init__(self, source: Source, pim: Pim, block_bytes: int = BLOCK_BYTES) -> None:
        self._source, self._pim, self._block_bytes = source, pim, block_bytes
        self.path = source.name
        self.bytes_total = source.bytes_total
        device = pim.device().device
        self._banks = device.banks
        self._group_banks = device.sizes[-1]
        self._ends = {
            "bank": device.banks,
            "row": device.rows,
            "channel": pim.channels,
            "channels": 1 << pim.channels,
            "gpr": GPR_END,
            "gpr2": GPR_END,
            "register": 3,
        }
        self._columns = device.columns
        self._buffer_columns = pim.command_set().global_buffer_columns
        self._functions = pim.command_set().activation_functions
        self._known = set(pim.command_set().instructions)
        self._cfr = [0, 1, 0]
        self._registers = Registers(device.banks, device.sizes[-1])

    @property
    def bytes_read(self) -> int:
        """For a progress bar."""
        return self._source.bytes_read

    def __iter__(self) -> Iterator[Instructions]:
        """Chunks of INSTRUCTION. Raises InputError with file and line of what is wrong."""
        ended = 0
        line = 1
        try:
            for line, content in blocks(self._source, self._block_bytes):
                rows: list[tuple[int, ...]] = []
                for number, raw in enumerate(content.split(b"\n")[:-1], start=line):
                    fields = raw.split()
                    if not fields or fields[0].startswith(b"#"):
                        continue
                    if ended:
                        raise InputError(
                            f"{self.path}: line {number}: comes after EOC, line {ended}; EOC must "
                            "be last"
                        )
                    try:
                        rows.append(self._instruction(fields, number))
                    except FieldError as fault:
                        raise InputError(f"{self.path}: line {number}: {fault}") from None
                    if rows[-1][0] == CODES["EOC"]:
                        ended = number
                line += content.count(b"\n")
                if rows:
                    yield np.array(rows, INSTRUCTION)
        finally:
            self._source.close()
        if not ended:
            raise InputError(f"{self.path}: line {line}: the trace ends without 'AiM EOC'")

    def _instruction(self, fields: list[bytes], number: int) -> tuple[int, ...]:
        name, kinds = self._operation(fields)
        given = fields[2:]
        if len(given) != len(kinds):
            form = " ".join([*(f.decode() for f in fields[:2]), *map(str.upper, kinds)])
            raise FieldError(
                f"{text(b' '.join(fields))} has {len(given)} numbers; must have {len(kinds)}: "
                f"{form}"
            )
        one: dict[str, Any] = {
            "count": 1, "gpr": -1, "gpr2": -1, "channels": 0, "bank": -1, "row": -1, "data": 0,
        }  # fmt: skip
        for kind, field in zip(kinds, given, strict=True):
            one[kind] = self._number(name, kind, field)
        self._check(name, one, given)
        if self._pim.registers_checked:
            self._registers.follow(name, one, self._cfr)
        if name == "AF":
            one["row"] = self._pim.activation_first_row + self._cfr[CFR_AFM]
        return (
            CODES[name], one["count"], one["gpr"], one["gpr2"], one["channels"], one["bank"],
            one["row"], one["data"], number, 0, 0, 0, 0, 0, 0, 0,
        )  # fmt: skip

    def _operation(self, fields: list[bytes]) -> tuple[str, tuple[str, ...]]:
        """Name of an operation and its fields."""
        first = fields[0].decode("ascii", "replace")
        second = fields[1].decode("ascii", "replace") if len(fields) > 1 else ""
        if first in HOST:
            if second not in HOST_FIELDS:
                raise FieldError(
                    f"region is {text(fields[1]) if second else 'missing'}; must be one of "
                    f"{', '.join(HOST_FIELDS)}"
                )
            return f"{first}_{second}", HOST_FIELDS[second]
        if first != "AiM":
            raise FieldError(f"begins with {text(fields[0])}; must begin with AiM, R or W")
        name = second.removeprefix("ISR_")
        if name not in AIM_FIELDS or name not in self._known:
            known = ", ".join(each for each in AIM_FIELDS if each in self._known)
            raise FieldError(
                f"operation is {text(fields[1]) if second else 'missing'}; must be one of {known}"
            )
        return name, AIM_FIELDS[name]

    def _number(self, name: str, kind: str, field: bytes) -> int:
        if kind == "count":
            end = (self._buffer_columns if name in GLOBAL_BUFFER else self._columns) + 1
            value = prefixed_or_decimal("size", field, end)
            if value == 0:
                raise FieldError(f"size is 0; must be a number from 1 to {end - 1}")
            return value
        what = {"channels": "channel mask", "gpr2": "gpr"}.get(kind, kind)
        value = prefixed_or_decimal(what, field, self._ends.get(kind, 1 << 31))
        if kind != "channels":
            return value
        if value == 0:
            raise FieldError("channel mask is 0; must have a channel")
        return int(f"{value:0{self._pim.channels}b}"[::-1], 2)

    def _check(self, name: str, one: dict[str, Any], given: list[bytes]) -> None:
        """What goes beyond the range of a number; and what registers of the host are set to."""
        if name == "WR_ABK" and one["channels"].bit_count() != 1:
            raise FieldError(f"channel mask is {text(given[1])}; must have one channel in WR_ABK")
        if name == "MAC_4BK" and one["bank"] % self._group_banks:
            raise FieldError(
                f"bank is {one['bank']}; must be the first of a bank group, a multiple of "
                f"{self._group_banks}"
            )
        if name.endswith("_MEM"):
            one["channels"] = 1 << one["channel"]
        elif name.endswith("_CFR"):
            one["gpr"] = one["register"]
            most = self._functions - 1 if one["register"] == CFR_AFM else 1
            if one["data"] > most:
                raise FieldError(
                    f"data is {one['data']}; must be 0 to {most} in CFR {one['register']}"
                )
            if name == "W_CFR":
                self._cfr[one["register"]] = one["data"]


def open_aim(path: str | Path, pim: Pim) -> AimTrace:
    """Open a trace, plain or compressed with gzip or zstd. Raises InputError."""
    return AimTrace(open_file(Path(path)), pim)


def aim_in(data: bytes, pim: Pim, name: str = "trace", block_bytes: int = BLOCK_BYTES) -> AimTrace:
    """As ``open_aim``, of a file's bytes."""
    return AimTrace(open_bytes(name, data), pim, block_bytes)
