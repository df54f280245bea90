"""ONNX models as operator graphs.

A node is a matrix product (``products``), something for the vector unit (``vectors``), a view
that costs nothing, a computation on constants that is folded away, or an error.
"""

from collections.abc import Mapping
from pathlib import Path

import onnx

from arch.errors import InputError
from traces.batch import scaled
from traces.onnx_reader.graph import Graph
from traces.onnx_reader.model import load_model
from traces.onnx_reader.node import Node
from traces.onnx_reader.products import PRODUCTS
from traces.onnx_reader.vectors import VECTORS
from traces.operators import AnyOperator, Workload
from traces.reading import build, unique

CONVERTERS = {**PRODUCTS, **VECTORS}

VIEWS = frozenset(
    {
        "Cast",
        "CastLike",
        "Concat",
        "Constant",
        "ConstantOfShape",
        "Dropout",
        "Expand",
        "Flatten",
        "Identity",
        "Reshape",
        "Shape",
        "Size",
        "Slice",
        "Split",
        "Squeeze",
        "Unsqueeze",
    }
)
"""Operators that move nothing: their readers depend on whoever made their inputs."""

CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})


def read(
    path: Path,
    options: Mapping[str, int],
    skip_unknown: bool,
    name: str | None = None,
    source: str | None = None,
) -> tuple[Workload, tuple[str, ...]]:
    """Operators of an ONNX file, and notes on what was dropped.

    ``options``: ``batch``, and the sizes of symbolic dimensions by name. ``skip_unknown`` drops
    nodes without a model here; their readers then depend on their inputs.

    Raises InputError with file, node and remedy.
    """
    model, copies = load_model(path, options)
    graph = Graph(path, model)
    notes: list[str] = []
    operators: list[AnyOperator] = []
    taken: set[str] = set()
    made_by: dict[str, tuple[str, ...]] = dict.fromkeys(graph.inputs, ())
    for proto in graph.nodes:
        title = unique(proto.name or next(filter(None, proto.output), proto.op_type), taken)
        node = Node(graph, proto, title, _producers(graph, proto, made_by, title))
        produced = [] if graph.folds(proto) else _convert(node, skip_unknown, notes)
        taken.update(each.name for each in produced)
        operators.extend(produced)
        result = (produced[-1].name,) if produced else node.producers
        made_by.update((output, result) for output in proto.output if output)
    if not operators:
        raise InputError(f"{path}: holds no operator that computes anything")
    workload = build(
        Workload,
        str(path),
        name=name or path.stem,
        source=source or path.name,
        operators=tuple(operators),
    )
    return scaled(workload, copies), tuple(notes)


def _producers(
    graph: Graph, proto: onnx.NodeProto, made_by: Mapping[str, tuple[str, ...]], title: str
) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for each in graph.reads(proto):
        if each in made_by:
            found.update(dict.fromkeys(made_by[each]))
        elif not graph.is_constant(each):
            raise InputError(
                f"{graph.path}: node {title!r} ({proto.op_type}) reads {each!r}, which nothing "
                "before it produces"
            )
    return tuple(found)


def _convert(node: Node, skip_unknown: bool, notes: list[str]) -> list[AnyOperator]:
    own_domain = node.proto.domain in ("", "ai.onnx")
    if own_domain and node.kind in VIEWS:
        return []
    if own_domain and node.kind in CONVERTERS:
        return CONVERTERS[node.kind](node)
    what = "control flow" if own_domain and node.kind in CONTROL_FLOW else "not known here"
    kind = node.kind if own_domain else f"{node.kind} of {node.proto.domain}"
    if not skip_unknown:
        raise InputError(
            f"{node.where}: operator {kind} is {what}; --skip-unknown drops such nodes (their "
            "work is then missing from all figures)"
        )
    notes.append(f"{node.where}: operator {kind} is {what} and was skipped")
    return []
