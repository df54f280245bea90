"""Compiled emission of matrix products: command by command what plain Python emits."""

from random import Random

import gemm_oracle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenarios import machine_fields, machine_of

from arch.load import load_machine
from arch.mac.engine import Engine
from arch.mac.formats import FORMAT_BITS
from arch.machine import Machine
from arch.vector import VECTOR_OPS
from traces.mapping import systolic
from traces.mapping.gemm import Epilogue, Tensors, emit_product
from traces.mapping.partition import Split
from traces.mapping.precision import Words
from traces.mapping.product import Product, product_of
from traces.mapping.tiling import ORDERS, Tiling
from traces.operators import Conv2d, Gemm
from traces.workload import load

ENGINE = Engine()


def random_machine(random: Random) -> Machine:
    fields = machine_fields(random)
    fields["cores"] = random.choice([1, 1, 2, 3, 7])
    if random.random() < 0.25:
        stays = {"copies": 1, "drain": "serial", "empty_load_cycles": None}
        fields["array"] |= stays | {"dataflow": "os", "engine": ENGINE.model_dump(mode="json")}
        return machine_of(fields)
    fields["array"] |= {
        "operand_format": random.choice(["int4", "int8", "bf16"]),
        "accumulator_format": random.choice(["int32", "fp32"]),
        "output_format": random.choice(["int4", "int8", "int32"]),
    }
    if random.random() < 0.1:
        fields["memory"] = None
    return machine_of(fields)


def random_words(random: Random, machine: Machine) -> Words:
    """How codes lie in words, as a layer might say."""
    if machine.array.engine is None:
        return Words(output_bits=FORMAT_BITS[machine.array.output_format])
    bits = random.choice([4, 8, 16])
    return Words(random.randrange(4), random.choice([1, 2, 4]), random.randrange(4), bits, bits)


def random_product(random: Random, words: Words) -> Product:
    if random.random() < 0.4:
        m, n, k = (random.randint(1, 40) for _ in range(3))
        second = random.choice(["weights", "activations"])
        return product_of(
            Gemm(name="p", m=m, n=n, k=k, batch=random.choice([1, 1, 3, 8]), second_operand=second),
            words.lanes,
            words.output_bits,
        )
    channels = random.choice([1, 3, 4, 12])
    groups = random.choice([each for each in (1, 1, 2, 3, 4, 12) if channels % each == 0])
    return product_of(
        Conv2d(
            name="p",
            batch=random.choice([1, 2, 3]),
            in_h=random.randint(5, 14),
            in_w=random.randint(5, 14),
            channels=channels,
            filters=groups * random.randint(1, 9),
            filt_h=random.randint(1, 3),
            filt_w=random.randint(1, 3),
            stride_h=random.randint(1, 4),
            stride_w=random.randint(1, 4),
            pad_top=random.randint(0, 6),
            pad_left=random.randint(0, 6),
            dilation_h=random.choice([1, 1, 2]),
            dilation_w=random.choice([1, 1, 2]),
            groups=groups,
        ),
        words.lanes,
        words.output_bits,
    )


def part(random: Random, extent: int) -> int:
    """An extent of tiles: the whole of it, or any."""
    return random.choice([extent, random.randint(1, extent), -(-extent // 3)])


def random_tiling(random: Random, product: Product) -> Tiling:
    rows, pixels = part(random, product.rows), part(random, product.row_pixels)
    if rows > product.rows_per_image:
        rows -= rows % product.rows_per_image
    return Tiling(
        groups=part(random, product.groups),
        rows=rows,
        pixels=pixels,
        n=part(random, product.n),
        channels=part(random, product.channels),
        order=random.choice(ORDERS),
        slots=tuple(random.choice([1, 1, 2, 3, 8, 1000]) for _ in range(3)),  # type: ignore[arg-type]
        keeps_sums=random.random() < 0.3,
        pack=random.choice([1, 1, 2, 4]),
        traffic_bytes=0,
        time=0.0,
    )


def random_epilogue(random: Random) -> tuple[Epilogue, Tensors]:
    residuals = tuple(f"r{at}" for at in range(random.choice([0, 0, 1, 2, 3])))
    ops = tuple(random.choice(VECTOR_OPS) for _ in range(random.choice([0, 1, 1, 3])))
    return Epilogue(ops, residuals), Tensors(3, 1, 0, 2, tuple(range(4, 4 + len(residuals))))


def assert_equal_bytes(found: tuple[np.ndarray, ...], expected: tuple[np.ndarray, ...]) -> None:
    for mine, other in zip(found, expected, strict=True):
        assert mine.dtype == other.dtype
        if mine.tobytes() != other.tobytes():
            np.testing.assert_array_equal(mine, other)


@given(seed=st.integers(0, 2**32))
def test_products_have_the_commands_that_plain_python_emits(seed: int) -> None:
    """Any tiles, in any order, in any number of slots."""
    random = Random(seed)
    for _ in range(20):
        machine = random_machine(random)
        words = random_words(random, machine)
        product = random_product(random, words)
        tiling = random_tiling(random, product)
        epilogue, tensors = random_epilogue(random)
        split = Split(*(random.choice([1, 1, 1, 2, 3, 5]) for _ in range(3)))
        arguments = machine, product, tiling, epilogue, tensors, split, words
        assert_equal_bytes(emit_product(*arguments), gemm_oracle.emitted(*arguments))


@pytest.mark.parametrize(
    ("machine", "options", "workload"),
    [
        ("systolic_128", ["array.dataflow=os"], "resnet50"),
        ("systolic_128", ["array.rows=32", "array.cols=32"], "mobilenet_v1"),
        ("tpu_v1", ["cores=2"], "gpt2:prefill=16"),
    ],
)
@pytest.mark.compiled
def test_networks_have_the_commands_that_plain_python_emits(
    machine: str, options: list[str], workload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the tiles that the mapping chooses, beside the operators that are no products."""
    work = load(workload).workload
    fast = list(systolic.lower(work, load_machine(machine, options)))
    monkeypatch.setattr(systolic, "emit_product", gemm_oracle.emitted)
    plain = list(systolic.lower(work, load_machine(machine, options)))
    for step, other in zip(fast, plain, strict=True):
        mine, its = step.trace, other.trace
        assert_equal_bytes(
            (mine.commands, mine.dependencies, mine.tensors),
            (its.commands, its.dependencies, its.tensors),
        )
        assert mine.tensor_names == its.tensor_names
