"""Standards in from YAML."""

from arch.catalog import CONFIGS
from arch.dram.standard import Standard
from arch.spec_file import Folder, read_spec

STANDARDS = Folder(CONFIGS / "dram", "DRAM standard")
standard_names = STANDARDS.names


def load_standard(name_or_path: str) -> Standard:
    """Read a standard by name (``ddr4``, in any case) or from a file.

    Raises InputError with a line for each fault: file, line, path, what was given and what would
    be right.
    """
    name = name_or_path.lower()
    path = STANDARDS.find(name if name in standard_names() else name_or_path)
    return read_spec(Standard, path, "a DRAM standard")
