"""A step of a workload, simulated: everything that its results are computed from."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.commands import OP_MATMUL
from arch.mac.layer import Formats
from sim.system import System
from traces.mapping.systolic import Lowered
from traces.operators import Conv2d, Gemm

Ticks = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Form:
    """What the mapping made of a step."""

    m: int = 0
    """Extents of one group's product and their number; 0 where there is no product."""
    n: int = 0
    k: int = 0
    groups: int = 0
    pack: int = 0
    loop_order: str = ""
    multiplies: bool = False
    """Whether the array works at all."""
    word_k: int = 0
    """Words along the depth: fewer than ``k`` where engines multiply several codes at a time."""
    formats: str = ""
    """Of inputs, weights and results; empty where the array has one format."""


@dataclass(frozen=True)
class Step:
    """What a step did inside the window of its run."""

    form: Form
    events: Counter[str]
    ticks_by_cause: Ticks
    """What it added to the accounts: a row each, causes in the order of ``sim.contract``."""
    matmul_ticks: int = 0
    """From the first operand into the array to the last result out of it."""


def form_of(lowered: Lowered) -> Form:
    """The form of a step that has been lowered."""
    multiplies = bool((lowered.trace.commands["opcode"] == OP_MATMUL).any())
    product, tiling = lowered.product, lowered.tiling
    if product is None or tiling is None:
        return Form(multiplies=multiplies)
    operator = lowered.operator
    assert isinstance(operator, Gemm | Conv2d)
    return Form(
        product.m, product.n, operator.k, product.groups, tiling.pack, tiling.order, multiplies,
        product.k, _formats(operator.formats),
    )  # fmt: skip


def _formats(formats: Formats | None) -> str:
    if formats is None:
        return ""
    factors = dict.fromkeys((formats.input, formats.weight or formats.input))
    return f"{' x '.join(factors)} > {formats.output}"


def matmul_ticks(system: System) -> int:
    """Of the step whose commands a system has run."""
    runtime = system.state.runtime[system.trace.commands["opcode"] == OP_MATMUL]
    return int(runtime["end"].max() - runtime["start"].min()) if len(runtime) else 0
