"""Faults planted in SIMD engines: ``python -m rtl.lockstep.mutation.mac``.

As those of the array's netlist (``rtl.lockstep.mutation.netlist``), judged by the traffic of the
engine's twin; those that live go to the same prover, without invariants but for one: indices that
there are.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from amaranth.hdl import Module, Signal

from arch import __version__
from arch.errors import SimulationError
from arch.mac.engine import Engine, Mode
from rtl.lockstep.mac import MacTwin
from rtl.lockstep.mutation.equivalence import equivalent
from rtl.lockstep.mutation.judge import Judge, flattened
from rtl.lockstep.mutation.netlist import netlist_mutants
from rtl.lockstep.mutation.record import CONTROL_EVERY, GOAL, PROVEN, Kind
from rtl.lockstep.packing import pack
from rtl.lockstep.record import write_json
from rtl.wrapper import Wrapper

CYCLES = 100_000
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
        1,
    ),
    "chained float": (
        Engine(
            word_bits=8, modes=(Mode(input_format="fp8_e4m3"), Mode(input_format="int4")),
            accumulation="chained", chain_format="fp16", result_formats=("fp16", "int8"),
        ),
        1,
    ),
}  # fmt: skip
"""Small engines that have every part between them."""


class Legal(Wrapper):
    """A wrapper with an output that says that a state can be: here any."""

    def __init__(self, twin: MacTwin) -> None:
        super().__init__(twin.component)
        self.legal = Signal()

    @property
    def ports(self) -> list[Signal]:
        """clk, rst, stim, resp, legal."""
        return [*super().ports, self.legal]

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.legal.eq(1)
        return m


class MacJudge(Judge):
    """The traffic of one engine: stimuli, and what its unchanged model responds."""

    twin: Any

    def __init__(self, twin: MacTwin, seed: int, cycles: int = CYCLES) -> None:
        self.twin, self.wrapper = twin, Legal(twin)
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
    parser.add_argument("--mutants", type=int, default=50, help="of each engine")
    parser.add_argument("--seed", type=int, default=20_26)
    parser.add_argument("--output", type=Path, default=Path("docs/validation/mac_mutation.json"))
    given = parser.parse_args()
    started = time.monotonic()
    kind, controls, distrusted = Kind(), 0, []
    for name, (engine, latency) in CASES.items():
        judge = MacJudge(MacTwin(engine, latency), given.seed)
        verdicts = netlist_mutants(judge, given.mutants, given.seed)
        killed = [verdict for verdict in verdicts if verdict.killed_at is not None]
        for control in killed[::CONTROL_EVERY]:
            controls += 1
            if equivalent(judge, control.change):
                distrusted.append(f"{name}: {control.mutant}")
        for verdict in verdicts:
            lives = verdict.killed_at is None
            why = PROVEN if lives and equivalent(judge, verdict.change) else None
            kind.add(verdict, why, f"{name}: ")
        _say(f"{name}: {kind.mutants} mutants so far, {kind.killed} killed, {len(kind.lived)} live")
    score = kind.killed / (kind.killed + len(kind.lived))
    record = {
        "lockstep": __version__,
        "seed": given.seed,
        "seconds": round(time.monotonic() - started),
        "cycles": CYCLES,
        "score": round(score, 4),
        "controls_refuted": controls - len(distrusted),
        "distrusted": distrusted,
        "netlist": vars(kind),
    }
    write_json(given.output, record)
    _say(f"{100 * score:.1f} % of those that can be told apart found: {given.output}")
    return 0 if score >= GOAL and not distrusted else 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
