"""``lockstep run``: its options, files and exit codes, with a stub for the simulation."""

from pathlib import Path

import pytest
from calling import Stub, call, stubbed
from result_examples import result

from arch.errors import InputError, SimulationError
from sim.cli import inputs
from sim.report import needs
from sim.report.files import read_result, result_json
from sim.simulate import Options

RUN = ("run", "tpu_v1", "--workload", "mobilenet_v1")


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    return stubbed(monkeypatch)


def test_a_run_is_reported(stub: Stub) -> None:
    shown = call(*RUN)
    assert shown.exit_code == 0
    assert "resnet50 on example" in shown.stdout
    assert "total" in shown.stdout
    assert shown.stderr == ""
    assert stub.machine.name == "tpu_v1"
    assert stub.workload.name == "mobilenet_v1"
    assert stub.options == Options()


def test_options_reach_the_simulation(stub: Stub, tmp_path: Path) -> None:
    shown = call(
        *RUN, "--batch", 3, "--set", "array.rows=64", "--set", "cores=2", "--warmup", 1,
        "--from", 2, "--until", 9, "--checkpoint", tmp_path / "c", "--checkpoint-at", 5,
        "--resume", tmp_path / "r",
    )  # fmt: skip
    assert shown.exit_code == 0
    assert (stub.machine.array.rows, stub.machine.cores) == (64, 2)
    assert stub.workload.operators[0].batch == 3
    changes = ("machine changed: array.rows=64", "machine changed: cores=2")
    assert stub.options == Options(
        from_cycle=2, warmup_cycles=1, until_cycle=9, checkpoint_path=tmp_path / "c",
        checkpoint_cycle=5, resume_path=tmp_path / "r", notes=changes,
    )  # fmt: skip
    assert "* machine changed: array.rows=64" in shown.stdout


def test_notes_of_the_workload_are_kept(stub: Stub) -> None:
    call("run", "tpu_v1", "-w", "gpt2")
    assert stub.options.notes == ("gpt2: prefill of 128 tokens, as none was given",)


def test_quiet_says_nothing(stub: Stub, tmp_path: Path) -> None:
    shown = call(*RUN, "--quiet", "--out", tmp_path / "out")
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "", "")
    assert (tmp_path / "out" / "result.json").exists()


def test_json_is_the_result(stub: Stub) -> None:
    shown = call(*RUN, "--json")
    assert shown.stdout == result_json(result(notes=()))
    assert call(*RUN, "--json", "--quiet").stdout == shown.stdout


def test_files_are_written_and_named(stub: Stub, tmp_path: Path) -> None:
    out, timeline, commands = (tmp_path / name for name in ("out", "t.pftrace", "c.csv"))
    shown = call(*RUN, "--out", out, "--timeline", timeline, "--commands", commands)
    assert shown.exit_code == 0
    assert stub.options.log_commands
    assert shown.stderr == "".join(f"wrote {path}\n" for path in (out, timeline, commands))
    assert read_result(out) == result(notes=())
    assert timeline.stat().st_size > 100
    # 1.4 GHz ticks in cycles of the array's 700 MHz
    first = commands.read_text().splitlines()[1].split(",")
    assert first[5:9] == ["0", "100", "0", "50"]


def test_compiling_is_told(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "kernels_compiled", lambda: False)
    assert call(*RUN).stderr.startswith("compiling kernels (once, about ")
    assert call(*RUN, "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "file"), "file: cannot be written: it is a file"),
        (("--out", "file/below"), "below: cannot be written: Not a directory"),
        (("--timeline", "no/t"), "no/t: cannot be written: No such file or directory"),
        (("--commands", "no/c.csv"), "no/c.csv: cannot be written"),
        (("--commands", "c.json"), "commands are written as .parquet or .csv, not .json"),
        (("--checkpoint", "no/c"), "no/c: cannot be written"),
        (("--checkpoint-at", "5"), "--checkpoint-at says when, but not where"),
        (("--set", "array.rows=0"), "array.rows"),
        (("--set", "array.dataflow=xs"), "array.dataflow"),
        (("--set", "rows"), "must be path=value"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    arguments: tuple[str, str],
    message: str,
    stub: Stub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    shown = call(*RUN, *arguments)
    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert shown.stderr.startswith("error: ")
    assert message in shown.stderr
    assert stub.machine is None
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("given [b]x[/b]\nand [y]"), 2, "error: given [b]x[/b]\nand [y]\n"),
        (SimulationError("deadlock at 5"), 1, "error: deadlock at 5\n"),
        (MemoryError(), 1, "error: MemoryError\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_exit_codes(stub: Stub, error: BaseException, code: int, message: str) -> None:
    stub.raises = error
    shown = call(*RUN)
    assert (shown.exit_code, shown.stdout, shown.stderr) == (code, "", message)


def test_a_missing_package_is_named_before_anything_runs(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs, "find_spec", lambda package: None)
    shown = call(*RUN, "--timeline", tmp_path / "t")
    assert shown.exit_code == 2
    assert shown.stderr == (
        "error: --timeline needs the package perfetto: pip install 'lockstep-sim[report]'\n"
    )
    assert stub.machine is None


def test_what_fails_writes_nothing(stub: Stub, tmp_path: Path) -> None:
    stub.raises = SimulationError("deadlock")
    call(*RUN, "--out", tmp_path / "a" / "b", "--timeline", tmp_path / "t")
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_of_scalesim(tmp_path: Path, stub: Stub) -> None:
    path = tmp_path / "mine.cfg"
    path.write_text(
        "[general]\nrun_name = mine\n[architecture_presets]\nArrayHeight: 32\nArrayWidth: 16\n"
        "IfmapSramSzkB: 64\nFilterSramSzkB: 64\nOfmapSramSzkB: 64\nDataflow: os\n"
        "Bandwidth: 10\n[run_presets]\nInterfaceBandwidth: CALC\n"
    )
    assert "512 PEs" in call("show", path).stdout
    topology = tmp_path / "net.csv"
    topology.write_text(
        "Layer, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
        "Strides,\nconv, 8, 8, 3, 3, 4, 5, 2,\n"
    )
    assert call("run", path, "-w", topology, "--set", "array.cols=8").exit_code == 0
    assert (stub.machine.array.rows, stub.machine.array.cols) == (32, 8)
    # Its output sizes are rounded up: (8 - 3) / 2 + 1 is 4, not 3.
    assert stub.workload.operators[0].m == 16
    call("run", "tpu_v1", "-w", topology)
    assert stub.workload.operators[0].m == 9
