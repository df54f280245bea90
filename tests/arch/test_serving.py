"""Systems that serve: files, and what differs between them."""

from pathlib import Path

import pytest

from arch.diff import diff
from arch.errors import InputError
from arch.serving import is_system, load_system, system_names

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "systems"


def test_all_are_known_by_name_and_load() -> None:
    assert system_names() == tuple(sorted(path.stem for path in CONFIGS.glob("*.yaml")))
    for name in system_names():
        system = load_system(name)
        assert system.name == name
        assert (system.device() is None) == (system.roofline is not None)
        assert is_system(name)
        assert load_system(f"systems/{name}") == load_system(str(CONFIGS / f"{name}.yaml"))


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("neupims_whole_batch", {"mapping.sub_batches", "interleave_from"}),
        ("neupims_round_robin", {"mapping.assignment"}),
        (
            "neupims_single_row_buffer",
            {
                "machine.memory.variant",
                "machine.memory.row_buffers",
                "machine.memory.composite",
                "machine.memory.controller.mode",
                "machine.memory.controller.pim_transactions_in",
                "machine.memory.controller.priority",
            },
        ),
    ],
)
def test_an_ablation_changes_what_it_says_and_nothing_else(name: str, changed: set[str]) -> None:
    found = {each.path for each in diff(load_system("neupims"), load_system(name))}
    prose = {path for path in found if path.startswith(("name", "source"))}
    assert found - prose == changed


def test_the_published_baseline_differs_by_dispatch_and_placement_alone() -> None:
    found = diff(load_system("npu_pim"), load_system("npu_pim_as_published"))
    kept = {each.path: (each.a, each.b) for each in found}
    assert kept["machine.memory.controller.dispatch_width"] == (None, 1)
    assert kept["mapping.assignment"] == ("min_load", "round_robin")
    assert len([p for p in kept if p.startswith(("machine.", "mapping."))]) == 2


def test_fields_of_the_system_and_of_its_machine_are_set() -> None:
    system = load_system("neupims", ["interleave_from=64", "machine.cores=4"])
    assert system.interleave_from == 64
    device = system.device()
    assert device is not None
    assert device.cores == 4


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("neupims", ["machine.memory.row_buffers=single"], "must be blocked where row_buffers"),
        ("neupims", ["machine=onnxim_ws128", "changes=[]"], "mapping.attention: must be npu"),
        ("neupims", ["mapping=null"], "mapping: must be given with a machine"),
        ("neupims", ["split=thirds"], "split: given .thirds.; must be halves or balanced"),
        ("gpu_a100", ["machine.cores=4"], "is a roofline"),
        ("gpu_a100", ["roofline.compute_efficiency=1.5"], "roofline.compute_efficiency"),
        ("gpu_a100", ["machine=neupims_device"], "machine: must be given where roofline is not"),
        ("neupim", [], "did you mean neupims"),
    ],
)
def test_what_is_wrong_is_said(name: str, settings: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_system(name, settings)
