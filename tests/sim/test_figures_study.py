"""Fronts and effects of a study."""

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from arch.errors import InputError
from sim.figures.effects import effects, wrapped
from sim.figures.front import envelope, staircase
from sim.figures.levels import effect, levels, quartiles
from sim.figures.pareto import VECTORS_MAX, Axis, Panel, pareto
from sim.figures.style import drawing, render

Best = Literal["min", "max"]
BESTS = st.sampled_from(["min", "max"])
POINTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=25)
TIME, ENERGY = Axis("latency", "s", "min"), Axis("energy", "pJ", "min")


def texts(figure: Figure) -> set[str]:
    """All texts that are drawn."""
    from matplotlib.text import Text

    return {each.get_text() for each in figure.findobj(Text) if each.get_visible()}


def of(plot: Axes, gid: str) -> list[tuple[float, float]]:
    """Points of all lines that are called so."""
    found = [line for line in plot.lines if line.get_gid() == gid]
    return [(float(x), float(y)) for line in found for x, y in line.get_xydata()]


def at_least_as_good(a: float, b: float, best: Best) -> bool:
    return a <= b if best == "min" else a >= b


def non_dominated(points: Sequence[tuple[float, float]], x: Best, y: Best) -> set[Any]:
    """Brute force."""
    return {
        p for p in points
        if not any(
            q != p and at_least_as_good(q[0], p[0], x) and at_least_as_good(q[1], p[1], y)
            for q in points
        )
    }  # fmt: skip


@given(POINTS, BESTS, BESTS)
def test_the_envelope_is_what_nothing_dominates(
    points: list[tuple[float, float]], x: Best, y: Best
) -> None:
    found = envelope(points, x, y)
    assert set(found) == non_dominated(points, x, y)
    assert found == sorted(found)


@given(POINTS, BESTS, BESTS)
def test_the_staircase_is_the_best_that_can_be_had(
    points: list[tuple[float, float]], x: Best, y: Best
) -> None:
    front = sorted(non_dominated(points, x, y))
    corners = staircase(front, x)
    for (x0, y0), (x1, y1) in pairwise(corners):
        assert (x0 == x1) != (y0 == y1)
        if y0 != y1:
            continue
        # Along a level stretch: all that is as good in x, at a place between points.
        middle = (x0 + x1) / 2
        had = [b for a, b in points if at_least_as_good(a, middle, x)]
        assert y0 == (min(had) if y == "min" else max(had))
    assert set(front) <= {*corners}


def cloud(count: int, seed: int = 1, title: str = "p", groups: str = "abc") -> Panel:
    """Points over two decades, with their front by brute force."""
    draw = random.Random(seed)
    points = [(draw.lognormvariate(0, 1), draw.lognormvariate(20, 1)) for _ in range(count)]
    lowest, front = float("inf"), set()
    for point in sorted(points):
        if point[1] < lowest:
            lowest = point[1]
            front.add(point)
    return Panel(
        title, [x for x, _ in points], [y for _, y in points], [p in front for p in points],
        [groups[at % len(groups)] for at in range(count)],
    )  # fmt: skip


def test_points_and_front_are_where_they_should_be() -> None:
    panel = cloud(200)
    figure = pareto([panel], TIME, Axis("energy", "pJ", "min"))
    (plot,) = figure.axes
    drawn = sorted(of(plot, "points"))
    assert drawn == [
        pytest.approx((x, y * 1e-6)) for x, y in sorted(zip(panel.x, panel.y, strict=True))
    ]
    assert len(of(plot, "best")) == sum(panel.on_front)
    line = of(plot, "front")
    # From the best latency up to the worst energy, and on from the best energy.
    assert line[0] == pytest.approx((min(panel.x), plot.get_ylim()[1]))
    assert line[-1] == pytest.approx((plot.get_xlim()[1], min(panel.y) * 1e-6))
    assert {"p", "a", "b", "c", "front", "\u2190 latency (s)", "\u2190 energy (\u00b5J)"} <= texts(
        figure
    )
    assert (plot.get_xscale(), plot.get_yscale()) == ("log", "log")


