"""Standards in from YAML."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from arch.catalog import CONFIGS, read_text
from arch.dram.standard import Standard
from arch.errors import InputError
from arch.overrides import parse_override
from arch.validating import AnySpec, validated
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


def is_there(path: Path) -> bool:
    """Whether a file exists; a name that can be none does not."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_spec(
    model: type[AnySpec], path: Path, what: str, overrides: Sequence[str] = ()
) -> AnySpec:
    """A parameter object from a YAML file; ``overrides`` as of ``arch.load.load_machine``.

    Raises InputError with a line for each fault.
    """
    given = [parse_override(text) for text in overrides]
    try:
        document = parse(read_text(path))
    except YamlError as fault:
        raise InputError(f"{path}:{fault.line}: {fault.reason}") from None
    if not isinstance(document.data, dict):
        raise InputError(f"{path}:1: must be the keys of {what}")
    places = {key: f"{path}:{line}" for key, line in document.lines.items()}
    return validated(model, document.data, places, given)
