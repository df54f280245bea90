"""Whole lines of a trace, block by block, and their requests."""

import re
from collections.abc import Iterator

import numpy as np

from arch.errors import InputError
from traces.requests.dialect import Dialect, dialect_of
from traces.requests.dtype import DIALECTS, Requests
from traces.requests.fields import FieldError, text
from traces.requests.source import Source

LINE_MAX_BYTES = 1 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BY_LINE_BELOW_BYTES = 1024
"""Shorter blocks are read line by line, which then is faster."""

_JUNK = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\r(?!\n)")
_JUNK_BYTES = bytes(each for each in range(32) if each not in b"\t\n\r")
_BLANKS = bytes.maketrans(b"\t\r", b"  ")
_COMMENT = re.compile(rb"\n#[^\n]*")
_NEWLINES = re.compile(rb"\n{2,}")

Block = tuple[int, bytes]
"""Number of its first line, and whole lines."""


def blocks(source: Source, block_bytes: int) -> Iterator[Block]:
    """Whole lines, some ``block_bytes`` at a time.

    Raises InputError where the last line has no end, or a line is too long.
    """
    line, rest, first = 1, b"", True
    while data := source.read(block_bytes, line - 1):
        rest += data
        if first and len(rest) >= len(BYTE_ORDER_MARK):
            rest = rest.removeprefix(BYTE_ORDER_MARK)
            first = False
        end = rest.rfind(b"\n") + 1
        if end:
            yield line, rest[:end]
            line += rest.count(b"\n", 0, end)
            rest = rest[end:]
        if len(rest) > LINE_MAX_BYTES:
            _refuse_junk(source.name, line, rest)
            raise InputError(
                f"{source.name}: line {line}: is longer than {LINE_MAX_BYTES} bytes; this is not a "
                "trace of requests"
            )
    if rest:
        _refuse_junk(source.name, line, rest + b"\n")
        raise InputError(
            f"{source.name}: line {line}: has no end, so that {text(rest)} may be cut; end the "
            "last line with a newline if it is whole"
        )


def first_request(name: str, block: Block) -> tuple[int, list[bytes]] | None:
    """Number and fields of the first line that is neither empty nor a comment."""
    line, content = block
    for number, raw in enumerate(content.split(b"\n")[:-1], start=line):
        _refuse_junk(name, number, raw + b"\n")
        fields = raw.split()
        if fields and not fields[0].startswith(b"#"):
            return number, fields
    return None


def detect(name: str, number: int, fields: list[bytes]) -> str:
    """The dialect of a trace by its first request. Raises InputError."""
    dialect = dialect_of(fields)
    if dialect is None:
        known = ", ".join(f"{example!r} ({each})" for each, example in DIALECTS.items())
        raise InputError(
            f"{name}: line {number}: {text(b' '.join(fields))} is no request of a known dialect; "
            f"must be one of {known}"
        )
    return dialect


def requests_of(
    name: str, dialect: Dialect, block: Block, by_line_below: int = BY_LINE_BELOW_BYTES
) -> Requests:
    """Requests of a block. Raises InputError with the line that is wrong."""
    line, content = block
    if len(content) >= by_line_below:
        requests = dialect.block(content)
        if requests is None and (simple := _simplified(content)) not in (content, b""):
            requests = dialect.block(simple)
        if requests is not None:
            return requests
    junk = _JUNK.search(content)
    good = content[: content.rfind(b"\n", 0, junk.start()) + 1] if junk else content
    rows = []
    for number, raw in enumerate(good.split(b"\n")[:-1], start=line):
        fields = raw.split()
        if not fields or fields[0].startswith(b"#"):
            continue
        try:
            rows.append(dialect.line(fields))
        except FieldError as fault:
            raise InputError(
                f"{name}: line {number}: {_mixed(dialect.name, fields) or fault}"
            ) from None
    if junk:
        _refuse_junk(name, line + good.count(b"\n"), content[len(good) :])
    return np.array(rows, dialect.dtype)


def _simplified(content: bytes) -> bytes:
    """The same requests with one separator between fields, no comments and no empty lines."""
    if content.translate(None, _JUNK_BYTES) != content:
        return content
    if content.count(b"\r") != content.count(b"\r\n"):
        return content
    characters = np.frombuffer(content.translate(_BLANKS), np.uint8)
    blank = characters == ord(" ")
    keep = np.ones(len(content), np.bool_)
    keep[:-1] = ~(blank[:-1] & (characters[1:] <= ord(" ")))
    simple = characters[keep].tobytes().replace(b"\n ", b"\n").removeprefix(b" ")
    if b"#" in simple:
        simple = _COMMENT.sub(b"", b"\n" + simple)
    if b"\n\n" in simple:
        simple = _NEWLINES.sub(b"\n", simple)
    return simple.removeprefix(b"\n")


def _mixed(dialect: str, fields: list[bytes]) -> str | None:
    other = dialect_of(fields)
    if other in (None, dialect):
        return None
    return (
        f"{text(b' '.join(fields))} is a request of the dialect {other} in a trace of {dialect}; "
        f"a trace has one dialect, here as in {DIALECTS[dialect]!r}"
    )


def _refuse_junk(name: str, line: int, content: bytes) -> None:
    """Raise InputError if a byte is there that no text has; ``content`` begins at ``line``."""
    junk = _JUNK.search(content)
    if junk:
        line += content.count(b"\n", 0, junk.start())
        raise InputError(
            f"{name}: line {line}: holds a byte 0x{content[junk.start()]:02x}; this is not text"
        )
