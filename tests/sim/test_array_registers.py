"""The model of every register against the value kernel: registers, cycles, products."""

from random import Random

import numpy as np
import pytest
from array_cases import Case, array_of, cases, operands, product
from array_feeder import feed
from hypothesis import given
from hypothesis import strategies as st
from test_array_timing import Tile, array_in_hardware, array_machine, simulate

from sim.array.registers import Layout, Registers
from sim.array.value import run_tile

PLANES = {"psum": "psum{}", "product": "product{}"}


@given(
    case=cases(),
    rows=st.sampled_from([0, 1, 5, 64]),
    rate=st.sampled_from([1.0, 0.7, 0.3]),
    overflow=st.sampled_from(["wrap", "saturate"]),
)
def test_registers_cycles_and_products(case: Case, rows: int, rate: float, overflow: str) -> None:
    """With every stream at full rate or not, whatever becomes of the partial sums: beat by beat
    the registers of the value kernel, its cycles, and its product."""
    array, (m, n, k, *_), random = case
    array = array_of(
        **(array.model_dump() | {"accumulator_rows": rows, "accumulator_overflow": overflow})
    )
    m, n, k = (1 + extent % 12 for extent in (m, n, k))
    a, b = operands(array, m, n, k, 1, random)
    tile = run_tile(array, a, b, trace=True)
    run = feed(array, a[0], b[0], random, rate)
    np.testing.assert_array_equal(run.output, product(array, a, b)[0])
    assert tile.cycles <= len(run.beats)
    for name, traced in tile.registers.items():
        stages = traced if name in PLANES else [traced]
        for j, plane in enumerate(stages):
            register = PLANES.get(name, name).format(j)
            for x in range(tile.cycles):
                for r in range(array.rows):
                    for c in range(array.cols):
                        found = run.beats[x][f"grid.{register}.{r}.{c}"]
                        assert found == plane[x, r, c], f"{register}[{r}][{c}] in beat {x}"
    # A result stands in the registers (ws, is) one beat before the port takes it.
    last = tile.cycles - 1 if array.dataflow == "os" else tile.cycles
    assert run.port_beats[-1] == last


@pytest.mark.parametrize("dataflow", ["ws", "is", "os"])
def test_void_commands_do_nothing(dataflow: str) -> None:
    model = Registers(array_of(dataflow=dataflow))
    stimuli = np.zeros((50, len(model.layout.stimuli)), np.int64)
    names = [field.name for field in model.layout.stimuli]
    stimuli[:, :3] = (3, 0, 2)
    for name in ("command.valid", "top.valid", "left.valid", "output.ready"):
        stimuli[:, names.index(name)] = 1
    rows = model.advance(stimuli, np.zeros(50, np.uint8))
    outputs = [field.name for field in model.layout.outputs]
    assert rows[:, outputs.index("command.ready")].all()
    assert not rows[:, outputs.index("output.valid")].any()
    assert rows[-1, outputs.index("left.ready")] == 0


def test_reset_brings_the_first_row_back() -> None:
    model = Registers(array_of(dataflow="ws"))
    random = np.random.default_rng(1)
    stimuli = random.integers(0, 2, (40, len(model.layout.stimuli)))
    resets = np.zeros(40, np.uint8)
    resets[-1] = 1
    model.advance(stimuli, resets)
    np.testing.assert_array_equal(model.row, model.reset)


def test_names_are_unique() -> None:
    layout = Layout(array_of(dataflow="os", pe_latency_cycles=3, rows=1), 16)
    names = [field.name for field in (*layout.stimuli, *layout.outputs, *layout.registers)]
    assert len(set(names)) == len(names)
    assert all(field.width == 0 for field in layout.hidden)


@given(seed=st.integers(0, 2**32))
def test_products_in_a_row_take_the_timing_kernels_cycles(seed: int) -> None:
    random = Random(seed)
    fields = array_in_hardware(random)
    fields["accumulator_rows"] = 64
    machine = array_machine(fields)
    tiles = [
        Tile(*(random.choice([1, random.randint(1, 20)]) for _ in range(3)), 1, 1)
        for _ in range(random.randint(1, 6))
    ]
    expected = simulate(machine, tiles).now_tick
    assert beats_of(Registers(machine.array), tiles) == expected


def beats_of(model: Registers, tiles: list[Tile]) -> int:
    """Beats from the first word on until the last result stands in the registers, with streams
    that are always ready."""
    names = [field.name for field in model.layout.stimuli]
    stimulus = np.zeros((1, len(names)), np.int64)
    for name in ("command.valid", "top.valid", "left.valid", "output.ready"):
        stimulus[0, names.index(name)] = 1
    given, beats, last, quiet = 0, 0, 0, 0
    while quiet < 200:
        stimulus[0, names.index("command.valid")] = given < len(tiles)
        if given < len(tiles):
            tile = tiles[given]
            stimulus[0, :3] = (tile.m, tile.n, tile.k)
        given += int(model.advance(stimulus, np.zeros(1, np.uint8))[0, 0]) * (given < len(tiles))
        beat = model.beat[0]
        works = beat["load"] or beat["stream"] or beat["column"] >= 0
        quiet = 0 if works else quiet + 1
        if beats or works:
            beats += int(beat["advance"])
            if beat["column"] >= 0:
                last = beats
    # Under ws and is the port takes a result one beat after it stands in the registers.
    return last if not model.layout.stationary else last - 1
