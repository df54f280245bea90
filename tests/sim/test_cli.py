"""The command line: what it takes, prints, writes and exits with."""

import json
import os
import re
import resource
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from log_examples import example
from result_examples import operator, result
from typer.testing import CliRunner, Result

from arch import __version__
from arch.errors import InputError, SimulationError
from sim.cli import app, inputs
from sim.report.files import read_result, result_json, write_result
from sim.simulate import Options, Run

ROOT = Path(__file__).resolve().parents[2]
RUN = ("run", "tpu_v1", "--workload", "mobilenet_v1")


def call(*arguments: object) -> Result:
    """Run ``lockstep`` in this process, at 80 columns."""
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [str(each) for each in arguments])


def launch(*arguments: str, code: str = "") -> "subprocess.CompletedProcess[str]":
    """Run ``lockstep`` as a program, after ``code``."""
    return subprocess.run(
        [sys.executable, "-c", f"{code}\nfrom sim.cli import main\nmain()", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Stub:
    """Stands for the simulation and keeps what it was asked."""

    def __init__(self) -> None:
        self.machine: Any = None
        self.workload: Any = None
        self.options = Options()
        self.raises: BaseException | None = None

    def __call__(self, machine: Any, workload: Any, options: Options, progress: Any) -> Run:
        self.machine, self.workload, self.options = machine, workload, options
        if self.raises is not None:
            raise self.raises
        progress(0, 1, "conv1", 10)
        return Run(result(notes=options.notes), example() if options.log_commands else None)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    made = Stub()
    monkeypatch.setattr(inputs, "simulate", made)
    monkeypatch.setattr(inputs, "kernels_compiled", lambda: True)
    return made


def test_help_imports_nothing_heavy_and_is_fast() -> None:
    heavy = {"numba", "numpy", "pandas", "pyarrow", "onnx", "pydantic", "yaml", "perfetto"}
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print(sorted({heavy} & {{*sys.modules}}), file=sys.stderr))"
    )
    found = launch("--help", code=code)
    assert found.returncode == 0
    assert found.stderr.strip() == "[]"
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert launch("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 0.3


@pytest.mark.parametrize("command", ["run", "show", "workload", "diff", "machines", "workloads"])
def test_every_command_explains_itself(command: str) -> None:
    shown = call(command, "--help")
    assert shown.exit_code == 0
    assert "Usage: lockstep" in shown.stdout
    assert command in call("--help").stdout


def test_version() -> None:
    assert call("--version").stdout == f"lockstep {__version__}\n"


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
    assert first[3:7] == ["0", "100", "0", "50"]


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
    ("arguments", "message"),
    [
        (("run", "tpu", "-w", "resnet50"), "'tpu' is no machine and no file"),
        (("run", "no.cfg", "-w", "resnet50"), "no.cfg: there is no such file"),
        (("run", "tpu_v1", "-w", "resnet"), "'resnet' is no workload"),
        (("workload", "none.onnx"), "none.onnx: there is no such file"),
        (("show", "none.yaml"), "none.yaml: there is no such file"),
        (("diff", "tpu_v1", "none"), "'none' is no machine and no file"),
        (("diff", "no/result.json", "no/result.json"), "there is no such file"),
        (("diff", ".", "."), "result.json: there is no such file"),
        (("diff", ".", "tpu_v1"), ". is a result and tpu_v1 is a machine; give two machines or"),
    ],
)
def test_one_message_and_no_traceback(arguments: tuple[str, ...], message: str) -> None:
    shown = call(*arguments)
    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert shown.stderr.startswith("error: ")
    assert message in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "tpu_v1"),
        ("run", "tpu_v1", "-w", "resnet50", "--until", "x"),
        ("run", "tpu_v1", "-w", "resnet50", "--until", "0"),
        ("run", "tpu_v1", "-w", "resnet50", "--batch", "0"),
        ("run", "tpu_v1", "-w", "resnet50", "--none"),
        ("none",),
        ("diff", "tpu_v1"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    shown = call(*arguments)
    assert shown.exit_code == 2
    assert "Usage: lockstep" in shown.stderr


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


def test_what_fails_writes_nothing(stub: Stub, tmp_path: Path) -> None:
    stub.raises = SimulationError("deadlock")
    call(*RUN, "--out", tmp_path / "a" / "b", "--timeline", tmp_path / "t")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("raise KeyboardInterrupt", 130),
        ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", 130),
        ("from arch.errors import InputError; raise InputError('given \\x1b x')", 2),
    ],
)
def test_the_program_leaves_no_traceback(code: str, status: int) -> None:
    patch = (
        "from sim.cli import inputs\n"
        "def replaced(*given):\n"
        f"    {code}\n"
        "inputs.load_machine = replaced"
    )
    found = launch("show", "tpu_v1", code=patch)
    assert found.returncode == status
    assert "Traceback" not in found.stderr


