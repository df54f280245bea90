"""Every kind of ONNX node, in small graphs; sizes are judged by ONNX's own reference evaluator."""

from math import prod

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from arch.errors import InputError
from traces.onnx_reader.model import load_model
from traces.operators import Conv2d, Elementwise, Gemm, Move, Norm, Pool, Softmax
from traces.workload import load

OPSET = 18


def constant(name, *shape, value=None, dtype=np.float32):
    data = np.zeros(shape, dtype) if value is None else np.array(value, dtype)
    return numpy_helper.from_array(data, name)


def model(nodes, inputs, constants=(), outputs=("y",), opset=OPSET, domains=(), value_info=()):
    """A model; ``inputs`` maps names to shapes, whose strings are symbolic dimensions."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        list(constants),
        value_info=list(value_info),
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=imports)


def node(kind, *reads, out="y", **attributes):
    return helper.make_node(kind, list(reads), [out], name=f"{kind}_{out}", **attributes)


@pytest.fixture
def read(tmp_path):
    def read_model(made, options="", **keywords):
        path = tmp_path / "m.onnx"
        path.write_bytes(made.SerializeToString())
        return load(f"{path}{options}", **keywords)

    return read_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("onnx")


def only(loaded):
    (operator,) = loaded.workload.operators
    return operator


def run(made, **feeds):
    """Shape of the output when ONNX's reference implementation computes it."""
    (result,) = ReferenceEvaluator(made).run(None, feeds)
    return result.shape


# Products.

sizes = st.integers(1, 4)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_convolution(folder, data):
    groups, per_group, filters = (data.draw(st.integers(1, 3)) for _ in range(3))
    batch = data.draw(st.integers(1, 2))
    rank = data.draw(st.sampled_from([1, 2]))
    kernel = [data.draw(st.integers(1, 3)) for _ in range(rank)]
    image = [data.draw(st.integers(5, 9)) for _ in range(rank)]
    attributes = {
        "strides": [data.draw(st.integers(1, 3)) for _ in range(rank)],
        "dilations": [data.draw(st.integers(1, 2)) for _ in range(rank)],
        "group": groups,
    }
    mode = data.draw(st.sampled_from(["pads", "SAME_UPPER", "SAME_LOWER", "VALID", "none"]))
    if mode == "pads":
        attributes["pads"] = [data.draw(st.integers(0, 2)) for _ in range(2 * rank)]
    elif mode != "none":
        attributes["auto_pad"] = mode
    shape = [batch, groups * per_group, *image]
    weights = constant("w", groups * filters, per_group, *kernel)
    made = model([node("Conv", "x", "w", **attributes)], {"x": shape}, [weights])
    path = folder / "conv.onnx"
    path.write_bytes(made.SerializeToString())
    operator = only(load(path))
    output = run(made, x=np.zeros(shape, np.float32))
    assert isinstance(operator, Conv2d)
    assert operator.batch == output[0]
    assert operator.filters == output[1]
    assert (operator.out_h, operator.out_w) == ((1, *output[2:]) if rank == 1 else output[2:])
    assert operator.macs == prod(output) * per_group * prod(kernel)
    if mode == "pads":
        pads = attributes["pads"]
        given = (operator.pad_left, operator.pad_right)
        assert given == (pads[rank - 1], pads[-1])


def test_same_lower_pads_before(read):
    made = [
        model(
            [node("Conv", "x", "w", strides=[2, 2], auto_pad=mode)],
            {"x": [1, 1, 6, 6]},
            [constant("w", 1, 1, 3, 3)],
        )
        for mode in ("SAME_UPPER", "SAME_LOWER")
    ]
    upper, lower = (only(read(each)) for each in made)
    assert (upper.pad_top, upper.pad_bottom) == (0, 1)
    assert (lower.pad_top, lower.pad_bottom) == (1, 0)


def test_bias_costs_nothing_and_quantised_convolutions_are_convolutions(read):
    inputs, weights = {"x": [1, 4, 5, 5]}, constant("w", 6, 2, 3, 3)
    made = model([node("Conv", "x", "w", "b", group=2)], inputs, [weights, constant("b", 6)])
    plain = only(read(made))
    scale, zero = constant("s", value=1), constant("z", value=0, dtype=np.uint8)
    graph = model(
        [
            node("QuantizeLinear", "x", "s", "z", out="q"),
            node("QLinearConv", "q", "s", "z", "w8", "s", "z", "s", "z", group=2),
        ],
        inputs,
        [scale, zero, constant("w8", 6, 2, 3, 3, dtype=np.uint8)],
    )
    quantised = read(graph).workload.operators
    assert [each.kind for each in quantised] == ["Elementwise", "Conv2d"]
    assert quantised[1].macs == plain.macs == 9 * 6 * 18


