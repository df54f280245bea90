"""Stands before a C++ compiler and keeps the objects of Verilator's own sources.

They are the same in every build. Verilator's makefiles call what ``OBJCACHE`` names with the
compiler and its arguments. It is run by its path, so it imports nothing of lockstep.
``LOCKSTEP_OBJECTS`` names the folder of what is kept.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def kept(command: list[str], include: Path) -> Path:
    """Where the object of a command is kept; any other command, compiler or Verilator has another
    place."""
    version = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=True)
    texts = (*command, version.stdout, (include / "verilated_config.h").read_text())
    key = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:24]
    return Path(os.environ["LOCKSTEP_OBJECTS"]) / f"{Path(command[-1]).stem}-{key}.o"


def main() -> int:
    """Compile, or copy what an equal command has made; the compiler's exit status."""
    command = sys.argv[1:]
    include = Path(os.environ["VERILATOR_ROOT"], "include")
    if Path(command[-1]).parent != include:
        return subprocess.call(command)
    made, place = Path(command[command.index("-o") + 1]), kept(command, include)
    if place.exists():
        shutil.copyfile(place, made)
        return 0
    status = subprocess.call(command)
    if status == 0:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            whole = shutil.copyfile(made, Path(folder, "whole.o"))
            whole.rename(place)
    return status


if __name__ == "__main__":
    sys.exit(main())
