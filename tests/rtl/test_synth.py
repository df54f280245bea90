"""Synthesis of a design whose size is known."""

from typer.testing import CliRunner

from arch.array import Array
from rtl.array import SystolicArray
from rtl.stream import Fifo
from rtl.synth import synthesise
from rtl.verilog import flip_flops
from sim.cli import app


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
    array = Array(rows=2, cols=2, dataflow="os")
    listed = flip_flops(SystolicArray(array), "unit")
    for size in synthesise(lambda: SystolicArray(array)):
        assert 0.9 * listed <= size.cells["flip-flops"] <= listed


def test_command() -> None:
    sets = ["--set", "array.rows=2", "--set", "array.cols=2", "--set", "array.accumulator_rows=0"]
    result = CliRunner().invoke(app, ["synth", "gemmini_16", *sets])
    assert result.exit_code == 0, result.output
    for word in ("ECP5", "iCE40", "LUT4", "flip-flops", "depth (gates)"):
        assert word in result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
