"""Collects commands, dependencies and tensors into a trace."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from arch.commands import COMMAND, TENSOR, CommandTrace

COLUMNS = {name: index for index, name in enumerate(COMMAND.names or ())}
EMPTY_ROW = [-1 if name == "tensor" else 0 for name in COLUMNS]


class TraceBuilder:
    """Appends the commands of one operator in program order; each queue keeps that order."""

    def __init__(self, operator_name: str) -> None:
        self._operator_name = operator_name
        self._rows: list[list[int]] = []
        self._dependencies: list[int] = []
        self._tensors: list[tuple[int, int]] = []
        self._tensor_names: list[str] = []
        self._next_address = 0

    def tensor(self, name: str, size_bytes: int) -> int:
        """Place a tensor behind the others, 4 KiB aligned; return its index."""
        self._tensors.append((self._next_address, size_bytes))
        self._tensor_names.append(name)
        self._next_address += -(-size_bytes // 4096) * 4096
        return len(self._tensors) - 1

    def add(self, queue: int, opcode: int, after: Iterable[int] = (), **columns: int) -> int:
        """Append a command that runs after others; return its index."""
        row = EMPTY_ROW.copy()
        row[COLUMNS["queue"]], row[COLUMNS["opcode"]] = queue, opcode
        row[COLUMNS["deps_begin"]] = len(self._dependencies)
        self._dependencies.extend(sorted(set(after)))
        row[COLUMNS["deps_end"]] = len(self._dependencies)
        for name, value in columns.items():
            row[COLUMNS[name]] = value
        self._rows.append(row)
        return len(self._rows) - 1

    def build(
        self, emitted: tuple[npt.NDArray[np.void], npt.NDArray[np.int64]] | None = None
    ) -> CommandTrace:
        """The trace so far, or that of commands and dependencies ``emitted`` elsewhere."""
        if emitted is None:
            rows = np.array(self._rows, np.int64).reshape(-1).view(COMMAND)
            emitted = rows, np.array(self._dependencies, np.int64)
        return CommandTrace(
            *emitted,
            np.array(self._tensors, TENSOR),
            tuple(self._tensor_names),
            (self._operator_name,),
        )
