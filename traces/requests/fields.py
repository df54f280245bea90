"""Fields of one line, and what is wrong with them."""

import re

from traces.reading import shown

ADDRESS_END = 2**64
CYCLE_END = 2**63
LEVEL_END = 2**31

_HEX = re.compile(rb"(?:0[xX])?0*([0-9a-fA-F]{1,16})")
_PREFIXED = re.compile(rb"0[xX]0*([0-9a-fA-F]{1,16})")
_DECIMAL = re.compile(rb"0*([0-9]{1,20})")


class FieldError(Exception):
    """What is wrong with a line, and what would be right."""


def text(field: bytes) -> str:
    """A field as it stands in a message."""
    return shown(field[:100].decode("ascii", "backslashreplace"))


def decimal(what: str, field: bytes, end: int) -> int:
    """A decimal number from 0 to before ``end``. Raises FieldError."""
    match = _DECIMAL.fullmatch(field)
    value = int(match[1]) if match else end
    if value >= end:
        raise FieldError(f"{what} is {text(field)}; must be a number from 0 to {end - 1}")
    return value


def prefixed_or_decimal(what: str, field: bytes, end: int) -> int:
    """A hexadecimal number that begins with 0x, or a decimal one. Raises FieldError."""
    match = _PREFIXED.fullmatch(field)
    value = int(match[1], 16) if match else -1
    if match is None and (match := _DECIMAL.fullmatch(field)):
        value = int(match[1])
    if not 0 <= value < end:
        raise FieldError(
            f"{what} is {text(field)}; must be a number from 0 to {end - 1}, decimal or with 0x"
        )
    return value


def hexadecimal(what: str, field: bytes, end: int) -> int:
    """A hexadecimal number, with 0x or without. Raises FieldError."""
    match = _HEX.fullmatch(field)
    value = int(match[1], 16) if match else end
    if value >= end:
        raise FieldError(
            f"{what} is {text(field)}; must be a hexadecimal number from 0 to {end - 1:x}"
        )
    return value