@settings(max_examples=60, deadline=None)
@given(sizes, sizes, sizes, st.booleans(), st.booleans())
def test_gemm(folder, m, n, k, trans_a, trans_b):
    a = [k, m] if trans_a else [m, k]
    b = [n, k] if trans_b else [k, n]
    gemm = node("Gemm", "x", "w", "c", transA=int(trans_a), transB=int(trans_b))
    made = model([gemm], {"x": a}, [constant("w", *b), constant("c", n)])
    path = folder / "gemm.onnx"
    path.write_bytes(made.SerializeToString())
    operator = only(load(path))
    assert isinstance(operator, Gemm)
    assert (operator.m, operator.n, operator.k, operator.batch) == (m, n, k, 1)
    assert operator.second_operand == "weights"
    assert run(made, x=np.zeros(a, np.float32)) == (m, n)


def test_gemm_of_weights_and_activations_is_transposed(read):
    made = model([node("Gemm", "w", "x")], {"x": [5, 7]}, [constant("w", 3, 5)])
    operator = only(read(made))
    assert (operator.m, operator.n, operator.k) == (7, 3, 5)
    assert operator.second_operand == "weights"


def test_gemm_adds_what_is_computed(read):
    made = model(
        [node("Relu", "z", out="r"), node("Gemm", "x", "w", "r")],
        {"x": [2, 5], "z": [2, 3]},
        [constant("w", 5, 3)],
    )
    relu, gemm, add = read(made).workload.operators
    assert add == Elementwise(
        name=f"{gemm.name}/add", inputs=(gemm.name, relu.name), op="add", elements=6, operands=2
    )


shapes = st.lists(st.integers(1, 3), max_size=2)


@settings(max_examples=80, deadline=None)
@given(sizes, sizes, sizes, shapes, shapes, st.sampled_from(["x", "w", "none"]))
def test_matmul(folder, m, n, k, outer_a, outer_b, weights):
    rank = min(len(outer_a), len(outer_b))
    outer_b = outer_b[: len(outer_b) - rank] + [
        b if b == a else 1
        for a, b in zip(
            outer_a[len(outer_a) - rank :], outer_b[-rank:] if rank else [], strict=True
        )
    ]
    a, b = [*outer_a, m, k], [*outer_b, k, n]
    inputs = {name: shape for name, shape in (("x", a), ("w", b)) if name != weights}
    constants = [constant(weights, *(a if weights == "x" else b))] if weights != "none" else []
    made = model([node("MatMul", "x", "w")], inputs, constants)
    path = folder / "matmul.onnx"
    path.write_bytes(made.SerializeToString())
    operator = only(load(path))
    feeds = {name: np.zeros(shape, np.float32) for name, shape in inputs.items()}
    output = run(made, **feeds)
    assert operator.macs == prod(output) * k
    assert operator.batch * operator.m * operator.n == prod(output)
    assert operator.k == k
    assert operator.second_operand == ("activations" if weights == "none" else "weights")
    if weights == "w" and not outer_b:
        assert (operator.batch, operator.m, operator.n) == (1, prod(outer_a) * m, n)
    if weights == "x" and not outer_a:
        assert (operator.batch, operator.m, operator.n) == (1, prod(outer_b) * n, m)


def test_matmul_of_vectors(read):
    made = model([node("MatMul", "x", "w")], {"x": [5]}, [constant("w", 5, 3)])
    assert (only(read(made)).m, only(read(made)).n) == (1, 3)
    made = model([node("MatMul", "x", "w")], {"x": [4, 5], "w": [5]})
    assert (only(read(made)).m, only(read(made)).n) == (4, 1)


# Vector operators.

X = {"x": [2, 6, 4, 5]}
SIZE = 2 * 6 * 4 * 5


