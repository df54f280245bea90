"""Packing against one bit after another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtl.lockstep.packing import pack, unpack, word_count
from rtl.wrapper import Field

Table = tuple[list[Field], list[list[int]]]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Fields and rows of values that fit them."""
    kinds = draw(st.lists(st.tuples(st.integers(1, 64), st.booleans()), min_size=1, max_size=12))
    fields = [Field(f"f{i}", width, signed) for i, (width, signed) in enumerate(kinds)]
    value = [
        st.integers(-(1 << (f.width - 1)), (1 << (f.width - 1)) - 1)
        if f.signed
        else st.integers(0, (1 << f.width) - 1)
        for f in fields
    ]
    return fields, draw(st.lists(st.tuples(*value).map(list), min_size=1, max_size=4))


def int64(rows: list[list[int]]) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    """As the model has them: an unsigned word of 64 bits may be negative there."""
    return np.array([[(v + 2**63) % 2**64 - 2**63 for v in row] for row in rows], np.int64)


@given(tables())
def test_pack_is_bit_after_bit(table: Table) -> None:
    fields, rows = table
    words = pack(int64(rows), fields)
    assert words.dtype == np.uint32
    assert words.shape == (len(rows), word_count(fields))
    for row, packed in zip(rows, words, strict=True):
        bits = [
            (value >> i) & 1
            for field, value in zip(fields, row, strict=True)
            for i in range(field.width)
        ]
        bits += [0] * (32 * len(packed) - len(bits))
        found = [(int(packed[at // 32]) >> (at % 32)) & 1 for at in range(len(bits))]
        assert found == bits


@given(tables())
def test_unpack_gives_what_was_packed(table: Table) -> None:
    fields, rows = table
    words = pack(int64(rows), fields)
    assert [unpack(packed, fields) for packed in words] == rows


def test_bits_above_a_field_do_not_reach_its_neighbour() -> None:
    fields = [Field("a", 3, False), Field("b", 5, False)]
    assert pack(np.array([[-1, 0]], np.int64), fields).tolist() == [[0b00000_111]]


def test_columns_of_the_model_alone_are_left_out() -> None:
    fields = [Field("a", 32, False)]
    assert pack(np.array([[7, 9]], np.int64), fields).tolist() == [[7]]


def test_too_few_columns_are_refused() -> None:
    fields = [Field("a", 8, False), Field("b", 8, False)]
    with pytest.raises(ValueError, match="2 fields"):
        pack(np.zeros((3, 1), np.int64), fields)


@pytest.mark.parametrize(("bits", "words"), [(1, 1), (32, 1), (33, 2), (64, 2), (65, 3)])
def test_word_count(bits: int, words: int) -> None:
    assert word_count([Field("x", 1, False)] * bits) == words
