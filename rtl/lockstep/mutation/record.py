"""What the mutants have shown."""

from dataclasses import dataclass, field
from typing import Any

from arch import __version__
from rtl.lockstep.mutation.argued import ARGUED
from rtl.lockstep.mutation.equivalence import equivalent, invariants_hold
from rtl.lockstep.mutation.judge import Judge, Verdict

GOAL = 0.99
"""Share of the mutants that can be told apart."""
CONTROL_EVERY = 20
"""One in so many killed netlist mutants is shown to the prover, which must refute it."""
PROVEN = "proven by SAT"


@dataclass
class Kind:
    """Mutants of one kind."""

    mutants: int = 0
    killed: int = 0
    latest_kill_cycle: int = 0
    equivalent: dict[str, str] = field(default_factory=dict)
    """Why each cannot be told from the original."""
    lived: list[str] = field(default_factory=list)

    def add(self, verdict: Verdict, why: str | None, prefix: str = "") -> None:
        """Count one; ``why`` it is equivalent, if it is."""
        self.mutants += 1
        if verdict.killed_at is not None:
            self.killed += 1
            self.latest_kill_cycle = max(self.latest_kill_cycle, verdict.killed_at)
        elif why is not None:
            self.equivalent[prefix + verdict.mutant] = why
        else:
            self.lived.append(prefix + verdict.mutant)


class Record:
    """Counts, survivors with their reasons, and what the proofs rest on."""

    def __init__(self, seed: int, cycles: int) -> None:
        self.seed, self.cycles = seed, cycles
        self.kinds = {"netlist": Kind(), "kernel": Kind(), "timing": Kind()}
        self.controls = 0
        self.distrusted: list[str] = []
        """Arrays whose invariants do not hold, killed mutants that the prover calls equivalent."""

    def add_netlist(self, case: str, judge: Judge, verdicts: list[Verdict]) -> None:
        """Count one array's mutants of the netlist; those that live go to the prover."""
        if not invariants_hold(judge):
            self.distrusted.append(f"{case}: invariants")
        killed = [verdict for verdict in verdicts if verdict.killed_at is not None]
        for control in killed[::CONTROL_EVERY]:
            self.controls += 1
            if equivalent(judge, control.change):
                self.distrusted.append(f"{case}: {control.mutant}")
        for verdict in verdicts:
            lives = verdict.killed_at is None
            why = PROVEN if lives and equivalent(judge, verdict.change) else None
            self.kinds["netlist"].add(verdict, why, f"{case}: ")

    def add_kernel(self, verdicts: list[Verdict]) -> None:
        """Count mutants of the model."""
        for verdict in verdicts:
            self.kinds["kernel"].add(verdict, ARGUED.get(verdict.mutant))

    def add_timing(self, verdicts: list[Verdict]) -> None:
        """Count mistakes of timing."""
        for verdict in verdicts:
            self.kinds["timing"].add(verdict, None)

    @property
    def score(self) -> float:
        """Killed share of the mutants that are not equivalent."""
        killed = sum(kind.killed for kind in self.kinds.values())
        lived = sum(len(kind.lived) for kind in self.kinds.values())
        return killed / (killed + lived)

    @property
    def passes(self) -> bool:
        return self.score >= GOAL and not self.distrusted

    def line(self, kind: str) -> str:
        """Counts in words."""
        of = self.kinds[kind]
        equal = len(of.equivalent)
        return f"{of.mutants} mutants, {of.killed} killed, {equal} equivalent, {len(of.lived)} live"

    def as_dict(self, seconds: float) -> dict[str, Any]:
        """For the file."""
        return {
            "lockstep": __version__,
            "seed": self.seed,
            "seconds": round(seconds),
            "cycles": self.cycles,
            "score": round(self.score, 4),
            "controls_refuted": self.controls - len(self.distrusted),
            "distrusted": self.distrusted,
            **{name: vars(kind) for name, kind in self.kinds.items()},
        }
