"""What ``lockstep workload`` and ``lockstep workloads`` tell."""

import pytest
from rendering import lines, words

from sim.report.workload import macs, weights, workload_list, workload_table
from traces import workload
from traces.operators import (
    AnyOperator,
    Conv2d,
    Elementwise,
    Gemm,
    Move,
    Norm,
    Pool,
    Softmax,
    Workload,
)

WINDOW = {"in_h": 9, "in_w": 7, "channels": 6, "filt_h": 3, "filt_w": 2, "stride_h": 2}
ROWS: tuple[tuple[AnyOperator, str, int, int], ...] = (
    (Conv2d(name="a", filters=10, **WINDOW), "Conv2d 24 x 10 x 36", 8640, 360),
    (Conv2d(name="a", filters=12, groups=6, batch=2, **WINDOW),
     "Conv2d 48 x 2 x 6 (x6)", 3456, 72),
    (Gemm(name="a", m=2, n=3000, k=5), "Gemm 2 x 3,000 x 5", 30_000, 15_000),
    (Gemm(name="a", m=2, n=3, k=5, batch=7), "Gemm 2 x 3 x 5 (x7)", 210, 105),
    (Gemm(name="a", m=2, n=3, k=5, batch=7, second_operand="activations"),
     "Gemm 2 x 3 x 5 (x7)", 210, 0),
    (Pool(name="a", op="max", **WINDOW), "Pool max 144 elements", 0, 0),
    (Elementwise(name="a", op="add", elements=1234, operands=2),
     "Elementwise add 1,234 elements", 0, 0),
    (Softmax(name="a", rows=4, cols=5), "Softmax 20 elements", 0, 0),
    (Norm(name="a", op="rms", rows=4, cols=5), "Norm rms 20 elements", 0, 0),
    (Move(name="a", elements=9), "Move 9 elements", 0, 0),
)  # fmt: skip


def table(*operators: AnyOperator, width: int = 80, notes: tuple[str, ...] = ()) -> list[str]:
    """Lines of the table of a workload."""
    made = Workload(name="net", source="made up", operators=operators)
    return lines(workload_table(made, notes), width)


@pytest.mark.parametrize(("operator", "shape", "work", "held"), ROWS)
def test_an_operator(operator: AnyOperator, shape: str, work: int, held: int) -> None:
    assert macs(operator) == work
    assert weights(operator) == held
    row = next(line for line in table(operator, width=60) if line.startswith("a "))
    numbers = [f"{work:,}" if work else "-", f"{held:,}" if held else "-"]
    assert row.split() == ["a", *shape.split(), *numbers]


def test_totals_and_notes() -> None:
    first, second = (Gemm(name=name, m=2, n=3000, k=5) for name in ("a", "b"))
    shown = table(first, second, notes=("a note",))
    assert "total" in [line.split()[0] for line in shown if line]
    assert next(line for line in shown if line.startswith("total")).split() == [
        "total", "60,000", "30,000"
    ]  # fmt: skip
    assert shown[-4:] == [
        "work    60 kMAC, 120 kOP",
        "params  30,000 weights of products",
        "source  made up",
        "* a note",
    ]


def test_a_wide_terminal_shows_windows_and_inputs() -> None:
    convolution, other = ROWS[0][0], Gemm(name="b", inputs=("a",), m=1, n=1, k=1)
    assert not any("3 x 2" in line for line in table(convolution, other, width=60))
    wide = table(convolution, other, width=160)
    assert any("3 x 2 / 2, 1 on 6 x 9 x 7" in line for line in wide)
    assert next(line for line in wide if line.startswith("b")).split()[-1] == "a"


def test_published_sizes_of_resnet50() -> None:
    """He et al., CVPR 2016, table 1: 3.8e9 multiply-adds; 25.5e6 parameters, most in products."""
    shown = workload_table(workload.load("resnet50").workload)
    total = words(shown, "total")
    assert 3.8e9 < int(total[1].replace(",", "")) < 4.1e9
    assert 25.4e6 < int(total[2].replace(",", "")) < 25.6e6


@pytest.mark.parametrize("name", ["gpt3_175b", "densenet121"])
def test_a_workload_fits_the_terminal(name: str) -> None:
    for width in (80, 120):
        shown = lines(workload_table(workload.load(name).workload), width)
        assert max(map(len, shown)) <= width
        assert not any("x …" in line or "… x" in line for line in shown)


def test_the_list_of_workloads() -> None:
    shown = lines(workload_list(["resnet50", "vgg19"], ["gpt2"], ["mobilenet_v1"], ["summa"]))
    for name in ("resnet50", "vgg19", "gpt2", "mobilenet_v1", "summa"):
        assert any(name in line.split() for line in shown)
