"""Meshes in from YAML."""

from collections.abc import Sequence

from arch.catalog import CONFIGS, read_text
from arch.errors import InputError
from arch.faults import shown
from arch.mesh.packet import PacketMesh
from arch.mesh.wavelet import WaveletMesh
from arch.spec_file import Folder, read_spec
from arch.yaml_lines import parse

MESHES = Folder(CONFIGS / "meshes", "mesh")
mesh_names = MESHES.names


def is_mesh(name_or_path: str) -> bool:
    """Whether a name, or what a file holds, is a mesh."""
    return "router" in MESHES.content(name_or_path)


def load_mesh(name_or_path: str, overrides: Sequence[str] = ()) -> PacketMesh | WaveletMesh:
    """Read a mesh of either kind from YAML; ``overrides`` as of ``arch.load.load_machine``.

    Raises InputError with a line for each fault.
    """
    path = MESHES.find(name_or_path)
    content = MESHES.content(name_or_path)
    kind = content.get("kind")
    what = "a mesh: name, source, kind, width, height ..."
    if kind == "wavelet":
        return read_spec(WaveletMesh, path, what, overrides)
    if kind == "packet" or not content:
        return read_spec(PacketMesh, path, what, overrides)
    # Without a kind nobody knows which keys would be right.
    line = parse(read_text(path)).lines.get(("kind",), 1)
    given = f"given {shown(kind)}" if "kind" in content else "is missing"
    raise InputError(f"{path}:{line}: kind: {given}; must be packet or wavelet, the routers'")


def load_packet_mesh(name_or_path: str, overrides: Sequence[str] = ()) -> PacketMesh:
    """A mesh of packet routers, as ``load_mesh``. Raises InputError for another one too."""
    found = load_mesh(name_or_path, overrides)
    if not isinstance(found, PacketMesh):
        raise InputError(f"{name_or_path}: has {found.kind} routers; give a mesh of packet routers")
    return found
