"""The co-processor on the command line."""

from pathlib import Path

from typer.testing import CliRunner, Result

from sim.cli import app

SMALL = ("--set", "array.rows=2", "--set", "array.cols=2")


def call(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [str(each) for each in arguments])


def test_rtl_writes_its_verilog(tmp_path: Path) -> None:
    path = tmp_path / "coprocessor.v"
    shown = call("rtl", "gemmini_16", "--unit", "coprocessor", *SMALL, "-o", path)
    assert shown.exit_code == 0, shown.output
    head = path.read_text().split("module coprocessor(", 1)[1].split(");", 1)[0]
    ports = {name.strip() for name in head.split(",")}
    assert {
        "s_axil_awaddr",
        "s_axis_left_tdata",
        "s_axis_top_tkeep",
        "s_axis_partial_tlast",
    } < ports
    assert {"m_axis_result_tuser", "irq", "clk", "rst"} < ports


def test_it_has_no_model() -> None:
    shown = call("cosim", "gemmini_16", "--unit", "coprocessor", *SMALL)
    assert shown.exit_code == 2
    assert "unit: coprocessor has no model to be compared with" in shown.stderr


def test_a_unit_that_there_is_not() -> None:
    shown = call("rtl", "gemmini_16", "--unit", "dma", "-o", "-")
    assert shown.exit_code == 2
    assert "or coprocessor, not 'dma'" in shown.stderr
