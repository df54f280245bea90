"""Where matrices, tables and caches lie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.errors import InputError
from arch.pim.system import load_pim
from traces.mapping.pim.cache_layout import (
    Heads,
    KeyLayout,
    ValueLayout,
    place_keys,
    place_values,
)
from traces.mapping.pim.gemv import lower_gemv
from traces.mapping.pim.geometry import Geometry
from traces.mapping.pim.layout import Allocator, place_matrix, place_table
from traces.pim.dtype import OPS

GEOMETRY = Geometry.of(load_pim("pim_gpt"), range(3))
GROUP = 48


def places(address) -> list[tuple[int, ...]]:  # type: ignore[no-untyped-def]
    fields = (address.channel, address.bank, address.row, address.column, address.lane)
    return list(zip(*(np.ravel(f).tolist() for f in fields), strict=True))


@given(st.integers(1, 300), st.integers(1, 2500), st.integers(1, 9))
def test_a_matrix_is_read_as_it_lies_so_that_rows_open_once(n: int, k: int, block: int) -> None:
    allocator = Allocator(GEOMETRY, "m")
    allocator.take(5)
    layout = place_matrix(allocator, "m", n, k, block)
    trace = lower_gemv(layout)
    macs = [i for i in trace.trace.instructions if OPS[i["op"]] == "MAC_ABK"]
    read = [int(i["row"]) * 64 + int(i["column"]) + c for i in macs for c in range(i["count"])]
    columns = -(-k // 16)
    assert read == list(range(5 * 64, 5 * 64 + -(-n // GROUP) * columns))
    assert allocator.rows == 5 + -(-len(read) // 64) == 5 + layout.rows
    buffer = {int(i["buffer_column"]) + c for i in macs for c in range(i["count"])}
    assert buffer == set(range(min(columns, 64)))


@given(st.integers(1, 120), st.integers(1, 1500), st.integers(1, 3), st.data())
def test_an_output_has_one_bank_and_no_place_is_taken_twice(n, k, block, data) -> None:  # type: ignore[no-untyped-def]
    layout = place_matrix(Allocator(GEOMETRY, "m"), "m", n, k, block)
    output = data.draw(st.integers(0, n - 1))
    found = places(layout.address(np.full(k, output), np.arange(k)))
    assert {place[:2] for place in found} == {(output % GROUP // 16, output % 16)}
    assert [place[4] for place in found] == [i % 16 for i in range(k)]
    k_at_once = min(k, 1040)
    outputs, inputs = np.indices((n, k_at_once))
    every = places(layout.address(outputs, inputs))
    assert len(set(every)) == len(every)
    assert max(place[2] for place in found) < layout.rows


def test_groups_share_a_row_where_they_are_small_and_go_on_in_the_next_where_not() -> None:
    layout = place_matrix(Allocator(GEOMETRY, "m"), "m", 3 * GROUP, 400)
    assert layout.rows == 2
    assert [(s.row, s.column, s.count) for s in layout.segments(2, 0)] == [(0, 50, 14), (1, 0, 11)]


def test_blocks_of_groups_take_a_chunk_before_the_next() -> None:
    layout = place_matrix(Allocator(GEOMETRY, "m"), "m", 3 * GROUP, 2048, 2)
    assert [layout.segments(g, c)[0].row for g, c in ((0, 0), (1, 0), (0, 1), (1, 1))] == [
        0,
        1,
        2,
        3,
    ]
    assert [layout.segments(2, c)[0].row for c in (0, 1)] == [4, 5]


@given(st.integers(1, 20), st.integers(1, 4000))
def test_a_tables_vectors_fill_columns_of_all_channels(count: int, n: int) -> None:
    layout = place_table(Allocator(GEOMETRY, "t"), "t", count, n)
    every = [place for i in range(count) for place in places(layout.address(i, np.arange(n)))]
    assert len(set(every)) == len(every)
    assert max(place[2] for place in every) < layout.rows
    for index in range(count):
        parts = layout.segments(index)
        assert sum(part.count for _, part in parts) == -(-n // (3 * 16))
        assert len(parts) == -(-layout.pitch // 64)
    assert [p[0] for p in every[: min(n, 48)]] == [i // 16 for i in range(min(n, 48))]


HEADS = st.builds(
    Heads, st.just(GEOMETRY), st.integers(1, 7), st.integers(1, 70), st.integers(1, 150)
)


@given(HEADS, st.data())
def test_caches_have_a_place_for_every_element(heads: Heads, data) -> None:  # type: ignore[no-untyped-def]
    allocator = Allocator(GEOMETRY, "m")
    keys = place_keys(allocator, heads, data.draw(st.integers(1, min(7, heads.most_per_row))))
    values = place_values(allocator, heads, data.draw(st.sampled_from([16, 32, 64, 256, 1024])))
    elements = np.arange(heads.head_dim)
    every = [
        place
        for cache in (keys, values)
        for head in range(heads.heads)
        for token in range(heads.tokens_max)
        for place in places(cache.address(head, token, elements))
    ]
    assert len(set(every)) == len(every)
    assert max(place[2] for place in every) < allocator.rows


def test_a_tokens_keys_lie_in_one_bank_and_its_values_in_all() -> None:
    heads = Heads(GEOMETRY, 4, 32, 200)
    keys, values = KeyLayout(heads, 4, 0), ValueLayout(heads, 64, 0)
    elements = np.arange(32)
    for token in (0, 17, 47, 48, 199):
        found = [p for h in range(4) for p in places(keys.address(h, token, elements))]
        assert {p[:2] for p in found} == {(token % 48 // 16, token % 16)}
        assert len({p[2] for p in found}) == 1
        assert sorted({p[3] for p in found}) == list(
            range(min(p[3] for p in found), max(p[3] for p in found) + 1)
        )
        found = [p for h in range(4) for p in places(values.address(h, token, elements))]
        assert len({p[:2] for p in found}) == 48
        assert {p[4] for p in found} == {token % 16}


def test_what_does_not_fit_the_memory_is_told() -> None:
    allocator = Allocator(GEOMETRY, "big with 3 tokens")
    place_matrix(allocator, "m", GROUP * GEOMETRY.rows, 1024)
    allocator.check()
    place_matrix(allocator, "m", 1, 1)
    with pytest.raises(InputError, match="big with 3 tokens: takes") as caught:
        allocator.check()
    row_bytes = GROUP * 64 * 32
    for part in (f"{(GEOMETRY.rows + 1) * row_bytes} bytes", f"{GEOMETRY.rows * row_bytes} bytes",
                 "fewer tokens or a smaller model"):  # fmt: skip
        assert part in str(caught.value)


def test_wrong_choices_are_told() -> None:
    heads = Heads(GEOMETRY, 4, 64, 200)
    allocator = Allocator(GEOMETRY, "m")
    with pytest.raises(InputError, match="key_heads_per_row is 17; must be 1 to 16"):
        place_keys(allocator, heads, 17)
    for wrong in (8, 24, 2048):
        with pytest.raises(InputError, match=f"value_tokens_per_row is {wrong}; must be a power"):
            place_values(allocator, heads, wrong)
    with pytest.raises(InputError, match="a matrix of 0 x 4; must be 1 x 1"):
        place_matrix(allocator, "m", 0, 4)
    with pytest.raises(InputError, match="channel 8; channels must be 0 to 7"):
        Geometry.of(load_pim("pim_gpt"), [8])
    with pytest.raises(InputError, match="channels are none"):
        Geometry.of(load_pim("pim_gpt"), [])
