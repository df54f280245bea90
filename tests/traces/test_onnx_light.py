"""The nine networks inside the onnx package, against counts made from their shapes alone."""

from collections import Counter
from math import prod
from pathlib import Path

import onnx
import pytest

from traces.operators import Conv2d, Elementwise, Gemm, Move, Norm, Pool, Softmax
from traces.workload import LIGHT_ONNX, load

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"

TOTAL = {
    "alexnet": 654_560_384,
    "densenet121": 2_834_161_664,
    "inception_v1": 1_431_556_352,
    "inception_v2": 2_018_851_840,
    "resnet50": 4_089_184_256,
    "shufflenet": 124_664_528,
    "squeezenet": 349_151_936,
    "vgg19": 19_632_062_464,
    "zfnet512": 1_481_727_008,
}
PUBLISHED_G = {
    # Billions of multiply-adds, torchvision's model tables (GFLOPS of the same networks).
    "densenet121": 2.83,
    "resnet50": 4.09,
    "squeezenet": 0.35,
    "vgg19": 19.63,
}
KINDS = {
    "Conv": Conv2d,
    "Gemm": Gemm,
    "Relu": Elementwise,
    "Sum": Elementwise,
    "BatchNormalization": Norm,
    "LRN": Norm,
    "MaxPool": Pool,
    "AveragePool": Pool,
    "GlobalAveragePool": Pool,
    "Softmax": Softmax,
    "Transpose": Move,
    "Mul": Elementwise,
    "Add": Elementwise,
}


@pytest.fixture(scope="module", params=sorted(LIGHT_ONNX))
def network(request):
    model = onnx.load(FOLDER / f"{LIGHT_ONNX[request.param]}.onnx")
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {
        info.name: [dim.dim_value for dim in info.type.tensor_type.shape.dim]
        for info in (*inferred.value_info, *inferred.output, *inferred.input)
    }
    shapes |= {each.name: list(each.dims) for each in inferred.initializer}
    return request.param, model.graph, shapes, load(request.param)


def test_products(network):
    name, graph, shapes, loaded = network
    expected = {}
    for node in graph.node:
        title = node.name or node.output[0]
        if node.op_type == "Conv":
            kernel = shapes[node.input[1]]
            expected[title] = prod(shapes[node.output[0]]) * prod(kernel[1:])
        elif node.op_type == "Gemm":
            expected[title] = prod(shapes[node.output[0]]) * shapes[node.input[0]][1]
    found = {
        each.name: each.macs
        for each in loaded.workload.operators
        if isinstance(each, Conv2d | Gemm)
    }
    assert found == expected
    assert sum(found.values()) == TOTAL[name]
    if name in PUBLISHED_G:
        assert sum(found.values()) / 1e9 == pytest.approx(PUBLISHED_G[name], abs=0.006)


def test_vector_work_covers_each_result_once(network):
    _, graph, shapes, loaded = network
    found = {each.name: each for each in loaded.workload.operators}
    constants = {each.name for each in graph.initializer}
    seen = Counter()
    for node in graph.node:
        if all(each in constants for each in node.input):
            constants.update(node.output)
            continue
        each = found.get(node.name or node.output[0])
        if node.op_type not in KINDS:
            assert each is None
            continue
        seen[node.op_type] += 1
        assert isinstance(each, KINDS[node.op_type])
        if not isinstance(each, Conv2d | Gemm):
            assert each.elements == prod(shapes[node.output[0]])
        if node.op_type == "Sum":
            assert each.operands == len(node.input)
    assert sum(seen.values()) == len(found)


def test_dependencies_lead_back_to_the_image(network):
    name, graph, _, loaded = network
    operators = {each.name: each for each in loaded.workload.operators}
    without = [each for each in operators.values() if not each.inputs]
    readers = {tensor for node in graph.node for tensor in node.input}
    (image,) = (
        each.name
        for each in graph.input
        if each.name not in {constant.name for constant in graph.initializer}
    )
    assert image in readers
    assert len(without) == 1, name
    last = loaded.workload.operators[-1]
    reached, todo = set(), [last.name]
    while todo:
        title = todo.pop()
        if title not in reached:
            reached.add(title)
            todo.extend(operators[title].inputs)
    assert reached == set(operators)


def test_nothing_is_skipped_and_the_source_is_named(network):
    name, _, _, loaded = network
    assert loaded.notes == ()
    assert loaded.workload.name == name
    assert loaded.workload.source.startswith(f"{LIGHT_ONNX[name]}.onnx of the onnx ")


def test_a_batch_multiplies_products_and_shares_weights(network):
    name, _, _, loaded = network
    batch = load(name, batch=16).workload
    for one, many in zip(loaded.workload.operators, batch.operators, strict=True):
        if isinstance(one, Conv2d | Gemm):
            assert (many.macs, many.n, many.k) == (16 * one.macs, one.n, one.k)
            assert many.m == 16 * one.m
        else:
            assert many.elements == 16 * one.elements


def test_resnet_stem():
    """The first layers by hand: 7 x 7 stride 2 padding 3, then 3 x 3 stride 2 padding 1."""
    conv, norm, act, pool = load("resnet50").workload.operators[:4]
    assert (conv.in_h, conv.channels, conv.filt_h, conv.stride_h) == (224, 3, 7, 2)
    assert {conv.pad_top, conv.pad_left, conv.pad_bottom, conv.pad_right} == {3}
    assert (conv.out_h, conv.out_w, conv.filters, conv.inputs) == (112, 112, 64, ())
    assert (norm.op, norm.rows, norm.cols, norm.inputs) == ("batch", 64, 112 * 112, (conv.name,))
    assert (act.op, act.inputs) == ("act", (norm.name,))
    assert (pool.op, pool.filt_h, pool.stride_h, pool.out_h, pool.channels) == ("max", 3, 2, 56, 64)


def test_alexnet_has_groups():
    convolutions = [each for each in load("alexnet").workload.operators if isinstance(each, Conv2d)]
    assert [each.groups for each in convolutions] == [1, 2, 1, 2, 2]
    assert (convolutions[1].m, convolutions[1].n, convolutions[1].k) == (26 * 26, 128, 5 * 5 * 48)
