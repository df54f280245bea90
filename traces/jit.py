"""The one place that configures Numba; every kernel module takes ``njit`` from here, or from
``sim.jit``, its door for the rooms behind.

Numba's on-disk cache does not notice a change in a callee of another file, so the cache folder
is named by a hash of all kernel sources and of the versions that compile them.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import numba
import numpy

ROOT = Path(__file__).resolve().parents[1]
OWN = "traces/jit.py"
DOORS = (b"traces.jit", b"sim.jit")
"""A file that names one of them holds kernels, or constants of theirs."""


def source_hash() -> str:
    """Hash of all kernels, of the constants that they freeze, and of the compiler.

    A kernel takes constants from its folder and from ``arch/``, so whole folders count.
    """
    digest = hashlib.sha256(f"{numba.__version__} {numpy.__version__}".encode())
    texts = {
        path.relative_to(ROOT): path.read_bytes()
        for room in ("arch", "traces", "sim", "rtl")
        for path in sorted((ROOT / room).rglob("*.py"))
    }
    own = Path(OWN)
    folders = {
        path.parent
        for path, text in texts.items()
        if path != own and any(door in text for door in DOORS)
    }
    for path, text in texts.items():
        if path == own or path.parent in folders or path.is_relative_to("arch"):
            digest.update(path.as_posix().encode() + b"\0" + text)
    return digest.hexdigest()[:16]


def cache_root() -> Path:
    """Folder below which compiled kernels are kept: ``LOCKSTEP_CACHE`` or the user's cache."""
    given = os.environ.get("LOCKSTEP_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lockstep"


KERNEL_HASH = source_hash()
CACHE_DIR = cache_root() / "kernels" / KERNEL_HASH
numba.config.CACHE_DIR = str(CACHE_DIR)


def kernels_compiled() -> bool:
    """Whether a former run has left compiled kernels of exactly these sources, or none are to be
    compiled."""
    return bool(numba.config.DISABLE_JIT) or any(CACHE_DIR.rglob("*.nbi"))


def njit(function: Any) -> Any:
    """Compile a kernel: cached on disk, no Python objects, integer overflow wraps.

    Kernels are compiled into their callers, and references to arrays are not counted: counting is
    atomic, and that and passing twenty arrays took nine tenths of the engine's time. So a kernel
    cannot make an array; Numba says so if one tries.
    """
    return numba.njit(cache=True, forceinline=True, _nrt=False)(function)


def inlined(function: Any) -> Any:
    """A kernel that is put into its one caller before that is compiled, and never compiled alone:
    for large ones, which each level of calls would optimise anew."""
    return numba.njit(cache=True, inline="always", _nrt=False)(function)
