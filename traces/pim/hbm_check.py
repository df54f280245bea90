"""Says what is wrong with the order of an HBM-PIM trace: modes, instructions, registers."""

import numpy as np

from arch.errors import InputError
from arch.pim.hbm import HbmPim
from traces.pim import hbm_operands as operands
from traces.pim import hbm_order as order
from traces.pim.hbm_dtype import MODES, SB, HbmChunk, new_units
from traces.pim.hbm_sequencer import BAD_PC, STEPS_MAX
from traces.pim.hbm_where import where


class Check:
    """Follows a trace in its own order, channel by channel."""

    def __init__(self, pim: HbmPim, path: str) -> None:
        self._path, self._on = path, pim.order_checked
        self._where = where(pim)
        self._units = new_units(pim.channels)
        self._steps = np.zeros(STEPS_MAX, np.int64)

    def feed(self, chunk: HbmChunk) -> None:
        """Take a chunk. Raises InputError for the first line that is wrong."""
        if not self._on:
            return
        found = np.zeros(4, np.int64)
        at = order.follow(self._where, self._units, chunk.lines, chunk.words, self._steps, found)
        if at >= 0:
            channel, wrong, one, other = map(int, found)
            line = int(chunk.lines["line"][at])
            what = self._explain(wrong, one, other, channel)
            raise InputError(f"{self._path}: line {line}: channel {channel}: {what}")

    def end(self, line: int) -> None:
        """The trace ends after a line. Raises InputError where that may not be."""
        if not self._on:
            return
        for channel, unit in enumerate(self._units):
            if unit["mode"] != SB:
                raise InputError(
                    f"{self._path}: line {line}: channel {channel}: the trace ends in mode "
                    f"{MODES[unit['mode']]}; must leave it before"
                )
            if unit["entered"]:
                missing = int(self._where["enter_banks"][0]) & ~int(unit["entered"])
                raise InputError(
                    f"{self._path}: line {line}: channel {channel}: the trace ends on the way to "
                    f"HAB; must open its row in bank {_first(missing)} too"
                )

    def _explain(self, wrong: int, one: int, other: int, channel: int) -> str:
        mode = MODES[self._units["mode"][channel]]
        texts = {
            order.NOT_HAB: (f"writes {self._register(one)} in mode SB; must enter HAB before"),
            order.LONE_BANK: (
                f"goes to bank group {one // 4} bank {one % 4} in mode {mode}; must go to bank 0 "
                "or 1 of group 0, which stand for the even and the odd banks"
            ),
            order.ENTERED_TWICE: f"enters HAB in mode {mode}; must be in mode SB",
            order.LEFT_HAB_PIM: (
                "leaves HAB in mode HAB_PIM; must go back to HAB before, with mode=HAB"
            ),
            order.UNFINISHED: (
                f"leaves HAB_PIM while instruction {one} of the CRF goes on; the columns before "
                "must bring it to EXIT"
            ),
            order.NO_ENTRY: (
                f"triggers entry {one} of the CRF, which nothing has written; write it before"
            ),
            order.UNKNOWN_CODE: (
                f"writes code {other} into entry {one} of the CRF, which is no instruction"
            ),
        }
        if wrong in texts:
            return texts[wrong]
        if wrong == order.PROGRAM:
            if one == BAD_PC:
                return f"the program counter is {other}; must be 0 to 31, so end with EXIT"
            return f"more than {STEPS_MAX - 1} JUMPs in a row lead to no other instruction"
        return self._operand(one, other)

    def _operand(self, wrong: int, which: int) -> str:
        if wrong == operands.OTHER_BANK:
            name = "EVEN_BANK" if which == operands.EVEN_BANK else "ODD_BANK"
            return f"the instruction names {name}; must be triggered by a column of that bank"
        register = {
            operands.NO_GRF_A: f"GRF_A[{which}]",
            operands.NO_GRF_B: f"GRF_B[{which}]",
            operands.NO_SRF: "SRF",
            operands.NO_OUT: "A_OUT" if which == operands.A_OUT else "M_OUT",
        }[wrong]
        return f"reads {register}, which nothing has written; write it before"

    def _register(self, column: int) -> str:
        w = self._where[0]
        names = {"control": 1, "srf": 1, "crf": 4, "grf_a": 8, "grf_b": 8}
        found = (n for n, size in names.items() if w[n] <= column < w[n] + size)
        return next(found, "").upper()


def _first(bits: int) -> int:
    return (bits & -bits).bit_length() - 1
