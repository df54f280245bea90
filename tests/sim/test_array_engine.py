"""Arrays of SIMD engines, register by register: layers' values and cycles."""

import numpy as np
import pytest
from engine_gemm import (
    ODOMETRY,
    RESNET_50,
    Layer,
    Work,
    feed,
    timing_cycles,
    work_of,
    works_of,
)
from engine_oracle import engine_code

from arch.array import Array
from arch.mac.engine import Engine, Mode
from sim.array.registers import Layout

pytestmark = pytest.mark.compiled

CHAINED = Engine(accumulation="chained", chain_format="posit16_1")
MIXED = Engine(
    modes=(
        Mode(input_format="posit8_0", weight_format="fp4_e2m1"),
        Mode(input_format="int8"),
        Mode(input_format="fp8_e5m2"),
    ),
    result_formats=("posit8_0", "int8", "fp16"),
)
ENGINES = {"quire": Engine(), "chained": CHAINED, "mixed": MIXED}
ARRAYS = {
    "4x4": {"rows": 4, "cols": 4},
    "2x3": {"rows": 2, "cols": 3, "pe_latency_cycles": 2, "drain": "serial"},
    "3x2": {"rows": 3, "cols": 2, "pe_latency_cycles": 3, "edge_folds": "full"},
}
NETWORKS = {"ResNet-50": RESNET_50, "odometry": ODOMETRY}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shape", ARRAYS)
def test_layers(name: str, engine: str, shape: str) -> None:
    """Modes switch from layer to layer: values of Fractions, cycles of the timing kernel."""
    array = Array(dataflow="os", engine=ENGINES[engine], **ARRAYS[shape])
    assert array.engine is not None
    works = works_of(NETWORKS[name], array.engine, list(ARRAYS).index(shape))
    run = feed(array, works, 1)
    for work, output in zip(works, run.outputs, strict=True):
        assert output == work.expected(array.engine), work.layer.name
    assert run.beats == timing_cycles(array, works)
    assert feed(array, works, 2, 0.6).outputs == run.outputs


@pytest.mark.parametrize("mode", range(4))
def test_each_mode_takes_the_cycles_of_its_words(mode: int) -> None:
    array = Array(rows=4, cols=4, dataflow="os", engine=Engine())
    assert array.engine is not None
    works = [work_of(layer, array.engine, mode, mode, 3) for layer in ODOMETRY[2:]]
    run = feed(array, works, 1)
    assert run.outputs == [work.expected(array.engine) for work in works]
    assert run.beats == timing_cycles(array, works)


@pytest.mark.parametrize("drain", ["serial", "overlapped"])
def test_a_negative_zero_waits_unchanged(drain: str) -> None:
    """A chained sum that rounds to -0 stays so until it leaves, whatever idles through the PE."""
    engine = Engine(
        accumulation="chained", chain_format="fp8_e5m2", word_bits=8,
        modes=(Mode(input_format="fp8_e5m2"),),
    )  # fmt: skip
    array = Array(rows=3, cols=2, dataflow="os", engine=engine, drain=drain, pe_latency_cycles=2)
    tiny, minus_tiny = 1, 0x81
    a = np.full((3, 1, 2), tiny)
    work = Work(Layer("", 3, 1, 2, 2), 0, 0, a, np.full((2, 1, 2), minus_tiny))
    assert work.expected(engine) == [[0x80] * 2] * 3
    assert feed(array, [work, work], 1).outputs == [[[0x80] * 2] * 3] * 2


def test_names_are_unique_and_wide_numbers_in_slices() -> None:
    layout = Layout(Array(rows=2, cols=2, dataflow="os", engine=Engine(), pe_latency_cycles=2), 16)
    fields = [*layout.stimuli, *layout.outputs, *layout.registers]
    assert len({field.name for field in fields}) == len(fields)
    slices = {f.name: f.width for f in fields if f.name.startswith("grid.sum.1.0")}
    widths = {f"grid.sum.1.0[{i}]": 32 for i in range(4)}
    assert slices == widths | {"grid.sum.1.0[4]": Engine().sum_bits - 128}


def test_an_index_beyond_counts_as_the_last() -> None:
    array = Array(rows=1, cols=1, dataflow="os", engine=MIXED)
    work = work_of(Layer("", 1, 1, 6, 1), MIXED, 2, 2, 5)
    beyond = Work(work.layer, 2, 2, work.a, work.b)
    object.__setattr__(beyond, "result", 3)
    expected = [[engine_code(MIXED, 2, 2, *(w[0].tolist() for w in work.words(MIXED)))]]
    assert feed(array, [work, beyond], 1).outputs == [expected, expected]
