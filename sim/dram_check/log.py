"""Command logs from files: ours, Ramulator's and DRAMsim3's; in chunks, of any length.

Columns are ``cycle,cmd`` and of ``channel,rank,stack,bg,bank,row,col`` those that are there; a
channel, rank or stack that is missing is 0, and blank where it has no meaning. ``pseudo_channel``
is another name of ``rank``.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from arch.errors import InputError
from sim.dram_check.fault import find_fault, shown
from sim.dram_check.rules import CODES
from sim.dram_check.state import LOG, Array
from sim.dram_check.tables import EACH_GROUP, GROUP_BANKS, HALF, ONE, Rules

CHUNK_BYTES = 1 << 22
CHUNK_ROWS = 1 << 18
CYCLE_MAX = 2**61
CHANNELS_MAX = 1024
COLUMNS = {
    "cycle": "cycle", "cmd": "cmd", "command": "cmd", "channel": "channel", "rank": "rank",
    "pseudo_channel": "rank", "stack": "stack", "bg": "group", "bank_group": "group",
    "bank": "bank", "row": "row", "col": "col", "column": "col", "detail": "detail",
}  # fmt: skip
TEXTS = ("cmd", "detail")
"""Columns of text; of what a command is for nothing is read."""
ADDRESS = ("channel", "rank", "stack", "group", "bank", "row")
ROWED = ("ACT", "ACT1", "ACT4", "ACT8", "ACT16", "GACT")
SPELLINGS = {
    **{name.lower(): code for name, code in CODES.items()},
    **{
        other: CODES[name]
        for name, others in {
            "ACT": "activate",
            "PRE": "prepb precharge",
            "PREab": "prea",
            "RD": "read",
            "RDA": "read_precharge read_p",
            "WR": "write",
            "WRA": "write_precharge write_p",
            "REFab": "ref refa refresh",
            "REFpb": "refb refresh_bank",
        }.items()
        for other in others.split()
    },
}
"""Codes of commands by the names that logs use, in lower case."""


def read_log(path: Path, rules: Rules) -> Iterator[Array]:
    """The commands of a file (.csv or .parquet, plain, or .csv.gz or .csv.zst), as arrays of LOG.

    Raises InputError with file and line (row, in Parquet) where something is wrong.
    """
    number = 0
    for batch in batches(path):
        yield to_chunk(batch, number, path, rules)
        number += batch.num_rows
    if number == 0:
        raise InputError(f"{path}: holds no commands; give a line a command")


def batches(path: Path) -> Iterator[Any]:
    """Record batches of a file, with the columns named as in ``COLUMNS``. Raises InputError."""
    try:
        if path.name.endswith(".parquet"):
            with pyarrow.parquet.ParquetFile(path) as file:
                header = file.schema_arrow.names
                names = check_header(header, path)
                for batch in file.iter_batches(CHUNK_ROWS):
                    yield batch.rename_columns(names)
            return
        with open_text(path) as stream:
            reader = pyarrow.csv.open_csv(
                stream,
                pyarrow.csv.ReadOptions(use_threads=False, block_size=CHUNK_BYTES),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types={
                        name: pa.string() if column in TEXTS else pa.int64()
                        for name, column in COLUMNS.items()
                    },
                    strings_can_be_null=True,
                    null_values=[""],
                ),
            )
            names = check_header(reader.schema.names, path)
            for batch in reader:
                yield batch.rename_columns(names)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise _explained(path, error) from None


def open_text(path: Path) -> Any:
    """A file as bytes, unpacked."""
    kind = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix.lower())
    return pa.input_stream(str(path), compression=kind)


def _explained(path: Path, error: Exception) -> InputError:
    """The first fault of a file that could not be read."""
    if path.is_dir():
        return InputError(f"{path}: is a folder; give a file")
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path}: there is no such file")
    if not path.name.endswith(".parquet"):
        try:
            with open_text(path) as stream:
                fault = find_fault(stream, COLUMNS, path)
        except (OSError, pa.ArrowException) as damage:
            return InputError(f"{path}: is damaged or cut off: {shown(str(damage))}")
        if fault is not None:
            return fault
    return InputError(f"{path}: cannot be read: {shown(str(error).splitlines()[0])}")


def check_header(header: list[str], path: Path) -> list[str]:
    """The columns by our names. Raises InputError for one that is unknown, missing or twice."""
    names = [COLUMNS.get(name.strip(), "") for name in header]
    for given, name in zip(header, names, strict=True):
        if not name:
            raise InputError(
                f"{path}: line 1: {shown(given)} is no column of a command log; those are "
                f"{', '.join(COLUMNS)}"
            )
        if names.count(name) > 1:
            raise InputError(f"{path}: line 1: gives the column {given!r} twice")
    for name in ("cycle", "cmd"):
        if name not in names:
            raise InputError(f"{path}: line 1: has no column {name}")
    return names


def to_chunk(batch: Any, number: int, path: Path, rules: Rules) -> Array:
    """A record batch whose first command has this number as an array of LOG. Raises InputError."""
    where = _Where(path, number)
    chunk = np.zeros(batch.num_rows, LOG)
    chunk["cycle"] = _integers(batch, "cycle", where, None, CYCLE_MAX)
    device = rules.tables.device[0]
    most = {
        "channel": CHANNELS_MAX, "rank": int(device["ranks"]), "stack": int(device["stacks"]),
        "group": int(device["groups"]), "bank": int(device["banks"]), "row": 2**31,
    }  # fmt: skip
    # LPDDR4 has eight banks, which only some logs put into groups.
    flat = rules.standard.name == "LPDDR4" and "group" not in batch.schema.names
    banks = most["bank"]
    if flat:
        most["bank"] *= most["group"]
    for name in ADDRESS:
        blank = 0 if name in ("channel", "rank", "stack") else -1
        if name in batch.schema.names:
            chunk[name] = _integers(batch, name, where, blank, most[name])
        else:
            chunk[name] = blank
    if flat:
        given = chunk["bank"] >= 0
        chunk["group"] = np.where(given, chunk["bank"] // banks, -1)
        chunk["bank"] = np.where(given, chunk["bank"] % banks, -1)
    chunk["kind"] = _kinds(batch.column(batch.schema.names.index("cmd")), where, rules)
    _check_addresses(chunk, where, rules)
    return chunk


class _Where:
    """Names the place of a command in its file."""

    def __init__(self, path: Path, number: int) -> None:
        self.path, self.number = path, number

    def error(self, index: int, what: str) -> InputError:
        if self.path.name.endswith(".parquet"):
            return InputError(f"{self.path}: row {self.number + index + 1}: {what}")
        # The header is the first line; empty ones were skipped, which is found again here.
        line = self.number + index
        with open_text(self.path) as stream:
            for at, text in enumerate(io.BufferedReader(stream), start=1):
                if text.strip(b"\r\n"):
                    line -= 1
                    if line < -1:
                        return InputError(f"{self.path}: line {at}: {what}")
        return InputError(f"{self.path}: {what}")


def place_of(path: Path, number: int, what: str) -> InputError:
    """An error that names the line of the command with this number."""
    return _Where(path, number).error(0, what)


def _integers(batch: Any, name: str, where: _Where, blank: int | None, most: int) -> Array:
    column = batch.column(batch.schema.names.index(name))
    if not pa.types.is_integer(column.type) and not pa.types.is_null(column.type):
        raise InputError(f"{where.path}: column {name}: must be integers, not {column.type}")
    column = column.cast(pa.int64())
    missing = np.asarray(column.is_null())
    values = np.asarray(column.fill_null(0))
    bad = (values < 0) | (values >= most)
    if blank is None:
        bad |= missing
    if bad.any():
        index = int(np.argmax(bad))
        given = "nothing" if missing[index] else values[index]
        raise where.error(index, f"{name} must be 0 to {most - 1}, not {given}")
    filled: Array = np.where(missing, 0 if blank is None else blank, values)
    return filled


def _kinds(column: Any, where: _Where, rules: Rules) -> Array:
    """Codes of the commands."""
    if not pa.types.is_dictionary(column.type):
        if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
            raise InputError(f"{where.path}: column cmd: must be text, not {column.type}")
        column = column.dictionary_encode()
    texts = [str(text or "") for text in column.dictionary.to_pylist()]
    known = {CODES[name] for name in rules.commands}
    codes = [SPELLINGS.get(text.strip().lower(), -1) for text in texts]
    table = np.array([code if code in known else -1 for code in codes] + [-1])
    places = np.asarray(column.indices.fill_null(len(texts)))
    kinds = table[places]
    if (kinds < 0).any():
        index = int(np.argmax(kinds < 0))
        text = texts[places[index]] if places[index] < len(texts) else ""
        raise where.error(
            index,
            f"cmd {shown(text)} is no command of {rules.standard.name}; those are "
            f"{', '.join(rules.commands)}",
        )
    codes_of: Array = kinds
    return codes_of


def _check_addresses(chunk: Array, where: _Where, rules: Rules) -> None:
    """Commands of one bank say which, and activates which row."""
    kinds = rules.tables.kinds[chunk["kind"]]
    syncs = [CODES["CAS_RD"], CODES["CAS_WR"]]
    single = np.isin(kinds["reach"], [ONE, HALF]) & ~np.isin(chunk["kind"], syncs)
    grouped = any("bank group" in reason for reason in rules.reasons)
    flat = rules.standard.name == "LPDDR4" or not grouped
    in_group = single | (kinds["reach"] == GROUP_BANKS)
    needs = {
        "group": in_group if not flat else np.zeros(len(chunk), bool),
        "bank": single | (kinds["reach"] == EACH_GROUP),
        "row": np.isin(chunk["kind"], [CODES[each] for each in ROWED]),
    }
    for name, needed in needs.items():
        bad = needed & (chunk[name] < 0)
        if bad.any():
            index = int(np.argmax(bad))
            code = int(chunk["kind"][index])
            told = {"group": "bank group", "bank": "bank", "row": "row"}[name]
            raise where.error(index, f"{list(CODES)[code]} needs a {told}")
