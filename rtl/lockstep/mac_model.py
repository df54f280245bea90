"""The model of a SIMD engine on its own: every register of ``rtl.mac.SimdMacUnit``.

Registers are in a row, as the hardware lists them, numbers in limbs of 32 bits; arithmetic is that
of ``sim.mac.engine``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.mac.engine import Engine
from sim.jit import njit
from sim.mac import engine as arithmetic
from sim.mac.engine import accumulate, lane_dot, read

Words = npt.NDArray[np.int64]
VALID_IN, LEFT, TOP, MODE, FIRST, LAST, RESULT = range(7)
"""Fields of a stimulus."""
STIMULUS = 7

UNIT = np.dtype(
    [
        ("latency", np.int64),
        ("product_limbs", np.int64),
        ("stage", np.int64),  # registers of a product stage: limbs, mode, first, last
        ("sum", np.int64),  # place of the sum's lowest limb
        ("flags", np.int64),  # place of the first of valid and result, by stages
        ("ends", np.int64),  # place of the sum's mode, valid, code
        ("size", np.int64),  # registers in all
    ]
)
STAGE_FLAGS = 3
"""Mode, first and last of a stage."""


@dataclass(frozen=True)
class Model:
    """A unit as kernels take it, after a reset."""

    unit: npt.NDArray[np.void]
    engine: npt.NDArray[np.void]
    registers: Words
    product: Words
    """Room for the sum of a word's products."""
    scratch: Words

    @property
    def arrays(self) -> tuple[Any, ...]:
        """Arguments of kernels."""
        return self.unit, self.engine, self.registers, self.product, self.scratch


def model(engine: Engine, latency: int) -> Model:
    """The model of a unit."""
    record = arithmetic.engine_record(engine)
    unit = np.zeros(1, UNIT)
    row: Any = unit[0]
    row["latency"], row["product_limbs"] = latency, record[0]["product_limbs"]
    row["stage"] = row["product_limbs"] + STAGE_FLAGS
    row["sum"] = (latency - 1) * row["stage"]
    row["flags"] = row["sum"] + record[0]["sum_limbs"]
    row["ends"] = row["flags"] + 2 * latency
    row["size"] = row["ends"] + 3
    registers = np.zeros(row["size"], np.int64)
    product, scratch = arithmetic.product_scratch(engine), arithmetic.wide_scratch(engine)
    return Model(unit, record, registers, product, scratch)


def shown_registers(unit: Any, modes: bool, results: bool) -> list[int]:
    """Registers that hardware has: indices of one format have no bits."""
    hidden: list[int] = []
    latency = int(unit["latency"])
    if not modes:
        hidden += [int(j * unit["stage"] + unit["product_limbs"]) for j in range(latency - 1)]
        hidden.append(int(unit["ends"]))
    if not results:
        hidden += [int(unit["flags"] + 2 * j + 1) for j in range(latency)]
    return [i for i in range(int(unit["size"])) if i not in hidden]


@njit
def shift_stages(u, registers):
    """Each product goes to the next stage."""
    stage = u["stage"]
    for i in range(u["sum"] - 1, stage - 1, -1):
        registers[i] = registers[i - stage]


@njit
def shift_flags(u, registers):
    """Valid and result go to the next stage."""
    flags = u["flags"]
    for i in range(flags + 2 * u["latency"] - 1, flags + 1, -1):
        registers[i] = registers[i - 2]


@njit
def step(units, engines, registers, product, scratch, given, reset):
    """One clock edge."""
    u, e = units[0], engines[0]
    if reset:
        registers[:] = 0
        return
    latency, limbs, ends = u["latency"], u["product_limbs"], u["ends"]
    last_flags = u["flags"] + 2 * (latency - 1)
    # The code of a sum that is complete.
    done = registers[last_flags]
    registers[ends + 1] = done
    if done:
        registers[ends + 2] = read(
            e, registers[ends], registers[last_flags + 1], registers, u["sum"], scratch
        )
    # What arrives at the sum.
    mode, first, last, valid = given[MODE], given[FIRST], given[LAST], given[VALID_IN]
    if latency > 1:
        at = (latency - 2) * u["stage"]
        for i in range(limbs):
            product[i] = registers[at + i]
        mode, first, last = (
            registers[at + limbs], registers[at + limbs + 1], registers[at + limbs + 2]
        )  # fmt: skip
        valid = registers[last_flags - 2]
    elif valid:
        lane_dot(e, mode, given[LEFT], given[TOP], product, scratch)
    if valid:
        accumulate(e, mode, first != 0, registers, u["sum"], product, scratch)
    registers[ends] = mode
    if latency > 1:
        shift_stages(u, registers)
        lane_dot(e, given[MODE], given[LEFT], given[TOP], product, scratch)
        for i in range(limbs):
            registers[i] = product[i]
        registers[limbs] = given[MODE]
        registers[limbs + 1] = given[FIRST]
        registers[limbs + 2] = given[LAST]
    shift_flags(u, registers)
    registers[u["flags"]] = given[VALID_IN]
    registers[u["flags"] + 1] = given[RESULT]
    # Behind the last stage only complete sums count.
    registers[last_flags] = 1 if valid and last else 0
