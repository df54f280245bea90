"""ONNX files that are wrong: one message that names file, node and remedy."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from arch.errors import InputError
from traces.workload import load


def weights(name, *shape):
    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


def model(nodes, shape=(1, 4, 6, 6), constants=(), opset=18, domains=()):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info("y")],
        list(constants),
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=imports)


def node(kind, *reads, out="y", **attributes):
    return helper.make_node(kind, list(reads), [out], name="it", **attributes)


CONV = [node("Conv", "x", "w")]
WEIGHTS = [weights("w", 8, 4, 3, 3)]
SMALL = model(
    [
        node("Conv", "x", "w", out="c", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], name="act"),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Shape", ["p"], ["s"]),
        helper.make_node("Reshape", ["p", "flat"], ["f"]),
        helper.make_node("Gemm", ["f", "v"], ["g"], transB=1),
        helper.make_node("Softmax", ["g"], ["y"], axis=-1),
    ],
    constants=[
        *WEIGHTS,
        weights("v", 5, 72),
        numpy_helper.from_array(np.array([1, -1], np.int64), "flat"),
    ],
).SerializeToString()


@pytest.fixture
def refused(tmp_path):
    def check(made, reason, **keywords):
        path = tmp_path / "m.onnx"
        path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
        with pytest.raises(InputError, match=f"(?s){reason}") as caught:
            load(path, **keywords)
        assert "m.onnx: " in str(caught.value)
        assert "\n" not in str(caught.value)

    return check


def test_the_small_model_is_sound(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(SMALL)
    assert [each.kind for each in load(path).workload.operators] == [
        "Conv2d", "Elementwise", "Pool", "Gemm", "Softmax",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (SMALL[: len(SMALL) // 2], "is damaged, cut short or not an ONNX model"),
        (b"\x89PNG\r\n\x1a\n" * 20, "is damaged, cut short or not an ONNX model"),
        (b"name: network\n", "not an ONNX model"),
        (onnx.ModelProto(ir_version=8).SerializeToString(), "is not an ONNX model, or one without"),
        (model(CONV, constants=WEIGHTS).graph.SerializeToString(), "not an ONNX model|nodes"),
    ],
)
def test_not_a_model(refused, data, reason):
    refused(data, reason)


def test_no_operator_set(refused):
    made = model(CONV, constants=WEIGHTS)
    del made.opset_import[:]
    refused(made, "does not say which ONNX operator set it uses")


def test_nothing_that_computes(refused):
    refused(model([node("Reshape", "x", "s")], constants=[weights("s", 1)]), "holds no operator")
    refused(model([node("Identity", "x")]), "holds no operator that computes anything")


def branch(name):
    return helper.make_graph(
        [helper.make_node("Neg", ["x"], [name])], name, [],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 6, 6])],
    )  # fmt: skip


@pytest.mark.parametrize("condition", ["c", "x"])
def test_control_flow(tmp_path, refused, condition):
    chosen = numpy_helper.from_array(np.array(True), "c")
    both = {"then_branch": branch("t"), "else_branch": branch("e")}
    nodes = [
        helper.make_node("Cast", ["x"], ["b"], to=TensorProto.BOOL),
        node("If", "b" if condition == "x" else "c", out="i", **both),
        helper.make_node("Relu", ["i"], ["y"], name="after"),
    ]
    made = model(nodes, constants=[chosen])
    refused(made, r"node 'it' \(If\): operator If is control flow; --skip-unknown drops")
    path = tmp_path / "m.onnx"
    path.write_bytes(made.SerializeToString())
    workload, notes = load(path, skip_unknown=True)
    assert [each.name for each in workload.operators] == ["after"]
    assert len(notes) == 1
    assert "node 'it' (If): operator If is control flow and was skipped" in notes[0]


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (model([node("Einsum", "x", "x", equation="abcd,abcd->abcd")]), "operator Einsum is not"),
        (model([node("ConvTranspose", "x", "w")], constants=WEIGHTS), "operator ConvTranspose is"),
        (model([node("LSTM", "x", "w", "w")], constants=WEIGHTS), "operator LSTM is not known"),
        (
            model([node("FastGelu", "x", domain="com.microsoft")], domains=["com.microsoft"]),
            "operator FastGelu of com.microsoft is not known here",
        ),
        (
            model([node("Relu", "x", domain="elsewhere")], domains=["elsewhere"]),
            "operator Relu of elsewhere is not known here",
        ),
        (model([node("NoSuchThing", "x")]), "NoSuchThing"),
    ],
)
def test_unknown_operators(refused, made, what):
    refused(made, what)


def test_skipping_passes_dependencies_through_and_says_so(tmp_path):
    nodes = [
        node("Conv", "x", "w", out="c"),
        helper.make_node("Odd", ["c"], ["o"], name="odd", domain="elsewhere"),
        helper.make_node("Relu", ["o"], ["y"], name="after"),
    ]
    made = model(nodes, constants=WEIGHTS, domains=["elsewhere"])
    made.graph.value_info.append(
        helper.make_tensor_value_info("o", TensorProto.FLOAT, [1, 8, 4, 4])
    )
    path = tmp_path / "m.onnx"
    path.write_bytes(made.SerializeToString())
    workload, notes = load(path, skip_unknown=True)
    assert [(each.name, each.inputs) for each in workload.operators] == [
        ("it", ()),
        ("after", ("it",)),
    ]
    assert len(notes) == 1
    assert (
        "node 'odd' (Odd): operator Odd of elsewhere is not known here and was skipped" in notes[0]
    )
    del made.graph.value_info[:]
    path.write_bytes(made.SerializeToString())
    with pytest.raises(InputError, match=r"node 'after' \(Relu\): the shape of 'y' is not known"):
        load(path, skip_unknown=True)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (
            model([node("Conv", "x", "w")], (1, 4, 6, 6, 6), [weights("w", 8, 4, 3, 3, 3)]),
            r"node 'it' \(Conv\): is three-dimensional \(6 x 6 x 6\); only one and two",
        ),
        (
            model([node("MaxPool", "x", kernel_shape=[2, 2, 2])], (1, 4, 6, 6, 6)),
            r"\(MaxPool\): is three-dimensional",
        ),
        (model([node("Conv", "x", "w", group=3)], constants=WEIGHTS), "4 channels, its weights 4"),
        (model([node("Conv", "x", "w", group=0)], constants=WEIGHTS), "m.onnx: "),
        (model([node("Conv", "x", "w", strides=[0, 1])], constants=WEIGHTS), "strides|m.onnx"),
        (
            model([node("Conv", "x", "w", auto_pad="SAME")], constants=WEIGHTS),
            "auto_pad must be NOTSET, SAME_UPPER, SAME_LOWER or VALID, not 'SAME'|not known",
        ),
        (model([node("Conv", "x", "w", strides="no")], constants=WEIGHTS), "it.*Conv"),
        (model([node("Conv", "x", "w", pads=[1, 1])], constants=WEIGHTS), "pads|not known"),
        (
            model([node("Conv", "x", "w", pads=[-1] * 4)], constants=WEIGHTS),
            "pads must not contain neg",
        ),
        (
            model([node("Conv", "x", "w")], (1, 4, 2, 2), WEIGHTS),
            "spans 3 on axis 2, more than .* of 2",
        ),
        (model([node("Conv", "x", "gone")]), r"reads 'gone', which nothing before it produces"),
        (model([node("Conv", "x")]), r"m\.onnx: "),
        (model([node("MatMul", "x", "w")], (3, 5), [weights("w", 4, 2)]), "m.onnx: .*MatMul|diffe"),
        (model([node("MatMul", "x", "w")], (2, 3, 4), [weights("w", 3, 4, 2)]), "m.onnx: "),
        (model([node("Gemm", "x", "w")], (2, 3, 4), [weights("w", 4, 2)]), "m.onnx: "),
        (
            model([node("Relu", "x")], (2**30, 2**30)),
            r"node 'it' \(Relu\): elements: .*less than or equal to 1099511627776",
        ),
        (
            model([node("MatMul", "x", "w")], (2**20, 2**20), [weights("w", 2**20, 0)]),
            "holds no operator",
        ),
        (model([node("NonZero", "x", out="n"), node("Neg", "n")]), "'n?y?'|NonZero"),
    ],
)
def test_impossible_sizes(refused, made, reason):
    refused(made, reason)


def test_products_that_overflow(refused):
    made = model([node("MatMul", "x", "w")], (2**29, 2**20), [weights("w", 1, 1)])
    made.graph.initializer[0].dims[:] = [2**20, 2**20]
    refused(made, r"\(MatMul\): .*more than 2\^58")


def test_names_that_are_not_text(refused):
    refused(SMALL.replace(b"act", b"\xff\xfe\xfd"), "it holds a name that is not text")


def test_missing_external_weights_do_not_matter(tmp_path):
    made = model(CONV, constants=WEIGHTS)
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    path = tmp_path / "m.onnx"
    path.write_bytes(made.SerializeToString())
    (operator,) = load(path).workload.operators
    assert operator.macs == 4 * 4 * 8 * 4 * 9


def attempt(folder, data, **keywords):
    path = folder / "m.onnx"
    path.write_bytes(data)
    said = "m.onnx"
    try:
        assert load(path, **keywords).workload.operators
    except InputError as error:
        said = str(error)
    assert "m.onnx" in said or "m: batch" in said


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("onnx")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_bytes_load_or_are_refused(folder, data):
    damaged = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    attempt(folder, bytes(damaged), skip_unknown=data.draw(st.booleans()))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400), st.integers(0, len(SMALL)))
def test_random_and_cut_bytes_load_or_are_refused(folder, noise, length):
    attempt(folder, noise)
    attempt(folder, SMALL[:length] + noise[:10])


INTEGERS = st.sampled_from([-(2**63), -(2**31), -2, -1, 0, 1, 2, 3, 7, 2**31, 2**40, 2**63 - 1])
KIND_NAMES = """Conv Gemm MatMul Transpose Reshape Softmax ReduceMean LRN Pad Gather Shape Concat
    Split If Resize Tile Expand Range Slice Squeeze Pow GlobalMaxPool LayerNormalization QLinearConv
    MaxPool AveragePool Constant ConstantOfShape Size GroupNormalization BatchNormalization
    DepthToSpace Where"""
KINDS = st.sampled_from(KIND_NAMES.split())


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damaged_models_load_or_are_refused(folder, data):
    """Well-formed files that say nonsense get further than damaged bytes."""
    made = onnx.ModelProto.FromString(SMALL)
    for _ in range(data.draw(st.integers(1, 3))):
        victim = data.draw(st.sampled_from(list(made.graph.node)))
        what = data.draw(st.integers(0, 6))
        if what == 0:
            victim.op_type = data.draw(KINDS)
        elif what == 1 and victim.input:
            index = data.draw(st.integers(0, len(victim.input) - 1))
            victim.input[index] = data.draw(st.sampled_from(["", "x", "w", "flat", "c", "y", "?"]))
        elif what == 2:
            del victim.output[:]
        elif what == 3:
            tensor = data.draw(st.sampled_from(list(made.graph.initializer)))
            tensor.dims[data.draw(st.integers(0, len(tensor.dims) - 1))] = data.draw(INTEGERS)
        elif what == 4:
            name = data.draw(
                st.sampled_from(["axis", "group", "perm", "pads", "ceil_mode", "axes"])
            )
            value = data.draw(st.one_of(INTEGERS, st.lists(INTEGERS, min_size=1, max_size=4)))
            victim.attribute.append(helper.make_attribute(name, value))
        elif what == 5:
            dims = made.graph.input[0].type.tensor_type.shape.dim
            dims[data.draw(st.integers(0, 3))].dim_value = data.draw(INTEGERS)
        else:
            made.opset_import[0].version = data.draw(st.sampled_from([1, 6, 7, 11, 13, 21, 99]))
    attempt(folder, made.SerializeToString(), batch=data.draw(st.sampled_from([None, 1, 5])))
