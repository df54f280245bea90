"""Caches of keys and values: where tokens end, and how many fit."""

import numpy as np
import pytest
from mesh_runs import cycles, machine, run

from arch.errors import InputError
from traces.mapping.mesh.kv_cache import Rows, capacity, kv_cache


def held(made, grid, dim, slots):
    """[row, slot, 2, dim] what the rows hold at the end."""
    width, height = grid
    memory = run(made.program, machine())
    part = -(-dim // width)
    kv = memory["kv"].reshape(height, width, slots, 2, part)
    return kv.transpose(0, 2, 3, 1, 4).reshape(height, slots, 2, width * part)[..., :dim]


@pytest.mark.parametrize(
    ("grid", "dim", "tokens"), [((4, 4), 8, 13), ((3, 5), 7, 23), ((2, 1), 2, 3)]
)
@pytest.mark.parametrize("kind", ["shift", "concat"])
def test_tokens_are_where_they_belong(kind, grid, dim, tokens):
    rng = np.random.default_rng(dim)
    first, step = rng.integers(-9, 9, (2, 2, dim)).astype(float)
    made = kv_cache(machine(), kind, dim, tokens, grid, "fp16", first, step)
    height = grid[1]
    slots = -(-tokens // height) if kind == "shift" else tokens
    got = held(made, grid, dim, slots)
    sizes = [0] * (height - 1) + [tokens]
    if kind == "shift":
        # Oldest above; the rows with one more are the last ones.
        sizes = [tokens // height + (row >= height - tokens % height) for row in range(height)]
    begin = 0
    for row, size in enumerate(sizes):
        want = {tuple((first + t * step).ravel()) for t in range(begin, begin + size)}
        assert {tuple(entry.ravel()) for entry in got[row, :size]} == want
        assert not got[row, size:].any()
        begin += size


@pytest.mark.compiled
def test_rows_shift_at_once():
    """A token more costs about the same in a column of any height."""
    mesh = machine(1, 64)

    def cycles_per_token(rows):
        short, long = (
            cycles(kv_cache(mesh, "shift", 64, laps * rows, (1, rows)).program, mesh)
            for laps in (1, 2)
        )
        return (long - short) / rows

    assert cycles_per_token(12) < 1.25 * cycles_per_token(4)


def test_slots_of_a_row_are_used_again():
    rows = Rows("shift", 3)
    for _ in range(11):
        rows.append()
    assert [sorted(row) for row in rows.by_slot()] == [[0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 10]]


@pytest.mark.parametrize(
    ("model", "rows", "shift", "concat"),
    [("LLaMA3-8B", 360, 137_548, 382), ("LLaMA2-13B", 375, 6_168, 16)],
)
def test_shifts_hold_as_many_times_more_as_there_are_rows(model, rows, shift, concat):
    """WaferLLM, OSDI 2025, table 5: most tokens of output, by shifts and by concatenation."""
    entry, memory = 48, 48 * concat
    assert shift // rows == concat
    assert capacity("concat", memory, entry, rows) == concat
    ours = capacity("shift", memory, entry, rows)
    assert ours == rows * concat
    # The paper's shifts also fill what is left of a token's bytes.
    assert ours <= shift < ours + rows


def test_refuses_more_tokens_than_fit():
    mesh = machine(memory_bytes=100)
    kv_cache(mesh, "shift", 8, 12, (2, 4))
    with pytest.raises(InputError, match=r"17 tokens of 16 bytes a PE each; must be 16 at most"):
        kv_cache(mesh, "shift", 8, 17, (2, 4))
