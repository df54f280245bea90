"""Operators of the vector unit, shared by several cores."""

from itertools import pairwise

import numpy as np
import pytest

from arch.commands import OP_LOAD, OP_STORE, OP_VECTOR
from arch.load import load_machine
from arch.machine import Machine
from traces.mapping.systolic import lower
from traces.operators import AnyOperator, Elementwise, Norm, Workload


def machine(tiles: str) -> Machine:
    return load_machine("tpu_v3", [f"mapping.vector_tiles={tiles}"])


@pytest.mark.parametrize(
    "operator",
    [
        Norm(name="norm", op="layer", rows=37, cols=64),
        Elementwise(name="add", op="add", elements=1000, operands=2),
        Elementwise(name="few", op="act", elements=3),
    ],
)
def test_shared_tiles_do_the_same_work_on_all_cores(operator: AnyOperator) -> None:
    workload = Workload(name="one", source="here", operators=(operator,))
    found = {}
    for tiles in ("largest", "shared"):
        (step,) = lower(workload, machine(tiles))
        found[tiles] = step.trace.commands
    whole, shared = found["largest"], found["shared"]
    for opcode, column in ((OP_LOAD, "bytes"), (OP_STORE, "bytes"), (OP_VECTOR, "elements")):
        sums = [int(each[column][each["opcode"] == opcode].sum()) for each in (whole, shared)]
        assert sums[0] == sums[1]
    units = operator.rows if isinstance(operator, Norm) else operator.elements  # type: ignore[union-attr]
    assert len(np.unique(whole["queue"] // 4)) == 1
    assert len(np.unique(shared["queue"] // 4)) == min(4, units)
    stores = shared[shared["opcode"] == OP_STORE]
    spans = sorted(zip(stores["offset_bytes"], stores["bytes"], strict=True))
    assert all(a + size == b for (a, size), (b, _) in pairwise(spans))
