"""Meshes by name and from files."""

from pathlib import Path

import pytest

from arch.diff import timings_of
from arch.errors import InputError
from arch.mesh.load import is_mesh, load_mesh, mesh_names


@pytest.mark.parametrize("name", mesh_names())
def test_every_mesh_loads(name: str) -> None:
    mesh = load_mesh(name)
    assert mesh.name == name
    assert is_mesh(name)
    assert mesh.nodes == (745_500 if name == "wse2" else 64)


def test_the_two_pipelines() -> None:
    """Stages between one router's input and the next one's."""
    assert load_mesh("mesh_W1").hop_cycles == 4
    assert load_mesh("mesh_V4").hop_cycles == 5
    assert load_mesh("mesh_V4", ["router.routing_cycles=2"]).hop_cycles == 6


def test_timings_follow() -> None:
    assert timings_of(load_mesh("mesh_W1")) == {"hop": 4, "zero_load_corner_to_corner": 62}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("width=0", "width: given 0; must be 1 to 4096"),
        ("router.vcs=13", "router.vcs: given 13; must be 1 to 12"),
        ("router.vc_allocation_cycles=2", "router.vc_allocation_cycles: given 2; must be 1"),
        ("router.traversal_cycles=0", "router.traversal_cycles: given 0; must be 1 to 255"),
        ("router.speculation=two", 'router.speculation: given "two"; must be none'),
        ("kind=wavelet", 'kind: given "wavelet"; must be packet'),
        ("router.colours=24", "router.colours: is not a known key"),
        ("router.vc_allocator={kind: islip, iterations: 9}", "iterations: given 9; must be 1 to 8"),
        (
            "router.vc_allocator={kind: separable_input_first, iterations: 2}",
            "iterations: must be 1 unless kind is islip, not 2",
        ),
    ],
)
def test_wrong_parameters(change: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load_mesh("mesh_W1", [change])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["pe.wavelets_per_operation=3"], "given 3; must be 1 to 2"),
        (
            ["pe.wavelets_per_operation=2", "ramp_up_wavelets=1"],
            "ramp_up_wavelets: must be pe.wavelets_per_operation (2) at least, not 1",
        ),
    ],
)
def test_wrong_wavelets_of_an_operation(changes: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        load_mesh("wse2", changes)
    assert message in str(caught.value)


def test_too_many_nodes() -> None:
    with pytest.raises(InputError, match="width x height: must be 1048576 at most, not 16777216"):
        load_mesh("mesh_W1", ["width=4096", "height=4096"])


def test_no_such_mesh() -> None:
    with pytest.raises(InputError, match=r"is no mesh and no file; did you mean mesh_W1\? known"):
        load_mesh("mesh_X9")


def test_faults_of_a_file_have_their_line(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("name: m\nsource: s\nkind: packet\nwidth: wide\nrouter: {}\n")
    assert is_mesh(str(path))
    with pytest.raises(InputError) as caught:
        load_mesh(str(path))
    assert f'{path}:4: width: given "wide"; must be a whole number' in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("\n", ":1: kind: is missing; must be packet or wavelet"),
        ("kind: wavelets\n", ':2: kind: given "wavelets"; must be packet or wavelet'),
        ("kind: [packet]\n", ':2: kind: given ["packet"]; must be packet or wavelet'),
    ],
)
def test_a_mesh_without_a_kind(tmp_path: Path, kind: str, message: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(f"name: m\n{kind}router: {{}}\n")
    with pytest.raises(InputError) as caught:
        load_mesh(str(path))
    assert str(caught.value).startswith(f"{path}{message}")


def test_what_is_no_mesh(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("standard: DDR4\n")
    assert not is_mesh(str(path))
    assert not is_mesh("nowhere.yaml")
    assert not is_mesh(str(tmp_path))
