"""Parameter objects in from YAML files."""

from collections.abc import Sequence
from pathlib import Path

from arch.catalog import read_text
from arch.errors import InputError
from arch.overrides import parse_override
from arch.validating import AnySpec, validated
from arch.yaml_lines import YamlError, parse


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
