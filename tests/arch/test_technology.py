"""Energy and area tables: the published numbers, and nothing without a source."""

from collections.abc import Iterator
from typing import get_args

import pytest

from arch.area import AREA
from arch.energy import ENERGY
from arch.mac.formats import FORMAT_BITS
from arch.technology import UNKNOWN, Entry, TechnologyName

TECHNOLOGIES: tuple[TechnologyName, ...] = get_args(TechnologyName)


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
    assert list(ENERGY[name].sram_pj_per_64_bits) == sorted(ENERGY[name].sram_pj_per_64_bits)


def test_no_number_without_a_source() -> None:
    with pytest.raises(ValueError, match="a value and a source, or neither"):
        Entry(1.0, None)
    with pytest.raises(ValueError, match="a value and a source, or neither"):
        Entry(None, "a paper")


def test_45nm_is_as_published() -> None:
    """Horowitz, ISSCC 2014; int16 and areas: Dally, NIPS 2015."""
    energy, area = ENERGY["45nm"], AREA["45nm"]

    def values(table: dict[str, Entry]) -> dict[str, float | None]:
        return {name: entry.value for name, entry in table.items()}

    assert values(dict(energy.add_pj)) == {
        "int8": 0.03, "int16": 0.05, "int32": 0.1, "fp16": 0.4, "fp32": 0.9
    }  # fmt: skip
    assert values(dict(energy.multiply_pj)) == {
        "int8": 0.2, "int32": 3.1, "fp16": 1.1, "fp32": 3.7
    }  # fmt: skip
    assert {kib: entry.value for kib, entry in energy.sram_pj_per_64_bits.items()} == {
        8: 10.0, 32: 20.0, 1024: 100.0
    }  # fmt: skip
    assert energy.memory_pj_per_64_bits.value == 1300.0
    assert energy.leakage_mw_per_pe is UNKNOWN
    assert energy.leakage_mw_per_sram_kib is UNKNOWN
    assert values(dict(area.add_um2)) == {
        "int8": 36, "int16": 67, "int32": 137, "fp16": 1360, "fp32": 4184
    }  # fmt: skip
    assert values(dict(area.multiply_um2)) == {
        "int8": 282, "int32": 3495, "fp16": 1640, "fp32": 7700
    }  # fmt: skip
    assert area.sram_mm2_per_kib is UNKNOWN
