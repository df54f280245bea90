"""The machines that ship with lockstep."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from arch.load import dump_yaml, load_machine, machine_names, machine_sha256
from arch.machine import Machine

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "machines.md"
NAMES = (
    "gemmini_16",
    "neupims_device",
    "npu_neupims_as_simulated",
    "npu_newton_as_simulated",
    "npu_only_as_simulated",
    "onnxim_ws128",
    "onnxim_ws128_hbm2",
    "onnxim_ws8",
    "scalesim_32",
    "systolic_128",
    "systolic_32",
    "tpu_v1",
    "tpu_v2",
    "tpu_v3",
    "xr_npe",
)
DESCRIPTION = {"name", "family", "source", "sources", "assumed"}


def test_all_are_known_by_name() -> None:
    assert machine_names() == NAMES
    assert {path.stem for path in CONFIGS.glob("*.yaml")} == set(NAMES)


def test_names_do_not_depend_on_the_folder(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "__init__.py").write_text("raise ImportError('a foreign package')")
    root = str(CONFIGS.parent)
    code = (
        f"import sys; sys.path.append({root!r}); from arch.load import *; print(*machine_names())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert tuple(told.stdout.split()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_loads_and_reads_back(name: str, tmp_path: Path) -> None:
    machine = load_machine(name)
    assert machine.name == name
    file = tmp_path / "again.yaml"
    file.write_text(dump_yaml(machine))
    again = load_machine(str(file))
    assert again == machine
    assert machine_sha256(again) == machine_sha256(machine)
    assert load_machine(str(CONFIGS / f"{name}.yaml")) == machine


def leaves(data: object, path: str = "") -> set[str]:
    """Paths of everything below, sections included."""
    if not isinstance(data, dict):
        return {path}
    found = {path} if path else set()
    for key, value in data.items():
        found |= leaves(value, f"{path}.{key}" if path else key)
    return found


def covers(pattern: str, path: str) -> bool:
    """Whether a path of ``sources`` or ``assumed`` stands for a field."""
    wanted, parts = pattern.split("."), path.split(".")
    return len(parts) >= len(wanted) and all(
        part in ("*", other) for part, other in zip(wanted, parts, strict=False)
    )


@pytest.mark.parametrize("name", NAMES)
def test_sources_and_assumptions_are_of_fields_that_exist(name: str) -> None:
    machine = load_machine(name)
    data = machine.model_dump(mode="json", exclude=DESCRIPTION)
    paths = leaves(data)
    for pattern in (*machine.sources, *machine.assumed):
        assert any(covers(pattern, path) for path in paths), pattern
    assert not set(machine.sources) & set(machine.assumed)
    assert len(set(machine.assumed)) == len(machine.assumed)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_sourced_or_assumed(name: str) -> None:
    """What the file writes down; a default is the model's own."""
    machine = load_machine(name)
    written = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())
    for path in leaves({key: value for key, value in written.items() if key not in DESCRIPTION}):
        value: object = written
        for part in path.split("."):
            value = value[part]  # type: ignore[index]
        if isinstance(value, dict) or path.endswith((".operands", "clock")):
            continue
        assert any(covers(each, path) for each in (*machine.sources, *machine.assumed)), path


PEAK_TOPS = {
    "systolic_32": 2.048,
    "systolic_128": 32.768,
    "tpu_v1": 92,  # table 2 of its paper
    "tpu_v2": 46,
    "tpu_v3": 123,
    "gemmini_16": 0.512,
    "onnxim_ws128": 131.072,
    "onnxim_ws128_hbm2": 131.072,
    "onnxim_ws8": 0.128,
    "neupims_device": 262.144,
    "npu_neupims_as_simulated": 262.144,
    "npu_newton_as_simulated": 262.144,
    "npu_only_as_simulated": 262.144,
    "scalesim_32": 2.048,
    "xr_npe": 0.881,  # four lanes of four bits
}


@pytest.mark.parametrize("name", NAMES)
def test_peaks(name: str) -> None:
    """Two operations a multiply-accumulate, to the digits that are published."""
    tops = 2 * load_machine(name).peak_macs_per_second / 1e12
    assert tops == pytest.approx(PEAK_TOPS[name], rel=0.005)


BANDWIDTH_GB = {
    "systolic_32": 32,
    "systolic_128": 256,
    "tpu_v2": 700,
    "tpu_v3": 900,
    "gemmini_16": 16,
    "onnxim_ws128": 512,
    "onnxim_ws8": 6.4,
    "xr_npe": 16,
}


@pytest.mark.parametrize("name", BANDWIDTH_GB)
def test_bandwidths_are_exact(name: str) -> None:
    machine = load_machine(name)
    assert machine.memory is not None
    assert machine.memory.bytes_per_cycle is not None
    khz = machine.clocks[machine.memory.clock]
    assert machine.memory.bytes_per_cycle * khz * 1000 == BANDWIDTH_GB[name] * 10**9
    assert machine.buffer.dma.request_bytes % machine.memory.bytes_per_cycle == 0


def test_tpu_v1_is_that_of_its_paper() -> None:
    machine = load_machine("tpu_v1")
    assert machine.memory is not None
    of = machine.memory.operand_bytes_per_cycle
    assert of is not None
    assert of.filter * machine.clocks["memory"] * 1000 == 34 * 10**9
    pads = machine.buffer.scratchpads
    tile = machine.array.rows * machine.array.cols
    assert tile == 64 * 1024
    assert pads["weight_fifo"].capacity_bytes == 4 * tile
    assert pads["unified_buffer"].capacity_bytes == 24 * 2**20
    assert machine.array.accumulator_rows * machine.array.cols * 4 == 4 * 2**20
    # The ridge point of its roofline, 1350 operations a byte of weights.
    assert 2 * machine.peak_macs_per_second / 34e9 / 2 == pytest.approx(1350, rel=0.005)
    # The FIFO's requests can all be under way.
    dma = machine.buffer.dma
    assert dma.outstanding * dma.request_bytes == 4 * tile


def test_scalesim_32_is_its_example_configuration() -> None:
    from traces.scalesim import machine_from_cfg

    reference = Path(__file__).resolve().parents[3] / "shared/reference/scalesim/configs/scale.cfg"
    if not reference.exists():
        pytest.skip("data of ../shared not there")
    theirs = machine_from_cfg(reference).model_dump(mode="json", exclude=DESCRIPTION)
    ours = load_machine("scalesim_32").model_dump(mode="json", exclude=DESCRIPTION)
    for machine in (theirs, ours):
        machine.pop("vector")
        machine.pop("technology")
        machine["buffer"].pop("dma")
    assert ours == theirs


# docs/machines.md


def test_the_page_lists_every_machine() -> None:
    listed = [
        line.split("`")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")
    ]
    assert set(NAMES) == {name for name in listed if name in NAMES}


def test_the_pages_commands_are_right() -> None:
    seen = 0
    for line in PAGE.read_text().splitlines():
        if line.startswith("lockstep run ") and "mine.yaml" not in line:
            words = shlex.split(line)
            sets = [words[at + 1] for at, word in enumerate(words) if word == "--set"]
            assert sets
            load_machine(words[2], sets)
            seen += 1
    assert seen == 4


def test_the_pages_machine_is_right(tmp_path: Path) -> None:
    text = PAGE.read_text().partition("```yaml\n")[2].partition("```")[0]
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    machine = load_machine(str(file))
    assert machine == Machine.model_validate_json(json.dumps(yaml.safe_load(text)))
