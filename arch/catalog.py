"""The machines that ship with lockstep, and files of one's own."""

from difflib import get_close_matches
from pathlib import Path

from arch.errors import InputError

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
"""Folder of the package ``configs``, which is installed beside this one. It is not imported, as a
user's own folder may well have that name."""

SUFFIXES = (".yaml", ".yml", ".json")
BYTES_MAX = 2**20
"""Bound on the size of a file, far above any machine's."""


def machine_names() -> tuple[str, ...]:
    """All machines that are known by name."""
    return tuple(sorted(path.stem for path in CONFIGS.glob("*.yaml")))


def find_machine(name_or_path: str) -> Path:
    """The file of a machine that is known by name, or the file itself.

    Raises InputError if there is neither.
    """
    if name_or_path in machine_names():
        return CONFIGS / f"{name_or_path}.yaml"
    path = Path(name_or_path)
    try:
        if name_or_path and path.exists():
            return path
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    names = machine_names()
    near = get_close_matches(path.stem.lower(), names, n=3)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    known = f"{hint}Known by name are {', '.join(names)}"
    if path.suffix.lower() in SUFFIXES or path.name != name_or_path:
        raise InputError(f"{name_or_path}: there is no such file. {known}")
    raise InputError(f"{name_or_path!r} is no machine and no file. {known}")


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(f"{path}: cannot be read: {reason}")


def read_text(path: Path) -> str:
    """Text of a file in UTF-8. Raises InputError with what is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; give a file") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if len(data) > BYTES_MAX:
        raise InputError(
            f"{path}: is larger than {BYTES_MAX} bytes; a machine is some lines of YAML"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: is not text in UTF-8, as YAML is") from None
