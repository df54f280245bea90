"""Energy and area tables: the published numbers, and nothing without a source."""

import itertools
from collections.abc import Iterator
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.area import AREA
from arch.energy import ENERGY
from arch.mac.formats import FORMAT_BITS
from arch.technology import UNKNOWN, ByCapacity, Entry, TechnologyName, at_capacity

TECHNOLOGIES: tuple[TechnologyName, ...] = get_args(TechnologyName)
SRAM = {
    "read": ENERGY["45nm"].sram_read_pj_per_64_bits,
    "write": ENERGY["45nm"].sram_write_pj_per_64_bits,
    "leakage": ENERGY["45nm"].sram_leakage_mw,
    "area": AREA["45nm"].sram_mm2,
}


def entries(name: TechnologyName) -> Iterator[Entry]:
    for table in (ENERGY[name], AREA[name]):
        for value in vars(table).values():
            yield from [value] if isinstance(value, Entry) else value.values()


def test_each_name_has_its_tables() -> None:
    assert set(ENERGY) == set(AREA) == set(TECHNOLOGIES)


def test_unknown_knows_nothing() -> None:
    assert all(each is UNKNOWN for each in entries("unknown"))


@pytest.mark.parametrize("name", [name for name in TECHNOLOGIES if name != "unknown"])
def test_every_number_has_its_source(name: TechnologyName) -> None:
    found = list(entries(name))
    assert len(found) > 15
    for each in found:
        assert (each.value is None) == (each.source is None)
        assert each.value is None or each.value > 0
    for table in (ENERGY[name].add_pj, ENERGY[name].multiply_pj, AREA[name].add_um2,
                  AREA[name].multiply_um2):  # fmt: skip
        assert set(table) <= set(FORMAT_BITS)
    for by_capacity in (ENERGY[name].sram_read_pj_per_64_bits,
                        ENERGY[name].sram_write_pj_per_64_bits, ENERGY[name].sram_leakage_mw,
                        AREA[name].sram_mm2):  # fmt: skip
        assert list(by_capacity) == sorted(by_capacity)


def test_no_number_without_a_source() -> None:
    with pytest.raises(ValueError, match="a value and a source, or neither"):
        Entry(1.0, None)
    with pytest.raises(ValueError, match="a value and a source, or neither"):
        Entry(None, "a paper")


def test_45nm_is_as_published() -> None:
    """Horowitz, ISSCC 2014; int16 and areas: Dally, NIPS 2015; cells: NanGate's library."""
    energy, area = ENERGY["45nm"], AREA["45nm"]

    def values(table: dict[str, Entry]) -> dict[str, float | None]:
        return {name: entry.value for name, entry in table.items()}

    assert values(dict(energy.add_pj)) == {
        "int8": 0.03, "int16": 0.05, "int32": 0.1, "fp16": 0.4, "fp32": 0.9
    }  # fmt: skip
    assert values(dict(energy.multiply_pj)) == {
        "int8": 0.2, "int32": 3.1, "fp16": 1.1, "fp32": 3.7
    }  # fmt: skip
    assert energy.memory_pj_per_64_bits.value == 1300.0
    assert values(dict(area.add_um2)) == {
        "int8": 36, "int16": 67, "int32": 137, "fp16": 1360, "fp32": 4184
    }  # fmt: skip
    assert values(dict(area.multiply_um2)) == {
        "int8": 282, "int32": 3495, "fp16": 1640, "fp32": 7700
    }  # fmt: skip
    assert area.flip_flop_um2.value == 4.522
    assert energy.flip_flop_leakage_nw.value == 79.112308
    assert energy.arithmetic_leakage_nw_per_um2.value == pytest.approx(17.8013, rel=1e-5)


def test_sram_is_as_cacti_has_it() -> None:
    """As CACTI prints them: nJ, mW, and the height and width of 256 KiB in mm."""
    found = {name: table[256].value for name, table in SRAM.items()}
    assert found == {
        "read": pytest.approx(1e3 * 0.0352084, rel=5e-4),
        "write": pytest.approx(1e3 * 0.0290110, rel=5e-4),
        "leakage": pytest.approx(32.315, rel=5e-4),
        "area": pytest.approx(0.872084, rel=5e-4),
    }


@pytest.mark.parametrize("table", SRAM.values(), ids=SRAM)
def test_sram_from_256_bytes_to_64_mib(table: ByCapacity) -> None:
    assert list(table) == [2.0**power for power in range(-2, 17)]
    values = [entry.value for entry in table.values()]
    assert all(low < high for low, high in itertools.pairwise(values))  # type: ignore[operator]


def test_sram_of_a_sane_size() -> None:
    """A bit cell of 45 nm takes some 0.3 um2; a memory is a half to nine tenths cells."""
    for kib, entry in AREA["45nm"].sram_mm2.items():
        if kib >= 1:
            assert entry.value is not None
            assert 0.5 < kib * 8192 * 0.3e-6 / entry.value < 0.9
    horowitz = {8: 10.0, 32: 20.0, 1024: 100.0}
    for kib, pj in horowitz.items():
        read = SRAM["read"][kib].value
        assert read is not None
        assert 0.5 < read / pj < 1  # a cache reads tags and ways, too


TABLE: ByCapacity = {8: Entry(10.0, "a"), 32: Entry(20.0, "a"), 1024: Entry(100.0, "a")}


def test_at_the_entries_is_exact() -> None:
    assert [at_capacity(TABLE, kib) for kib in (8, 32, 1024)] == [10.0, 20.0, 100.0]


def test_between_entries() -> None:
    """Doubling from 8 to 32 KiB is a square root; 32 to 1024 is five doublings."""
    assert at_capacity(TABLE, 16) == pytest.approx(200**0.5)
    assert at_capacity(TABLE, 128) == pytest.approx(20 * 5**0.4)


@pytest.mark.parametrize("kib", [0, 4, 7.999, 1024.001, 2048, 2**32])
def test_outside_the_table_is_unknown(kib: float) -> None:
    assert at_capacity(TABLE, kib) is None


def test_an_empty_table_knows_nothing() -> None:
    assert at_capacity({}, 8) is None


def test_an_entry_without_a_source_makes_its_neighbourhood_unknown() -> None:
    table = {8: Entry(1.0, "a"), 16: UNKNOWN, 32: Entry(2.0, "b")}
    assert at_capacity(table, 8) == 1.0
    assert at_capacity(table, 32) == 2.0
    assert [at_capacity(table, kib) for kib in (12, 16, 24)] == [None, None, None]


@pytest.mark.parametrize("table", SRAM.values(), ids=SRAM)
@given(st.lists(st.floats(0.25, 65536), min_size=2, max_size=20))
def test_larger_memories_cost_more(table: ByCapacity, sizes: list[float]) -> None:
    costs = [at_capacity(table, kib) for kib in sorted(sizes)]
    for low, high in itertools.pairwise(costs):
        assert low is not None
        assert high is not None
        assert low <= high * (1 + 1e-12)
