"""What differs between machines and between results."""

from dataclasses import replace
from typing import Any

from rendering import lines, words
from result_examples import MACHINE, fused, operator, result

from arch.diff import ABSENT, diff
from arch.load import load_machine, with_overrides
from sim.report.compare import machine_table, pairs, parameter_differences, result_comparison
from sim.result import Energy


def test_parameters_of_results_that_differ() -> None:
    after: dict[str, Any] = {
        **MACHINE, "cores": 2, "array": {**MACHINE["array"], "rows": 64}, "memory": None,
        "vector": {"lanes": 8},
    }  # fmt: skip
    assert parameter_differences(MACHINE, after) == [
        ("cores", 1, 2),
        ("array.rows", 128, 64),
        ("memory.clock", "memory", ABSENT),
        ("memory.latency_cycles", 100, ABSENT),
        ("memory.bytes_per_cycle", 32, ABSENT),
        ("memory", ABSENT, None),
        ("vector.lanes", ABSENT, 8),
    ]
    assert parameter_differences(MACHINE, MACHINE) == []


def test_machines_side_by_side() -> None:
    before = load_machine("tpu_v1")
    after = with_overrides(before, ["array.rows=64", "vector=null", "source=another"])
    shown = machine_table(diff(before, after), ("tpu_v1", "mine.yaml"))
    assert words(shown, "Parameter") == ["Parameter", "tpu_v1", "mine.yaml"]
    assert words(shown, "array.rows") == ["array.rows", "256", "64"]
    assert words(shown, "vector.lanes") == ["vector.lanes", "256", "absent"]
    assert lines(shown)[-1] == "1 entries of name, sources and assumed differ"
    assert not any("another" in line for line in lines(shown))


def test_equal_machines() -> None:
    same = load_machine("tpu_v1")
    assert lines(machine_table(diff(same, same), ("a", "b"))) == [
        "the machines have the same parameters"
    ]


def test_operators_are_paired_by_name() -> None:
    one = result(operator("a"), operator("b"), operator("c"))
    other = result(operator("d"), operator("c"), operator("a", 2000))
    found = pairs(one, other)
    assert [pair.name for pair in found] == ["a", "b", "c", "d"]
    assert [pair.differs for pair in found] == [True, True, False, True]
    assert found[1].after is None
    assert found[3].before is None


def test_operators_that_differ_with_ratios() -> None:
    before = result(operator("a", 1000), operator("b", 5000), operator("gone", 7))
    after = result(
        operator("a", 1500, stall_cycles=0, events={"memory_read_bytes": 5_000_000}),
        operator("b", 5000),
        fused("new", "a"),
    )
    shown = result_comparison(before, after, ("one", "two"))
    assert lines(shown)[:2] == ["A  one: resnet50 on example", "B  two: resnet50 on example"]
    row = ["a", "1,000", "1,500", "1.500", "25.0", "0.0"]
    assert words(shown, "a") == [*row, "<0.01", "5.00", "1,250"]
    assert words(shown, "gone") == ["gone", "7", "-", "-", "14.3", "-", "<0.01", "-", "-"]
    assert words(shown, "new") == ["new", "-", "fused", "-", "-", "-", "-", "0.00", "-"]
    assert words(shown, "total") == [
        "total", "6,007", "6,500", "1.082", "25.0", "19.2", "0.02", "5.02", "208.923"
    ]  # fmt: skip
    assert lines(shown)[-1] == "1 of 4 operators are equal"


def test_totals_with_ratios() -> None:
    before = result(operator("a", 1000), energy=Energy({"array": 1e6}))
    after = result(operator("a", 1500), energy=Energy({"array": 3e6}))
    shown = result_comparison(before, after, ("one", "two"))
    assert words(shown, "time") == ["time", "1.429", "us", "2.143", "us", "1.500"]
    assert words(shown, "cycles") == ["cycles", "1,000", "1,500", "1.500"]
    assert words(shown, "energy") == ["energy", "1", "uJ", "3", "uJ", "3.000"]
    bound = replace(after, energy=Energy({"array": 3e6}, ("memory",)))
    shown = result_comparison(before, bound, ("one", "two"))
    assert words(shown, "energy") == ["energy", "1", "uJ", ">=", "3", "uJ", "-"]


def test_equal_results() -> None:
    shown = lines(result_comparison(result(), result(), ("one", "two")))
    assert "the machines have the same parameters" in shown
    assert shown[-1] == "5 of 5 operators are equal"


def test_a_comparison_fits_the_terminal() -> None:
    before = result(operator("x" * 90, 123_456_789_012), operator("b", 10**10))
    after = result(operator("x" * 90, 1), operator("b", 2 * 10**10))
    for width in (80, 120):
        shown = lines(result_comparison(before, after, ("one", "two")), width)
        assert max(map(len, shown)) <= width
        assert any("123,456,789,012" in line for line in shown)
