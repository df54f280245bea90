"""Layer-adaptive precision: which formats a layer gets, and what is refused."""

from math import prod
from typing import Any

import pytest

from arch.errors import InputError
from arch.load import load_machine, with_overrides
from arch.mac.layer import Formats, LayerFormats
from arch.machine import Machine
from traces.mapping.precision import resolved, words_of
from traces.mapping.systolic import Lowering, lower
from traces.operators import AnyOperator, Conv2d, Elementwise, Gemm, Softmax, Workload


def gemm(name: str, *inputs: str, k: int = 64, **more: Any) -> Gemm:
    return Gemm(name=name, inputs=inputs, m=16, n=32, k=k, **more)


def relu(name: str, *inputs: str, **more: Any) -> Elementwise:
    return Elementwise(name=name, inputs=inputs, op="act", elements=512, **more)


def work(*operators: AnyOperator) -> Workload:
    return Workload(name="w", source="a test", operators=operators)


def npe(*rules: tuple[str, ...], **engine: Any) -> Machine:
    """XR-NPE with rules of (layers, input, weight, output)."""
    machine = load_machine("xr_npe")
    names = ("layers", "input", "weight", "output")
    formats = tuple(LayerFormats(**dict(zip(names, rule, strict=False))) for rule in rules)
    array = machine.array
    if engine:
        array = array.model_copy(update={"engine": array.engine.model_copy(update=engine)})
    mapping = machine.mapping.model_copy(update={"formats": formats})
    return machine.model_copy(update={"mapping": mapping, "array": array})


def formats_of(workload: Workload, machine: Machine) -> dict[str, str]:
    found = {}
    for operator in resolved(workload, machine).operators:
        formats = operator.formats
        assert formats is not None
        found[operator.name] = f"{formats.input} {formats.weight} {formats.output}"
    return found


def test_a_layer_has_its_own_formats_or_those_of_the_first_rule() -> None:
    layers = work(
        gemm("conv1", formats=Formats(input="posit16_1", output="posit8_0")),
        gemm("conv2", "conv1"),
        gemm("head", "conv2"),
    )
    machine = npe(("conv*", "posit8_0"), ("head", "fp4_e2m1"), ("*", "posit16_1"))
    assert formats_of(layers, machine) == {
        "conv1": "posit16_1 posit16_1 posit8_0",
        "conv2": "posit8_0 posit8_0 fp4_e2m1",
        "head": "fp4_e2m1 fp4_e2m1 fp4_e2m1",
    }


def test_a_result_has_the_widest_format_that_is_read_also_behind_vector_operators() -> None:
    layers = work(
        gemm("a"), relu("r", "a"), gemm("narrow", "r"), gemm("wide", "r"), relu("end", "wide")
    )
    machine = npe(("narrow", "fp4_e2m1"), ("wide", "posit16_1"), ("*", "posit8_0"))
    assert formats_of(layers, machine) == {
        "a": "posit8_0 posit8_0 posit16_1",
        "r": "posit16_1 posit16_1 posit16_1",
        "narrow": "fp4_e2m1 fp4_e2m1 fp4_e2m1",
        "wide": "posit16_1 posit16_1 posit16_1",
        "end": "posit16_1 posit16_1 posit16_1",
    }


def test_a_vector_operator_may_name_its_own() -> None:
    layers = work(gemm("a"), relu("r", "a", formats=Formats(input="posit4_1")), gemm("b", "r"))
    found = formats_of(layers, npe(("*", "posit8_0")))
    assert found["a"] == "posit8_0 posit8_0 posit4_1"
    assert found["r"] == "posit4_1 posit4_1 posit8_0"


