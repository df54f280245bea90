"""Reading an ONNX file, and making its shapes static."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import onnx
from onnx import inliner

from arch.errors import InputError
from traces.reading import read_bytes

KEPT_ELEMENTS = 4096
"""Weights with more elements lose their values: only shapes matter, and copies cost time."""


def load_model(path: Path, options: Mapping[str, int]) -> tuple[onnx.ModelProto, int]:
    """A model whose inputs have static shapes, and how many copies of it make the batch.

    Raises InputError where the file is no ONNX model, a symbolic dimension has no size, or an
    option names none.
    """
    model = _parse(path)
    for initializer in model.graph.initializer:
        _drop_large(initializer)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                _drop_large(attribute.t)
    copies = _fix_dimensions(path, model.graph, options)
    if model.functions:
        try:
            model = inliner.inline_local_functions(model)
        except Exception as error:
            raise InputError(
                f"{path}: its functions cannot be expanded: {first_line(error)}"
            ) from None
    return model, copies


def first_line(error: Exception) -> str:
    """The first line of an error's message."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return line if len(line) <= 200 else line[:197] + "..."


def _parse(path: Path) -> onnx.ModelProto:
    data = read_bytes(path)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # protobuf has a class of its own for each implementation
        raise InputError(
            f"{path}: is damaged, cut short or not an ONNX model ({first_line(error)}); "
            "export it again"
        ) from None
    if not model.HasField("graph") or not model.graph.node:
        raise InputError(f"{path}: is not an ONNX model, or one without nodes")
    if not model.opset_import:
        raise InputError(f"{path}: does not say which ONNX operator set it uses; export it again")
    if not all(isinstance(name, str) for name in _names(model.graph)):
        raise InputError(f"{path}: is damaged: it holds a name that is not text; export it again")
    return model


def _names(graph: onnx.GraphProto) -> Iterator[object]:
    """Everything that must be text; the parser leaves it as bytes where it is not."""
    for each in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        yield each.name
    for info in graph.input:
        yield from (dim.dim_param for dim in info.type.tensor_type.shape.dim)
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield attribute.name
            for inner in (attribute.g, *attribute.graphs):
                yield from _names(inner)


def _drop_large(tensor: onnx.TensorProto) -> None:
    count = 1
    for extent in tensor.dims:
        count *= extent
    if count > KEPT_ELEMENTS:
        for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data"):
            tensor.ClearField(field)


def _fix_dimensions(path: Path, graph: onnx.GraphProto, options: Mapping[str, int]) -> int:
    """Replace symbolic dimensions of the inputs; returns the copies that make up the batch."""
    constants = {each.name for each in graph.initializer}
    inputs = [each for each in graph.input if each.name not in constants]
    symbols = list(_symbols(inputs))
    first = {name for _, axis, name in symbols if axis == 0}
    wanted = set(options) - {"batch"}
    for dimension, _, name in symbols:
        if name in options:
            size = options[name]
        elif name in first or "batch" in name.lower():
            size = options.get("batch", 1)
        else:
            raise InputError(
                f"{path}: the dimension {name!r} of its inputs has no size; give it, as in "
                f"{path.name}:{name}=128"
            )
        if size < 1:
            raise InputError(f"{path}: the dimension {name!r} must be at least 1, not {size}")
        wanted.discard(name)
        dimension.dim_value = size
    if wanted:
        known = ", ".join(sorted({name for _, _, name in symbols})) or "none"
        raise InputError(
            f"{path}: has no symbolic dimension {' or '.join(sorted(wanted))} (known: {known})"
        )
    if symbols:
        # Sizes stored for other tensors may belong to other inputs.
        del graph.value_info[:]
    batch = options.get("batch", 1)
    if batch == 1 or first or any("batch" in name.lower() for _, _, name in symbols):
        return 1
    return _copies(path, inputs, batch)


def _symbols(inputs: list[onnx.ValueInfoProto]) -> Iterator[tuple[Any, int, str]]:
    """Dimensions without a size: the field, its axis, and its name or ``input.axis``."""
    for each in inputs:
        for axis, dimension in enumerate(each.type.tensor_type.shape.dim):
            if not dimension.HasField("dim_value") or dimension.dim_value < 1:
                yield dimension, axis, dimension.dim_param or f"{each.name}.{axis}"


def _copies(path: Path, inputs: list[onnx.ValueInfoProto], batch: int) -> int:
    fixed = {
        each.type.tensor_type.shape.dim[0].dim_value
        for each in inputs
        if each.type.tensor_type.shape.dim
    }
    if fixed == {batch}:
        return 1
    if fixed == {1}:
        return batch
    raise InputError(
        f"{path}: batch {batch} is wanted, but the model fixes the first dimension of its inputs "
        f"to {', '.join(map(str, sorted(fixed)))}; export it with a symbolic batch dimension"
    )
