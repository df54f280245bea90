"""Products of a matrix and a vector, bit for bit."""

import numpy as np
import pim_values_oracle as oracle
from hypothesis import given
from hypothesis import strategies as st
from pim_gpt_cases import pim_of

from sim.pim.value_memory import PimMemory
from sim.pim.values import PimValues, run_values
from traces.mapping.pim.aim_gemv import AimRegisters, lower_aim_gemv
from traces.mapping.pim.gemv import lower_gemv
from traces.mapping.pim.geometry import Geometry
from traces.mapping.pim.layout import Allocator, place_matrix

LANES = 16


def draw(seed: int, n: int, k: int, form: str):  # type: ignore[no-untyped-def]
    """A matrix and a vector of numbers of many sizes and both signs."""
    random = np.random.default_rng(seed)
    scale = 2.0 ** random.integers(-6, 6, (n + 1, k))
    values = oracle.stored(random.standard_normal((n + 1, k)) * scale, form)
    return values[:-1], values[-1]


SHAPES = st.tuples(st.integers(1, 90), st.integers(1, 70)) | st.sampled_from(
    [(1, 1), (5, 1024), (3, 1025), (37, 1100), (33, 2100), (2, 3000), (130, 40), (16, 16)]
)


@given(SHAPES, st.sampled_from(["bf16", "fp16"]), st.integers(1, 3), st.integers(0, 2**32),
       st.integers(1, 4))  # fmt: skip
def test_a_product_is_the_oracles(shape, form, channels, seed, block) -> None:  # type: ignore[no-untyped-def]
    n, k = shape
    machine = pim_of("pim_gpt", form, channels)
    layout = place_matrix(Allocator(Geometry.of(machine), "m"), "m", n, k, block)
    matrix, vector = draw(seed, n, k, form)
    memory = PimMemory(machine)
    memory.store_matrix(layout, matrix)
    program = lower_gemv(layout)
    state = PimValues(machine, memory)
    state.set_gprs(program.source, vector)
    run_values(machine, program.trace, memory, state)
    chunk = None if layout.accumulates else 64 * LANES
    expected = oracle.gemv(matrix, vector, form, chunk)
    np.testing.assert_array_equal(state.vector(program.result, n), expected)


@given(SHAPES, st.sampled_from(["bf16", "fp16"]), st.integers(1, 2), st.integers(0, 2**32))
def test_a_product_of_aim_is_the_oracles(shape, form, channels, seed) -> None:  # type: ignore[no-untyped-def]
    n, k = shape
    machine = pim_of("aim", form, channels)
    layout = place_matrix(Allocator(Geometry.of(machine), "m"), "m", n, k)
    matrix, vector = draw(seed, n, k, form)
    memory = PimMemory(machine)
    memory.store_matrix(layout, matrix)
    registers = AimRegisters.apart(layout)
    state = PimValues(machine, memory)
    state.set_gprs(registers.bias, np.zeros(channels * LANES))
    state.set_gprs(registers.source, vector)
    run_values(machine, lower_aim_gemv(layout), memory, state)
    found = state.vector(registers.result, n)
    np.testing.assert_array_equal(found, oracle.gemv(matrix, vector, form))