@pytest.mark.parametrize(
    ("kind", "op"),
    [
        ("Relu", "act"), ("LeakyRelu", "act"), ("Sigmoid", "act"), ("Tanh", "act"),
        ("Erf", "act"), ("HardSigmoid", "act"), ("HardSwish", "act"), ("Elu", "act"),
        ("Clip", "act"), ("Softplus", "act"), ("Neg", "act"), ("Exp", "exp"), ("Sqrt", "sqrt"),
        ("Reciprocal", "div"),
    ],
)  # fmt: skip
def test_operations_on_one_tensor(read, kind, op):
    operator = only(read(model([node(kind, "x")], X)))
    assert operator == Elementwise(name=f"{kind}_y", op=op, elements=SIZE, operands=1)


def test_gelu_and_prelu(read):
    gelu = only(read(model([node("Gelu", "x")], X, opset=20)))
    prelu = only(read(model([node("PRelu", "x", "s")], X, [constant("s", 6, 1, 1)])))
    assert (gelu.op, gelu.elements, prelu.op, prelu.operands) == ("act", SIZE, "act", 1)


@pytest.mark.parametrize(
    ("kind", "op"),
    [("Add", "add"), ("Sub", "add"), ("Mul", "mul"), ("Div", "div"), ("Max", "max"),
     ("Min", "max")],
)  # fmt: skip
def test_operations_on_two_tensors(read, kind, op):
    two = only(read(model([node(kind, "x", "z")], {**X, "z": X["x"]})))
    assert (two.op, two.elements, two.operands) == (op, SIZE, 2)
    table = only(read(model([node(kind, "x", "t")], X, [constant("t", *X["x"])])))
    assert table.operands == 2
    scale = only(read(model([node(kind, "x", "s")], X, [constant("s", 6, 1, 1)])))
    assert (scale.elements, scale.operands) == (SIZE, 1)


def test_sum_of_many(read):
    inputs = {name: [3, 4] for name in "abcd"}
    operator = only(read(model([node("Sum", *"abcd")], inputs)))
    assert (operator.op, operator.elements, operator.operands) == ("add", 12, 4)


@pytest.mark.parametrize(("exponent", "op"), [(2, "mul"), (0.5, "sqrt"), (3, "exp")])
def test_powers(read, exponent, op):
    operator = only(read(model([node("Pow", "x", "p")], X, [constant("p", value=exponent)])))
    assert (operator.op, operator.elements, operator.operands) == (op, SIZE, 1)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_pools(folder, data):
    image = [data.draw(st.integers(5, 9)) for _ in range(2)]
    kernel = [data.draw(st.integers(1, 3)) for _ in range(2)]
    kind, op = data.draw(st.sampled_from([("MaxPool", "max"), ("AveragePool", "average")]))
    attributes = {
        "kernel_shape": kernel,
        "strides": [data.draw(st.integers(1, 3)) for _ in range(2)],
        "pads": [data.draw(st.integers(0, min(kernel) - 1)) for _ in range(4)],
        "ceil_mode": data.draw(st.integers(0, 1)),
    }
    shape = [2, 3, *image]
    made = model([node(kind, "x", **attributes)], {"x": shape})
    path = folder / "pool.onnx"
    path.write_bytes(made.SerializeToString())
    operator = only(load(path))
    # Shape inference is ONNX's own; its evaluator is known to differ under ceil_mode.
    inferred = onnx.shape_inference.infer_shapes(made).graph.output[0].type.tensor_type.shape
    output = [each.dim_value for each in inferred.dim]
    assert isinstance(operator, Pool)
    assert [operator.batch, operator.channels, operator.out_h, operator.out_w] == output
    assert (operator.op, operator.filt_h, operator.filt_w) == (op, *kernel)
    # What ceil_mode adds hangs over the end.
    top, left, bottom, right = attributes["pads"]
    assert (operator.pad_top, operator.pad_left) == (top, left)
    assert operator.pad_bottom >= bottom
    assert operator.pad_right >= right


def test_global_pools_and_reductions(read):
    average = only(read(model([node("GlobalAveragePool", "x")], X)))
    assert (average.op, average.batch, average.channels) == ("average", 2, 6)
    assert (average.filt_h, average.filt_w, average.out_h, average.out_w) == (4, 5, 1, 1)
    assert only(read(model([node("GlobalMaxPool", "x")], X))).op == "max"
    axes = constant("a", value=[2, 3], dtype=np.int64)
    for kind, op in (("ReduceMean", "average"), ("ReduceSum", "average"), ("ReduceMax", "max")):
        operator = only(read(model([node(kind, "x", "a")], X, [axes], opset=18)))
        assert isinstance(operator, Pool)
        assert (operator.op, operator.elements) == (op, 12)
        assert operator.in_h * operator.in_w * operator.channels * operator.batch == SIZE
    old = only(read(model([node("ReduceMean", "x", axes=[1], keepdims=0)], X, opset=13)))
    assert (old.elements, old.filt_w) == (2 * 4 * 5, 6)
    assert only(read(model([node("ArgMax", "x", axis=1)], X))).op == "max"


