"""Decoder layers that NeuPIMs' simulator ran, on our machines."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import process_time

from arch.hybrid import HybridMapping
from arch.load import load_machine
from arch.machine import Machine
from sim import engine
from sim.system import System
from traces.mapping.hybrid.block import Block
from traces.mapping.hybrid.placement import Sequence
from traces.mapping.hybrid.stages import Stage, stages

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
BLOCK = Block(hidden=1024, heads=8, head_dim=128, ffn=4096)
MACHINES = {
    "neupims": "npu_neupims_as_simulated",
    "npu_pim": "npu_newton_as_simulated",
    "npu_only": "npu_only_as_simulated",
}
OPERATORS = {
    "attn.ln": "attention_norm",
    "attn.QKVgen": "qkv",
    "attn.NeuPIMSLogitSoftmax": "attention",
    "attn.NeuPIMSAttend": "attention",
    "attn.attn.FusedMHA": "attention",
    "attn.proj": "proj",
    "attn.res": "attention_add",
    "ffn.ln": "ffn_norm",
    "ffn.fc1": "fc1",
    "ffn.gelu": "gelu",
    "ffn.fc2": "fc2",
    "ffn.res": "ffn_add",
}
"""Our names of its operations."""


@cache
def machine_of(system: str) -> Machine:
    """Ours."""
    return load_machine(MACHINES[system])


@dataclass(frozen=True)
class Operation:
    """When an operator began and was over, in cycles of its run."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Run:
    """A run of NeuPIMs."""

    name: str
    system: str
    interleaved: bool
    cycles: dict[str, int]
    """By stage, and of ``all``."""
    cpu_s: float
    """User seconds of the whole run."""

    def mapping(self) -> HybridMapping:
        """As its simulator maps."""
        return HybridMapping(
            attention="npu" if self.system == "npu_only" else "pim",
            sub_batches=2 if self.interleaved else 1,
            values_wait="all",
            cache_stores="none",
            gwrite_rows="first",
            npu_heads="in_turn",
        )

    def sub_batches(self) -> list[list[Sequence]]:
        """Sequences as they came: 32 of 128 tokens, or one of 256 and one of 512 in each channel,
        which are the two sub-batches where it interleaves."""
        if "u32" in self.name:
            return [[Sequence(at, at, 128) for at in range(32)]]
        short = [Sequence(2 * at, at, 256) for at in range(32)]
        long = [Sequence(2 * at + 1, at, 512) for at in range(32)]
        if self.interleaved:
            return [short, long]
        return [sorted(short + long, key=lambda each: each.number)]

    def stages(self) -> list[Stage]:
        """Ours."""
        layers = 2 if self.interleaved else 1
        return stages(machine_of(self.system), BLOCK, self.sub_batches(), layers, self.mapping())

    def operations(self) -> list[Operation]:
        """Its operations by our names, both halves of an attention as one, in order of time."""
        found: list[Operation] = []
        for row in _rows("neupims_ops.csv"):
            if row["run"] != self.name:
                continue
            name = OPERATORS[row["op"].removeprefix("layer0.")]
            found.append(Operation(name, int(row["start"]), int(row["end"])))
        found.sort(key=lambda each: each.start)
        joined: list[Operation] = []
        for each in found:
            other = next(
                (
                    one
                    for one in joined
                    if one.name == each.name == "attention" and one.end == each.start
                ),
                None,
            )
            if other is None:
                joined.append(each)
            else:
                joined[joined.index(other)] = Operation(each.name, other.start, each.end)
        return joined


@dataclass(frozen=True)
class Ours:
    """The same run on our machine."""

    cycles: dict[str, int]
    """By stage, and of ``all``."""
    operations: list[Operation]
    commands: int
    cpu_s: float
    """Of the simulation, lowering included."""


@cache
def runs() -> list[Run]:
    """All runs."""
    found: dict[str, Run] = {}
    for row in _rows("neupims_runs.csv"):
        run = found.setdefault(
            row["run"], Run(row["run"], row["system"], row["sub_batch"] == "on", {}, 0.0)
        )
        run.cycles[row["stage"]] = int(row["cycles"])
        if row["stage"] == "all":
            seconds = float(row["cpu_user_s"])
            found[row["run"]] = Run(run.name, run.system, run.interleaved, run.cycles, seconds)
    return list(found.values())


def simulate(run: Run) -> Ours:
    """Each stage from a machine at rest, with no reuse."""
    begin = process_time()
    cycles: dict[str, int] = {}
    operations: list[Operation] = []
    machine = machine_of(run.system)
    commands = total = 0
    for stage in run.stages():
        trace = stage.trace()
        system = System(machine)
        system.load(trace)
        assert system.advance() == engine.DONE
        runtime = system.state.runtime
        tick = system.ticks_of("core")
        cycles[stage.name] = int(runtime["end"].max()) // tick
        for index, name in enumerate(trace.operator_names):
            own = runtime[trace.commands["operator"] == index]
            start, end = int(own["start"].min()) // tick, int(own["end"].max()) // tick
            operations.append(Operation(name, total + start, total + end))
        total += cycles[stage.name] * stage.repeats
        commands += (len(trace.commands) + len(trace.items)) * stage.repeats
    cycles["all"] = total
    operations.sort(key=lambda each: each.start)
    return Ours(cycles, operations, commands, process_time() - begin)


def _rows(name: str) -> list[dict[str, str]]:
    with (GOLDEN / name).open() as file:
        return list(csv.DictReader(file))
