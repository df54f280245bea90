"""Files of figures, their scales, and the package they need."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from result_examples import result

from arch.errors import InputError
from sim.figures.layers import layers
from sim.figures.roofline import roofline
from sim.figures.scale import number, scale_of
from sim.figures.style import FILES, LOOKS, render, save
from sim.report import needs

ROOT = Path(__file__).resolve().parents[2]
DRAW = """
import hashlib, sys
sys.path[:0] = ["tests/sim"]
from result_examples import result
from sim.figures.pareto import Axis, Panel, pareto
from sim.figures.effects import effects
from sim.figures.layers import layers
from sim.figures.roofline import roofline
from sim.figures.curves import Curve, curves
from sim.figures.mesh import link_map, link_windows
from sim.figures.style import render
import numpy as np
busy = np.arange(4 * 12 * 9 * 5).reshape(4, 12, 9, 5)
curve = Curve("p", "l", [0.1, 0.2], [0.1, 0.15], [9.0, 90.0], [False, True])
x, y = Axis("latency", "s", "min"), Axis("energy", "pJ", "min")
many = [1.0 + (7919 * i % 5000) / 100 for i in range(5000)]
panel = Panel("p", many, many[::-1], [i < 9 for i in range(5000)],
              ["ab"[i % 2] for i in range(5000)])
for figure in (roofline(result()), layers(result()), pareto([panel], x, y),
               effects({"p": [1, 2]}, {"t": [1.0, 2.0]}, {"t": x}), curves([curve], "r"),
               link_map(busy[0], 3000, "t"), link_windows(busy, np.full(4, 3000), "t")):
    for suffix in (".svg", ".png", ".pdf"):
        print(hashlib.sha256(render(figure, suffix)).hexdigest())
"""


def hashes(seed: str) -> list[str]:
    """Of seven figures in three formats, drawn in a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    environment.pop("SOURCE_DATE_EPOCH", None)
    done = subprocess.run(
        [sys.executable, "-c", DRAW], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=120, check=True,
    )  # fmt: skip
    return done.stdout.split()


def test_bytes_are_the_same_in_two_processes() -> None:
    first = hashes("1")
    assert len(set(first)) == 21
    assert hashes("2") == first


def test_bytes_tell_neither_time_nor_program() -> None:
    figure = layers(result())
    telling = (b"Matplotlib v", b"matplotlib.org", b"CreationDate", b"dc:date")
    for suffix in FILES:
        data = render(figure, suffix)
        assert not any(word in data for word in telling)
        assert render(figure, suffix) == data


def test_a_users_own_style_changes_nothing() -> None:
    import matplotlib

    expected = render(layers(result()), ".svg")
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "svg.fonttype": "none"}):
        assert render(layers(result()), ".svg") == expected
        assert matplotlib.rcParams["font.size"] == 20


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.svg.gz"])
def test_a_foreign_suffix_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"figures are written as \.svg, \.png, \.pdf") as caught:
        save(layers(result()), tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_files_are_saved_by_suffix(tmp_path: Path) -> None:
    figure = layers(result())
    begins = {"a.svg": b"<?xml", "b.PNG": b"\x89PNG", "c.pdf": b"%PDF"}
    for name, magic in begins.items():
        save(figure, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(magic)
    with pytest.raises(InputError, match="No such file or directory"):
        save(figure, tmp_path / "no" / "a.svg")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "find_spec", lambda package: None)
    for draw in (layers, roofline):
        with pytest.raises(InputError, match=r"matplotlib: pip install 'lockstep-sim\[report\]'"):
            draw(result())


def test_modules_of_figures_do_not_import_matplotlib() -> None:
    names = [path.stem for path in (ROOT / "sim/figures").glob("[a-z]*.py")]
    code = "import sys\n" + "".join(f"import sim.figures.{name}\n" for name in names)
    done = subprocess.run(
        [sys.executable, "-c", f"{code}print('matplotlib' in sys.modules)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(names) > 10
    assert done.stdout == "False\n"


def test_looks_differ_twice() -> None:
    assert (
        len({look.colour for look in LOOKS}) == len({look.marker for look in LOOKS}) == len(LOOKS)
    )


@pytest.mark.parametrize(
    ("unit", "values", "factor", "label"),
    [
        ("s", [0.001, 0.004], 1e3, "t (ms)"),
        ("s", [0.0, 5e-6], 1e6, "t (\u00b5s)"),
        ("s", [1e-6, 1.0], 1e3, "t (ms)"),
        ("pJ", [5e9, 9e9], 1e-9, "t (mJ)"),
        ("ms", [1500.0, 2000.0], 1e-3, "t (s)"),
        ("mm2", [1500.0, 2000.0], 1.0, "t (mm\u00b2)"),
        ("cycles", [2e6, 3e6], 1e-6, "t (10\u2076 cycles)"),
        ("cycles", [2.0, 3.0], 1.0, "t (cycles)"),
        ("", [2.0, 3e9], 1.0, "t"),
        ("s", [0.0, 0.0], 1.0, "t (s)"),
        ("s", [], 1.0, "t (s)"),
    ],
)
def test_one_prefix_an_axis(unit: str, values: list[float], factor: float, label: str) -> None:
    scale = scale_of("t", unit, values)
    assert scale.factor == pytest.approx(factor)
    assert scale.label == label


def test_a_name_that_is_its_unit_is_told_once() -> None:
    assert scale_of("cycles", "cycles", [5e3]).label == "cycles (10\u00b3)"
    assert scale_of("cycles", "cycles", [5.0]).label == "cycles"


VALUES = st.floats(-1e12, 1e12, allow_nan=False) | st.floats(1e-9, 1e12)


@given(st.lists(VALUES, min_size=1, max_size=8))
def test_limits_hold_all_values(values: list[float]) -> None:
    scale = scale_of("t", "J", values)
    drawn = scale.drawn(values)
    assert scale.low <= min(drawn) <= max(drawn) <= scale.high
    assert scale.low < scale.high
    low, high = min(values), max(values)
    assert scale.log == (low > 0 and 10 * low < high < 1e30 * low)
    if scale.log:
        assert scale.low > 0


@given(st.integers(-12, 15), st.sampled_from([1.0, 2.0, 5.0, 2.5]))
def test_ticks_read_as_their_value(power: int, digits: float) -> None:
    text = number(digits * 10.0**power).strip("$")
    head, _, exponent = text.replace("}", "").partition("10^{")
    if exponent:
        value = float(head.replace("\\times ", "") or 1) * 10.0 ** int(exponent)
    else:
        value = float(text)
    assert math.isclose(value, digits * 10.0**power, rel_tol=1e-6)
    assert number(0.0) == "0"
