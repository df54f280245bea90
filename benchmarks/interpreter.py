"""Peers from PyPI, in virtual environments of their own."""

import os
import subprocess
import sys
from collections.abc import Sequence

from sim.jit import cache_root


def interpreter(name: str, requirements: Sequence[str]) -> str:
    """The Python that has a peer: ``LOCKSTEP_<NAME>_PYTHON``, or one in the cache folder, which
    is made on first use; that needs a package index."""
    given = os.environ.get(f"LOCKSTEP_{name.upper()}_PYTHON")
    if given:
        return given
    folder = cache_root() / "peers" / name
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = folder / "installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *requirements], check=True)
        done.touch()
    return str(python)
