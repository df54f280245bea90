"""Integers of fields to words of bits, as simulators take them, and back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rtl.wrapper import Field
from sim.jit import njit

Bits = npt.NDArray[np.uint32]


@njit
def pack_fields(values: Any, widths: Any, words: Any) -> None:
    """Put each row of ``values`` [cycle, field] into ``words`` [cycle, word], zero before: the
    low ``widths[field]`` bits of each, the first field lowest, without gaps. Columns without a
    width are left out."""
    for x in range(values.shape[0]):
        at = 0
        filled = 0
        word = np.uint64(0)
        for i in range(widths.shape[0]):
            left = widths[i]
            value = np.uint64(values[x, i])
            while left > 0:
                take = min(left, 32 - filled)
                part = value & np.uint64((1 << take) - 1)
                word |= part << np.uint64(filled)
                value >>= np.uint64(take)
                left -= take
                filled += take
                if filled == 32:
                    words[x, at] = word
                    at += 1
                    filled = 0
                    word = np.uint64(0)
        if filled > 0:
            words[x, at] = word


def word_count(fields: Sequence[Field]) -> int:
    """Words of 32 bits that a row takes."""
    return -(-sum(field.width for field in fields) // 32)


def pack(values: npt.NDArray[np.int64], fields: Sequence[Field]) -> Bits:
    """Rows of integers [cycle, field] as rows of words [cycle, word]; columns behind the fields are
    left out. Raises ValueError where a field has no column."""
    if values.shape[1] < len(fields):
        raise ValueError(f"values: {values.shape[1]} columns for {len(fields)} fields")
    widths = np.array([field.width for field in fields], np.int64)
    words = np.zeros((len(values), word_count(fields)), np.uint32)
    pack_fields(np.ascontiguousarray(values), widths, words)
    return words


def unpack(words: Bits, fields: Sequence[Field]) -> list[int]:
    """The integers of one row of words."""
    bits = int.from_bytes(words.astype("<u4").tobytes(), "little")
    values = []
    for field in fields:
        value = bits & ((1 << field.width) - 1)
        if field.signed and value >> (field.width - 1):
            value -= 1 << field.width
        values.append(value)
        bits >>= field.width
    return values
