"""Whether a mutant of a netlist can be told from the original at all."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from arch.errors import SimulationError
from rtl.lockstep.mutation.judge import Judge
from rtl.lockstep.mutation.netlist import changed_cell
from rtl.wrapper import TOP
from rtl.yosys import run_yosys

CUT = (
    *("memory_map", "opt_clean", "expose -dff -evert-dff"),
    *("opt_clean", "select -assert-none t:$dff"),
)
"""What registers and accumulators hold becomes an input, what they take an output."""
KEEP = (
    *("memory_map", "opt_clean", "expose w:*accumulators.memory*"),
    "setundef -init -zero",
)
"""Registers stay; the response shows them, and so it does the accumulators. A mutant at the output
of a register takes the initial value away, which is 0 for all but one."""
ANY_STATE = "sat -verify -prove trigger 0 both"
"""Needs no invariants, which make large questions of small ones."""
ONE_CYCLE = "sat -verify -set gold_legal 1 -prove trigger 0 both"
TWO_CYCLES = "sat -verify -tempinduct -maxsteps 1 -set gold_legal 1 -prove trigger 0 both"


def equivalent(judge: Judge, change: str) -> bool:
    """Whether SAT proves that the mutant of ``change`` has the original's outputs and next state
    under all inputs in all states that the invariants allow.
    """
    always = re.sub(r"-ctrl \S+ \d+ \d+ ", "", change)
    if "-port CLK " in change:
        # The prover has no clock: a register that takes its word at another edge looks the same.
        return False
    if changed_cell(change) in judge.state_cells:
        # The cut would take the mutated port away.
        return proven(judge.flat, _both([always, *KEEP], KEEP, TWO_CYCLES))
    return any(
        proven(judge.flat, _both([*CUT, always], CUT, proof)) for proof in (ANY_STATE, ONE_CYCLE)
    )


def invariants_hold(judge: Judge) -> bool:
    """Whether the invariants hold after reset and are kept by every cycle."""
    cone = ("memory_map", "delete -output w:resp", "opt_clean")
    proof = "sat -verify -tempinduct -maxsteps 1 -prove legal 1"
    return proven(judge.flat, ["read_rtlil flat.il", *cone, proof])


def _both(mutant: Sequence[str], original: Sequence[str], proof: str) -> list[str]:
    """Prove something of two versions of the netlist under the same inputs."""
    commands = []
    for name, passes in (("mutant", mutant), ("original", original)):
        commands += ["read_rtlil flat.il", *passes, f"rename {TOP} {name}"]
        commands += [f"design -stash {name}"]
    commands += [f"design -copy-from {name} {name}" for name in ("original", "mutant")]
    commands += ["miter -equiv -flatten -make_outputs original mutant both"]
    return [*commands, "hierarchy -top both", "opt_merge -share_all", "opt_clean", proof]


def proven(flat: str, commands: list[str]) -> bool:
    """Whether a proof succeeds, after commands that read ``flat`` from flat.il."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "flat.il").write_text(flat)
        try:
            run_yosys(commands, place)
        except SimulationError as error:
            if "proof did fail" in str(error):
                return False
            raise
    return True
