"""The command log as Parquet or CSV: which command ran when."""

from pathlib import Path
from typing import Any

import numpy as np

from arch.buffer import OPERANDS
from arch.commands import (
    FLAG_ACCUMULATE,
    FLAG_FINAL,
    FLAG_KEEP,
    OP_LINK,
    OP_LOAD,
    OP_MATMUL,
    OP_STORE,
    OP_VECTOR,
    OPCODES,
    SCHEMA_VERSION,
)
from arch.errors import InputError
from arch.vector import VECTOR_OPS
from sim.report.log import CommandLog
from sim.report.writing import open_whole

SUFFIXES = (".parquet", ".csv")
MOVES = (OP_LOAD, OP_STORE)
NUMBERS = {
    "offset_bytes": MOVES,
    "bytes": (*MOVES, OP_LINK),
    "segment_bytes": MOVES,
    "stride_bytes": MOVES,
    "m": (OP_MATMUL,),
    "n": (OP_MATMUL,),
    "k": (OP_MATMUL,),
    "groups": (OP_MATMUL,),
    "pack": (OP_MATMUL,),
    "elements": (OP_VECTOR,),
}
"""Fields of a command, and the opcodes for which they have a meaning."""
ENGINE_NUMBERS = {
    "output_bits": (OP_MATMUL, OP_VECTOR),
    "mode": (OP_MATMUL,),
    "result": (OP_MATMUL,),
}
"""Those that only commands for SIMD engines give."""


def check_suffix(path: str | Path) -> None:
    """Raise InputError unless a log can be written under this name."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise InputError(
            f"--commands {path}: commands are written as {' or '.join(SUFFIXES)}, "
            f"not {Path(path).suffix or 'without a suffix'}"
        )


def write_commands(log: CommandLog, path: str | Path, clock_khz: int) -> None:
    """Write the commands that ran, in the order of the trace; equal logs give equal bytes.

    ``command`` numbers them, ``after`` lists the numbers of those that each waited for. The file
    of a whole run can be run again (``traces.commands_file``).

    ``clock_khz`` is the clock of the array, in whose cycles a command ran in
    ``[start_cycle, end_cycle)``; ``start_tick`` and ``end_tick`` are exact. What has no meaning
    for an opcode, and the end of a command that had not ended, is null (in CSV empty). The
    version of the columns is metadata of the Parquet file and a column of the CSV.

    Raises InputError where the suffix is neither .parquet nor .csv or the file cannot be written.
    """
    check_suffix(path)
    import pyarrow.csv
    import pyarrow.parquet

    table = command_table(log, clock_khz)
    with open_whole(Path(path)) as file:
        if Path(path).suffix.lower() == ".csv":
            versions = pyarrow.array([SCHEMA_VERSION] * len(table), pyarrow.int64())
            pyarrow.csv.write_csv(table.append_column("schema_version", versions), file)
        else:
            pyarrow.parquet.write_table(table, file, compression="zstd")


def _dependencies(log: CommandLog, rows: Any) -> list[Any]:
    """Numbers of the commands that each row waited for."""
    begins, ends = log.commands["deps_begin"][rows], log.commands["deps_end"][rows]
    return [log.dependencies[a:b].tolist() for a, b in zip(begins, ends, strict=True)]


def command_table(log: CommandLog, clock_khz: int) -> Any:
    """The commands that ran as an Arrow table."""
    import pyarrow as pa

    ran = np.flatnonzero(log.start_ticks >= 0)
    commands, start, end = log.commands[ran], log.start_ticks[ran], log.end_ticks[ran]
    opcodes, period = commands["opcode"], log.tick_khz // clock_khz
    moves, running = np.isin(opcodes, MOVES), end < 0
    queue_names = [log.queue_name(q) for q in range(int(commands["queue"].max(initial=0)) + 1)]

    def named(names: Any, which: Any, known: Any = True) -> Any:
        """Names by index, null where not known."""
        mask = ~np.broadcast_to(known, which.shape)
        index = pa.array(np.where(mask, 0, which), mask=mask)
        return pa.array(list(names), pa.string()).take(index)

    known = moves & (commands["tensor"] >= 0)
    places = np.zeros(len(ran), np.int64)
    if log.tensor_addresses:
        places = np.array(log.tensor_addresses)[np.where(known, commands["tensor"], 0)]
    columns: dict[str, Any] = {
        "command": pa.array(log.ids[ran]),
        "after": pa.array([" ".join(map(str, row)) for row in _dependencies(log, ran)]),
        "queue": named(queue_names, commands["queue"]),
        "opcode": named(OPCODES, opcodes),
        "operator": named(log.operator_names, commands["operator"]),
        "start_tick": pa.array(start),
        "end_tick": pa.array(end, mask=running),
        "start_cycle": pa.array(start // period),
        "end_cycle": pa.array(-(-end // period), mask=running),
        "operand": named(OPERANDS, commands["operand"], moves),
        "tensor": named(log.tensor_names, commands["tensor"], known),
        "tensor_address": pa.array(places, mask=~(known & bool(log.tensor_addresses))),
        "vector_op": named(VECTOR_OPS, commands["vector_op"], opcodes == OP_VECTOR),
        "accumulate": pa.array((commands["flags"] & FLAG_ACCUMULATE) != 0),
        "final": pa.array((commands["flags"] & FLAG_FINAL) != 0),
        "keep": pa.array((commands["flags"] & FLAG_KEEP) != 0),
    }
    for name, owners in NUMBERS.items():
        values = np.ascontiguousarray(commands[name])
        columns[name] = pa.array(values, mask=~np.isin(opcodes, owners))
    for name, owners in ENGINE_NUMBERS.items():
        given = np.isin(opcodes, owners) & (commands["output_bits"] > 0)
        columns[name] = pa.array(np.ascontiguousarray(commands[name]), mask=~given)
    return pa.table(columns).replace_schema_metadata(
        {"lockstep.schema_version": str(SCHEMA_VERSION), "lockstep.tick_khz": str(log.tick_khz)}
    )
