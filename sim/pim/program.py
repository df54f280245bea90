"""Instructions of a trace as the kernel takes them."""

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.pim.system import Pim
from sim.pim.state import FENCE, NONE, PIM, PROGRAM, READ, SKIP, VECTOR, WRITE
from traces.pim.dtype import OPS, PimTrace

Records = npt.NDArray[np.void]
FIELDS = ("count", "channels", "bank", "row", "column")
TRACKED = (*FIELDS, "after_begin", "after_end", "vector_op", "elements")
NO_AFTER = np.zeros(0, np.int64)


class Lowering:
    """From instructions (``traces.pim.dtype.INSTRUCTION``) to PROGRAM."""

    def __init__(self, pim: Pim) -> None:
        names = list(pim.device().device.commands)
        self._pim = pim
        self._table = np.zeros(len(OPS), PROGRAM)
        self._known = np.ones(len(OPS), bool)
        self._all = (1 << pim.channels) - 1
        instructions = pim.command_set().instructions
        direct = {"RD": READ, "WR": WRITE}
        for op, name in enumerate(OPS):
            line = self._table[op]
            line["kind"], line["command"] = SKIP, NONE
            if name == "VECTOR":
                line["kind"] = VECTOR
                self._known[op] = pim.asic is not None
            elif name.startswith(("R_", "W_")):
                if name.endswith("_MEM"):
                    line["kind"] = READ if name.startswith("R") else WRITE
            elif name not in instructions:
                self._known[op] = False
            if name not in instructions:
                continue
            given = instructions[name]
            line["waits"] = given.waits
            if given.fence:
                line["kind"] = FENCE
            elif given.command is not None:
                line["kind"] = direct.get(given.command, PIM)
                line["command"] = names.index(given.command)

    def lower(self, chunk: Records | PimTrace) -> tuple[Records, npt.NDArray[np.int64]]:
        """The same instructions, to be run, and what they wait for. Raises InputError."""
        if isinstance(chunk, PimTrace):
            self._check(chunk)
            program = self._lowered(chunk.instructions, TRACKED)
            program["tracked"] = 1
            return program, chunk.after
        return self._lowered(chunk, FIELDS), NO_AFTER

    def _lowered(self, instructions: Records, fields: tuple[str, ...]) -> Records:
        program: Records = self._table[instructions["op"]]
        for name in fields:
            program[name] = instructions[name]
        program["channels"][program["kind"] == FENCE] = self._all
        return program

    def _check(self, trace: PimTrace) -> None:
        given = trace.instructions
        device = self._pim.device().device
        kinds = self._table["kind"][given["op"]]
        rowed = np.isin(kinds, (PIM, READ, WRITE)) & (given["row"] != NONE)
        after_counts = given["after_end"] - given["after_begin"]
        own = np.repeat(np.arange(len(given)), after_counts)
        late = own[trace.after >= own] if len(own) == len(trace.after) else own[:0]
        faults = (
            (~self._known[given["op"]], "an operation that it does not have"),
            (rowed & (given["row"] >= device.rows), f"a row beyond {device.rows - 1}"),
            (given["bank"] >= device.banks, f"a bank beyond {device.banks - 1}"),
            (
                rowed & (given["column"] + given["count"] > device.columns),
                f"columns beyond {device.columns - 1}",
            ),
            ((kinds != VECTOR) & (given["count"] < 1), "no column"),
            (
                given["channels"] > self._all,
                f"a channel beyond {self._pim.channels - 1}",
            ),
            (np.isin(np.arange(len(given)), late), "something to wait for that comes after it"),
        )
        for wrong, what in faults:
            if wrong.any():
                at = int(np.flatnonzero(wrong)[0])
                name = OPS[given["op"][at]]
                operator = trace.operator_names[int(given["operator"][at])]
                raise InputError(
                    f"{self._pim.name}: instruction {at + 1}, {name} of {operator}: has {what}"
                )
