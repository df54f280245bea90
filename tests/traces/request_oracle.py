"""Traces of text read one line at a time, as plainly as can be; knows nothing of the readers."""

import string
from typing import Any

WORDS = {
    b"READ": 0, b"read": 0, b"P_MEM_RD": 0, b"P_FETCH": 0,
    b"WRITE": 1, b"write": 1, b"P_MEM_WR": 1, b"BOFF": 1,
}  # fmt: skip
CONTROLS = {each for each in range(32) if each not in (9, 13)}
HEX = set(string.hexdigits.encode())
DECIMAL = set(string.digits.encode())

Request = tuple[int, Any, int]
"""Cycle, address or vector, write."""
Answer = tuple[str, list[Request], int]
"""Dialect, requests before the first wrong line, and that line (0 where all is right)."""


class WrongError(Exception):
    """A line is not as it must be."""


def read(data: bytes) -> Answer:
    """Requests of a plain trace of text; those of an empty one have the wrong line -1."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    dialect = ""
    requests: list[Request] = []
    for number, raw in enumerate(lines[:-1], start=1):
        line = raw[:-1] if raw.endswith(b"\r") else raw
        if b"\r" in line or CONTROLS & set(line):
            return dialect, requests, number
        fields = [each for each in line.replace(b"\t", b" ").split(b" ") if each]
        if not fields or fields[0][:1] == b"#":
            continue
        try:
            dialect = dialect or dialect_of(fields)
            requests.append(PARSERS[dialect](fields, requests))
        except WrongError:
            return dialect, requests, number
    if lines[-1]:
        return dialect, requests, len(lines)
    return dialect, requests, 0 if requests else -1


def dialect_of(fields: list[bytes]) -> str:
    if fields[0] in (b"LD", b"ST"):
        return "ramulator"
    if fields[0] in (b"R", b"W"):
        return "ramulator-vector"
    need(len(fields) > 1 and fields[1] in WORDS)
    return "dramsim3"


def need(holds: bool) -> None:
    if not holds:
        raise WrongError


def number(digits: bytes, base: int, bits: int) -> int:
    need(len(digits) > 0 and set(digits) <= (HEX if base == 16 else DECIMAL))
    value = int(digits, base)
    need(value < 2**bits)
    return value


def load_store(fields: list[bytes], before: list[Request]) -> Request:
    need(len(fields) == 2 and fields[0] in (b"LD", b"ST"))
    if fields[1][:2] in (b"0x", b"0X"):
        address = number(fields[1][2:], 16, 64)
    else:
        address = number(fields[1], 10, 64)
    return len(before), address, int(fields[0] == b"ST")


def vector(fields: list[bytes], before: list[Request]) -> Request:
    need(len(fields) == 2 and fields[0] in (b"R", b"W"))
    place = tuple(number(each, 10, 31) for each in fields[1].split(b","))
    need(len(place) <= 8 and (not before or len(place) == len(before[0][1])))
    return len(before), place, int(fields[0] == b"W")


def dramsim3(fields: list[bytes], before: list[Request]) -> Request:
    need(len(fields) == 3 and fields[1] in WORDS)
    digits = fields[0][2:] if fields[0][:2] in (b"0x", b"0X") else fields[0]
    address, cycle = number(digits, 16, 64), number(fields[2], 10, 63)
    need(not before or cycle >= before[-1][0])
    return cycle, address, WORDS[fields[1]]


PARSERS = {"ramulator": load_store, "ramulator-vector": vector, "dramsim3": dramsim3}
