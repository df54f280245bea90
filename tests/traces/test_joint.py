"""Traces of channels with memory and PIM instructions, and the attention that makes them."""

import numpy as np
import pytest

from arch.errors import InputError
from arch.pim.joint import load_joint_pim
from traces.mapping.joint_attention import Request, Shape, attention_stage, kv_rows
from traces.pim.joint import COMP, COMPS, GWRITE, HEADER, READRES, as_text, joint_in

PIM = load_joint_pim("neupims")
SINGLE = load_joint_pim("neupims_single")
SHAPE = Shape(heads=8, head_dim=128)


@pytest.mark.parametrize("pim", [PIM, SINGLE])
@pytest.mark.parametrize("length", [1, 31, 32, 33, 512, 513, 1100])
@pytest.mark.parametrize("shape", [SHAPE, Shape(heads=3, head_dim=64), Shape(heads=5, head_dim=80)])
def test_counts_are_those_of_the_closed_forms(pim: object, length: int, shape: Shape) -> None:
    lines = attention_stage(pim, [Request(0, length)], shape, 5)
    in_row = 512 // shape.head_dim
    parts, tiles = -(-shape.heads // in_row), -(-length // 32)
    windows, groups = -(-length // 512), -(-shape.head_dim // 32)
    op = lines["op"]
    assert (op == GWRITE).sum() == parts + shape.heads * windows
    assert (op == HEADER).sum() == parts * tiles + shape.heads * windows * groups
    results = shape.heads * tiles + shape.heads * windows * groups
    assert (op == (COMPS if pim.composite else READRES)).sum() == results
    columns = -(-shape.head_dim // 16) * shape.heads * tiles
    columns += (
        shape.heads
        * groups
        * sum(-(-min(512, length - first) // 16) for first in range(0, length, 512))
    )
    assert lines["count"][op == (COMPS if pim.composite else COMP)].sum() == columns
    rows = lines["row"][op == HEADER]
    assert len(set(rows)) == len(rows) == kv_rows(pim, length, shape)
    assert lines["last"].sum() == (op == HEADER).sum()


def test_requests_of_a_channel_share_no_row() -> None:
    lines = attention_stage(PIM, [Request(3, 100), Request(3, 40), Request(4, 40)], SHAPE)
    rows = lines["row"][(lines["op"] == HEADER) & (lines["channel"] == 3)]
    assert len(set(rows)) == len(rows)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="request 1: its 131072 tokens need 16384 rows of channel"):
        attention_stage(PIM, [Request(0, 131072), Request(0, 131072)], SHAPE)
    with pytest.raises(InputError, match="channel must be 0 to 31, not 32"):
        attention_stage(PIM, [Request(32, 10)], SHAPE)


def test_text_and_lines_are_the_same() -> None:
    lines = attention_stage(PIM, [Request(1, 70)], SHAPE, 12)
    text = "".join(as_text([lines]))
    again = np.concatenate(list(joint_in(text.encode(), PIM)))
    for name in set(lines.dtype.names) - {"line"}:
        assert (again[name] == lines[name]).all()


BAD = [
    ("GWRITE 0 0\n", "line 1: GWRITE has 2 numbers; must have 3: GWRITE CHANNEL BANK ROW"),
    ("GWRITE 32 0 0\n", "line 1: channel is '32'; must be a number from 0 to 31"),
    ("FOO 1\n", "line 1: begins with 'FOO'; must be one of GWRITE, HEADER, COMP"),
    ("COMPS 0 5 8 last\n", "line 1: COMPS has no HEADER before it"),
    (
        "HEADER 0 5 8 1\nCOMPS 0 6 8 last\n",
        "line 2: COMPS has row 6; must be that of its HEADER, 5",
    ),
    ("HEADER 0 5 8 1\nHEADER 0 6 8 1\n", "line 2: HEADER comes before the tile of row 5 has ended"),
    ("HEADER 0 5 8 1\nSYNC\n", "line 2: SYNC is within a tile of channel 0"),
    ("HEADER 0 5 8 1\nCOMPS 0 5 8\n", "the trace ends within the tile of row 5 in channel 0"),
    ("HEADER 0 5 8 0\nCOMPS 0 5 8 last\n", "line 1: results is 0; must be 1 at least"),
    (
        "HEADER 0 5 8 3\nCOMPS 0 5 4\nCOMPS 0 5 4 last\n",
        "line 3: the tile of row 5 ends with result 2; its HEADER must say as many results, not 3",
    ),
    (
        "HEADER 0 5 8 1\nHEADER 1 6 8 2\nCOMP 0 5 8\nREADRES 0 5 last\nREADRES 1 6 last\n",
        "line 5: the tile of row 6 ends with result 1; its HEADER must say as many results, not 2",
    ),
    (
        "HEADER 0 5 8 1\nCOMPS 0 5 4\nCOMPS 0 5 4 last\n",
        "line 3: the tile of row 5 ends with result 2; its HEADER must say as many results, not 1",
    ),
    ("HEADER 0 5 8 1\nCOMPS 0 5 33\n", "line 2: count is '33'; must be a number from 0 to 32"),
    ("HEADER 0 5 8 1\nCOMPS 0 5 0\n", "line 2: count is 0; must be 1 at least"),
]


@pytest.mark.parametrize(("text", "told"), BAD)
def test_faults_are_told_with_their_line(text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        list(joint_in(text.encode(), PIM, "some.trace"))
    assert str(caught.value).startswith("some.trace: ")
    assert told in str(caught.value)


def test_a_single_row_buffer_is_not_concurrent() -> None:
    with pytest.raises(InputError, match="must be blocked where row_buffers is single"):
        load_joint_pim("neupims_single", ["controller.mode=concurrent"])
    with pytest.raises(InputError, match="fairness_cycles: must be a number"):
        load_joint_pim(
            "neupims_single",
            ["controller.priority=memory_first", "controller.fairness_cycles=null"],
        )
