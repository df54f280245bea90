"""Packing against bits written one at a time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rtl.lockstep.packing import pack, unpack
from rtl.wrapper import Field


@st.composite
def rows(draw: st.DrawFn) -> tuple[list[Field], list[list[int]]]:
    fields = []
    columns = []
    count = draw(st.integers(1, 3))
    for i in range(draw(st.integers(1, 12))):
        width, signed = draw(st.integers(1, 63)), draw(st.booleans())
        low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if signed else (0, 2**width - 1)
        fields.append(Field(f"f{i}", width, signed))
        columns.append(draw(st.lists(st.integers(low, high), min_size=count, max_size=count)))
    return fields, [list(row) for row in zip(*columns, strict=True)]


@given(case=rows(), extra=st.booleans())
def test_pack_and_unpack(case: tuple[list[Field], list[list[int]]], extra: bool) -> None:
    fields, values = case
    given_rows = np.array([[*row, -1] if extra else row for row in values], np.int64)
    words = pack(given_rows, fields)
    for row, packed in zip(values, words, strict=True):
        bits = ""
        for value, field in zip(row, fields, strict=True):
            for j in range(field.width):
                bits += str(value >> j & 1)
        for i, word in enumerate(packed):
            part = bits[32 * i : 32 * i + 32]
            assert int(word) == int(part[::-1] or "0", 2)
        assert unpack(packed, fields) == row