@pytest.mark.parametrize(
    ("form", "lanes"), [("fp4_e2m1", 4), ("posit4_1", 4), ("posit8_0", 2), ("posit16_1", 1)]
)
@pytest.mark.parametrize("channels", [3, 64, 65])
def test_codes_are_packed_along_the_channels(form: str, lanes: int, channels: int) -> None:
    conv = Conv2d(name="c", in_h=9, in_w=9, channels=channels, filt_h=3, filt_w=3, filters=20)
    machine = npe(("*", form))
    (lowered,) = lower(work(conv), machine)
    words = -(-channels // lanes)
    assert lowered.product is not None
    assert lowered.product.k == 9 * words
    names = dict(zip(lowered.trace.tensor_names, lowered.trace.tensors["bytes"], strict=True))
    assert names["c.ifmap"] == 81 * words * 2
    assert names["c.filter"] == 9 * words * 20 * 2
    assert names["c.ofmap"] == -(-49 * 20 * 16 // lanes // 8)


def test_commands_say_mode_result_and_width() -> None:
    mixed = gemm("g", formats=Formats(input="posit8_0", output="posit16_1"))
    machine = npe(("*", "posit4_1"))
    lowering = Lowering(work(mixed, relu("r", "g"), gemm("h", "r")), machine)
    first, second = (lowering.step(at).trace.commands for at in range(2))
    matmuls = [part[part["m"] > 0] for part in (first, second)]
    assert {tuple(row) for row in matmuls[0][["mode", "result", "output_bits"]]} == {(2, 3, 16)}
    assert {tuple(row) for row in matmuls[1][["mode", "result", "output_bits"]]} == {(1, 1, 4)}
    assert set(first[first["elements"] > 0]["output_bits"]) == {16}


def test_an_array_of_one_format_has_nothing_to_say() -> None:
    (lowered,) = lower(work(gemm("g")), load_machine("systolic_32"))
    for name in ("mode", "result", "output_bits"):
        assert not lowered.trace.commands[name].any()


def test_layers_of_one_shape_in_two_formats_are_two_shapes() -> None:
    machine = npe(("a", "fp4_e2m1"), ("b", "posit16_1"))
    a, b = (step.trace.commands for step in lower(work(gemm("a"), gemm("b")), machine))
    assert a["bytes"].sum() < b["bytes"].sum()


def test_a_vector_operator_moves_what_its_format_takes() -> None:
    def moved(form: str) -> int:
        layers = work(gemm("g"), Softmax(name="s", inputs=("g",), rows=16, cols=32))
        step = Lowering(layers, npe(("*", form))).step(1)
        return int(step.trace.commands["bytes"].sum())

    assert moved("posit16_1") == 2 * moved("posit8_0") == 4 * moved("fp4_e2m1") == 2 * 16 * 32 * 2


REFUSED = [
    (npe(), work(gemm("g")), "layer 'g' names no number formats, which machine 'xr_npe' needs"),
    (
        npe(("*", "posit8_0", "fp4_e2m1")),
        work(gemm("g")),
        "layer 'g': inputs of posit8_0 and weights of fp4_e2m1: the engine has no mode for them; "
        "it has fp4_e2m1, posit4_1, posit8_0, posit16_1",
    ),
    (
        npe(("*", "posit8_0", "posit8_0", "fp16")),
        work(gemm("g")),
        "layer 'g': results of fp16: the engine rounds to fp4_e2m1, posit4_1, posit8_0, "
        "posit16_1; add it to result_formats",
    ),
    (
        npe(("*", "posit8_0"), carry_bits=5),
        work(gemm("g", k=32)),
        "layer 'g': sums of 32 products, of which a quire with 5 carry bits holds 31; --set "
        "array.engine.carry_bits=6",
    ),
    (
        load_machine("systolic_32"),
        work(gemm("g", formats=Formats(input="posit8_0"))),
        "layer 'g': input is posit8_0, but the array of machine 'systolic_32' has int8; give a "
        "machine with array.engine, or leave the formats out",
    ),
]


@pytest.mark.parametrize(("machine", "workload", "told"), REFUSED)
def test_what_cannot_be_is_refused(machine: Machine, workload: Workload, told: str) -> None:
    with pytest.raises(InputError) as caught:
        resolved(workload, machine)
    assert str(caught.value).startswith(told)


def test_the_advice_is_right() -> None:
    advice = str(_refusal(npe(), work(gemm("g"))))
    override = advice.partition("--set ")[2].strip("'")
    machine = with_overrides(npe(), [override])
    assert formats_of(work(gemm("g")), machine)["g"].startswith("posit8_0 posit8_0")
    deep = work(gemm("g", k=70_000))
    override = str(_refusal(npe(("*", "posit8_0")), deep)).partition("--set ")[2]
    assert resolved(deep, with_overrides(npe(("*", "posit8_0")), [override]))


def _refusal(machine: Machine, workload: Workload) -> InputError:
    with pytest.raises(InputError) as caught:
        resolved(workload, machine)
    return caught.value


def test_fixed_formats_may_be_named() -> None:
    layers = work(gemm("g", formats=Formats(input="int8", output="int8")))
    assert resolved(layers, load_machine("systolic_32")) is layers


def test_words_of_a_layer() -> None:
    machine = npe(("*", "posit8_0"))
    (layer,) = resolved(work(gemm("g")), machine).operators
    words = words_of(layer, machine.array)
    assert (words.mode, words.lanes, words.result, words.output_bits) == (2, 2, 2, 8)
    assert prod((words.lanes, 8)) == machine.array.operand_bits


@pytest.mark.parametrize("name", ["fp5", "mxfp8", "posit1_0", "posit8_8"])
def test_formats_that_do_not_exist_or_hold_blocks(name: str) -> None:
    for field in ("input", "weight", "output"):
        with pytest.raises(ValueError, match=name):
            Formats(**{"input": "posit8_0", field: name})
