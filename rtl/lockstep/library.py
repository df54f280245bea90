"""A wrapper verilated into a shared library, run in this process batch by batch."""

import ctypes
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.errors import SimulationError
from rtl.lockstep.packing import Bits
from rtl.lockstep.tools import AMARANTH_WARNINGS, compiler, verilator_environment, verilator_root
from rtl.wrapper import TOP
from sim.jit import cache_root

OPTIMISE = ("-O1", "-fPIC", "-std=c++17", "-w")
"""Higher levels compile for longer than they save."""
VERILATE = ("--cc", "-O3", "--top-module", TOP, "--prefix", "Vtwin", *AMARANTH_WARNINGS)
SLOW = "__Slow"
"""In the names of files of what runs only at the beginning."""
RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
DRIVER = Path(__file__).with_name("driver.cpp")


def build(verilog: str, stim_bits: int, resp_bits: int, *, mutants: bool = False) -> Path:
    """The shared library of a wrapper; a former build of the same text is used again.

    Raises InputError where a tool is missing, SimulationError where one fails.
    """
    root = verilator_root()
    flags = [f"-DSTIM_BITS={stim_bits}", f"-DRESP_BITS={resp_bits}", *["-DMUTANTS"] * mutants]
    key = _key(
        verilog, DRIVER.read_text(), " ".join((*VERILATE, *OPTIMISE, *flags)), _versions(root)
    )
    target = cache_root() / "rtl" / key
    library = target / "twin.so"
    if library.exists():
        return library
    runtime = _runtime(root)
    with tempfile.TemporaryDirectory(dir=_folder(target.parent), prefix="building-") as folder:
        place = Path(folder)
        (place / "twin.v").write_text(verilog)
        _call(["verilator_bin", *VERILATE, "--Mdir", ".", "twin.v"], place)
        (place / "all.cpp").write_text(_all_sources(place))
        headers = [f"-I{root / 'include'}", f"-I{root / 'include' / 'vltstd'}", "-I."]
        link = [*OPTIMISE, *flags, *headers, "-shared", "-o", "twin.so", "all.cpp"]
        _call([compiler(), *link, *map(str, runtime), "-pthread", "-latomic"], place)
        done = place / "done"
        done.mkdir()
        shutil.move(place / "twin.so", done / "twin.so")
        _rename(done, target)
    return library


class Library:
    """A verilated wrapper that runs; the registers start as after a reset."""

    def __init__(self, path: Path, resp_words: int) -> None:
        self._calls = ctypes.CDLL(str(path))
        self._calls.twin_create.restype = ctypes.c_void_p
        self._calls.twin_run.restype = ctypes.c_int64
        self._handle = ctypes.c_void_p(self._calls.twin_create())
        self._words = resp_words

    def __enter__(self) -> "Library":
        return self

    def __exit__(self, *_: object) -> None:
        self._calls.twin_destroy(self._handle)

    def mutate(self, number: int) -> None:
        """Switch on a mutant of a library built with ``mutants``; 0 is none."""
        self._calls.twin_mutate(self._handle, ctypes.c_uint32(number))

    def run(self, rst: npt.NDArray[np.uint8], stim: Bits, resp: Bits) -> tuple[int, Bits] | None:
        """First cycle whose response is not ``resp``, and what it is; None if all are."""
        found = np.zeros(self._words, np.uint32)
        cycles = ctypes.c_int64(len(rst))
        bad = self._calls.twin_run(self._handle, _at(rst), _at(stim), _at(resp), cycles, _at(found))
        return None if bad < 0 else (int(bad), found)

    def record(self, rst: npt.NDArray[np.uint8], stim: Bits) -> Bits:
        """Responses [cycle, word]."""
        resp = np.zeros((len(rst), self._words), np.uint32)
        cycles = ctypes.c_int64(len(rst))
        self._calls.twin_record(self._handle, _at(rst), _at(stim), _at(resp), cycles)
        return resp

    def plain(self, rst: npt.NDArray[np.uint8], stim: Bits) -> Bits:
        """Run without looking; the last response."""
        last = np.zeros(self._words, np.uint32)
        cycles = ctypes.c_int64(len(rst))
        self._calls.twin_plain(self._handle, _at(rst), _at(stim), cycles, _at(last))
        return last


def _all_sources(folder: Path) -> str:
    """One text of what Verilator wrote and the driver: headers are read once. What runs only at
    the beginning, which is half of it, is not optimised."""
    sources = sorted(path.name for path in folder.glob("Vtwin*.cpp"))
    slow = [f'#include "{name}"' for name in sources if SLOW in name]
    fast = [f'#include "{name}"' for name in sources if SLOW not in name]
    begin = ["#pragma GCC push_options", '#pragma GCC optimize("O0")']
    lines = [*begin, *slow, "#pragma GCC pop_options", *fast, f'#include "{DRIVER}"', ""]
    return "\n".join(lines)


def _at(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


def _key(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:24]


def _versions(root: Path) -> str:
    """What the compiled code depends on besides its text."""
    version = subprocess.run(
        [compiler(), "--version"], capture_output=True, text=True, check=True
    ).stdout
    return version + (root / "include" / "verilated_config.h").read_text()


def _runtime(root: Path) -> list[Path]:
    """Verilator's own objects, compiled once."""
    target = cache_root() / "rtl" / f"runtime-{_key(' '.join(OPTIMISE), _versions(root))}"
    objects = [target / Path(name).with_suffix(".o") for name in RUNTIME]
    if target.exists():
        return objects
    include = root / "include"
    with tempfile.TemporaryDirectory(dir=_folder(target.parent), prefix="building-") as folder:
        done = Path(folder) / "done"
        done.mkdir()
        headers = [f"-I{include}", f"-I{include / 'vltstd'}"]
        sources = [str(include / name) for name in RUNTIME]
        _call([compiler(), *OPTIMISE, *headers, "-c", *sources], done)
        _rename(done, target)
    return objects


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _rename(done: Path, target: Path) -> None:
    """Give a finished folder its name, unless another process was first."""
    try:
        done.rename(target)
    except OSError:
        if not target.exists():
            raise


def _call(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=verilator_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        end = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise SimulationError(f"{Path(command[0]).name} failed with {done.returncode}:\n  {end}")
