"""Faults planted in the co-processor's netlist: ``python -m tests.coprocessor_mutants``.

Yosys changes one bit of a cell of rtl/coprocessor at a time. The programs of
tests/rtl/test_coprocessor*.py run against each, then the proof of what counters count; what neither
finds goes to the prover, which may show that it changes nothing, and the others are what is not
found. docs/VALIDATION.md is made of the record.
"""

import argparse
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / name) for name in ("rtl", "sim")]

import test_coprocessor as products  # noqa: E402
import test_coprocessor_registers as registers  # noqa: E402
from coprocessor_outside import TOP, Built, reachable  # noqa: E402

from arch import __version__  # noqa: E402
from arch.array import Array  # noqa: E402
from arch.errors import SimulationError  # noqa: E402
from rtl.lockstep.mutation.coprocessor import Watched, counts, invariants_hold  # noqa: E402
from rtl.lockstep.mutation.equivalence import equivalent  # noqa: E402
from rtl.lockstep.mutation.judge import flattened  # noqa: E402
from rtl.lockstep.mutation.netlist import NUMBER_BITS, changed_cell, described  # noqa: E402
from rtl.lockstep.mutation.record import CONTROL_EVERY, GOAL, PROVEN  # noqa: E402
from rtl.lockstep.record import write_json  # noqa: E402
from rtl.verilog import CLEAN  # noqa: E402
from rtl.wrapper import TOP as FLAT  # noqa: E402
from rtl.yosys import run_yosys  # noqa: E402

EXTENT_BITS, DEPTH = 4, 8
ARRAYS = {"os": registers.SMALL, "ws": registers.PARTIAL}
QUICK = (
    products.test_products_at_full_rate,
    registers.test_registers,
    registers.test_errors_of_left,
    registers.test_interrupts,
    registers.test_a_reset_at_work,
)
"""Enough for most."""
CHECKS = tuple(set(products.CHECKS + registers.CHECKS) - set(QUICK))
CELLS = "a:src=*rtl/coprocessor/* t:$meminit* %d t:$mem* %d"
UNSEEN = "delete -output w:resp w:held w:legal w:counted"
STATE = r"^  cell \$(?:dff|aldff|memrd_v2|memwr_v2|meminit_v2) (\S+)$"
FOUND = (AssertionError, SimulationError, ValueError, StopIteration, IndexError)


ARGUED: dict[str, str] = {}
"""Mutants that change nothing anyone can see, by their description, each with the reason."""


class Mutated(Built):
    """All mutants in one netlist, behind the number that picks one."""

    commands: list[str]
    flat: str

    def __init__(self, array: Array, folder: Path, count: int, seed: int) -> None:
        component = Watched(array, extent_bits=EXTENT_BITS, depth=DEPTH)
        self.flat = flattened(component)
        (folder / "flat.il").write_text(self.flat)
        listing = f"mutate -list {count} -seed {seed} -ctrl mutant {NUMBER_BITS} 1 -o m.ys {CELLS}"
        run_yosys(["read_rtlil flat.il", listing], folder)
        self.commands = (folder / "m.ys").read_text().splitlines()
        named = [UNSEEN, "opt_clean", f"rename {FLAT} {TOP}"]
        write = "write_verilog -noattr -norename design.v"
        run_yosys(["read_rtlil flat.il", *self.commands, *named, *CLEAN, write], folder)
        self.verilog = reachable((folder / "design.v").read_text())
        super().__init__(array, component, "icarus", folder, 0)

    def __post_init__(self) -> None:
        self.build(self.verilog)


@dataclass
class Case:
    """Mutants of one array, and what became of them."""

    mutants: int
    programs: int = 0
    """Found by programs."""
    proof: int = 0
    """Found by the proof of what counters count."""
    equivalent: dict[str, str] = field(default_factory=dict)
    """Why each cannot be told from the original."""
    lived: list[str] = field(default_factory=list)
    refuted: int = 0
    """Found ones that were shown to the prover, and refuted."""
    distrusted: list[str] = field(default_factory=list)
    """Those that it did not refute; invariants that do not hold."""


