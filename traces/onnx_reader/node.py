"""One node as the converters see it."""

from math import prod
from typing import Any, TypeVar

import onnx

from arch.errors import InputError
from traces.onnx_reader.graph import Graph, Shape
from traces.operators import Operator
from traces.reading import build, shown

OperatorT = TypeVar("OperatorT", bound=Operator)


class Node:
    """A node, the operators it depends on, and checked access to what it says."""

    def __init__(
        self, graph: Graph, proto: onnx.NodeProto, title: str, producers: tuple[str, ...]
    ) -> None:
        self.graph = graph
        self.proto = proto
        self.title = title
        self.producers = producers
        self.kind = proto.op_type
        self.where = f"{graph.path}: node {title!r} ({self.kind})"
        self._attributes = {each.name: each for each in proto.attribute}

    def make(self, kind: type[OperatorT], **fields: Any) -> OperatorT:
        """An operator of this node. Raises InputError where its sizes are impossible."""
        return build(kind, self.where, **{"name": self.title, "inputs": self.producers, **fields})

    def error(self, what: str) -> InputError:
        return InputError(f"{self.where}: {what}")

    def name(self, index: int) -> str:
        """Name of an input, empty where an optional one is absent."""
        return self.proto.input[index] if index < len(self.proto.input) else ""

    def is_constant(self, index: int) -> bool:
        return self.graph.is_constant(self.name(index))

    def input(self, index: int = 0) -> Shape:
        """Extents of an input. Raises InputError where it is absent or its shape unknown."""
        name = self.name(index)
        if not name:
            raise self.error(f"has no input {index}")
        return self._shape(name)

    def output(self) -> Shape:
        """Extents of the first output. Raises InputError where they are unknown."""
        name = next(iter(self.proto.output), "")
        if not name:
            raise self.error("has no output")
        return self._shape(name)

    def elements(self) -> int:
        """Elements of the first output."""
        return prod(self.output())

    def value(self, index: int) -> float | None:
        """Value of an input that is a constant of one element, else None."""
        value = self.graph.values.get(self.name(index))
        return float(value.reshape(())) if value is not None and value.size == 1 else None

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        return int(self._typed(name, onnx.AttributeProto.INT, "i", default))

    def integers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """An attribute that is a list of integers."""
        return tuple(self._typed(name, onnx.AttributeProto.INTS, "ints", default))

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        value = self._typed(name, onnx.AttributeProto.STRING, "s", default.encode())
        return bytes(value).decode("utf-8", "replace")

    def axis(self, default: int, rank: int) -> int:
        """The attribute ``axis``, counted from the front."""
        axis = self.integer("axis", default)
        if not -rank <= axis < max(rank, 1):
            raise self.error(f"axis must be within the {rank} dimensions of its input, not {axis}")
        return axis % rank if rank else 0

    def _typed(self, name: str, kind: int, field: str, default: Any) -> Any:
        attribute = self._attributes.get(name)
        if attribute is None:
            return default
        if attribute.type != kind:
            raise self.error(f"attribute {name!r} has a wrong type")
        return getattr(attribute, field)

    def _shape(self, name: str) -> Shape:
        shape = self.graph.shape(name)
        if shape is None:
            raise self.error(f"the shape of {shown(name)} is not known: {self.graph.why_unknown()}")
        return shape
