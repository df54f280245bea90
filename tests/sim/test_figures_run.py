"""The roofline and the bars of a run."""

from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import pytest
from calling import Stub, call, stubbed
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from result_examples import MACHINE, operator, result, vector

from arch.errors import InputError
from arch.load import load_machine
from sim.figures.alike import same_shapes, short_names
from sim.figures.layers import BARS_MAX, NAMES_MAX, layers
from sim.figures.roofline import dots, roofline
from sim.figures.roofs import roofs
from sim.figures.style import drawing
from sim.report import needs
from sim.report.machine import interfaces
from sim.result import Result

HZ = 700e6


def texts(figure: Figure) -> list[str]:
    """All texts that are drawn."""
    found = [each.get_text() for each in figure.findobj(Text) if each.get_visible()]
    return [text for text in found if text]


def bars(plot: Axes, series: int = 0) -> list[tuple[float, float, float]]:
    """Middle, foot and height of each bar of a series."""
    return [
        (patch.get_x() + patch.get_width() / 2, patch.get_y(), patch.get_height())
        for patch in plot.containers[series].patches
    ]


def named_axis(plot: Axes) -> list[str]:
    """Texts of its ticks along x."""
    return [label.get_text() for label in plot.get_xticklabels()]


def with_memory(memory: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    """The example's machine with another memory."""
    return {**MACHINE, "memory": memory, **changes}


def test_each_matrix_operator_is_a_dot() -> None:
    run = result()
    figure = roofline(run)
    plot = figure.axes[0]
    (cloud,) = [each for each in plot.collections if each.get_label() == "operators"]
    drawn = sorted((float(x), float(y)) for x, y in cloud.get_offsets())
    expected = []
    for row in run.operators:
        if row.macs and row.fused_into is None:
            moved = row.events["memory_read_bytes"] + row.events["memory_write_bytes"]
            expected.append((row.macs / moved, row.macs * HZ / row.cycles / 1e12))
    assert len(drawn) == 3
    assert drawn == [pytest.approx(each) for each in sorted(expected)]
    assert "attained (TMAC/s)" in texts(figure)


def test_dots_grow_with_their_share_of_cycles() -> None:
    run = result(operator("a", 3000), operator("b", 1000, k=32))
    (cloud,) = [e for e in roofline(run).axes[0].collections if e.get_label() == "operators"]
    # Drawn from the largest on.
    assert cloud.get_sizes().tolist() == pytest.approx([450.0, 150.0])


def test_equal_operators_at_one_place_are_one_dot() -> None:
    rows = [operator(f"layer{at}.up", 1000) for at in range(12)]
    slow = operator("layer12.up", 5000)
    run = result(*rows, slow, operator("head", 700, k=99))
    found = dots(run)
    assert sorted(len(dot.operators) for dot in found) == [1, 1, 12]
    twelve = next(dot for dot in found if len(dot.operators) == 12)
    assert twelve.share == pytest.approx(12_000 / run.cycles)
    assert twelve.y == pytest.approx(rows[0].macs * HZ / 1000)
    shown = texts(roofline(run))
    assert "layer*.up \u00d713" in shown
    assert "head" in shown


def test_the_longest_are_named_with_their_share() -> None:
    sizes = dict(zip("abcdefg", (100, 900, 300, 700, 500, 200, 50), strict=True))
    run = result(*(operator(f"op_{n}x", c, k=10 + c) for n, c in sizes.items()))
    shown = texts(roofline(run))
    for name in "bdecf":
        assert f"{name}x" in shown
    assert not {"ax", "gx"} & {*shown}
    assert f"{100 * 900 / 2750:.1f} %" in shown
    assert all(str(number) in shown for number in range(1, 6))


def lines(figure: Figure) -> list[list[tuple[float, float]]]:
    """Roofs, as they are drawn."""
    return [[(float(x), float(y)) for x, y in line.get_xydata()] for line in figure.axes[0].lines]


def test_roofs_meet_at_the_ridge() -> None:
    figure = roofline(result())
    peak, rate = 128 * 128 * HZ, 32 * 1.4e9
    slope, flat = lines(figure)
    assert slope[1] == pytest.approx((peak / rate, peak / 1e12))
    assert slope[0][1] / slope[0][0] == pytest.approx(rate / 1e12)
    assert flat[0] == pytest.approx(slope[1])
    assert flat[1][1] == flat[0][1]
    assert {"peak 11.47 TMAC/s", "memory 44.8 GB/s"} <= {*texts(figure)}


def test_separate_interfaces_have_a_roof_together_and_alone() -> None:
    memory = {
        "clock": "memory",
        "latency_cycles": 1,
        "bytes_per_cycle": None,
        "operand_bytes_per_cycle": {"ifmap": 128, "filter": 16, "ofmap": 128},
    }
    figure = roofline(replace(result(), machine=with_memory(memory)))
    assert {
        "three interfaces 380.8 GB/s",
        "inputs or outputs alone 179.2 GB/s",
        "weights alone 22.4 GB/s",
    } <= {*texts(figure)}
    assert len(lines(figure)) == 4
    rates = sorted(line[0][1] / line[0][0] * 1e3 for line in lines(figure)[:3])
    assert rates == pytest.approx([22.4, 179.2, 380.8])


@pytest.mark.parametrize("standard", ["HBM2", "HBM3", "DDR4", "LPDDR5"])
def test_dram_is_as_wide_as_its_pins(standard: str) -> None:
    machine = load_machine("systolic_128", [f"memory={{standard: {standard}, channels: 4}}"])
    bounds = roofs(machine.model_dump(mode="json"))
    assert bounds.peak_macs_per_second == machine.peak_macs_per_second
    assert bounds.memory is not None
    assert bounds.memory.name == f"4 \u00d7 {standard}"
    # What `lockstep show` tells is rounded down to whole bytes a cycle.
    told = interfaces(machine)["memory"]
    assert told <= bounds.memory.bytes_per_second < told + machine.clocks_khz["dram"] * 1000


def test_hbm2_of_eight_channels() -> None:
    memory = load_machine("systolic_128", ["memory={standard: HBM2, channels: 8}"])
    bounds = roofs(memory.model_dump(mode="json"))
    assert bounds.memory is not None
    # JESD235: 128 data pins a channel at 2 Gb/s.
    assert bounds.memory.bytes_per_second == 8 * 128 * 2e9 / 8


def test_without_memory_there_is_the_peak() -> None:
    run = result()
    figure = roofline(replace(run, machine=with_memory(None)))
    assert len(lines(figure)) == 1
    assert "size of the operator (10\u2076 MACs)" in texts(figure)
    (cloud,) = [e for e in figure.axes[0].collections if e.get_label() == "operators"]
    macs = sorted(row.macs / 1e6 for row in run.operators if row.macs)
    assert sorted(float(x) for x, _ in cloud.get_offsets()) == pytest.approx(macs)


@pytest.mark.parametrize("memory", [None, MACHINE["memory"]])
def test_a_run_without_products_has_roofs(memory: Any) -> None:
    run = replace(result(vector("pool", 100)), machine=with_memory(memory))
    assert "no matrix product ran" in texts(roofline(run))
    assert layers(run).axes[1].containers[0].patches == []


def test_what_moved_nothing_in_a_window_is_left_out() -> None:
    run = result(operator("a"), operator("b", events={}), first_cycle=5, complete=False)
    assert len(dots(run)) == 1
    assert any("cycles 5 to 2,000 only" in text for text in texts(roofline(run)))


def inside(figure: Figure) -> bool:
    """Whether all texts are on the page, and numbers of dots off each other."""
    with drawing():
        figure.draw_without_rendering()
        drawn = [text for axes in figure.axes for text in axes.texts]
        # Without the lines from numbers to their dots, which may cross.
        boxes = {text: Text.get_window_extent(text) for text in drawn}
    numbers = [boxes[text] for text in figure.axes[0].texts if text.get_text() in {*"12345"}]
    assert len(numbers) >= 3
    page = figure.bbox
    return not any(a.overlaps(b) for a, b in combinations(numbers, 2)) and all(
        page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 for box in boxes.values()
    )


def test_texts_stand_apart() -> None:
    near = [operator(f"x{at}", 1000 + at, m=64 + at) for at in range(40)]
    assert inside(roofline(result(*near)))
    assert inside(roofline(result()))


def heights(run: Result) -> tuple[list[float], list[float], list[float]]:
    """Of bars: not stalled, stalled, utilisation."""
    above, below = layers(run).axes
    rest, stalled = bars(above, 0), bars(above, 1)
    for (x, foot, height), (at, base, _) in zip(rest, stalled, strict=True):
        assert (x, foot + height) == pytest.approx((at, base))
        assert foot == 0
    return (
        [height for *_, height in rest],
        [height for *_, height in stalled],
        [height for *_, height in bars(below)],
    )


def test_bars_are_split_by_stalls() -> None:
    run = result(operator("a", 8000), vector("p", 2000), operator("b", 4000, utilisation=0.25))
    rest, stalled, used = heights(run)
    assert rest == pytest.approx([6.0, 2.0, 3.0])
    assert stalled == pytest.approx([2.0, 0.0, 1.0])
    # The pool multiplies nothing.
    assert used == pytest.approx([100 * run.operators[0].utilisation, 25.0])
    figure = layers(run)
    assert named_axis(figure.axes[1]) == ["a", "p", "b"]
    assert "cycles (10\u00b3)" in texts(figure)
    assert "stalled, 21.4 % of all" in texts(figure)
    assert "run\n<0.1 %" in texts(figure)


@pytest.mark.parametrize("count", [1, 5, 54, NAMES_MAX])
def test_names_do_not_overlap(count: int) -> None:
    run = result(
        *(operator(f"resnet_stage{at}_conv_of_a_long_name", k=at + 1) for at in range(count))
    )
    figure = layers(run)
    below = figure.axes[1]
    with drawing():
        figure.draw_without_rendering()
        boxes = [label.get_window_extent() for label in below.get_xticklabels()]
    assert len(boxes) == count
    for left, right in pairwise(boxes):
        assert left.x1 <= right.x0 + 0.5
    assert all(box.y0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_alike_ones_are_together_where_names_find_no_room() -> None:
    rows = [
        operator(f"layer{at}.{name}", 1000 + k, k=k)
        for at in range(40)
        for name, k in (("qkv", 16), ("out", 32), ("up", 64))
    ]
    run = result(*rows, operator("head", 500, k=5))
    figure = layers(run)
    assert named_axis(figure.axes[1]) == [
        "layer*.qkv \u00d740", "layer*.out \u00d740", "layer*.up \u00d740", "head",
    ]  # fmt: skip
    rest, stalled, used = heights(run)
    assert [a + b for a, b in zip(rest, stalled, strict=True)] == pytest.approx(
        [40 * 1.016, 40 * 1.032, 40 * 1.064, 0.5]
    )
    assert used[0] == pytest.approx(100 * rows[0].utilisation)
    assert "121 operators, those of one shape together (\u00d7)" in texts(figure)


@pytest.mark.compiled
def test_many_of_many_shapes_are_thin_bars() -> None:
    run = result(*(operator(f"n{at}", 1000 + (at * 37) % 200, k=at + 1) for at in range(200)))
    rest, _, _ = heights(run)
    assert len(rest) == 200
    names = named_axis(layers(run).axes[1])
    longest = max(run.operators, key=lambda row: row.cycles).name
    assert longest in names
    assert len(names) < 30
    assert "200 operators; names of the longest" in texts(layers(run))


def test_more_than_bars_are_merged_with_their_neighbours() -> None:
    count = 2 * BARS_MAX + 1
    run = result(*(operator(f"n{at}", 1000 + at, k=at + 1) for at in range(count)))
    rest, stalled, _ = heights(run)
    assert len(rest) == -(-count // 3)
    assert 1e3 * (sum(rest) + sum(stalled)) == pytest.approx(run.cycles)


def test_names_lose_what_all_begin_with() -> None:
    assert short_names(["net_a_x", "net_a_y1"]) == ["x", "y1"]
    assert short_names(["net_a", "net_ab"]) == ["a", "ab"]
    assert short_names(["same"]) == ["same"]
    assert short_names(["a." + "b" * 40, "c"])[0].count("\u2026") == 1
    # Nothing is left of the first.
    assert short_names(["a_", "a_b"]) == ["a_", "b"]


def test_groups_are_of_one_shape() -> None:
    rows = [operator("l0.q"), operator("l0.k"), operator("l1.q"), operator("l2.q", k=17)]
    assert [[row.name for row in group.members] for group in same_shapes(rows)] == [
        ["l0.q", "l1.q"], ["l0.k"], ["l2.q"],
    ]  # fmt: skip
    # Of replayed commands no shape is known, but their products.
    replayed = [operator(f"n{at}", m=0, n=0, k=0, macs=macs) for at, macs in enumerate((8, 9, 8))]
    assert [len(group.members) for group in same_shapes(replayed)] == [2, 1]
    unnamed = same_shapes([operator("n1"), operator("n7"), operator("n9", k=2)])
    assert [group.name for group in unnamed] == ["n1 \u2026 \u00d72", "n9"]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    return stubbed(monkeypatch)


FILES = ["layers.png", "layers.svg", "roofline.png", "roofline.svg"]


@pytest.mark.parametrize("what", [("-w", "mobilenet_v1"), ("--replay", "c.parquet")])
def test_a_run_writes_its_figures(stub: Stub, what: tuple[str, str], tmp_path: Any) -> None:
    folder = tmp_path / "new" / "figures"
    shown = call("run", "tpu_v1", *what, "--figures", folder)
    assert shown.exit_code == 0
    assert shown.stderr == f"wrote {folder}\n"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    call("run", "tpu_v1", *what, "--figures", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_figures_that_cannot_be_written_stop_the_run(
    stub: Stub, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    run = ("run", "tpu_v1", "-w", "mobilenet_v1", "--figures")
    shown = call(*run, tmp_path / "file")
    assert (shown.exit_code, stub.machine) == (2, None)
    assert "file: cannot be written: it is a file" in shown.stderr
    shown = call("run", "hbm2_2000", "--trace", "t", "--figures", tmp_path)
    assert "error: --figures: is not for --trace" in shown.stderr
    monkeypatch.setattr(needs, "find_spec", lambda package: None)
    shown = call(*run, tmp_path / "figures")
    assert (shown.exit_code, stub.machine) == (2, None)
    assert shown.stderr == (
        "error: --figures needs the package matplotlib: pip install 'lockstep-sim[report]'\n"
    )


def test_a_standard_that_is_gone_is_told() -> None:
    machine = with_memory({"standard": "nowhere.yaml", "channels": 1})
    with pytest.raises(InputError, match="nowhere"):
        roofline(replace(result(), machine=machine))