def test_normalisations(read):
    vector = [constant(name, 6) for name in "abcd"]
    thirds = [constant("g", 3), constant("h", 3)]
    found = [
        only(read(model([node("BatchNormalization", "x", *"abcd")], X, vector))),
        only(read(model([node("InstanceNormalization", "x", *"ab")], X, vector[:2]))),
        only(read(model([node("LRN", "x", size=3)], X))),
        only(read(model([node("LayerNormalization", "x", "s")], X, [constant("s", 5)]))),
        only(read(model([node("LayerNormalization", "x", "s", axis=2)], X, [constant("s", 4, 5)]))),
        only(read(model([node("GroupNormalization", "x", *"gh", num_groups=3)], X, thirds))),
        only(read(model([node("RMSNormalization", "x", "s")], X, [constant("s", 5)], opset=23))),
    ]  # fmt: skip
    assert [(each.op, each.rows, each.cols, each.window) for each in found] == [
        ("batch", 12, 20, 1),
        ("layer", 12, 20, 1),
        ("local_response", 40, 6, 3),
        ("layer", 48, 5, 1),
        ("layer", 12, 20, 1),
        ("layer", 6, 40, 1),
        ("rms", 48, 5, 1),
    ]
    assert all(isinstance(each, Norm) for each in found)


@pytest.mark.parametrize(
    ("opset", "axis", "rows", "cols"),
    [(11, None, 2, 120), (11, 2, 12, 20), (13, None, 48, 5), (13, 1, 40, 6), (18, -2, 60, 4)],
)
def test_softmax_means_another_axis_before_opset_13(read, opset, axis, rows, cols):
    attributes = {} if axis is None else {"axis": axis}
    for kind in ("Softmax", "LogSoftmax"):
        operator = only(read(model([node(kind, "x", **attributes)], X, opset=opset)))
        assert operator == Softmax(name=f"{kind}_y", rows=rows, cols=cols)


