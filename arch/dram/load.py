"""Standards in from YAML."""

from difflib import get_close_matches
from pathlib import Path

from arch.catalog import CONFIGS
from arch.dram.standard import Standard
from arch.errors import InputError
from arch.spec_file import is_there, read_spec

FOLDER = CONFIGS / "dram"


def standard_names() -> tuple[str, ...]:
    """Standards that ship with lockstep."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_standard(name_or_path: str) -> Standard:
    """Read a standard by name (``ddr4``) or from a file.

    Raises InputError with a line for each fault: file, line, path, what was given and what would
    be right.
    """
    names = standard_names()
    name = name_or_path.lower()
    path = FOLDER / f"{name}.yaml" if name in names else Path(name_or_path)
    if not is_there(path):
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(
            f"{name_or_path!r} is no DRAM standard and no file; {hint}known by name are "
            f"{', '.join(names)}"
        )
    return read_spec(Standard, path, "a DRAM standard")
