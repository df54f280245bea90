"""Reports name the options that nothing outside stands behind."""

import json
from pathlib import Path

import pytest

from arch.load import load_machine
from arch.mesh.load import load_mesh
from arch.pim.hbm import load_hbm_pim
from arch.pim.joint import load_joint_pim
from arch.pim.system import load_pim
from sim import unproven as module
from sim.unproven import hbm_pim_options, joint_options, mesh_options, pim_options, unproven, used


@pytest.fixture
def _record(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "unproven.json"
    options = ["vector.lanes", "array.dataflow=os", "array.dataflow=ws", "memory.latency_cycles"]
    path.write_text(json.dumps(options))
    monkeypatch.setattr(module, "RECORD", path)


@pytest.mark.usefixtures("_record")
def test_only_what_is_in_use() -> None:
    machine = load_machine("tpu_v1")
    assert machine.array.dataflow == "ws"
    assert unproven(machine) == ("vector.lanes", "array.dataflow=ws", "memory.latency_cycles")
    without = load_machine("tpu_v1", ["memory=null"])
    assert unproven(without) == ("vector.lanes", "array.dataflow=ws")


def test_options_have_the_record_s_names() -> None:
    recorded = json.loads(module.RECORD.read_text())
    assert recorded
    units = {name.split(".")[0] for name in recorded} - {"dram"}
    options = {*used(load_machine("tpu_v1")), *pim_options(load_pim("pim_gpt"))}
    options |= {*used(load_machine("neupims_device")), *hbm_pim_options(load_hbm_pim("hbm_pim"))}
    options |= {*joint_options(load_joint_pim("neupims"))}
    options |= {*mesh_options(load_mesh("mesh_W1")), *mesh_options(load_mesh("wse2"))}
    assert units <= {option.split(".")[0] for option in options}


def test_options_of_meshes_are_those_of_all_their_parts() -> None:
    packets = set(mesh_options(load_mesh("mesh_W1")))
    assert {"mesh.width", "mesh.kind=packet", "mesh.vcs=1"} <= packets
    wavelets = set(mesh_options(load_mesh("wse2", ["pe.costs.task_cycles=7"])))
    assert {"wavelet.kind=wavelet", "wavelet.colours", "wavelet.slots"} <= wavelets
    assert "wavelet.task_cycles=7" in wavelets