@pytest.mark.parametrize(
    ("x", "y", "line"),
    [
        ("min", "min", [(1, 7), (1, 3), (2, 3), (2, 2), (5, 2)]),
        ("min", "max", [(2, 0), (2, 3), (3, 3), (3, 4), (5, 4)]),
        ("max", "min", [(0, 2), (2, 2), (2, 3), (3, 3), (3, 7)]),
        ("max", "max", [(0, 4), (2, 4), (2, 3), (3, 3), (3, 0)]),
    ],
)
def test_the_line_goes_to_the_worse_sides(x: Best, y: Best, line: list[tuple[int, int]]) -> None:
    front = [corner for corner in line[1:-1] if corner in {line[1], line[3]}]
    panel = Panel("p", [a for a, _ in front], [b for _, b in front], [True] * 2, ["g"] * 2)
    (plot,) = pareto([panel], Axis("u", "", x), Axis("v", "", y)).axes
    drawn = of(plot, "front")
    assert drawn[1:-1] == line[1:-1]
    limits = (*plot.get_xlim(), *plot.get_ylim())
    for end, expected in ((drawn[0], line[0]), (drawn[-1], line[-1])):
        assert all(
            value == given or value in limits for value, given in zip(end, expected, strict=True)
        )
        assert end[0] == expected[0] or end[0] == (limits[0] if expected[0] == 0 else limits[1])
        assert end[1] == expected[1] or end[1] == (limits[2] if expected[1] == 0 else limits[3])


def test_axes_are_linear_within_a_decade() -> None:
    panel = Panel("p", [1.0, 9.0], [1.0, 11.0], [True, False], ["g", "g"])
    (plot,) = pareto([panel], TIME, TIME).axes
    assert (plot.get_xscale(), plot.get_yscale()) == ("linear", "log")


def test_unlike_panels_have_axes_of_their_own() -> None:
    near, far = cloud(50), cloud(50, 2)
    wide = Panel("far", [x * 1e6 for x in far.x], far.y, far.on_front, far.groups)
    one, two = pareto([near, cloud(50, 3)], TIME, ENERGY).axes
    assert one.get_xlim() == two.get_xlim()
    assert two.get_ylabel() == ""
    one, two = pareto([near, wide], TIME, ENERGY).axes
    assert one.get_xlim() != two.get_xlim()
    assert one.get_xlabel() != two.get_xlabel()
    assert one.get_ylim() == two.get_ylim()


def test_single_equal_and_no_points() -> None:
    one = Panel("one", [1.0], [2.0], [True], ["g"])
    equal = Panel("equal", [1.0] * 9, [2.0] * 9, [True] * 9, ["g"] * 9)
    none = Panel("none", [], [], [], [])
    figure = pareto([one, equal, none], TIME, TIME)
    assert "no feasible point" in texts(figure)
    for plot in figure.axes[:2]:
        low, high = plot.get_xlim()
        assert low < 1.0 < high
        assert of(plot, "front")[1:-1] == [(1.0, 2.0)]
    assert of(figure.axes[2], "front") == []
    assert "no feasible point" in texts(pareto([none], TIME, TIME))


def test_six_panels_of_ten_thousand_points_stay_small() -> None:
    figure = pareto([cloud(10_000, seed, f"w{seed}") for seed in range(6)], TIME, ENERGY)
    assert len(render(figure, ".svg")) < 2_000_000
    for plot in figure.axes:
        light = [line for line in plot.lines if line.get_gid() == "points"]
        assert all(line.get_rasterized() for line in light)
        assert sum(len(line.get_xdata()) for line in light) == 10_000
    few = pareto([cloud(VECTORS_MAX)], TIME, ENERGY).axes[0]
    assert not any(line.get_rasterized() for line in few.lines)


