"""Wavelet meshes against the plain oracle; and the oracle against numbers known by hand."""

import random
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest
import wavelet_pe
from wavelet_cases import EASTWARDS, mesh_of, pe_of, row_of
from wavelet_compare import differences
from wavelet_numbers import decode, encode, multiply_add, rounded
from wavelet_oracle import simulate
from wavelet_traffic import random_case

from traces.mesh import commands as c

TYPES = {"fp16": np.float16, "bf16": ml_dtypes.bfloat16, "fp32": np.float32}
WORDS = {"fp16": np.uint16, "bf16": np.uint16, "fp32": np.uint32}


@pytest.mark.compiled
@pytest.mark.parametrize("seed", range(80))
def test_any_program_equals_the_oracle(seed: int) -> None:
    mesh, program = random_case(random.Random(seed))
    _, found = differences(mesh, program, forced=seed % 2 == 1, backwards=seed % 4 > 1)
    assert not found


@pytest.mark.compiled
def test_a_cycle_more_anywhere_is_seen() -> None:
    mesh = mesh_of(width=2, height=1)
    program = row_of([pe_of(c.send(0, 30, 0)), pe_of(c.recv(0, 30, 0))], EASTWARDS)
    assert differences(mesh, program) == ("done", [])
    cycles = {simulate(program, mesh).cycles}
    for name in ("hop_cycles", "ramp_cycles", "ramp_down_wavelets"):
        changed = mesh.model_copy(update={name: getattr(mesh, name) - (name[-1] == "s") or 2})
        cycles.add(simulate(program, changed).cycles)
    assert len(cycles) == 4


@pytest.mark.parametrize("name", TYPES)
def test_rounding_is_that_of_numpy(name: str) -> None:
    draw = np.random.default_rng(1)
    span = {"fp16": 22, "bf16": 130, "fp32": 140}[name]
    wide = draw.standard_normal(4000) * 2.0 ** draw.integers(-span, span, 4000)
    bits = {"fp16": 13, "bf16": 10, "fp32": 26}[name]
    # Few bits: ties, and what bfloat16's way over float32 rounds once too.
    wide = np.ldexp(np.round(np.ldexp(np.frexp(wide)[0], bits)), np.frexp(wide)[1] - bits)
    with np.errstate(over="ignore"):
        wanted = wide.astype(np.float32).astype(TYPES[name])
        wanted = wide.astype(TYPES[name]) if name != "bf16" else wanted
    keep = np.abs(wide) > (2.0**-120 if name == "bf16" else 0)
    for value, number in zip(wide[keep].tolist(), wanted[keep], strict=True):
        assert rounded(value, name) == float(number)
    words = draw.integers(0, 2 ** (32 if name == "fp32" else 16), 3000).astype(WORDS[name])
    for word, number in zip(words.tolist(), words.view(TYPES[name]), strict=True):
        assert decode(word, name) == float(number) or np.isnan(float(number))
        if not np.isnan(float(number)):
            assert encode(decode(word, name), name) == word


def test_a_product_and_a_sum_are_rounded_once() -> None:
    near = 1 + 2.0**-12
    assert multiply_add(near, near, -1 - 2.0**-11, "fp32") == 2.0**-24
    # A tie but for 2^-10, which a double at 2^60 loses.
    a, b, c = 2.0**18 + 2.0**-5, 2.0**18 - 2.0**-5, 2.0**60 + 2.0**37
    assert multiply_add(2.0**18, 2.0**18, c, "fp32") == 2.0**60 + 2.0**38
    assert multiply_add(a, b, c, "fp32") == c
    assert multiply_add(2.0**-20, 2.0**-30, 1 + 2.0**-11, "fp16") == 1 + 2.0**-10
    assert multiply_add(2.0**-20, -(2.0**-30), 1 + 2.0**-11, "fp16") == 1
    assert str(multiply_add(-1.0, 0.0, 0.0, "fp32")) == "0.0"
    assert str(multiply_add(-1.0, 0.0, -0.0, "fp32")) == "-0.0"


def test_a_wavelet_to_the_neighbour() -> None:
    """Put in cycle 0, to its router, a hop, and down: used 2 T_R + 2 later."""
    program = row_of([pe_of(c.send(0, 1, 0)), pe_of(c.recv(0, 1, 0), c.mark(3))], EASTWARDS)
    run = simulate(program, mesh_of())
    assert (run.outcome, run.cycles, run.marks) == ("done", 7, {(1, 3): [7]})
    assert run.links.tolist() == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1]]
    assert run.accounts.tolist() == [[0, 1, 0, 0, 0, 0, 0, 0, 6], [0, 1, 0, 6, 0, 0, 0, 0, 0]]


def test_overheads_and_what_computes() -> None:
    costs = {
        "task_cycles": 2, "fabric_cycles": 3, "fma_cycles": 4, "vec_cycles": 7,
        "callback_millicycles": 400,
        "loop_cycles": 5, "function_cycles": 6,
    }  # fmt: skip
    commands = (c.fma(9, 0, 0, 0, count=3), c.loop(0, 2), c.delay(10), c.mark(0))
    run = simulate(row_of([pe_of(*commands)], [{}]), mesh_of(pe={"costs": costs}))
    # 2 turns of 4 + ceil(1.2) and 3 vectors of 3 cycles, a turn back of 5, a task of 2.
    assert run.marks == {(0, 0): [2 + 2 * 15 + 5 + 10]}
    assert run.accounts.tolist() == [[18, 0, 2 + 12 + 5, 0, 0, 0, 10, 0, 0]]


def test_a_deadlock_and_two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wavelet_pe, "CHAIN", 1000)
    ends = [pe_of(c.send(0, 1, 0)), pe_of(c.recv(0, 4, 0))]
    run = simulate(row_of(ends, EASTWARDS), mesh_of())
    assert (run.outcome, run.at, run.cycles) == ("deadlock", 7, 7)
    assert run.stuck == [(1, 0, 0, 0, "wavelets")]
    both = pe_of(c.recv(0, 4, 0, slot=1), c.delay(3), c.recv(0, 4, 0, slot=2))
    run = simulate(row_of([ends[0], both], EASTWARDS), mesh_of())
    assert (run.outcome, run.at) == ("two at once", 3)
    assert run.stuck == [(1, 2, 0, 2, "new"), (1, 1, 0, 0, "old")]
    busy = replace(both, tasks=(c.task("t", [c.act(0, 0)], active=True),))
    run = simulate(row_of([busy], [{}]), mesh_of())
    assert (run.outcome, run.at) == ("no time", 0)
