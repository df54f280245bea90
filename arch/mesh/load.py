"""Meshes in from YAML."""

from collections.abc import Sequence
from pathlib import Path

from arch.catalog import CONFIGS, read_text
from arch.errors import InputError
from arch.mesh.packet import PacketMesh
from arch.spec_file import is_there, read_spec
from arch.yaml_lines import YamlError, parse

FOLDER = CONFIGS / "meshes"


def mesh_names() -> tuple[str, ...]:
    """Meshes that are known by name."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def is_mesh(name_or_path: str) -> bool:
    """Whether a name, or what a file holds, is a mesh."""
    if name_or_path in mesh_names():
        return True
    path = Path(name_or_path)
    if not is_there(path) or path.is_dir():
        return False
    try:
        data = parse(read_text(path)).data
    except (InputError, YamlError):
        return False
    return isinstance(data, dict) and "router" in data


def load_mesh(name_or_path: str, overrides: Sequence[str] = ()) -> PacketMesh:
    """Read a mesh from YAML; ``overrides`` as of ``arch.load.load_machine``.

    Raises InputError with a line for each fault.
    """
    path = Path(name_or_path)
    if name_or_path in mesh_names():
        path = FOLDER / f"{name_or_path}.yaml"
    elif not is_there(path):
        raise InputError(
            f"{name_or_path!r} is no mesh and no file; known by name are {', '.join(mesh_names())}"
        )
    return read_spec(PacketMesh, path, "a mesh: name, source, kind, width, height ...", overrides)