def seen(machine: Built) -> str | None:
    """The first check that sees a mutant, if one does."""
    for checks in (QUICK, CHECKS):
        machine.answers = {}
        try:
            machine.run_ahead(checks)
        except FOUND:
            return "a program without an end"
        for check in checks:
            try:
                check(machine)
            except FOUND:
                return check.__name__
    return None


def by_programs(machine: Mutated, number: int) -> str | None:
    """The first check that sees a mutant, in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in ("build", "run.py", "coprocessor.v"):
            (folder / each).symlink_to(machine.folder / each)
        return seen(_at(machine, folder, number))


def judged(machine: Mutated, number: int, command: str, found: Case) -> None:
    """Count a mutant."""
    text = described(command)
    state = frozenset(re.findall(STATE, machine.flat, re.MULTILINE))
    judge = SimpleNamespace(flat=machine.flat, state_cells=state)
    by = by_programs(machine, number)
    if by is not None:
        found.programs += 1
        # A register's mutant takes the prover both cycles of the whole array.
        if number % CONTROL_EVERY < 2 and changed_cell(command) not in state:
            if equivalent(judge, command):
                found.distrusted.append(text)
            else:
                found.refuted += 1
    elif not counts(_changed(machine.flat, command)):
        by = "counts"
        found.proof += 1
    elif equivalent(judge, command):
        by = PROVEN
        found.equivalent[text] = PROVEN
    elif text in ARGUED:
        by = "argued"
        found.equivalent[text] = ARGUED[text]
    else:
        found.lived.append(text)
    _say(f"{machine.array.dataflow} {number}: {by or 'NOT FOUND'}: {text}")


def _at(machine: Mutated, folder: Path, number: int) -> Built:
    """The same build in a folder of its own."""
    other = Built.__new__(Built)
    vars(other).update(vars(machine) | {"folder": folder, "mutant": number, "answers": {}})
    return other


def _changed(flat: str, command: str) -> str:
    """A netlist with a mutant in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "flat.il").write_text(flat)
        always = re.sub(r"-ctrl \S+ \d+ \d+ ", "", command)
        run_yosys(["read_rtlil flat.il", always, "write_rtlil out.il"], folder)
        return (folder / "out.il").read_text()


def case(array: Array, count: int, seed: int) -> Case:
    """Judge one array's mutants. Raises SimulationError where the original is not right."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        machine = Mutated(array, Path(name), count, seed)
        if by_programs(machine, 0) or not counts(machine.flat):
            raise SimulationError(f"{array.dataflow}: not right without a mutant")
        found = Case(len(machine.commands))
        if not invariants_hold(machine.flat):
            found.distrusted.append("invariants")
        jobs = enumerate(machine.commands, 1)
        for job in [pool.submit(judged, machine, i, each, found) for i, each in jobs]:
            job.result()
    return found


def main() -> int:
    """Run all mutants; 1 if too many live or a proof cannot be trusted."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.coprocessor_mutants", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--mutants", type=int, default=60, help="of each of two arrays")
    parser.add_argument("--seed", type=int, default=20_26)
    parser.add_argument(
        "--output", type=Path, default=Path("docs/validation/coprocessor_mutation.json")
    )
    given = parser.parse_args()
    started = time.monotonic()
    cases = {name: case(array, given.mutants, given.seed) for name, array in ARRAYS.items()}
    found = sum(each.programs + each.proof for each in cases.values())
    score = found / (found + sum(len(each.lived) for each in cases.values()))
    record = {
        "lockstep": __version__,
        "seed": given.seed,
        "seconds": round(time.monotonic() - started),
        "score": round(score, 4),
        "controls_refuted": sum(each.refuted for each in cases.values()),
        "cases": {name: vars(each) for name, each in cases.items()},
    }
    write_json(given.output, record)
    _say(f"{100 * score:.1f} % of those that can be told apart found: {given.output}")
    distrusted = any(each.distrusted for each in cases.values())
    return 0 if score >= GOAL and not distrusted else 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
