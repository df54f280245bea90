"""SCALE-Sim topologies: a list of convolutions, or of products M, N, K."""

import re
from collections.abc import Mapping
from pathlib import Path

from arch.errors import InputError
from traces.batch import scaled
from traces.operators import Conv2d, Gemm, Workload
from traces.reading import build, shown, unique
from traces.scalesim.table import INTEGER, LABELS, RATIO, Row, read_rows

LARGEST = 2**40


def read_topology(
    path: Path, options: Mapping[str, int], ceil_output: bool
) -> tuple[Workload, tuple[str, ...]]:
    """Layers of a topology, each depending on the one before it, and notes.

    ``options``: ``batch``, and values of the letters of a template. ``ceil_output`` rounds the
    output size up as SCALE-Sim does (by padding at the bottom and right), instead of down.

    Raises InputError with file, line and column.
    """
    notes: list[str] = []
    letters = {key: value for key, value in options.items() if key != "batch"}
    unused = set(letters)
    operators: list[Conv2d | Gemm] = []
    taken: set[str] = set()
    section = ""
    for row in read_rows(path, notes):
        numbers = _numbers(row, letters, unused)
        _sparsity(row, notes)
        name = unique(f"{row.section}/{row.name}" if row.section else row.name, taken)
        chained = bool(operators) and row.section == section
        inputs = (operators[-1].name,) if chained else ()
        section = row.section
        taken.add(name)
        if row.kind == "gemm":
            operators.append(build(Gemm, row.where, name=name, inputs=inputs, **numbers))
        else:
            operators.append(_convolution(row, name, inputs, numbers, ceil_output, notes))
    if not operators:
        raise InputError(f"{path}: holds no layer")
    if unused:
        raise InputError(f"{path}: no cell of the file is {' or '.join(sorted(unused))}")
    source = f"SCALE-Sim topology {path.name}" + (", output sizes rounded up" * ceil_output)
    where = str(path)
    workload = build(
        Workload, where, name=path.stem or path.name, source=source, operators=tuple(operators)
    )
    return scaled(workload, options.get("batch", 1)), tuple(f"{path.name}: {n}" for n in notes)


def _numbers(row: Row, letters: Mapping[str, int], unused: set[str]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for column, text in row.cells.items():
        if column == "sparsity":
            continue
        if text in letters:
            value = letters[text]
            unused.discard(text)
        elif not INTEGER.fullmatch(text):
            hint = "a whole number of at least 1 is needed"
            if re.fullmatch(r"[A-Za-z_]\w*", text):
                hint += f"; for a template give the value of each letter, as in FILE.csv:{text}=1"
            raise InputError(f"{row.where}: {LABELS[column]} is {shown(text)}; {hint}")
        else:
            value = int(text) if len(text) < 20 else LARGEST + 1
        if not 1 <= value <= LARGEST:
            raise InputError(f"{row.where}: {LABELS[column]} must be 1 to 2^40, not {text[:40]}")
        numbers[column] = value
    return numbers


def _sparsity(row: Row, notes: list[str]) -> None:
    text = row.cells.get("sparsity", "1:1")
    ratio = RATIO.fullmatch(text)
    if not ratio or not 1 <= int(ratio[1]) <= int(ratio[2]):
        raise InputError(f"{row.where}: Sparsity must be N:M with 1 <= N <= M, not {shown(text)}")
    if ratio[1] != ratio[2]:
        notes.append(
            f"{row.name}: sparsity {text} is read as dense, as SCALE-Sim does without "
            "SparsitySupport"
        )


def _convolution(
    row: Row,
    name: str,
    inputs: tuple[str, ...],
    numbers: dict[str, int],
    ceil_output: bool,
    notes: list[str],
) -> Conv2d:
    fields = {**numbers}
    fields.setdefault("stride_w", fields["stride_h"])
    if "DP" in row.name:
        # SCALE-Sim runs such a row once for each channel.
        fields["groups"] = fields["channels"]
        fields["filters"] *= fields["channels"]
        notes.append(f"{row.name}: 'DP' marks a depthwise convolution")
    elif "dw" in row.comment and fields["channels"] == 1:
        notes.append(
            f"{row.name}: marked as depthwise, but stated with one channel; read as stated"
        )
    if ceil_output:
        fields["pad_bottom"] = _ceil_pad(fields["in_h"], fields["filt_h"], fields["stride_h"])
        fields["pad_right"] = _ceil_pad(fields["in_w"], fields["filt_w"], fields["stride_w"])
    return build(Conv2d, row.where, name=name, inputs=inputs, **fields)


def _ceil_pad(size: int, window: int, stride: int) -> int:
    """Padding with which rounding down gives what rounding up gives without."""
    return -(size - window) % stride if size >= window else 0
