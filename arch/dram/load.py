"""Standards in from YAML."""

import json
from difflib import get_close_matches

from pydantic import ValidationError

from arch.catalog import CONFIGS, read_text
from arch.dram.standard import Standard
from arch.errors import InputError
from arch.faults import explain
from arch.paths import Path
from arch.yaml_lines import YamlError, parse

FOLDER = CONFIGS / "dram"


def standard_names() -> tuple[str, ...]:
    """Standards that ship with lockstep."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_standard(name_or_path: str) -> Standard:
    """Read a standard by name (``ddr4``) or from a file.

    Raises InputError with a line for each fault: file, line, path, what was given and what would
    be right.
    """
    from pathlib import Path as FilePath

    names = standard_names()
    name = name_or_path.lower()
    path = FOLDER / f"{name}.yaml" if name in names else FilePath(name_or_path)
    try:
        found = path.exists()
    except (OSError, ValueError):
        found = False
    if not found:
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(
            f"{name_or_path!r} is no DRAM standard and no file; {hint}known by name are "
            f"{', '.join(names)}"
        )
    try:
        document = parse(read_text(path))
    except YamlError as fault:
        raise InputError(f"{path}:{fault.line}: {fault.reason}") from None
    if not isinstance(document.data, dict):
        raise InputError(f"{path}:1: must be the keys of a DRAM standard")
    lines = document.lines

    def where(at: Path, inside: bool) -> str:
        while at not in lines:
            at = at[:-1]
        return f"{path}:{lines[at]}"

    try:
        return Standard.model_validate_json(json.dumps(document.data))
    except ValidationError as error:
        raise InputError("\n".join(explain(error, Standard, where))) from None
