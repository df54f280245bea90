"""Address mappings and memories by name."""

import re

import pytest

from arch.dram.address import parse_mapping
from arch.dram.memory import load_memory, memory_names
from arch.errors import InputError

DEVICE = load_memory("ddr4_2400").device()


@pytest.mark.parametrize("name", memory_names())
def test_every_memory_resolves(name: str) -> None:
    memory = load_memory(name)
    device, mapping = memory.device(), memory.address_map()
    assert memory.name == name
    assert mapping.capacity_bytes == memory.channels * device.capacity_bytes


def test_slices_from_the_lowest_bit_up() -> None:
    mapping = parse_mapping("rorababgchco", DEVICE, 4)
    found = [(s.field, s.address_bit, s.field_bit, s.bits) for s in mapping.slices]
    assert found == [
        ("column", 0, 0, 7),
        ("channel", 7, 0, 2),
        ("bank_group", 9, 0, 2),
        ("bank", 11, 0, 2),
        ("row", 13, 0, 16),
    ]


def test_a_field_in_two_parts() -> None:
    mapping = parse_mapping("rorabacobgco2", DEVICE, 1)
    parts = [(s.address_bit, s.field_bit, s.bits) for s in mapping.slices if s.field == "column"]
    assert parts == [(0, 0, 2), (4, 2, 5)]
    assert mapping.bits == 27
    assert mapping.capacity_bytes == 2**33


@pytest.mark.parametrize(
    ("mapping", "channels", "message"),
    [
        ("", 1, "must be fields from the highest bits to the lowest"),
        ("roxyco", 1, "must be fields from the highest bits to the lowest"),
        ("rorabapcbgco", 1, "names pc (pseudo_channel), which DDR4/DDR4_8Gb_x8/DDR4_2400R does"),
        ("rorababg", 1, "leaves out co (7 bits)"),
        ("rorababgco", 2, "leaves out ch (1 bits)"),
        ("rorababgco9", 1, "takes 9 bits of co, of which"),
        ("rorababgchco", 3, "channel: must be a power of two to map, not 3"),
    ],
)
def test_what_is_wrong_with_a_mapping(mapping: str, channels: int, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        parse_mapping(mapping, DEVICE, channels)


def test_fields_can_be_set() -> None:
    memory = load_memory("ddr4_2400", ["levels.rank=2", "timings.nRCD=20", "channels=2"])
    assert memory.device().banks == 32
    assert memory.device().timings["nRCD"] == 20
    assert memory.address_map().capacity_bytes == 4 * DEVICE.capacity_bytes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["controler.read_entries=3"], "is not a known key"),
        (["controller.scheduler=frfc"], "must be frfcfs, fcfs or bank_queues"),
        (["controller.drain_low=0.9"], "must be drain_high at most"),
        (["timings.nXYZ=3"], "'nXYZ' is no timing"),
        (["speed=DDR4_9999"], "'DDR4_9999' is no speed"),
        (["standard=ddr9"], "'ddr9' is no DRAM standard"),
    ],
)
def test_what_is_wrong_with_a_setting(settings: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_memory("ddr4_2400", settings).address_map()


@pytest.mark.parametrize("name", ["ddr3_1600", "x" * 5000, "a\0b"])
def test_an_unknown_memory_names_those_there_are(name: str) -> None:
    with pytest.raises(InputError, match="known by name are ddr4_2400, ddr5_4800"):
        load_memory(name)
