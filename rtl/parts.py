"""Units that are made of parts."""

from collections.abc import Iterable
from typing import Any

from amaranth.hdl import ValueLike


def registers_of(parts: Iterable[tuple[str, Any]]) -> dict[str, ValueLike]:
    """The registers of all parts, each behind the name of its part."""
    return {
        f"{name}.{register}": value
        for name, part in parts
        for register, value in part.registers.items()
    }
