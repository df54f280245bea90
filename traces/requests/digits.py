"""Numbers at many places of a text at once: eight digits to a 64-bit word.

All places count in a padded text, so that a word before the first digit stays inside.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.intp]
Words = npt.NDArray[np.uint64]

PAD = 24
"""Bytes before the text: the longest number, 19 digits, takes three words."""
HEX_DIGITS_MAX = 16
DECIMAL_DIGITS_MAX = 19
"""Any number of so many digits is below 2^64."""

NO_DIGIT = 0x80
_VALUES = bytearray([NO_DIGIT] * 256)
for _value, _char in enumerate(b"0123456789abcdef"):
    _VALUES[_char] = _VALUES[ord(chr(_char).upper())] = _value
_TABLE = bytes(_VALUES)
_KEEP = np.array([0] + [(1 << 64) - (1 << 8 * (8 - n)) for n in range(1, 9)], np.uint64)
"""Masks of the last n bytes of a word."""


def _each(byte: int) -> np.uint64:
    return np.uint64(byte * 0x0101010101010101)


def _words(padded: bytes, kind: str) -> npt.NDArray[Any]:
    """The word that begins at each byte."""
    return np.ndarray((len(padded) - 7,), kind, padded, strides=(1,))


class Text:
    """A block of text whose numbers are wanted.

    - ``bytes`` [byte]: its characters, between ``PAD`` bytes before and 8 after
    - ``words`` [byte]: the eight characters from each byte on, the first lowest
    """

    def __init__(self, text: bytes) -> None:
        padded = b"\0" * PAD + text + b"\0" * 8
        self.bytes = np.frombuffer(padded, np.uint8)
        self.words = _words(padded, "<u8")
        self._digits = _words(padded.translate(_TABLE), "<u8")

    def starts(self, ends: Places) -> Places:
        """Where the pieces begin that each end at a separator, the first at the text's start."""
        starts = np.empty_like(ends)
        starts[0] = PAD
        np.add(ends[:-1], 1, out=starts[1:])
        return starts

    def prefixed(self, starts: Places) -> npt.NDArray[np.bool_]:
        """Whether 0x or 0X stands at each place."""
        pair = self.words[starts] & np.uint64(0xDFFF)
        prefixed: npt.NDArray[np.bool_] = pair == np.uint64(ord("0") | ord("X") << 8)
        return prefixed

    def hexadecimal(self, starts: Places, ends: Places) -> Words | None:
        """Numbers from ``starts`` to before ``ends``; None if one needs a closer look."""
        length = ends - starts
        longest = int(length.max())
        if int(length.min()) < 1 or longest > HEX_DIGITS_MAX:
            return None
        value = np.zeros(len(ends), np.uint64)
        for low in range(0, longest, 8):
            word = self._digits_before(ends, length, low)
            if np.bitwise_or.reduce(word) & _each(0xF0):
                return None
            word = (word << np.uint64(4) | word >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
            word = (word << np.uint64(8) | word >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
            word = (word << np.uint64(16) | word >> np.uint64(32)) & np.uint64(0xFFFFFFFF)
            value |= word << np.uint64(4 * low)
        return value

    def decimal(self, starts: Places, ends: Places) -> Words | None:
        """As ``hexadecimal``."""
        length = ends - starts
        longest = int(length.max())
        if int(length.min()) < 1 or longest > DECIMAL_DIGITS_MAX:
            return None
        value = np.zeros(len(ends), np.uint64)
        for low in range(0, longest, 8):
            word = self._digits_before(ends, length, low)
            # Adding 6 lifts 10 to 15 into the upper half; the mark of no digit does not carry.
            if np.bitwise_or.reduce(word | (word + _each(6))) & _each(0xF0):
                return None
            word = (word * np.uint64(10) + (word >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
            word = word * np.uint64(100) + (word >> np.uint64(16))
            word &= np.uint64(0x0000FFFF0000FFFF)
            word = (word * np.uint64(10_000) + (word >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
            value += word * np.uint64(10**low)
        return value

    def _digits_before(self, ends: Places, length: Places, low: int) -> Words:
        """Digits ``low`` to ``low + 7`` from the right, a byte each, the lowest last."""
        have = np.clip(length - low, 0, 8)
        word: Words = self._digits[ends - (low + 8)] & _KEEP[have]
        return word
