"""The vector unit: cycles of its commands, in order."""

from random import Random

import numpy as np
from contract import Case, UnitContract
from hypothesis import given
from hypothesis import strategies as st
from scenarios import machine_fields, machine_of

from arch.commands import COMMAND, OP_VECTOR, QUEUE_VECTOR, TENSOR, CommandTrace
from arch.vector import VECTOR_OPS
from sim import engine
from sim.system import System


def trace_of(ops: list[tuple[int, int]]) -> CommandTrace:
    """Commands of (operation, elements)."""
    commands = np.zeros(len(ops), COMMAND)
    commands["queue"] = QUEUE_VECTOR
    commands["opcode"] = OP_VECTOR
    commands["tensor"] = -1
    commands["vector_op"] = [op for op, _ in ops]
    commands["elements"] = [elements for _, elements in ops]
    return CommandTrace(commands, np.zeros(0, np.int64), np.zeros(0, TENSOR), (), ("ops",))


def random_case(seed: int) -> tuple[dict[str, dict[str, int]], int, list[tuple[int, int]]]:
    """Timings by operation, lanes, and commands."""
    random = Random(seed)
    timings = {
        op: {"interval_cycles": random.randint(1, 4), "latency_cycles": random.randint(1, 9)}
        for op in VECTOR_OPS
    }
    ops = [
        (random.randrange(len(VECTOR_OPS)), random.randint(1, 100))
        for _ in range(random.randint(1, 6))
    ]
    return timings, random.choice([1, 4, 16]), ops


class TestVector(UnitContract):
    def scenario(self, seed: int) -> Case:
        timings, lanes, ops = random_case(seed)
        fields = machine_fields(Random(seed))
        fields["vector"] = {"clock": "vector", "lanes": lanes, "operations": timings}
        return machine_of(fields), [trace_of(ops), trace_of(ops[:2])]


@given(seed=st.integers(0, 2**32))
def test_cycles_are_groups_and_latency(seed: int) -> None:
    timings, lanes, ops = random_case(seed)
    fields = machine_fields(Random(seed))
    fields["cores"] = 1
    fields["vector"] = {"lanes": lanes, "operations": timings}
    system = System(machine_of(fields))
    system.load(trace_of(ops))
    assert system.advance() == engine.DONE
    cycles = 0
    for op, elements in ops:
        timing = timings[VECTOR_OPS[op]]
        full, rest = divmod(elements, lanes)
        groups = full + (1 if rest else 0)
        cycles += (groups - 1) * timing["interval_cycles"] + timing["latency_cycles"]
    assert system.now_tick == cycles * system.ticks_of("core")
    done = system.state.vectors["elements"][0]
    assert done.sum() == sum(elements for _, elements in ops)
