"""Fields: each has bounds, a unit and a meaning, and the documentation shows them."""

import re

import pytest

from arch.field_table import PAGE, markdown, updated
from arch.fields import find, rows
from arch.machine import Machine

ROWS = {row.path: row for row in rows(Machine)}


def test_the_page_shows_all_fields() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert updated(text) == text, "run: python -m arch.field_table"
    assert markdown() in text


@pytest.mark.parametrize("path", ROWS)
def test_every_field_has_a_meaning(path: str) -> None:
    assert re.fullmatch(r"[A-Z`].+\.", ROWS[path].meaning)


@pytest.mark.parametrize(
    "path", [path for path, row in ROWS.items() if row.shape.kind == "integer"]
)
def test_every_number_has_bounds(path: str) -> None:
    shape = ROWS[path].shape
    assert shape.least is not None
    assert shape.most is not None


UNITS = {
    "clocks": "kHz",
    "array.pe_latency_cycles": "cycles",
    "array.rows": "",
    "buffer.scratchpads.<name>.capacity_kib": "KiB",
    "buffer.scratchpads.<name>.bank_width_bytes": "bytes",
    "buffer.dma.request_bytes": "bytes",
    "vector.operations.<name>.interval_cycles": "cycles",
    "memory.bytes_per_cycle": "bytes/cycle",
    "memory.operand_bytes_per_cycle.filter": "bytes/cycle",
    "memory.latency_cycles": "cycles",
    "vector.lanes": "",
    "technology": "",
}


@pytest.mark.parametrize("path", UNITS)
def test_units(path: str) -> None:
    assert ROWS[path].unit == UNITS[path]


def test_defaults() -> None:
    assert ROWS["array.rows"].default == ""
    assert ROWS["memory"].default == ""
    assert ROWS["vector"].default == "null"
    assert ROWS["mapping.fuse"].default == "true"
    assert ROWS["buffer.dma"].default == "its defaults"
    assert ROWS["buffer.dma.outstanding"].default == "64"
    assert ROWS["assumed"].default == "none"


def test_finding_what_may_stand_where() -> None:
    rows_of = find(Machine, ("array", "rows"))
    assert rows_of is not None
    assert rows_of.wanted() == "a whole number from 1 to 65536"
    assert rows_of.range() == "1 to 65536"
    item = find(Machine, ("buffer", "scratchpads", "any", "operands", 3))
    assert item is not None
    assert item.choices == ("ifmap", "filter", "ofmap")
    assert find(Machine, ("array", "nothing")) is None
    assert find(Machine, ("array", "rows", "deeper")) is None
