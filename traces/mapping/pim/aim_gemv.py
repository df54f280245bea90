"""Matrix by vector in AiM's instructions, as its simulator's traces have it."""

from dataclasses import dataclass

import numpy as np

from arch.errors import InputError
from traces.mapping.pim.builder import EMPTY, FIELDS
from traces.mapping.pim.layout import MatrixLayout
from traces.pim.dtype import CFR_BROADCAST, CODES, INSTRUCTION, PimTrace

NO_OPERATORS = np.zeros(0, np.int64)


@dataclass(frozen=True)
class AimRegisters:
    """General registers of an AiM program."""

    bias: int = 0
    """First of the zeros, one a channel."""
    source: int = 0
    """First of the vector."""
    source_step: int = 0
    """From a chunk to the next."""
    result: int = 0
    result_step: int = 1
    """From a group's results to the next one's."""

    @staticmethod
    def apart(layout: MatrixLayout) -> "AimRegisters":
        """None of them twice: zeros, the vector, results."""
        width = len(layout.geometry.channels)
        columns = layout.geometry.columns_of(layout.k)
        step = layout.geometry.buffer_columns
        return AimRegisters(0, width, step, width + columns, width)


AIM_SIMULATOR = AimRegisters()
"""As traces made for the AiM simulator name them, which carries no values: results of groups lie
on one another."""


def lower_aim_gemv(layout: MatrixLayout, registers: AimRegisters | None = None) -> PimTrace:
    """The matrix by a vector in AiM's instructions, group by group: WR_BIAS, then WR_GB and MAC_ABK
    chunk by chunk, RD_MAC; EOC at the end. ``registers``: ``AimRegisters.apart`` unless given.

    Raises InputError for blocks of more groups than one: nothing could add their sums.
    """
    g = layout.geometry
    if not layout.accumulates:
        raise InputError(
            f"{layout.name}: blocks of {layout.block_groups} groups; must be of 1, as no chip adds"
        )
    given = registers or AimRegisters.apart(layout)
    rows: list[list[int]] = []

    def add(op: str, **fields: int) -> None:
        row = EMPTY.copy()
        row[FIELDS["op"]], row[FIELDS["line"]] = CODES[op], len(rows) + 1
        for name, value in fields.items():
            row[FIELDS[name]] = value
        rows.append(row)

    add("W_CFR", gpr=CFR_BROADCAST, data=0)
    held = -1
    for group in range(layout.groups):
        mask = g.mask(0, layout.channels_of(group))
        add("WR_BIAS", gpr=given.bias, channels=mask)
        for chunk, (_, count) in enumerate(layout.chunks):
            if held != chunk:
                gpr = given.source + chunk * given.source_step
                add("WR_GB", count=count, gpr=gpr, channels=g.mask())
                held = chunk
            for part in layout.segments(group, chunk):
                add("MAC_ABK", count=part.count, channels=mask, row=part.row)
        add("RD_MAC", gpr=given.result + group * given.result_step, channels=mask)
    add("EOC")
    instructions = np.array(rows, np.int64).view(INSTRUCTION).reshape(-1)
    return PimTrace(instructions, NO_OPERATORS, ("",))
