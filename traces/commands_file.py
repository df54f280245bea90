"""Command traces from files: what ``lockstep run --commands`` wrote, or others wrote by hand.

A row is a command, in an order in which they can run; consecutive rows of one ``operator`` are a
step, which ends before the next begins. Columns that a command does not need may be missing.
"""

from pathlib import Path
from typing import Any

import numpy as np

from arch.buffer import OPERANDS
from arch.commands import (
    COMMAND,
    FLAG_ACCUMULATE,
    FLAG_FINAL,
    FLAG_KEEP,
    OP_LOAD,
    OP_MATMUL,
    OP_STORE,
    OP_VECTOR,
    OPCODES,
    QUEUES,
    SCHEMA_VERSION,
    TENSOR,
    CommandTrace,
)
from arch.errors import InputError
from arch.machine import Machine
from arch.vector import VECTOR_OPS
from traces.operators import ELEMENTS_MAX

Row = dict[str, Any]

QUEUE_OF_OPCODE = {OP_LOAD: "load", OP_STORE: "store", OP_MATMUL: "array", OP_VECTOR: "vector"}
REQUIRED = ("command", "queue", "opcode", "operator")
SIZES = {
    OP_LOAD: ("bytes", "segment_bytes"),
    OP_STORE: ("bytes", "segment_bytes"),
    OP_MATMUL: ("m", "n", "k", "groups", "pack"),
    OP_VECTOR: ("elements",),
}
"""Columns that must be at least 1."""
MOST = {"output_bits": 64, "mode": 15, "result": 15}
"""Largest numbers of columns for SIMD engines."""
FLAGS = {"accumulate": FLAG_ACCUMULATE, "final": FLAG_FINAL, "keep": FLAG_KEEP}


def read_commands(path: str | Path) -> list[CommandTrace]:
    """The steps of a file of commands (.parquet or .csv).

    Raises InputError with file and row where something is missing or wrong.
    """
    rows = _rows(Path(path))
    steps: list[list[tuple[int, Row]]] = []
    for number, row in enumerate(rows, start=1):
        if not steps or steps[-1][-1][1]["operator"] != row["operator"]:
            steps.append([])
        steps[-1].append((number, row))
    if not steps:
        raise InputError(f"{path}: no commands; give a file with a row a command")
    return [_step(str(path), step) for step in steps]


def check_machine(traces: list[CommandTrace], machine: Machine, path: str | Path) -> None:
    """Raise InputError if a machine has not what the commands need."""
    for trace in traces:
        commands, name = trace.commands, trace.operator_names[0]
        opcodes = commands["opcode"]
        cores = int(commands["queue"].max()) // len(QUEUES) + 1
        side = min(machine.array.rows, machine.array.cols)
        engine = machine.array.engine
        products, given = commands[opcodes == OP_MATMUL], commands["output_bits"] > 0
        modes, results = (len(engine.modes), len(engine.results)) if engine else (1, 1)
        wants = {
            "an array of SIMD engines": engine is None and bool(given.any()),
            "output_bits of SIMD engines": engine is not None
            and bool((products["output_bits"] == 0).any()),
            f"more than {modes} modes": bool((products["mode"] >= modes).any()),
            f"more than {results} result formats": bool((products["result"] >= results).any()),
            f"{cores} cores, not {machine.cores}": cores > machine.cores,
            "a vector unit": machine.vector is None and bool((opcodes == OP_VECTOR).any()),
            "a memory": machine.memory is None and bool((opcodes <= OP_STORE).any()),
            f"an array of {commands['pack'].max()} rows and columns": commands["pack"].max() > side,
        }
        for want, lacking in wants.items():
            if lacking:
                raise InputError(
                    f"{path}: the commands of operator {name!r} need {want}; run them on another "
                    "machine, or change it with --set"
                )


