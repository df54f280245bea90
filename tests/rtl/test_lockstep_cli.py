"""``lockstep rtl`` and ``lockstep cosim``, with the FIFO in place of the machine's units."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result
from wide_fifo_twin import FaultyFifo, FifoTwin

from rtl.lockstep import units
from sim.cli import app, hardware

MACHINE = "tpu_v1"


def call(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [str(each) for each in arguments])


@pytest.fixture(autouse=True)
def _fifo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(units.TWINS, "array", lambda machine: FifoTwin())
    monkeypatch.setitem(units.TWINS, "buffer", lambda machine: FifoTwin(FaultyFifo))


def test_rtl_writes_verilog_whole(tmp_path: Path) -> None:
    shown = call("rtl", MACHINE, "-o", "out.v")
    assert shown.exit_code == 0, shown.output
    text = (tmp_path / "out.v").read_text()
    assert text.startswith("module array(") or "\nmodule array(" in text
    assert shown.stdout == ""
    assert shown.stderr == f"out.v: module array, 8 ports, {len(text.splitlines()):,} lines\n"
    assert [file.name for file in tmp_path.iterdir()] == ["out.v"]


def test_rtl_to_the_screen_is_the_text_alone(tmp_path: Path) -> None:
    call("rtl", MACHINE, "-o", "out.v")
    shown = call("rtl", MACHINE, "-o", "-")
    assert shown.stdout == (tmp_path / "out.v").read_text()
    assert shown.stderr == ""


@pytest.mark.parametrize("path", ["none/out.v", "."])
def test_rtl_where_nothing_can_be_written(path: str) -> None:
    shown = call("rtl", MACHINE, "-o", path)
    assert shown.exit_code == 2
    assert "cannot be written" in shown.stderr
    assert "Traceback" not in shown.output


def test_cosim_that_agrees(tmp_path: Path) -> None:
    shown = call("cosim", MACHINE, "--seed", 1, "--cycles", 3000)
    assert shown.exit_code == 0, shown.output
    assert "3,000 cycles compared in every register, all equal" in shown.stdout
    for word in ("seed 1, batch", "with a transfer or a stall", "cycles a second", "resets"):
        assert word in shown.stdout
    assert shown.stderr == "", "no progress where nobody watches"
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert list(tmp_path.iterdir()) == [], "no waveform where nothing differs"


def test_cosim_that_differs_says_where_and_how_to_see_it_again(tmp_path: Path) -> None:
    shown = call("cosim", MACHINE, "-u", "buffer", "--seed", 1, "--cycles", 6000)
    assert shown.exit_code == 1
    assert "then they differ" in shown.stdout
    assert "hardware and model differ in cycle" in shown.stderr
    assert "waveform: buffer-seed1.vcd" in shown.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["buffer-seed1.vcd"]
    (again,) = (line for line in shown.stderr.splitlines() if "lockstep cosim" in line)
    words = again.split()[1:]
    cycle = int(words[-1]) - 1
    assert words[-2] == "--cycles"
    repeated = call(*words)
    assert repeated.exit_code == 1
    assert f"differ in cycle {cycle} (seed 1)" in repeated.stderr
    assert call(*words[:-1], cycle).exit_code == 0


def test_cosim_writes_the_waveform_where_it_is_told(tmp_path: Path) -> None:
    shown = call("cosim", MACHINE, "-u", "buffer", "--cycles", 6000, "--waveform", "w.vcd")
    assert shown.exit_code == 1
    assert [file.name for file in tmp_path.iterdir()] == ["w.vcd"]


def test_cosim_refuses_a_waveform_it_could_not_write_before_it_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rtl.lockstep.run.cosim", lambda *_, **__: pytest.fail("it ran"))
    shown = call("cosim", MACHINE, "--waveform", "none/w.vcd")
    assert shown.exit_code == 2
    assert "none/w.vcd: cannot be written" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cosim", MACHINE, "--simulator", "questa"), "batch, verilator, icarus, not 'questa'"),
        (
            ("cosim", MACHINE, "--unit", "dma"),
            "unit: must be array or buffer or dram or joint or mac or mesh or pim or vector, "
            "not 'dma'",
        ),
        (("rtl", MACHINE, "-o", "x.v", "--unit", "dma"), "unit: must be array or buffer"),
        (("cosim", "wse2"), "wse2: is a mesh, which has no array; give --unit mesh"),
        (("cosim", "nothing"), "'nothing' is no machine and no file"),
        (("rtl", MACHINE, "-o", "x.v", "--set", "array.rows=none"), "array.rows"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    shown = call(*arguments)
    assert shown.exit_code == 2
    assert message in shown.stderr
    assert "Traceback" not in shown.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("rtl", MACHINE, "-o", "x.v"), ("cosim", MACHINE)])
def test_without_the_extra_it_says_what_to_install(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "PACKAGES", ("no_such_package",))
    shown = call(*command)
    assert shown.exit_code == 2
    assert "no_such_package: pip install 'lockstep-sim[rtl]'" in shown.stderr


@pytest.mark.parametrize(
    ("simulator", "message"), [("icarus", "install the package iverilog"), ("batch", "install g++")]
)
def test_missing_programs_are_named(
    simulator: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CXX", raising=False)
    shown = call("cosim", MACHINE, "--simulator", simulator, "--cycles", 10)
    assert shown.exit_code == 2
    assert message in shown.stderr


def test_help_does_not_import_hardware() -> None:
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(sorted({'amaranth', 'cocotb', 'vcd', 'pyosys', 'numpy'}"
        " & {*sys.modules}), file=sys.stderr))\n"
        "from sim.cli import main\nmain()"
    )
    root = str(Path(__file__).parents[2])
    shown = subprocess.run(
        [sys.executable, "-c", code, "cosim", "--help"],
        env={**os.environ, "PYTHONPATH": root, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr.strip() == "[]"
    assert "--simulator" in shown.stdout