def test_groups_keep_their_looks_in_all_panels() -> None:
    figure = pareto([cloud(30, groups="ab"), cloud(30, groups="ba")], TIME, ENERGY)
    for plot in figure.axes:
        marks = [line.get_marker() for line in plot.lines if line.get_gid() == "points"]
        assert marks == ["o", "s"]
    many = pareto([cloud(60, groups="abcdefghijkl")], TIME, ENERGY)
    assert "others" in texts(many)
    assert {"a", "b", "c"} <= texts(many)
    assert {"point", "front"} <= texts(pareto([cloud(9, groups="a")], TIME, ENERGY))


@pytest.mark.parametrize(
    ("panels", "message"),
    [
        ([], "needs one panel at least"),
        ([Panel("p", [1.0], [], [True], ["g"])], "panel 'p': .* not 1, 0, 1 and 1"),
        (
            [Panel("p", [1.0, float("nan")], [1.0, 2.0], [True] * 2, ["g"] * 2)],
            r"x\[1\] .* not nan",
        ),
        ([Panel("p", [1.0], [float("inf")], [True], ["g"])], r"y\[0\] must be a finite number"),
    ],
)
def test_bad_panels_are_refused(panels: list[Panel], message: str) -> None:
    with pytest.raises(InputError, match=message):
        pareto(panels, TIME, ENERGY)


def labels(values: Sequence[object], most: int = 12) -> list[str]:
    return [level.label for level in levels(values, most)]


def test_values_are_in_their_natural_order() -> None:
    assert labels([16, 4, 1024, 4, None]) == ["4", "16", "1,024", "not set"]
    assert labels(["ws", "os", None, "ws"]) == ["ws", "os", "not set"]
    assert labels([True, False]) == ["false", "true"]
    assert labels([0.5, 2, 0.25]) == ["0.25", "0.5", "2"]
    assert labels([[1, 2], [3]]) == ["1, 2", "3"]


def test_many_values_share_a_level() -> None:
    numbers = levels(list(range(100)), 12)
    assert len(numbers) == 12
    assert numbers[0].label == "0 to 7"
    assert numbers[-1].label == "92 to 99"
    texts_of = [f"v{at % 30}" for at in range(61)]
    assert labels(texts_of, 4)[0] == "v0"
    assert labels(texts_of, 4)[-1] == "27 others"
    assert labels([*texts_of, None], 4)[-2:] == ["28 others", "not set"]


@given(
    st.lists(st.one_of(st.none(), st.integers(-9, 40), st.booleans(), st.text(max_size=3)),
             max_size=60),
    st.integers(3, 12),
)  # fmt: skip
def test_each_point_is_in_one_level(values: list[object], most: int) -> None:
    found = levels(values, most)
    assert sorted(at for level in found for at in level.points) == list(range(len(values)))
    assert len(found) <= most
    assert all(level.points for level in found)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_quartiles_are_those_of_numpy(values: list[float]) -> None:
    assert quartiles(values) == pytest.approx(np.quantile(values, [0.25, 0.5, 0.75]), abs=1e-9)


def test_effect_is_the_share_of_variance() -> None:
    split = levels([1, 1, 2, 2], 12)
    assert effect(split, [1.0, 1.0, 5.0, 5.0]) == pytest.approx(1.0)
    assert effect(split, [1.0, 5.0, 1.0, 5.0]) == pytest.approx(0.0)
    assert effect(split, [-1.0, 1.0, 1.0, 3.0]) == pytest.approx(0.5)
    assert effect(split, [0.1] * 4) == 0.0


def study() -> tuple[dict[str, Sequence[object]], dict[str, list[float]]]:
    """Rows matter for time, dataflow a little, and nothing for cost."""
    rows = [16, 32, 64] * 20
    flow = ["ws", "os"] * 30
    draw = random.Random(3)
    time = [
        1e-3 / r * (2 if f == "os" else 1) * draw.uniform(1, 1.1)
        for r, f in zip(rows, flow, strict=True)
    ]
    parameters: dict[str, Sequence[object]] = {"rows": rows, "flow": flow, "fixed": [1] * 60}
    return parameters, {"time": time, "cost": [draw.uniform(1, 2) for _ in rows]}


