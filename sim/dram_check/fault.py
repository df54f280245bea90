"""What is wrong with a text that could not be read: the first line with a fault."""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from arch.errors import InputError

INT_MAX = 2**63


def shown(text: str) -> str:
    """A text as it stands in a message, shortened."""
    shortened = repr(text)
    return shortened if len(shortened) <= 60 else shortened[:57] + "..."


def find_fault(stream: Any, columns: Mapping[str, str], path: Path) -> InputError | None:
    """The first line of a log that is not as its header says, or None."""
    lines = csv.reader(_texts(stream, path))
    header: list[str] = []
    try:
        for cells in lines:
            line = lines.line_num
            if not cells:
                continue
            if not header:
                header = cells
                continue
            if len(cells) != len(header):
                return InputError(
                    f"{path}: line {line}: has {len(cells)} values, not {len(header)} as the "
                    "first line"
                )
            for name, text in zip(header, cells, strict=True):
                if columns.get(name.strip()) in (None, "cmd") or not text:
                    continue
                if not _is_integer(text):
                    return InputError(
                        f"{path}: line {line}: {name} must be a whole number, not {shown(text)}"
                    )
    except InputError as error:
        return error
    except csv.Error as error:
        return InputError(f"{path}: line {lines.line_num}: not CSV: {error}")
    if not header:
        return InputError(f"{path}: is empty")
    return None


def _texts(stream: Any, path: Path) -> Iterator[str]:
    for line, data in enumerate(io.BufferedReader(stream), start=1):
        try:
            text = data.decode("utf-8-sig" if line == 1 else "utf-8")
        except UnicodeDecodeError:
            raise InputError(f"{path}: line {line}: is not text in UTF-8") from None
        if "\0" in text:
            raise InputError(f"{path}: line {line}: holds a zero byte; this is not a text file")
        yield text


def _is_integer(text: str) -> bool:
    digits = text.strip().removeprefix("-")
    return digits.isascii() and digits.isdecimal() and int(digits[:20]) < INT_MAX
