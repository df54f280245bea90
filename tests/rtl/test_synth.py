"""Synthesis of a design whose size is known."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from arch.array import Array
from arch.errors import InputError
from rtl.array import SystolicArray
from rtl.plain_mac import PlainMac
from rtl.stream import Fifo
from rtl.synth import LUT4S, TARGETS, synthesise
from rtl.verilog import flip_flops
from sim.cli import app

LIBERTY = """
library(small) {
  cell(INV) { area: 1; pin(A) { direction: input; } pin(Y) { direction: output; function: "A'"; } }
  cell(BUF) { area: 2; pin(A) { direction: input; } pin(Y) { direction: output; function: "A"; } }
  cell(NAND2) { area: 3; pin(A) { direction: input; } pin(B) { direction: input; }
    pin(Y) { direction: output; function: "(A*B)'"; } }
  cell(NOR2) { area: 3; pin(A) { direction: input; } pin(B) { direction: input; }
    pin(Y) { direction: output; function: "(A+B)'"; } }
  cell(DFF) { area: 40; ff(IQ, IQN) { clocked_on: C; next_state: D; }
    pin(C) { direction: input; clock: true; } pin(D) { direction: input; }
    pin(Q) { direction: output; function: IQ; } }
}
"""


@pytest.fixture
def liberty(tmp_path: Path) -> Path:
    path = tmp_path / "small cells.lib"
    path.write_text(LIBERTY)
    return path


def test_area_in_standard_cells(liberty: Path) -> None:
    """18 flip-flops of 40 and some gates of 1 to 3 each."""
    (size,) = synthesise(lambda: Fifo(8), targets=(), liberty=liberty)
    assert size.target == "small cells.lib"
    assert size.area is not None
    gates = size.cells["cells"] - 18
    assert gates > 0
    assert gates <= size.area - 18 * 40 <= 3 * gates


def test_a_liberty_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--liberty .*none\.lib: there is no such file"):
        synthesise(lambda: Fifo(8), targets=(), liberty=tmp_path / "none.lib")


def test_a_plain_mac_agrees_with_an_outside_run() -> None:
    """Others have synthesised such a MAC by Yosys: 982 cells and 40 levels (yosys_mac.csv)."""
    gates, luts = synthesise(lambda: PlainMac("int8", "int32"), targets=(TARGETS[0], LUT4S))
    cells = gates.cells["gates"] + gates.cells["flip-flops"]
    assert gates.cells["flip-flops"] == 8 + 8 + 1 + 32
    assert cells == pytest.approx(982, rel=0.1)
    assert gates.levels == pytest.approx(40, abs=4)
    assert set(luts.cells) == {"LUT4", "carry", "flip-flops"}


def test_a_fifo() -> None:
    told: list[str] = []
    sizes = synthesise(lambda: Fifo(8), told.append)
    assert told == [size.target for size in sizes] == ["gates", "ECP5", "iCE40"]
    assert all(size.cells["flip-flops"] == 2 + 8 + 8 for size in sizes)
    gates, ecp5, ice40 = sizes
    assert gates.cells["gates"] > 0
    # level == 1 and the two handshakes choose what an entry takes.
    assert gates.depth is not None
    assert 2 <= gates.depth <= 8
    assert ecp5.cells["LUT4"] > 0
    assert ice40.cells["LUT4"] > 0


def test_flip_flops_of_an_array() -> None:
    array = Array(rows=1, cols=2, dataflow="os")
    listed = flip_flops(SystolicArray(array), "unit")
    for size in synthesise(lambda: SystolicArray(array)):
        assert 0.9 * listed <= size.cells["flip-flops"] <= listed


def call(*given: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in given])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_command_for_a_mac_with_a_library(liberty: Path) -> None:
    shown = call("synth", "gemmini_16", "--unit", "mac", "--liberty", liberty)
    assert re.search(r"small cells\.lib .*cells .*\d", shown)
    assert re.search(r"area .*[\d,]+\.\d", shown)
    assert "levels (two inputs)" in shown


def test_command() -> None:
    sets = ["--set", "array.rows=1", "--set", "array.cols=1", "--set", "array.accumulator_rows=0"]
    result = CliRunner().invoke(app, ["synth", "gemmini_16", *sets])
    assert result.exit_code == 0, result.output
    for word in ("ECP5", "iCE40", "LUT4", "flip-flops", "depth (gates)"):
        assert word in result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
