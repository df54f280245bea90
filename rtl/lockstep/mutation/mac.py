"""Faults planted in SIMD engines: ``python -m rtl.lockstep.mutation.mac``.

As those of the array (``rtl.lockstep.mutation``), in netlists of engines on their own and of small
arrays of them, in the kernels that their model has more than an array's, and in the generator.
Invariants of the proofs are those of arrays, and bounds of what stages hold.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from arch.array import Array
from arch.errors import SimulationError
from arch.mac.engine import Engine, Mode
from rtl.lockstep.mac import MacTwin
from rtl.lockstep.mutation import mac_array
from rtl.lockstep.mutation.judge import Judge, flattened
from rtl.lockstep.mutation.kernel import ENGINES, kernel_mutants
from rtl.lockstep.mutation.mac_array import SMALL, TIMED
from rtl.lockstep.mutation.mac_invariants import Bounded
from rtl.lockstep.mutation.mac_timing_table import MUTANTS
from rtl.lockstep.mutation.netlist import netlist_mutants
from rtl.lockstep.mutation.record import Record
from rtl.lockstep.mutation.timing import timing_mutants
from rtl.lockstep.packing import pack
from rtl.lockstep.record import write_json

CYCLES = 200_000
MIXED = (
    Mode(input_format="fp8_e5m2"),
    Mode(input_format="int8"),
    Mode(input_format="posit8_0", weight_format="fp4_e2m1"),
)
CASES = {
    "exact, lanes": (
        Engine(word_bits=8, modes=(Mode(input_format="fp4_e2m1"), Mode(input_format="posit8_0"))),
        1,
    ),
    "exact, mixed": (Engine(modes=MIXED, word_bits=8, result_formats=("fp8_e5m2", "int8")), 2),
    "chained posit": (
        Engine(
            word_bits=8, modes=(Mode(input_format="posit8_0"),),
            accumulation="chained", chain_format="posit8_0",
        ),
        2,
    ),
    "chained float": (
        Engine(
            word_bits=8, modes=(Mode(input_format="int8"), Mode(input_format="fp4_e2m1")),
            accumulation="chained", chain_format="fp16", result_formats=("fp16", "int8"),
        ),
        2,
    ),
}  # fmt: skip
"""Small engines that have every part between them."""


class MacJudge(Judge):
    """The traffic of one engine: stimuli, and what its unchanged model responds."""

    twin: Any

    def __init__(self, twin: MacTwin, seed: int, cycles: int = CYCLES) -> None:
        self.twin, self.wrapper = twin, Bounded(twin.component)
        self.batch = twin.traffic(seed).next(cycles)
        self.flat = flattened(self.wrapper)
        self.stim = pack(self.batch.stim, self.wrapper.stim_fields)
        self.resp = pack(self.batch.resp, self.wrapper.resp_fields)

    def require_equal(self, path: Path) -> None:
        """Raise SimulationError where the hardware differs without a mutant."""
        cycle = self.first_difference(path)
        if cycle is not None:
            raise SimulationError(f"{self.twin.engine}: differs in cycle {cycle} without a mutant")


def main() -> int:
    """Run all mutants; 1 if too many live or a proof cannot be trusted."""
    parser = argparse.ArgumentParser(
        prog="python -m rtl.lockstep.mutation.mac", description=__doc__
    )
    parser.add_argument("--mutants", type=int, default=75, help="of each engine")
    parser.add_argument("--array", type=int, default=60, help="of each array of engines")
    parser.add_argument("--kernel", type=int, default=200, help="of the model's kernels")
    parser.add_argument("--seed", type=int, default=20_26)
    parser.add_argument("--output", type=Path, default=Path("docs/validation/mac_mutation.json"))
    given = parser.parse_args()
    started = time.monotonic()
    record = Record(given.seed, CYCLES)
    for name, (engine, latency) in CASES.items():
        plant(record, name, MacJudge(MacTwin(engine, latency), given.seed), given.mutants)
    for name, judge in _judges(SMALL, given.seed).items():
        plant(record, name, judge, given.array)
    judges = [*_judges(mac_array.CASES, given.seed).values()]
    record.add_kernel(kernel_mutants(judges, given.kernel, given.seed, ENGINES))
    _say(f"kernels: {record.line('kernel')}")
    record.add_timing(timing_mutants(_judges(TIMED, given.seed), MUTANTS))
    _say(f"timing: {record.line('timing')}")
    write_json(given.output, record.as_dict(time.monotonic() - started))
    _say(f"{100 * record.score:.1f} % of those that can be told apart found: {given.output}")
    return 0 if record.passes else 1


def plant(record: Record, name: str, judge: Judge, count: int) -> None:
    """Judge mutants of one netlist."""
    record.add_netlist(name, judge, netlist_mutants(judge, count, record.seed))
    _say(f"netlist, {name}: {record.line('netlist')}")


def _judges(arrays: dict[str, Array], seed: int) -> dict[str, Judge]:
    return {name: Judge(array, seed, CYCLES) for name, array in arrays.items()}


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
