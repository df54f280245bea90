"""Plant faults in the array's hardware and model, and count those that co-simulation finds.

``python -m rtl.lockstep.mutation`` writes its result where it is told; docs/VALIDATION.md is made
of it. The sample follows from ``--seed`` alone.
"""

import argparse
import sys
import time
from pathlib import Path

from rtl.lockstep.mutation.judge import CASES, CYCLES, Judge
from rtl.lockstep.mutation.kernel import kernel_mutants
from rtl.lockstep.mutation.netlist import netlist_mutants
from rtl.lockstep.mutation.record import Record
from rtl.lockstep.mutation.timing import timing_mutants
from rtl.lockstep.record import write_json


def main() -> int:
    """Run all mutants; 1 if too many live or a proof cannot be trusted."""
    parser = argparse.ArgumentParser(prog="python -m rtl.lockstep.mutation", description=__doc__)
    parser.add_argument("--netlist", type=int, default=100, help="netlist mutants an array")
    parser.add_argument("--kernel", type=int, default=200, help="mutants of the model's kernels")
    parser.add_argument("--seed", type=int, default=20_26)
    parser.add_argument("--output", type=Path, default=Path("docs/validation/mutation.json"))
    given = parser.parse_args()
    started = time.monotonic()
    judges = {name: Judge(array, given.seed) for name, array in CASES.items()}
    record = Record(given.seed, CYCLES)
    for name, judge in judges.items():
        record.add_netlist(name, judge, netlist_mutants(judge, given.netlist, given.seed))
        _say(f"netlist, {name}: {record.line('netlist')}")
    record.add_kernel(kernel_mutants([*judges.values()], given.kernel, given.seed))
    _say(f"kernels: {record.line('kernel')}")
    record.add_timing(timing_mutants(judges))
    _say(f"timing: {record.line('timing')}")
    write_json(given.output, record.as_dict(time.monotonic() - started))
    _say(f"{100 * record.score:.1f} % of those that can be told apart found: {given.output}")
    return 0 if record.passes else 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
