"""What differs between machines."""

from arch.diff import ABSENT, Difference, diff
from arch.load import load_machine


def test_a_machine_does_not_differ_from_itself() -> None:
    assert diff(load_machine("tpu_v1"), load_machine("tpu_v1")) == []


def test_single_fields_and_defaults() -> None:
    a = load_machine("systolic_32")
    b = load_machine("systolic_32", ["array.rows=64", "buffer.dma.outstanding=8", "cores=2"])
    assert diff(a, b) == [
        Difference("cores", 1, 2),
        Difference("array.rows", 32, 64),
        Difference("buffer.dma.outstanding", 64, 8),
    ]
    assert diff(b, a) == [Difference(path, right, left) for path, left, right in diff(a, b)]


def test_a_section_that_one_lacks() -> None:
    a = load_machine("systolic_32")
    b = load_machine("systolic_32", ["memory=null"])
    assert diff(a, b) == [
        Difference("memory", ABSENT, None),
        Difference("memory.clock", "memory", ABSENT),
        Difference("memory.latency_cycles", 100, ABSENT),
        Difference("memory.bytes_per_cycle", 32, ABSENT),
        Difference("memory.operand_bytes_per_cycle", None, ABSENT),
    ]
    assert diff(b, a) == [Difference(path, right, left) for path, left, right in diff(a, b)]


def test_names_and_lists() -> None:
    a = load_machine("systolic_32")
    pads = "buffer.scratchpads"
    b = load_machine(
        "systolic_32",
        [
            f"{pads}={{w: {{operands: [filter, ofmap, ifmap], capacity_kib: 1, banks: 1, "
            "bank_width_bytes: 1}}",
            "assumed=[array]",
            'sources={"array.rows": x}',
        ],
    )
    found = {each.path: (each.a, each.b) for each in diff(a, b)}
    assert found["assumed"] == (
        ["clocks", "array", "buffer", "vector", "memory", "mapping", "technology"],
        ["array"],
    )
    assert found['sources["array.rows"]'] == (ABSENT, "x")
    assert found[f"{pads}.w.capacity_kib"] == (ABSENT, 1)
    assert found[f"{pads}.ofmap.capacity_kib"] == (128, ABSENT)
    assert not any(path in found for path in (pads, f"{pads}.w", "name"))