def test_a_reader_that_goes_away() -> None:
    command = f"{sys.executable} -c 'from sim.cli import main; main()' workloads | true"
    found = subprocess.run(
        command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_a_terminal_without_unicode() -> None:
    code = "import sys; sys.stdout.reconfigure(encoding='ascii')"
    found = launch("workload", "gpt2", code=code)
    assert found.returncode == 0
    assert found.stdout.isascii()
    assert "layer11.softmax" in found.stdout


def test_show() -> None:
    shown = call("show", "tpu_v1", "--set", "array.rows=64")
    assert shown.exit_code == 0
    assert "array.rows" in shown.stdout
    assert "22.94 TOPS" in shown.stdout


def test_show_as_yaml_can_be_given_back(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(call("show", "tpu_v1", "--set", "array.rows=64", "--yaml").stdout)
    assert call("show", path, "--yaml").stdout == path.read_text()
    assert "array.rows" in call("diff", "tpu_v1", path).stdout


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


def test_workload_is_shown_and_saved(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    shown = call("workload", "mobilenet_v1", "--batch", 2, "--save", path)
    assert shown.exit_code == 0
    assert "84 operators" in shown.stdout
    again = call("workload", path)
    assert again.stdout == shown.stdout


def test_lists() -> None:
    assert "tpu_v1" in call("machines").stdout.split()
    assert {"resnet50", "gpt2", "mobilenet_v1"} <= {*call("workloads").stdout.split()}


def test_results_are_compared(tmp_path: Path) -> None:
    write_result(result(operator("a", 1000)), tmp_path / "one")
    write_result(result(operator("a", 1500)), tmp_path / "two")
    (tmp_path / "two" / "result.json").rename(tmp_path / "other.json")
    shown = call("diff", tmp_path / "one", tmp_path / "other.json")
    assert shown.exit_code == 0
    assert "1.500" in shown.stdout
    mixed = call("diff", tmp_path / "one", "tpu_v1")
    assert mixed.exit_code == 2
    assert "is a result and tpu_v1 is a machine" in mixed.stderr


def test_a_machine_in_json_is_a_machine(tmp_path: Path) -> None:
    from arch.load import load_machine

    path = tmp_path / "mine.json"
    path.write_text(json.dumps(load_machine("tpu_v1").model_dump(mode="json")))
    assert "the machines have the same parameters" in call("diff", "tpu_v1", path).stdout


@pytest.mark.parametrize("page", ["quick_start.md", "results.md"])
def test_commands_of_the_documentation(
    page: str, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / page).read_text()
    found = re.findall(r"^\$ lockstep (.*)$", text, re.MULTILINE)
    assert len(found) >= 3
    monkeypatch.chdir(tmp_path)
    for command in found:
        arguments, _, target = command.partition(" > ")
        shown = call(*shlex.split(arguments))
        assert shown.exit_code == 0, (command, shown.stderr)
        if target:
            Path(target).write_text(shown.stdout)