AXES = {"time": TIME, "cost": Axis("cost", "", "max")}


def test_effects_are_where_they_should_be() -> None:
    parameters, objectives = study()
    figure = effects(parameters, objectives, AXES)
    grid = figure.axes
    assert len(grid) == 4
    by_rows = {
        r: [t * 1e6 for t, s in zip(objectives["time"], parameters["rows"], strict=True) if s == r]
        for r in (16, 32, 64)
    }
    assert of(grid[0], "best") == [
        pytest.approx((at, min(times))) for at, times in enumerate(by_rows.values())
    ]
    assert of(grid[0], "joined") == of(grid[0], "best")
    # Texts have no order.
    assert of(grid[1], "joined") == []
    boxes = [patch for patch in grid[0].patches if patch.get_gid() == "quartiles"]
    for box, times in zip(boxes, by_rows.values(), strict=True):
        low, high = np.quantile(times, [0.25, 0.75])
        assert box.get_y() == pytest.approx(low)
        assert box.get_height() == pytest.approx(high - low)
    medians = of(grid[0], "median")[::2]
    assert [y for _, y in medians] == pytest.approx([np.median(each) for each in by_rows.values()])
    costs = [c for c, f in zip(objectives["cost"], parameters["flow"], strict=True) if f == "ws"]
    assert of(grid[3], "best")[0] == pytest.approx((0, max(costs)))
    assert [label.get_text() for label in grid[2].get_xticklabels()] == ["16", "32", "64"]
    assert [label.get_text() for label in grid[3].get_xticklabels()] == ["ws", "os"]
    assert {"rows", "flow", "\u2190 latency (\u00b5s)", "cost \u2192", "best", "median"} <= texts(
        figure
    )
    assert "fixed" not in texts(figure)


def test_of_many_parameters_the_strongest_are_drawn() -> None:
    parameters, objectives = study()
    draw = random.Random(5)
    idle = {f"idle_{at}": [draw.randrange(2) for _ in range(60)] for at in range(9)}
    figure = effects({**idle, **parameters}, {"time": objectives["time"]}, {"time": TIME})
    assert len(figure.axes) == 8
    assert {"rows", "flow"} <= texts(figure)
    (note,) = [text for text in texts(figure) if "of less effect" in text]
    assert note.count("idle_") == 3
    with drawing():
        figure.draw_without_rendering()
        boxes = [plot.title.get_window_extent() for plot in figure.axes]
    assert not any(a.overlaps(b) for at, a in enumerate(boxes) for b in boxes[at + 1 :])


def test_nothing_to_show_is_said() -> None:
    assert "no parameter varies" in texts(effects({"p": [1, 1]}, {"time": [1.0, 2.0]}, AXES))
    assert "no feasible point" in texts(effects({"p": []}, {"time": []}, AXES))


@pytest.mark.parametrize(
    ("parameters", "objectives", "message"),
    [
        ({"p": [1]}, {}, "needs one objective"),
        ({"p": [1]}, {"time": [1.0, 2.0]}, "p has 1 values and time 2"),
        ({"p": [1]}, {"speed": [1.0]}, "'speed' has no axis"),
        ({"p": [1]}, {"time": [float("inf")]}, r"time\[0\] must be a finite number, not inf"),
    ],
)
def test_bad_effects_are_refused(parameters: Any, objectives: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        effects(parameters, objectives, AXES)


@given(st.text("ab._ ", max_size=40), st.integers(1, 12))
def test_wrapped_keeps_every_letter(text: str, letters: int) -> None:
    lines = wrapped(text, letters).split("\n")
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(len(line) <= letters for line in lines)