def test_moves(read):
    index = constant("i", value=[0, 3], dtype=np.int64)
    pads = constant("p", value=[0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64)
    found = [
        only(read(model([node("Transpose", "x", perm=[0, 2, 3, 1])], X))),
        only(read(model([node("Gather", "x", "i", axis=1)], X, [index]))),
        only(read(model([node("Pad", "x", "p")], X, [pads]))),
        only(read(model([node("DepthToSpace", "x", blocksize=2)], {"x": [1, 8, 2, 3]}))),
    ]
    assert all(isinstance(each, Move) for each in found)
    assert [each.elements for each in found] == [SIZE, 2 * 2 * 4 * 5, 2 * 6 * 6 * 7, 48]


def test_embedding_is_a_move_of_what_is_gathered(read):
    cast = helper.make_node("Cast", ["x"], ["i"], to=TensorProto.INT64)
    made = model([cast, node("Gather", "table", "i")], {"x": [2, 7]}, [constant("table", 100, 8)])
    assert only(read(made)) == Move(name="Gather_y", elements=2 * 7 * 8)


def test_resize(read):
    scales = constant("s", value=[1, 1, 2, 2])
    nearest = only(read(model([node("Resize", "x", "", "s")], X, [scales])))
    linear = only(read(model([node("Resize", "x", "", "s", mode="linear")], X, [scales])))
    assert nearest == Move(name="Resize_y", elements=4 * SIZE)
    assert (linear.op, linear.elements, linear.operands) == ("mul", 4 * SIZE, 4)


# Views, constants and dependencies.


def test_views_vanish_and_dependencies_pass_through(read):
    shape = constant("shape", value=[2, -1], dtype=np.int64)
    halves = helper.make_node("Split", ["r"], ["s1", "s2"], axis=1, num_outputs=2, name="halves")
    nodes = [
        node("Relu", "x", out="r"),
        halves,
        node("Sigmoid", "s1", out="a"),
        node("Identity", "s2", out="b"),
        node("Concat", "a", "b", out="c", axis=1),
        node("Dropout", "c", out="d"),
        node("Reshape", "d", "shape", out="e"),
        node("Unsqueeze", "e", "zero", out="f"),
        node("Squeeze", "f", "zero", out="g"),
        node("Flatten", "g", out="h"),
        node("Transpose", "f", out="t", perm=[1, 0, 2]),
        node("Tanh", "h"),
        node("Abs", "t", out="z"),
    ]
    zero = constant("zero", value=[0], dtype=np.int64)
    found = read(model(nodes, X, [shape, zero], outputs=("y", "z"))).workload.operators
    assert [(each.name, each.inputs) for each in found] == [
        ("Relu_r", ()),
        ("Sigmoid_a", ("Relu_r",)),
        ("Tanh_y", ("Sigmoid_a", "Relu_r")),
        ("Abs_z", ("Sigmoid_a", "Relu_r")),
    ]


def test_work_on_constants_is_folded_away(read):
    nodes = [
        helper.make_node("Constant", [], ["k"], value=constant("", 3, 5)),
        node("Transpose", "k", out="kt"),
        node("Mul", "kt", "kt", out="w"),
        node("Shape", "x", out="s"),
        node("Cast", "s", out="sf", to=TensorProto.FLOAT),
        node("ReduceProd", "sf", out="size"),
        node("MatMul", "x", "w", out="m"),
        node("Div", "m", "size"),
    ]
    found = read(model(nodes, {"x": [4, 5]})).workload.operators
    assert [(each.kind, each.inputs) for each in found] == [
        ("Gemm", ()),
        ("Elementwise", ("MatMul_m",)),
    ]
    assert (found[0].m, found[0].n, found[0].k, found[0].second_operand) == (4, 3, 5, "weights")


def test_unnamed_and_equal_names(read):
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"], name="same"),
        helper.make_node("Relu", ["b"], ["c"], name="same"),
        helper.make_node("Relu", ["c"], ["y"], name="a"),
    ]
    found = read(model(nodes, X)).workload.operators
    assert [each.name for each in found] == ["a", "same", "same#2", "a#2"]


def test_nothing_to_do_for_no_elements(read):
    none = constant("none", value=[0], dtype=np.int64)
    nodes = [
        node("Slice", "x", "none", "none", out="empty"),
        node("Relu", "empty", out="e"),
        node("MatMul", "empty", "w", out="m"),
        node("Neg", "x"),
    ]
    made = model(nodes, {"x": [4, 3]}, [none, constant("w", 3, 2)], outputs=("y", "e", "m"))
    assert only(read(made)).name == "Neg_y"


# Symbolic dimensions and batches.


def test_symbolic_batch(read):
    made = model([node("MatMul", "x", "w")], {"x": ["N", 5]}, [constant("w", 5, 3)])
    assert only(read(made)).m == 1
    assert only(read(made, batch=7)).m == only(read(made, ":N=7")).m == 7


def test_other_symbolic_dimensions_must_be_given(read):
    made = model([node("MatMul", "x", "w")], {"x": ["N", "len", 5]}, [constant("w", 5, 3)])
    with pytest.raises(
        InputError, match=r"dimension 'len' .* has no size; give it, as in m\.onnx:len=128"
    ):
        read(made)
    assert only(read(made, ":len=4,batch=2")).m == 8
    with pytest.raises(InputError, match=r"no symbolic dimension width \(known: N, len\)"):
        read(made, ":len=4,width=2")
    with pytest.raises(InputError, match="'len' must be at least 1, not 0"):
        read(made, ":len=0")


def test_stored_sizes_of_another_batch_are_not_believed(read):
    stale = helper.make_tensor_value_info("r", TensorProto.FLOAT, [1, 3])
    nodes = [node("Relu", "x", out="r"), node("Neg", "r")]
    made = model(nodes, {"x": ["N", 3]}, value_info=[stale])
    assert [each.elements for each in read(made, batch=5).workload.operators] == [15, 15]


def test_values_of_large_weights_are_not_kept(tmp_path):
    made = model([node("MatMul", "x", "w")], {"x": [2, 512]}, [constant("w", 512, 512)])
    path = tmp_path / "m.onnx"
    path.write_bytes(made.SerializeToString())
    kept, copies = load_model(path, {})
    assert path.stat().st_size > 2**20
    assert kept.ByteSize() < 1000
    assert copies == 1


