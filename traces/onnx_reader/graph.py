"""The nodes of a model, the shapes of its tensors, and which of them are constant."""

from collections.abc import Iterator
from copy import deepcopy
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper, shape_inference

from arch.errors import InputError
from traces.onnx_reader.folding import fold
from traces.onnx_reader.model import KEPT_ELEMENTS, first_line

Shape = tuple[int, ...]
FOLDING_ROUNDS = 16


class Graph:
    """A model with inferred shapes. Raises InputError where these cannot be inferred at all."""

    def __init__(self, path: Path, model: onnx.ModelProto) -> None:
        self.path = path
        self._model = model
        self.opset = next(
            (each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 1
        )
        self.values = {
            each.name: value
            for each in model.graph.initializer
            if (value := _small_value(each)) is not None
        }
        self._shapes: dict[str, Shape] = {}
        self._constants = {each.name for each in model.graph.initializer}
        self._constants |= {each.values.name for each in model.graph.sparse_initializer}
        self.inputs = [each.name for each in model.graph.input if each.name not in self._constants]
        # Folding takes nodes out of the model.
        self.nodes = [deepcopy(node) for node in model.graph.node]
        for node in self.nodes:
            if self.folds(node):
                self._constants.update(filter(None, node.output))
        self._infer()

    def folds(self, node: onnx.NodeProto) -> bool:
        """Whether a node computes on constants and shapes only."""
        if any(each.HasField("g") or each.graphs for each in node.attribute):
            return False
        if node.domain in ("", "ai.onnx") and node.op_type in ("Shape", "Size"):
            return True
        return all(self.is_constant(each) for each in node.input if each)

    def reads(self, node: onnx.NodeProto) -> Iterator[str]:
        """Tensors that a node or a graph inside it reads."""
        yield from filter(None, node.input)
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                own = {each.name for each in (*inner.input, *inner.initializer)}
                own.update(output for each in inner.node for output in each.output)
                for each in inner.node:
                    yield from (name for name in self.reads(each) if name not in own)

    def is_constant(self, tensor: str) -> bool:
        return tensor in self._constants

    def shape(self, tensor: str) -> Shape | None:
        """Extents of a tensor, or None where they are not known."""
        return self._shapes.get(tensor)

    def why_unknown(self) -> str:
        """What strict shape inference says, or what may help."""
        try:
            shape_inference.infer_shapes(self._model, strict_mode=True, data_prop=True)
        except Exception as error:
            return first_line(error)
        return "give sizes to all symbolic dimensions, or export the model with static shapes"

    def _infer(self) -> None:
        for _ in range(FOLDING_ROUNDS):
            try:
                inferred = shape_inference.infer_shapes(self._model, data_prop=True)
            except Exception as error:
                raise InputError(
                    f"{self.path}: shapes cannot be inferred: {first_line(error)}"
                ) from None
            self._collect(inferred.graph)
            outputs = (name for node in self.nodes for name in node.output if name)
            if all(name in self._shapes for name in outputs):
                return
            if not fold(self._model.graph, self.opset, self._shapes, self.values):
                return

    def _collect(self, graph: onnx.GraphProto) -> None:
        for each in graph.initializer:
            if min(each.dims, default=0) >= 0:
                self._shapes[each.name] = tuple(each.dims)
        for info in (*graph.input, *graph.value_info, *graph.output):
            tensor = info.type.tensor_type
            if info.type.HasField("tensor_type") and tensor.HasField("shape"):
                dims = tensor.shape.dim
                if all(dim.HasField("dim_value") and dim.dim_value >= 0 for dim in dims):
                    self._shapes[info.name] = tuple(dim.dim_value for dim in dims)


def _small_value(tensor: onnx.TensorProto) -> npt.NDArray[np.generic] | None:
    if prod(tensor.dims) > KEPT_ELEMENTS or tensor.data_location == onnx.TensorProto.EXTERNAL:
        return None
    try:
        value: npt.NDArray[np.generic] = numpy_helper.to_array(tensor)
    except Exception:
        return None
    return value