def _rows(path: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    suffix = path.suffix.lower()
    if suffix not in (".parquet", ".csv"):
        raise InputError(f"{path}: commands are read from .parquet or .csv files")
    try:
        with path.open("rb") as file:
            if suffix == ".csv":
                text = pa.csv.ConvertOptions(column_types={"after": pa.string()})
                table = pa.csv.read_csv(file, convert_options=text)
            else:
                table = pa.parquet.read_table(file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a file of commands ({reason})") from error
    missing = [name for name in REQUIRED if name not in table.column_names]
    if missing:
        raise InputError(
            f"{path}: column {missing[0]!r} is missing; commands have {', '.join(REQUIRED)} and "
            "what their opcode needs (docs/results.md)"
        )
    metadata = table.schema.metadata or {}
    version = metadata.get(b"lockstep.schema_version", str(SCHEMA_VERSION).encode())
    if version != str(SCHEMA_VERSION).encode():
        raise InputError(
            f"{path}: version {version.decode()} of the columns; this lockstep reads version "
            f"{SCHEMA_VERSION}"
        )
    rows: list[Row] = table.to_pylist()
    return rows


def _step(path: str, rows: list[tuple[int, Row]]) -> CommandTrace:
    """One operator's commands."""
    commands = np.zeros(len(rows), COMMAND)
    commands["tensor"] = -1
    dependencies: list[int] = []
    tensors: dict[str, int] = {}
    addresses: dict[int, int] = {}
    places: dict[int, int] = {}
    for index, (number, row) in enumerate(rows):
        fault = _fill(commands[index], row, tensors, addresses)
        if fault:
            raise InputError(f"{path}: row {number}: {fault}")
        commands["deps_begin"][index] = len(dependencies)
        for word in str(row.get("after") or "").split():
            place = places.get(int(word), -1) if word.isdigit() else -1
            if place < 0 or commands["queue"][place] // 4 != commands["queue"][index] // 4:
                raise InputError(
                    f"{path}: row {number}: 'after' names {word}; it must list commands that come "
                    "before in the same operator and core"
                )
            dependencies.append(place)
        commands["deps_end"][index] = len(dependencies)
        if row["command"] in places:
            raise InputError(f"{path}: row {number}: command {row['command']} is there already")
        places[row["command"]] = index
    return CommandTrace(
        commands,
        np.array(dependencies, np.int64),
        _tensors(commands, len(tensors), addresses),
        tuple(tensors),
        (str(rows[0][1]["operator"]),),
    )


def _fill(command: Any, row: Row, tensors: dict[str, int], addresses: dict[int, int]) -> str:
    """Write a row into a command; return what is wrong with it.

    ``tensors`` are indices by name, ``addresses`` those of the tensors that have one.
    """
    known = [OPCODES[opcode] for opcode in QUEUE_OF_OPCODE]
    if row["opcode"] not in known:
        return (
            f"opcode is {row['opcode']!r}; must be one of {', '.join(known)}, which such files hold"
        )
    opcode = OPCODES.index(row["opcode"])
    core, _, queue = str(row["queue"]).removeprefix("core").partition(".")
    if not core.isdigit() or queue != QUEUE_OF_OPCODE[opcode] or int(core) >= 1024:
        wanted = f"core0.{QUEUE_OF_OPCODE[opcode]}"
        return f"queue is {row['queue']!r}; a {row['opcode']} goes to one like {wanted!r}"
    if not isinstance(row["command"], int):
        return f"command is {row['command']!r}; must be a number"
    command["opcode"], command["queue"] = opcode, int(core) * len(QUEUES) + QUEUES.index(queue)
    for name in SIZES[opcode]:
        value = row.get(name)
        if not isinstance(value, int) or not 1 <= value <= ELEMENTS_MAX:
            return f"{name} is {value!r}; a {row['opcode']} needs a number from 1 to 2^58"
        command[name] = value
    for name in ("offset_bytes", "stride_bytes"):
        value = row.get(name) or 0
        if not isinstance(value, int) or not 0 <= value <= ELEMENTS_MAX:
            return f"{name} is {value!r}; must be a number from 0 to 2^58"
        command[name] = value
    for name, most in MOST.items():
        value = row.get(name) or 0
        if not isinstance(value, int) or not 0 <= value <= most:
            return f"{name} is {value!r}; must be a number from 0 to {most}"
        command[name] = value
    for name, choices in (("operand", OPERANDS), ("vector_op", VECTOR_OPS)):
        needed = opcode == OP_VECTOR if name == "vector_op" else opcode in (OP_LOAD, OP_STORE)
        if needed:
            if row.get(name) not in choices:
                return f"{name} is {row.get(name)!r}; must be one of {', '.join(choices)}"
            command[name] = list(choices).index(row[name])
    if opcode == OP_MATMUL and command["m"] * command["n"] > ELEMENTS_MAX // command["k"]:
        return "m x n x k is more than 2^58: cycles would overflow 63 bits"
    command["flags"] = sum(flag for name, flag in FLAGS.items() if row.get(name))
    if row.get("tensor"):
        command["tensor"] = tensors.setdefault(str(row["tensor"]), len(tensors))
        given = row.get("tensor_address")
        if given is not None:
            if not isinstance(given, int) or not 0 <= given <= ELEMENTS_MAX:
                return f"tensor_address is {given!r}; must be a number from 0 to 2^58"
            before = addresses.setdefault(int(command["tensor"]), given)
            if before != given:
                return f"tensor_address of {row['tensor']} is {given}, but was {before} before"
    return ""


def _tensors(commands: Any, count: int, addresses: dict[int, int]) -> Any:
    """A table of tensors, each as long as its commands reach; those without an address are one
    behind the other."""
    tensors = np.zeros(count, TENSOR)
    address = 0
    for index in range(count):
        mine = commands[commands["tensor"] == index]
        segments = -(-mine["bytes"] // np.maximum(mine["segment_bytes"], 1))
        reach = mine["offset_bytes"] + np.maximum(segments * mine["stride_bytes"], mine["bytes"])
        tensors[index] = (addresses.get(index, address), int(reach.max()))
        address += -(-int(reach.max()) // 4096) * 4096
    return tensors