def test_unnamed_dimensions_are_called_by_input_and_axis(read):
    made = model([node("Relu", "x")], {"x": [None, 3, None]})
    with pytest.raises(InputError, match=r"dimension 'x\.2' of its inputs has no size"):
        read(made)
    assert only(read(made, ":x.2=5", batch=2)).elements == 2 * 3 * 5


def test_a_fixed_batch_of_one_is_copied(read):
    nodes = [node("MatMul", "x", "w", out="m"), node("Reshape", "m", "shape")]
    shape = constant("shape", value=[1, 6], dtype=np.int64)
    made = model(nodes, {"x": [1, 2, 5]}, [constant("w", 5, 3), shape])
    assert only(read(made, batch=4)).m == 4 * 2


def test_a_fixed_batch_of_more(read):
    made = model([node("Relu", "x")], {"x": [2, 3]})
    assert only(read(made, batch=2)).elements == 6
    with pytest.raises(InputError, match=r"batch 4 is wanted, but .* to 2; export it with a symb"):
        read(made, batch=4)


def test_attention_with_computed_shapes(read):
    """Reshape targets computed from Shape, as exporters write them."""
    constants = [constant(name, 8, 8) for name in ("wq", "wk")]
    values = {"i0": 0, "i1": 1, "heads": [2], "size": [4], "axes": [0], "minus": [-1]}
    constants += [constant(n, value=v, dtype=np.int64) for n, v in values.items()]
    nodes = [
        node("MatMul", "x", "wq", out="q"),
        node("MatMul", "x", "wk", out="k"),
        node("Shape", "x", out="shape"),
        node("Gather", "shape", "i0", out="b"),
        node("Gather", "shape", "i1", out="t"),
        node("Unsqueeze", "b", "axes", out="b1"),
        node("Unsqueeze", "t", "axes", out="t1"),
        node("Concat", "b1", "t1", "heads", "size", out="target", axis=0),
        node("Reshape", "q", "target", out="q4"),
        node("Reshape", "k", "target", out="k4"),
        node("Transpose", "q4", out="qt", perm=[0, 2, 1, 3]),
        node("Transpose", "k4", out="kt", perm=[0, 2, 3, 1]),
        node("MatMul", "qt", "kt", out="scores"),
        # A mask as exporters expand it: data propagation of shape inference stops here.
        node("ConstantOfShape", "one", out="ones", value=constant("", value=[1], dtype=np.int64)),
        node("Equal", "target", "target", out="same"),
        node("Where", "same", "target", "target", out="chosen"),
        node("Mul", "chosen", "ones", out="again"),
        node("Reshape", "q4", "again", out="q5"),
        node("Add", "q5", "q4", out="z"),
        node("Softmax", "scores"),
    ]
    constants.append(constant("one", value=[4], dtype=np.int64))
    made = model(nodes, {"x": ["batch", "seq", 8]}, constants, outputs=("y", "z"))
    found = {each.name: each for each in read(made, ":batch=3,seq=5").workload.operators}
    scores = found["MatMul_scores"]
    assert (scores.batch, scores.m, scores.n, scores.k) == (3 * 2, 5, 5, 4)
    assert scores.second_operand == "activations"
    assert scores.inputs == ("Transpose_qt", "Transpose_kt")
    assert (found["Softmax_y"].rows, found["Softmax_y"].cols) == (30, 5)
    assert (found["Add_z"].elements, found["Add_z"].operands) == (3 * 5 * 8, 2)
    assert set(found) == {
        "MatMul_q", "MatMul_k", "Transpose_qt", "Transpose_kt", "MatMul_scores", "Softmax_y",
        "Add_z",
    }  # fmt: skip


def test_functions_of_the_model_are_expanded(read):
    body = helper.make_function(
        "own", "Twice", ["a"], ["b"],
        [helper.make_node("Relu", ["a"], ["r"]), helper.make_node("Neg", ["r"], ["b"])],
        [helper.make_opsetid("", OPSET)],
    )  # fmt: skip
    made = model([helper.make_node("Twice", ["x"], ["y"], domain="own")], X, domains=["own"])
    made.functions.append(body)
    assert [each.op for each in read(made).workload.operators] == ["act", "act"]
