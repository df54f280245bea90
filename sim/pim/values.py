"""Runs the instructions of a PIM and its chip on data: what they compute, not when.

In the order of the trace, one instruction after the other; its dependencies see to it that a timed
run reads and writes the same (docs/pim.md, Values).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.pim.operands import REDUCTIONS, SCALAR, TWO_OPERANDS
from arch.pim.system import Pim
from arch.vector import VECTOR_OPS
from sim.pim.arithmetic import FORMATS, multiply_accumulate, round_all, vector_operation
from sim.pim.value_memory import PimMemory
from traces.mapping.pim.geometry import clears_sums
from traces.pim.dtype import CFR_BROADCAST, OPS, PimTrace

Records = npt.NDArray[np.void]
Floats = npt.NDArray[np.float32]
SINGLE = frozenset(VECTOR_OPS.index(op) for op in REDUCTIONS)
TWO = frozenset(VECTOR_OPS.index(op) for op in TWO_OPERANDS)
NOTHING = frozenset({"SYNC", "EOC", "R_GPR", "R_CFR"})
DEFAULT_GPRS = 4096


class PimValues:
    """State of a PIM and its chip."""

    def __init__(self, pim: Pim, memory: PimMemory, gprs: int | None = None) -> None:
        """``gprs``: how many; those of the chip's SRAM unless given."""
        commands = pim.command_set()
        mac, device = commands.mac, pim.device().device
        if gprs is None:
            gprs = pim.asic.sram_kib * 512 // mac.lanes if pim.asic else DEFAULT_GPRS
        self.memory = memory
        self.gprs = np.zeros((gprs, mac.lanes), np.float32)
        self.gpr_written = np.zeros(gprs, np.bool_)
        self._form, self._sum_form = FORMATS[mac.operand_format], FORMATS[mac.accumulator_format]
        self._banks = device.banks
        self._group_banks = device.sizes[-1]
        self._parts = np.zeros(mac.lanes, np.float32)
        self._adders = np.zeros(pim.asic.adders if pim.asic else 1, np.float32)
        buffer = (pim.channels, commands.global_buffer_columns)
        self._buffer = np.zeros((*buffer, mac.lanes), np.float32)
        self._buffer_written = np.zeros(buffer, np.bool_)
        self._sums = np.zeros((pim.channels, device.banks), np.float32)
        self._clears = clears_sums(pim)
        self._sums_written = np.full((pim.channels, device.banks), self._clears)
        self._cfr = [0, 0, 0]
        self._where = ""
        self._do: dict[str, Callable[[Any, list[int]], None]] = {
            "WR_GB": self._write_buffer, "WR_BIAS": self._write_sums, "RD_MAC": self._read_sums,
            "WR_SBK": self._write_bank, "WR_ABK": self._write_banks, "RD_SBK": self._read_bank,
            "MAC_ABK": self._multiply, "MAC_4BK": self._multiply, "MAC_SBK": self._multiply,
            "COPY_BKGB": self._copy_to_buffer, "COPY_GBBK": self._copy_from_buffer,
            "EWADD": self._add, "VECTOR": self._vector, "W_CFR": self._configure,
            "W_GPR": self._host_gpr,
        }  # fmt: skip

    def set_gprs(self, first: int, values: npt.ArrayLike) -> None:
        """Give registers values, a lane each, zeros behind; rounded to the operands' format."""
        flat = np.array(values, np.float32).ravel()
        round_all(flat, self._form)
        count = -(-len(flat) // self.gprs.shape[1])
        self._fit(first, count)
        self.gprs[first : first + count] = 0
        self.gprs[first : first + count].reshape(-1)[: len(flat)] = flat
        self.gpr_written[first : first + count] = True

    def vector(self, first: int, elements: int) -> Floats:
        """A vector in registers."""
        count = -(-elements // self.gprs.shape[1])
        return self.gprs[first : first + count].reshape(-1)[:elements].copy()

    def run(self, instructions: Records, operators: tuple[str, ...] = ("",)) -> None:
        """Raises InputError, with number and line of the instruction, for what reads something
        never written, or has no values."""
        for number, one in enumerate(instructions, start=1):
            name = OPS[one["op"]]
            line = f", line {one['line']}" if one["line"] else ""
            operator = operators[one["operator"]] if operators else ""
            self._where = f"instruction {number}{line}: {name}" + (operator and f" of {operator}")
            if name in NOTHING:
                continue
            do = self._do.get(name)
            if do is None:
                raise InputError(f"{self._where}: its values are not computed")
            mask = int(one["channels"])
            do(one, [c for c in range(mask.bit_length()) if mask >> c & 1])

    def _fit(self, first: int, count: int) -> None:
        if first < 0 or first + count > len(self.gprs):
            raise InputError(
                f"{self._where or 'values'}: GPR {first + count - 1}; must be 0 to "
                f"{len(self.gprs) - 1}"
            )

    def _read(self, first: int, count: int) -> Floats:
        self._fit(first, count)
        missing = np.flatnonzero(~self.gpr_written[first : first + count])
        if len(missing):
            raise InputError(
                f"{self._where} reads GPR {first + missing[0]}, which nothing has written"
            )
        return self.gprs[first : first + count]

    def _written(self, first: int, count: int) -> Floats:
        self._fit(first, count)
        self.gpr_written[first : first + count] = True
        return self.gprs[first : first + count]

    def _row(self, channel: int, one: Any) -> tuple[Floats, npt.NDArray[np.bool_]]:
        try:
            return self.memory.row(channel, int(one["row"]))
        except InputError as fault:
            raise InputError(f"{self._where}: {fault}") from None

    def _check_row(
        self, written: npt.NDArray[np.bool_], channel: int, one: Any, first: int, end: int
    ) -> None:
        columns = slice(int(one["column"]), int(one["column"] + one["count"]))
        if written[first:end, columns].all():
            return
        bank, column = np.argwhere(~written[first:end, columns])[0]
        raise InputError(
            f"{self._where} reads channel {channel} bank {first + bank} row {one['row']} column "
            f"{one['column'] + column}, which nothing has written"
        )

    def _check_buffer(self, channel: int, first: int, count: int) -> None:
        missing = np.flatnonzero(~self._buffer_written[channel, first : first + count])
        if len(missing):
            raise InputError(
                f"{self._where} reads column {first + missing[0]} of the global buffer of channel "
                f"{channel}, which nothing has written"
            )

    def _check_sums(self, channel: int, first: int, end: int) -> None:
        missing = np.flatnonzero(~self._sums_written[channel, first:end])
        if len(missing):
            raise InputError(
                f"{self._where} reads the accumulator of channel {channel} bank "
                f"{first + missing[0]}, which nothing has written"
            )

    def _write_buffer(self, one: Any, channels: list[int]) -> None:
        first, count = int(one["buffer_column"]), int(one["count"])
        values = self._read(int(one["gpr"]), count)
        self._buffer[channels, first : first + count] = values
        self._buffer_written[channels, first : first + count] = True

    def _write_sums(self, one: Any, channels: list[int]) -> None:
        self._sums[channels] = self._read(int(one["gpr"]), len(channels))[:, : self._banks]
        self._sums_written[channels] = True

    def _read_sums(self, one: Any, channels: list[int]) -> None:
        for channel in channels:
            self._check_sums(channel, 0, self._banks)
        flat = self._sums[channels].ravel()
        round_all(flat, self._form)
        found = self._written(int(one["gpr"]), len(channels))
        found[:] = 0
        found[:, : self._banks] = flat.reshape(len(channels), -1)
        if self._clears:
            self._sums[channels] = 0

    def _write_bank(self, one: Any, channels: list[int]) -> None:
        count, bank, column = int(one["count"]), int(one["bank"]), int(one["column"])
        each = 1 if self._clears else 0
        source = self._read(int(one["gpr"]), (count - 1) * len(channels) * each
                            + (len(channels) - 1) * each + 1)  # fmt: skip
        for turn, channel in enumerate(channels):
            values, written = self._row(channel, one)
            for i in range(count):
                given = source[(i * len(channels) + turn) * each]
                if one["data"]:
                    self._check_one(written, channel, one, column + i)
                    values[bank, column + i, one["data"] - 1] = given[bank]
                else:
                    values[bank, column + i] = given
                    written[bank, column + i] = True

    def _check_one(
        self, written: npt.NDArray[np.bool_], channel: int, one: Any, column: int
    ) -> None:
        if not written[one["bank"], column]:
            raise InputError(
                f"{self._where} writes one lane of channel {channel} bank {one['bank']} row "
                f"{one['row']} column {column}, the others of which nothing has written"
            )

    def _write_banks(self, one: Any, channels: list[int]) -> None:
        given = self._read(int(one["gpr"]), 1)[0]
        for channel in channels:
            values, written = self._row(channel, one)
            values[:, one["column"]] = given
            written[:, one["column"]] = True

    def _read_bank(self, one: Any, channels: list[int]) -> None:
        count, bank, column = int(one["count"]), int(one["bank"]), int(one["column"])
        found = self._written(int(one["gpr"]), count * len(channels))
        for turn, channel in enumerate(channels):
            values, written = self._row(channel, one)
            self._check_row(written, channel, one, bank, bank + 1)
            found[turn :: len(channels)] = values[bank, column : column + count]

    def _multiply(self, one: Any, channels: list[int]) -> None:
        name, bank = OPS[one["op"]], int(one["bank"])
        first, end = {
            "MAC_ABK": (0, self._banks),
            "MAC_4BK": (bank, bank + self._group_banks),
        }.get(name, (bank, bank + 1))
        if self._cfr[CFR_BROADCAST]:
            raise InputError(
                f"{self._where}: factors from the next bank (CFR {CFR_BROADCAST}) have no values"
            )
        count, factor = int(one["count"]), int(one["buffer_column"])
        for channel in channels:
            self._check_buffer(channel, factor, count)
            self._check_sums(channel, first, end)
            values, written = self._row(channel, one)
            self._check_row(written, channel, one, first, end)
            multiply_accumulate(
                values, first, end, int(one["column"]), count, self._buffer[channel], factor,
                self._sums[channel], self._sum_form, self._parts,
            )  # fmt: skip

    def _copy_to_buffer(self, one: Any, channels: list[int]) -> None:
        bank, column, count = int(one["bank"]), int(one["column"]), int(one["count"])
        for channel in channels:
            values, written = self._row(channel, one)
            self._check_row(written, channel, one, bank, bank + 1)
            self._buffer[channel, :count] = values[bank, column : column + count]
            self._buffer_written[channel, :count] = True

    def _copy_from_buffer(self, one: Any, channels: list[int]) -> None:
        bank, column, count = int(one["bank"]), int(one["column"]), int(one["count"])
        for channel in channels:
            self._check_buffer(channel, 0, count)
            values, written = self._row(channel, one)
            values[bank, column : column + count] = self._buffer[channel, :count]
            written[bank, column : column + count] = True

    def _add(self, one: Any, channels: list[int]) -> None:
        count = int(one["count"])
        second = self._read(int(one["gpr2"]), count)
        first = self._read(int(one["gpr"]), count)
        total = (first + second).ravel()
        round_all(total, self._form)
        first[:] = total.reshape(first.shape)

    def _vector(self, one: Any, channels: list[int]) -> None:
        op, elements, flags = int(one["vector_op"]), int(one["elements"]), int(one["column"])
        lanes = self.gprs.shape[1]
        columns = -(-elements // lanes)
        self._read(int(one["gpr2"]), columns)
        second = int(one["gpr2"])
        if op in TWO:
            second = int(one["data"])
            self._read(second, 1 if flags & SCALAR else columns)
        results = 1 if op in SINGLE else elements
        gpr = int(one["gpr"])
        self._written(gpr, -(-results // lanes))
        flat = self.gprs.reshape(-1)
        vector_operation(
            flat, gpr * lanes, int(one["gpr2"]) * lanes, second * lanes, elements, op, flags,
            self._form, self._adders,
        )  # fmt: skip
        flat[gpr * lanes + results : (gpr - (-results // lanes)) * lanes] = 0

    def _configure(self, one: Any, channels: list[int]) -> None:
        self._cfr[one["gpr"]] = int(one["data"])

    def _host_gpr(self, one: Any, channels: list[int]) -> None:
        """The text form has no data: it is given beforehand."""
        if not self.gpr_written[one["gpr"]]:
            raise InputError(f"{self._where}: GPR {one['gpr']} has been given no value; set it")


def run_values(
    pim: Pim, trace: PimTrace | Records, memory: PimMemory, state: PimValues | None = None
) -> PimValues:
    """Run a trace on a memory; ``state``: registers and buffers as they are before.

    Returns what they are behind it; ``memory`` is changed. Raises InputError, with the number and
    line of the instruction, for what reads something never written, or has no values.
    """
    state = state or PimValues(pim, memory)
    if isinstance(trace, PimTrace):
        state.run(trace.instructions, trace.operator_names)
    else:
        state.run(trace)
    return state
