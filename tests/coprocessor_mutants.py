"""Mutants of the co-processor's netlist: ``python -m tests.coprocessor_mutants``.

Yosys changes one bit of a cell of rtl/coprocessor at a time; the programs of
tests/rtl/test_coprocessor*.py run against each until one of them sees it. Which live is printed.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / name) for name in ("rtl", "sim")]

import test_coprocessor as products  # noqa: E402
import test_coprocessor_registers as registers  # noqa: E402
from coprocessor_outside import TOP, Built, reachable  # noqa: E402

from arch.array import Array  # noqa: E402
from arch.errors import SimulationError  # noqa: E402
from rtl.coprocessor import Coprocessor  # noqa: E402
from rtl.lockstep.mutation.netlist import NUMBER_BITS, described  # noqa: E402
from rtl.verilog import CLEAN, rtlil_of  # noqa: E402
from rtl.yosys import run_yosys  # noqa: E402

FLAT = ("read_rtlil design.il", f"hierarchy -top {TOP}", "proc", "flatten", "opt_expr", "opt_clean")
CELLS = "a:src=*rtl/coprocessor/* t:$meminit* %d t:$mem* %d"
SMALL: tuple[Callable[[Built], None], ...] = (
    registers.test_registers,
    registers.test_strobes,
    registers.test_writes_elsewhere_change_nothing,
    registers.test_a_queue_that_goes_round,
    registers.test_starts_refused,
    registers.test_errors_of_left,
    registers.test_errors_of_top,
    registers.test_interrupts,
    registers.test_done_at_the_end,
    registers.test_a_reset_at_work,
)
BUILT: tuple[Callable[[tuple[Array, Built]], None], ...] = (
    products.test_products_at_full_rate,
    products.test_products_with_pauses_on_all_sides,
    products.test_products_that_come_one_by_one,
)


class Mutated(Built):
    """All mutants in one netlist, behind the number that picks one."""

    commands: list[str]

    def __init__(self, component: Coprocessor, folder: Path, count: int, seed: int) -> None:
        (folder / "design.il").write_text(rtlil_of(component, TOP))
        listing = f"mutate -list {count} -seed {seed} -ctrl mutant {NUMBER_BITS} 1 -o m.ys {CELLS}"
        run_yosys([*FLAT, listing], folder)
        self.commands = (folder / "m.ys").read_text().splitlines()
        write = "write_verilog -noattr -norename design.v"
        run_yosys([*FLAT, *self.commands, *CLEAN, write], folder)
        self.verilog = reachable((folder / "design.v").read_text())
        super().__init__(component, "icarus", folder, 0)

    def __post_init__(self) -> None:
        self.build(self.verilog)


def living(machine: Mutated, run: Callable[[], None]) -> list[str]:
    """Run every mutant; those that nothing has seen."""
    found = []
    run()
    for number, command in enumerate(machine.commands, 1):
        machine.mutant = number
        try:
            run()
        except (AssertionError, SimulationError, ValueError, StopIteration, IndexError):
            continue
        found.append(described(command))
        sys.stderr.write(f"{number}: lives: {found[-1]}\n")
    machine.mutant = 0
    return found


def main() -> int:
    """Count."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=100, help="mutants of each of two")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    partial = Array(rows=2, cols=2, dataflow="ws", accumulator_rows=3)
    for array, depth, checks in ((registers.SMALL, 2, SMALL), (partial, 8, BUILT)):
        with tempfile.TemporaryDirectory() as name:
            component = Coprocessor(array, depth=depth)
            machine = Mutated(component, Path(name), given.count, given.seed)

            def run(
                machine: Mutated = machine, array: Array = array, checks: object = checks
            ) -> None:
                for check in SMALL if checks is SMALL else ():
                    check(machine)
                for whole in BUILT if checks is BUILT else ():
                    whole((array, machine))

            alive = living(machine, run)
            total = len(machine.commands)
            sys.stdout.write(f"{array.dataflow}: {total - len(alive)} of {total} found\n")
            sys.stdout.writelines(f"  lives: {each}\n" for each in alive)
    return 0


if __name__ == "__main__":
    sys.exit(main())
