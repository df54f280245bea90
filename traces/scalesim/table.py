"""The rows and columns of a SCALE-Sim topology, tolerant of how people write them.

The first cell of a row names the layer. The others follow the columns of the header line, or
without one their usual order. Empty cells at the end, blank lines, a byte order mark and what
follows ``#`` are ignored. Cells are separated by commas, tabs or semicolons.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from arch.errors import InputError
from traces.reading import read_text

Kind = Literal["conv", "gemm"]

LABELS = {
    "in_h": "IFMAP Height",
    "in_w": "IFMAP Width",
    "filt_h": "Filter Height",
    "filt_w": "Filter Width",
    "channels": "Channels",
    "filters": "Num Filter",
    "stride_h": "Strides",
    "stride_w": "Stride Width",
    "batch": "Batch Size",
    "sparsity": "Sparsity",
    "m": "M",
    "n": "N",
    "k": "K",
}
"""How a column is called in messages."""

COLUMNS: dict[str, str] = {
    **{label.lower().replace(" ", ""): column for column, label in LABELS.items()},
    "channel": "channels",
    "numfilters": "filters",
    "stride": "stride_h",
    "strideheight": "stride_h",
    "batch": "batch",
}
"""Columns by their name in a header, in small letters without spaces."""

REQUIRED: dict[Kind, tuple[str, ...]] = {
    "conv": ("in_h", "in_w", "filt_h", "filt_w", "channels", "filters", "stride_h"),
    "gemm": ("m", "n", "k"),
}
RATIO = re.compile(r"([0-9]{1,9})\s*:\s*([0-9]{1,9})")
INTEGER = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class Row:
    """A layer as written."""

    where: str
    """File, line and name, for messages."""
    kind: Kind
    section: str
    """Title above it; empty without."""
    name: str
    cells: dict[str, str]
    """Text by column; absent where the row has none."""
    comment: str
    """What follows ``#``."""


def read_rows(path: Path, notes: list[str]) -> Iterator[Row]:
    """Layers of a file, in order; what was guessed goes to ``notes``. Raises InputError."""
    text = read_text(path)
    columns: tuple[str, ...] = ()
    section = ""
    for line, cells, comment in _lines(path, text):
        where = f"{path}: line {line}"
        said: list[str] = []
        if len(cells) == 1:
            section = cells[0]
            said.append(f"{section!r} is read as the title of what follows")
        elif _is_header(cells, bool(columns)):
            columns = _header(where, cells, said)
        else:
            if not columns:
                columns = _usual_columns(where, cells)
                said.append("no header; the columns are read in their usual order")
            kind: Kind = "gemm" if "m" in columns else "conv"
            name = cells[0] or f"layer{line}"
            values = _by_column(f"{where}: {name}", cells[1:], columns, kind, said)
            yield Row(f"{where}: {name}", kind, section, name, values, comment)
        notes.extend(f"line {line}: {each}" for each in said)


def _lines(path: Path, text: str) -> Iterator[tuple[int, list[str], str]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((each for each in ",\t;" if each in first), ",")
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    try:
        for raw in reader:
            cells = [cell.strip() for cell in raw]
            comment = ""
            marked = next((i for i, cell in enumerate(cells) if cell.startswith("#")), None)
            if marked is not None:
                comment = " ".join(cells[marked:]).strip("# ")
                cells = cells[:marked]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                yield reader.line_num, cells, comment
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: not CSV: {error}") from None


def _columns(cells: list[str]) -> list[str]:
    """Columns that the cells of a header name, "" for those without meaning."""
    return [COLUMNS.get(re.sub(r"[\s_]", "", cell).lower(), "") for cell in cells[1:]]


def _is_header(cells: list[str], had_one: bool) -> bool:
    if any(INTEGER.fullmatch(cell) for cell in cells[1:]):
        return False
    # Below a header, letters may be those of a template.
    return not had_one or all(_columns(cells))


def _header(where: str, cells: list[str], said: list[str]) -> tuple[str, ...]:
    columns = _columns(cells)
    if not any(columns):
        raise InputError(
            f"{where}: names no known column; wanted are a layer name, then "
            f"{', '.join(LABELS[each] for each in REQUIRED['conv'])}, or M, N, K"
        )
    if columns[:2] == ["in_w", "in_w"]:
        columns[0] = "in_h"
        said.append("the first of two 'IFMAP Width' is the height")
    for column in filter(None, columns):
        if columns.count(column) > 1:
            raise InputError(f"{where}: names the column {LABELS[column]} twice")
    kind: Kind = "gemm" if {"m", "n", "k"} & set(columns) else "conv"
    missing = [LABELS[each] for each in REQUIRED[kind] if each not in columns]
    if missing:
        raise InputError(f"{where}: has no column {', '.join(missing)}; add it")
    ignored = [cell for cell, column in zip(cells[1:], columns, strict=True) if cell and not column]
    if ignored:
        said.append(f"columns ignored: {', '.join(ignored)}")
    return tuple(columns)


def _usual_columns(where: str, cells: list[str]) -> tuple[str, ...]:
    count = len(cells) - 1
    if count == 3 or (count == 4 and RATIO.fullmatch(cells[4])):
        return (*REQUIRED["gemm"], "sparsity")
    if count >= len(REQUIRED["conv"]):
        return REQUIRED["conv"]
    raise InputError(
        f"{where}: has {count} values and there is no header; a convolution has 7 "
        f"({', '.join(LABELS[each] for each in REQUIRED['conv'])}), a product 3 (M, N, K)"
    )


def _by_column(
    where: str, values: list[str], columns: tuple[str, ...], kind: Kind, said: list[str]
) -> dict[str, str]:
    named = zip(columns, values, strict=False)
    cells = {column: value for column, value in named if column and value}
    extra = [value for value in values[len(columns) :] if value]
    if len(extra) == 1 and RATIO.fullmatch(extra[0]) and "sparsity" not in columns:
        cells["sparsity"] = extra.pop()
    if len(extra) == 1 and INTEGER.fullmatch(extra[0]) and columns[-1] == "stride_h":
        said.append("the value after the last column is read as the stride of the width")
        cells["stride_w"] = extra.pop()
    if extra:
        raise InputError(
            f"{where}: has more values than columns; {', '.join(extra)} cannot be placed"
        )
    missing = [LABELS[each] for each in REQUIRED[kind] if each not in cells]
    if missing:
        raise InputError(f"{where}: has no value for {', '.join(missing)}")
    return cells
