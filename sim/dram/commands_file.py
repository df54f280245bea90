"""The command log of a memory run, as .csv or .parquet."""

from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from arch.dram.device import Device
from arch.errors import InputError
from sim.dram.address import bank_place
from sim.report.writing import open_whole

COLUMNS = {
    "pseudo_channel": "rank",
    "rank": "rank",
    "stack": "stack",
    "bank_group": "bg",
    "bank": "bank",
}
"""Names in a log of the levels of a bank's place: a pseudo-channel is what a rank is elsewhere."""
SUFFIXES = (".csv", ".parquet")
MOVES = ("RD", "WR", "RDA", "WRA")
ROWS = ("ACT", "ACT1", "ACT2", *MOVES)
Integers = npt.NDArray[np.int64]


def check_suffix(path: Path) -> None:
    """Raise InputError for a name that is neither .csv nor .parquet."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: commands are written as .csv or .parquet, by the file's name")


class CommandsFile:
    """Takes chunks of commands; the file is there once all are.

    Columns: cycle, cmd, channel, the place of the bank, row and col, empty where a command has
    none.
    """

    def __init__(
        self,
        path: Path,
        device: Device,
        rows: Collection[str] = ROWS,
        columns: Collection[str] = MOVES,
    ) -> None:
        """``rows``, ``columns``: commands that have a row, a column."""
        check_suffix(path)
        self.path, self.device = path, device
        self._rows, self._columns = list(rows), list(columns)
        self._grouped = [n for n, c in device.commands.items() if c.level == "bank_group"]
        self._names = np.array(list(device.commands))
        self._writer: Any = None
        self._same_bank = [name for name, c in device.commands.items() if c.same_bank]
        self._spans = {name: device.nodes(c.level) for name, c in device.commands.items()}

    def __enter__(self) -> Callable[[int | Integers, npt.NDArray[np.void]], None]:
        self._whole = open_whole(self.path)
        self._file: IO[bytes] = self._whole.__enter__()
        return self._write

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None and self._writer is None:
            self._write(0, np.zeros(0, [(n, np.int64) for n in LOG_FIELDS]))
        if self._writer is not None:
            self._writer.close()
        self._whole.__exit__(kind, error, traceback)

    def _write(self, channel: int | Integers, log: npt.NDArray[np.void]) -> None:
        """Commands of a channel, or of the channel of each."""
        names = self._names[log["command"]]
        columns: dict[str, Any] = {
            "cycle": log["cycle"],
            "cmd": pa.array(names, pa.string()),
            "channel": np.zeros(len(log), np.int64) + channel,
        }
        single = np.isin(names, [n for n, s in self._spans.items() if s == self.device.banks])
        place = bank_place(self.device, np.maximum(log["bank"], 0))
        for level, values in place.items():
            narrow = level not in ("bank_group", "bank")
            others = self._grouped if level == "bank_group" else self._same_bank
            given = single | np.isin(names, others)
            columns[COLUMNS[level]] = values if narrow else _where(values, given)
        rows = np.isin(names, self._rows) & (log["row"] >= 0)
        columns["row"] = _where(log["row"], rows)
        columns["col"] = _where(log["column"], np.isin(names, self._columns))
        table = pa.table(columns)
        if self._writer is None:
            self._writer = self._open(table.schema)
        self._writer.write_table(table)

    def _open(self, schema: Any) -> Any:
        if self.path.suffix == ".csv":
            options = pyarrow.csv.WriteOptions(quoting_style="none")
            return pyarrow.csv.CSVWriter(self._file, schema, write_options=options)
        return pyarrow.parquet.ParquetWriter(self._file, schema, compression="zstd")


LOG_FIELDS = ("cycle", "command", "bank", "row", "column")


def _where(values: npt.NDArray[np.int64], given: npt.NDArray[np.bool_]) -> Any:
    return pa.array(values, pa.int64(), mask=~given)
