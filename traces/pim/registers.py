"""What registers hold something: those that an instruction reads must have been written."""

from collections.abc import Iterable
from typing import Any

from traces.pim.dtype import CFR_BROADCAST
from traces.requests.fields import FieldError

MACS = ("MAC_SBK", "MAC_4BK", "MAC_ABK")


class Registers:
    """General registers (GPR), and of each channel its global buffer, accumulators and results of
    activation functions."""

    def __init__(self, banks: int, group_banks: int) -> None:
        self._all_banks = (1 << banks) - 1
        self._group_banks = group_banks
        self._gpr: set[int] = set()
        self._buffer: dict[int, int] = {}
        self._sums: dict[int, int] = {}
        self._activated: set[int] = set()

    def follow(self, name: str, one: dict[str, Any], cfr: list[int]) -> None:
        """Take an instruction. Raises FieldError for a register that it reads and none wrote."""
        channels = [c for c in range(one["channels"].bit_length()) if one["channels"] >> c & 1]
        self._read(name, one, channels, cfr)
        self._write(name, one, channels)

    def _read(self, name: str, one: dict[str, Any], channels: list[int], cfr: list[int]) -> None:
        gpr, columns = one["gpr"], (1 << one["count"]) - 1
        if name in ("WR_SBK", "WR_ABK", "R_GPR"):
            self._need_gpr(name, [gpr])
        elif name == "WR_BIAS":
            self._need_gpr(name, range(gpr, gpr + len(channels)))
        elif name == "WR_GB":
            self._need_gpr(name, range(gpr, gpr + one["count"]))
        elif name == "EWADD":
            for first in (gpr, one["gpr2"]):
                self._need_gpr(name, range(first, first + one["count"]))
        for channel in channels:
            if name == "COPY_GBBK" or (name in MACS and not cfr[CFR_BROADCAST]):
                missing = columns & ~self._buffer.get(channel, 0)
                if missing:
                    column = (missing & -missing).bit_length() - 1
                    raise FieldError(
                        f"{name} reads column {column} of the global buffer of channel {channel}, "
                        "which nothing has written; write it with WR_GB or COPY_BKGB before"
                    )
            wanted = self._banks(name, one)
            missing = wanted & ~self._sums.get(channel, 0)
            if missing:
                bank = (missing & -missing).bit_length() - 1
                raise FieldError(
                    f"{name} reads the accumulator of channel {channel} bank {bank}, which nothing "
                    "has written; write it with WR_BIAS before"
                )
            if name == "RD_AF" and channel not in self._activated:
                raise FieldError(
                    f"RD_AF reads results of an activation function of channel {channel}, which "
                    "nothing has written; give AF before"
                )

    def _banks(self, name: str, one: dict[str, Any]) -> int:
        """Banks whose accumulators are read, a bit each."""
        if name in ("MAC_ABK", "RD_MAC", "AF"):
            return self._all_banks
        if name == "MAC_SBK":
            return 1 << int(one["bank"])
        if name == "MAC_4BK":
            return ((1 << self._group_banks) - 1) << int(one["bank"])
        return 0

    def _write(self, name: str, one: dict[str, Any], channels: list[int]) -> None:
        if name in ("RD_MAC", "RD_AF", "RD_SBK"):
            self._gpr.update(range(one["gpr"], one["gpr"] + len(channels)))
        elif name == "EWADD":
            self._gpr.update(range(one["gpr"], one["gpr"] + one["count"]))
        elif name == "W_GPR":
            self._gpr.add(one["gpr"])
        elif name in ("WR_GB", "COPY_BKGB"):
            for channel in channels:
                self._buffer[channel] = self._buffer.get(channel, 0) | (1 << one["count"]) - 1
        elif name == "WR_BIAS":
            self._sums.update(dict.fromkeys(channels, self._all_banks))
        elif name == "AF":
            self._activated.update(channels)

    def _need_gpr(self, name: str, registers: Iterable[int]) -> None:
        for register in registers:
            if register not in self._gpr:
                raise FieldError(
                    f"{name} reads GPR {register}, which nothing has written; write it with "
                    f"'W GPR {register}' before"
                )
