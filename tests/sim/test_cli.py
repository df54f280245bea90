"""The command line: what it takes, prints and exits with."""

import json
import re
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from calling import ROOT, Stub, call, launch, stubbed
from result_examples import operator, result

from arch import __version__
from sim.report.files import write_result


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    return stubbed(monkeypatch)


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "tpu", "-w", "resnet50"), "'tpu' is no machine and no file"),
        (("run", "no.cfg", "-w", "resnet50"), "no.cfg: there is no such file"),
        (("run", "tpu_v1", "-w", "resnet"), "'resnet' is no workload"),
        (
            ("run", "tpu_v1", "-w", "mesh_gemv:k=4,n=4"),
            "is a program of a wafer; `lockstep run wse2",
        ),
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


@pytest.mark.parametrize("arguments", [(), ("-w", "resnet50", "--replay", "c.csv")])
def test_a_run_takes_a_workload_or_commands(arguments: tuple[str, ...]) -> None:
    shown = call("run", "tpu_v1", *arguments)
    assert shown.exit_code == 2
    assert shown.stderr == (
        "error: give one of --workload WORKLOAD, --replay FILE, --trace FILE, --packets FILE and "
        "--program FILE\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dialect", "ramulator"), "--dialect: is that of --trace; give one, or leave it out"),
        (("--tensors", "t.npz"), "--tensors t.npz: are those of --accuracy; add it"),
        (("--accuracy",), "machine 'tpu_v1': accuracy is that of number formats of layers; give"),
    ],
)
def test_options_of_other_runs(arguments: tuple[str, ...], message: str) -> None:
    shown = call("run", "tpu_v1", "-w", "alexnet", *arguments)
    assert shown.exit_code == 2
    assert f"error: {message}" in shown.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
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


def test_workload_is_shown_and_saved(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    shown = call("workload", "mobilenet_v1", "--batch", 2, "--save", path)
    assert shown.exit_code == 0
    assert "84 operators" in shown.stdout
    again = call("workload", path)
    assert again.stdout == shown.stdout


def test_lists() -> None:
    assert "tpu_v1" in call("machines").stdout.split()
    listed = call("workloads").stdout.split()
    assert {"resnet50", "gpt2", "mobilenet_v1", "mesh_gemm", "mesh_gemv"} <= {*listed}
    assert not {"meshgemm", "meshgemv"} & {*listed}


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
