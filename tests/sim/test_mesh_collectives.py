"""Collectives: cycles of the published models, sums in the declared order, wavelets conserved."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from wavelet_cases import mesh_of
from wavelet_oracle import simulate
from wavelet_sums import ktree_cycles, left, model

from arch.errors import InputError
from arch.mesh.program import Combine
from sim.mesh.wavelet_run import run_program
from traces.mapping.mesh import COLLECTIVES, collective
from traces.mesh.check import check_program

TYPES: dict[str, Any] = {"fp16": np.float16, "fp32": np.float32}


def drawn(height: int, width: int, elements: int, format: str) -> np.ndarray:
    """Numbers of the format whose sums are rounded."""
    draw = np.random.default_rng(width * 1000 + height * 100 + elements)
    numbers = draw.standard_normal((height, width, elements)) * 2.0 ** draw.integers(-3, 4)
    return numbers.astype(TYPES[format])


def combined(combine: Combine) -> Any:
    return np.add if combine == Combine.ADD else np.maximum


@pytest.mark.parametrize("kind", COLLECTIVES)
@pytest.mark.parametrize("places", [2, 3, 4, 7, 9])
def test_a_row_on_the_oracle(kind: str, places: int) -> None:
    for elements, format, combine in (
        (1, "fp32", Combine.ADD), (13, "fp16", Combine.ADD), (32, "fp16", Combine.ADD),
        (5, "fp16", Combine.MAX), (16, "fp32", Combine.ADD),
    ):  # fmt: skip
        numbers = drawn(1, places, elements, format)
        program = collective(
            kind, places, 1, elements, format=format, combine=combine,
            values=numbers.astype(np.float32),
        )  # fmt: skip
        mesh = mesh_of(width=places, height=1)
        check_program(program, mesh)
        run = simulate(program, mesh)
        wavelets = elements if format == "fp32" else -(-elements // 2)
        assert run.outcome == "done"
        assert run.left == 0
        wanted = model(kind, places, wavelets)
        assert wanted is None or run.cycles == wanted, (elements, format)
        total = left(kind, numbers[0], combined(combine)).astype(float).tolist()
        whose = range(places) if "all" in kind or kind == "broadcast" else [0]
        assert all(run.memory[place] == total for place in whose), (elements, format)


@pytest.mark.parametrize("kind", COLLECTIVES)
@pytest.mark.parametrize("axis", ["y", "both"])
def test_columns_and_both_on_the_oracle(kind: str, axis: Any) -> None:
    width, height, elements = 3, 4, 6
    numbers = drawn(height, width, elements, "fp16")
    program = collective(
        kind, width, height, elements, axis=axis, values=numbers.astype(np.float32)
    )
    mesh = mesh_of(width=width, height=height)
    check_program(program, mesh)
    run = simulate(program, mesh)
    assert (run.outcome, run.left) == ("done", 0)
    memory = np.array(run.memory).reshape(height, width, elements)
    everywhere = "all" in kind or kind == "broadcast"
    if axis == "y":
        totals = np.array([left(kind, numbers[:, x], np.add) for x in range(width)])
        rows = memory if everywhere else memory[:1]
        assert (rows == totals).all()
        return
    rows_done = np.array([left(kind, row, np.add) for row in numbers])
    total = left(kind, rows_done, np.add)
    assert (memory == total).all() if everywhere else (memory[0, 0] == total).all()
    if kind == "broadcast":
        assert run.cycles == elements // 2 + width + height - 2 + 2 * 2 + 1


SIZES = {
    "chain": (2, 31, 512), "tree": (2, 64, 512), "two_phase": (4, 100, 484),
    "broadcast": (2, 77, 512), "ktree_allreduce": (4, 81, 484), "star": (2, 60),
    "chain_allreduce": (2, 300), "ring_allreduce": (2, 24),
}  # fmt: skip


PUBLISHED = "HPDC 2024 (Luczynski et al.)"
"""Of those that its models speak of; ``ring_allreduce`` sends and receives in slots of its own."""
MARKS = {
    kind: pytest.mark.validates(
        "wavelet.kind=wavelet", "wavelet.link_bits=32", "wavelet.width", *more, by=PUBLISHED
    )
    for kind, more in {
        "chain": (), "tree": (), "two_phase": (), "broadcast": (),
        "ring_allreduce": ("wavelet.slots",),
    }.items()
}  # fmt: skip


@pytest.mark.compiled
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=MARKS.get(kind, ())) for kind in SIZES])
def test_long_rows_cost_what_the_models_say(kind: str) -> None:
    for places, wavelets in product(SIZES[kind], (1, 6, 24, 256)):
        program = collective(kind, places, 1, wavelets, format="fp32")
        run = run_program(mesh_of(width=places, height=1), program)
        wanted = model(kind, places, wavelets)
        assert wanted is None or run.cycles == wanted, (places, wavelets)
        counts = run.counts
        assert counts["left"] == 0
        assert counts["sent"] + counts["copied"] == counts["taken"] + counts["absorbed"]


@pytest.mark.compiled
@pytest.mark.parametrize(("places", "groups"), [(360, 18), (420, 20), (540, 20), (720, 24)])
def test_the_two_way_k_tree_of_waferllm(places: int, groups: int) -> None:
    """Of its sizes. For short vectors the sum of its phases, in which the middle of an odd group,
    whose sides come at once, merges 2 B; then they share its ramp too, 1.1 % at most."""
    for wavelets in (1, 3, 6, 7, 20):
        program = collective("ktree_allreduce", places, 1, wavelets, format="fp32", groups=groups)
        cycles = run_program(mesh_of(width=places, height=1), program).cycles
        assert cycles == ktree_cycles(places, groups, wavelets)
        size = places // groups
        centre = groups // 2 * size + size // 2
        phases = (
            size // 2 * 6 + wavelets * (1 + size % 2) + groups // 2 * (size + 5) + wavelets
            + max(centre, places - 1 - centre) + 5 + wavelets
        )  # fmt: skip
        if wavelets <= 6:
            assert 0 <= cycles / phases - 1 < 0.011
            assert cycles == phases or size % 2


def test_what_is_refused() -> None:
    for given, told in (
        (("star", 1, 4, 1), "along x: 1 PEs; must be 2 at least"),
        (("sum", 4, 4, 1), "collective 'sum'; known are star, chain"),
    ):
        with pytest.raises(InputError, match=told):
            collective(*given)
    with pytest.raises(InputError, match="groups 9; must be 0 to 8"):
        collective("ktree_allreduce", 8, 1, 1, groups=9)
