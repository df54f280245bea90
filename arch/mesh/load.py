"""Meshes in from YAML."""

from collections.abc import Sequence

from arch.catalog import CONFIGS
from arch.mesh.packet import PacketMesh
from arch.spec_file import Folder, read_spec

MESHES = Folder(CONFIGS / "meshes", "mesh")
mesh_names = MESHES.names


def is_mesh(name_or_path: str) -> bool:
    """Whether a name, or what a file holds, is a mesh."""
    return "router" in MESHES.content(name_or_path)


def load_mesh(name_or_path: str, overrides: Sequence[str] = ()) -> PacketMesh:
    """Read a mesh from YAML; ``overrides`` as of ``arch.load.load_machine``.

    Raises InputError with a line for each fault.
    """
    path = MESHES.find(name_or_path)
    return read_spec(PacketMesh, path, "a mesh: name, source, kind, width, height ...", overrides)
