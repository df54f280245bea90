"""Collects commands, dependencies and tensors into a trace."""

from collections.abc import Iterable

import numpy as np

from arch.commands import COMMAND, TENSOR, CommandTrace

COLUMNS = COMMAND.names or ()


class TraceBuilder:
    """Appends the commands of one operator in program order; each queue keeps that order."""

    def __init__(self, operator_name: str) -> None:
        self._operator_name = operator_name
        self._rows: list[tuple[int, ...]] = []
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
        begin = len(self._dependencies)
        self._dependencies.extend(sorted(set(after)))
        columns.update(
            queue=queue, opcode=opcode, deps_begin=begin, deps_end=len(self._dependencies)
        )
        columns.setdefault("tensor", -1)
        self._rows.append(tuple([columns.get(name, 0) for name in COLUMNS]))
        return len(self._rows) - 1

    def build(self) -> CommandTrace:
        """The trace so far."""
        return CommandTrace(
            np.array(self._rows, COMMAND),
            np.array(self._dependencies, np.int64),
            np.array(self._tensors, TENSOR),
            tuple(self._tensor_names),
            (self._operator_name,),
        )
