"""Instructions of a trace as the kernel takes them."""

import numpy as np
import numpy.typing as npt

from arch.pim.system import Pim
from sim.pim.state import FENCE, NONE, PIM, PROGRAM, READ, SKIP, WRITE
from traces.pim.dtype import OPS

Records = npt.NDArray[np.void]


class Lowering:
    """From instructions (``traces.pim.dtype.INSTRUCTION``) to PROGRAM."""

    def __init__(self, pim: Pim) -> None:
        names = list(pim.device().device.commands)
        self._table = np.zeros(len(OPS), PROGRAM)
        self._all = (1 << pim.channels) - 1
        instructions = pim.command_set().instructions
        direct = {"RD": READ, "WR": WRITE}
        for op, name in enumerate(OPS):
            line = self._table[op]
            line["kind"], line["command"] = SKIP, NONE
            if name.endswith("_MEM"):
                line["kind"] = READ if name.startswith("R") else WRITE
            if name not in instructions:
                continue
            given = instructions[name]
            line["waits"] = given.waits
            if given.fence:
                line["kind"] = FENCE
            elif given.command is not None:
                line["kind"] = direct.get(given.command, PIM)
                line["command"] = names.index(given.command)

    def lower(self, instructions: Records) -> Records:
        """The same instructions, to be run."""
        program: Records = self._table[instructions["op"]]
        for name in ("count", "channels", "bank", "row"):
            program[name] = instructions[name]
        program["channels"][program["kind"] == FENCE] = self._all
        return program
