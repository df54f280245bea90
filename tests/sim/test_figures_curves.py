"""Latency-throughput curves: what is drawn where."""

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from arch.errors import InputError
from sim.figures.curves import LINES_MAX, Curve, curves

W1 = Curve("uniform", "W1", [0.3, 0.1, 0.2], [0.25, 0.1, 0.2], [900.0, 30.0, 44.0],
           [True, False, False])  # fmt: skip
V4 = Curve("uniform", "V4", [0.1, 0.2], [0.1, 0.2], [33.0, 35.0], [False, False])
OTHER = Curve("hot", "V4", [0.1], [0.05], [700.0], [True])


def of(plot: Axes, gid: str) -> list[list[tuple[float, float]]]:
    """Points of each line that is called so."""
    return [
        [(float(x), float(y)) for x, y in np.asarray(line.get_xydata()).tolist()]
        for line in plot.lines
        if line.get_gid() == gid
    ]


def test_lines_end_where_the_network_saturates() -> None:
    top, _, bottom, _ = curves([W1, V4, OTHER], "so").axes
    assert of(top, "latency") == [[(0.1, 30), (0.2, 44)], [(0.1, 33), (0.2, 35)]]
    assert of(top, "wall") == [[(0.2, 44), (0.3, 900)], [(0.2, 35)]]
    assert of(bottom, "accepted") == [
        [(0.1, 0.1), (0.2, 0.2), (0.3, 0.25)], [(0.1, 0.1), (0.2, 0.2)]
    ]  # fmt: skip
    marks: list[Any] = [line for line in bottom.lines if line.get_linestyle() == "None"]
    hollow = [
        to_hex(line.get_markerfacecolor()) == "#ffffff" for line in marks if len(line.get_xdata())
    ]
    assert hollow == [False, True, False]
    low, high = top.get_ylim()
    assert low == 20
    assert 44 < high < 100, "room for what is not saturated"


def test_panels_and_lines_are_named_once() -> None:
    figure = curves([W1, V4, OTHER], "the rule")
    assert [plot.get_title(loc="left") for plot in figure.axes] == ["uniform", "hot", "", ""]
    (key,) = figure.legends
    texts = [text.get_text() for text in key.get_texts()]
    assert texts == ["W1", "V4", "saturates", "saturated: the rule", "all accepted"]


def test_a_network_that_is_saturated_from_the_start_has_no_line() -> None:
    top, bottom = curves([OTHER], "so").axes
    assert of(top, "latency") == [[]]
    assert of(bottom, "accepted") == [[(0.1, 0.05)]]


@pytest.mark.parametrize("panels", [1, 4, 5])
def test_panels_stand_in_bands(panels: int) -> None:
    given = [Curve(f"p{at}", "l", [0.1], [0.1], [9.0], [False]) for at in range(panels)]
    plots = [plot for plot in curves(given, "so").axes if plot.axison]
    assert len(plots) == 2 * panels


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "needs one curve at least"),
        ([Curve("p", "l", [], [], [], [])], "must have an entry for each load, not 0, 0, 0, 0"),
        ([Curve("p", "l", [1.0], [1.0], [1.0, 2.0], [False])], "not 1, 1, 2, 1"),
        ([Curve("p", "l", [1.0], [float("nan")], [1.0], [False])], "must be finite numbers"),
        (
            [Curve("p", f"l{at}", [1.0], [1.0], [1.0], [False]) for at in range(LINES_MAX + 1)],
            "tells 7 lines apart, not 8",
        ),
    ],
)
def test_bad_curves_are_refused(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        curves(given, "so")
