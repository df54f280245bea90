"""Products of a co-processor as cocotbext-axi sees them, judged by NumPy and the rules of folds."""

import pytest
from coprocessor_outside import Built, chosen
from coprocessor_work import (
    OKAY,
    Step,
    Work,
    beats_taken,
    bits,
    counters,
    engine_work,
    feed,
    finished,
    frames_of,
    integer_work,
    judged,
    start,
)

from arch.array import Array
from arch.mac.engine import Engine
from rtl.coprocessor import Coprocessor
from rtl.coprocessor.registers import table

ARRAYS = {
    "os": Array(rows=3, cols=2, dataflow="os", pe_latency_cycles=2),
    "os full": Array(rows=2, cols=3, dataflow="os", edge_folds="full", drain="serial"),
    "engine": Array(rows=2, cols=1, dataflow="os", pe_latency_cycles=2, engine=Engine()),
    "ws": Array(rows=2, cols=3, dataflow="ws", accumulator_rows=4),
    "is": Array(
        rows=3, cols=2, dataflow="is", accumulator_rows=2, operand_format="int4",
        accumulator_format="int16", weight_load="serial",
    ),
}  # fmt: skip
SHAPES = ((1, 1, 1), (3, 2, 5), (7, 5, 3), (4, 6, 1), (2, 1, 9), (5, 4, 4), (1, 3, 2), (3, 3, 7))
EVERYTHING = ("left", "top", "result", "aw", "w", "b", "ar", "r")


@pytest.fixture(scope="module", params=list(ARRAYS))
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    array = ARRAYS[request.param]
    folder = tmp_path_factory.mktemp("coprocessor")
    built = Built(array, Coprocessor(array), chosen(request.param), folder)
    built.run_ahead(CHECKS)
    return built


def products(component: Coprocessor, array: Array, first: int = 0) -> list[Work]:
    """Products of all shapes; those of an engine each in another mode and format."""
    works = []
    for i, shape in enumerate(SHAPES[first:], first):
        if array.engine is None:
            works.append(integer_work(component, array, *shape, i))
        else:
            choices = len(array.engine.modes), len(array.engine.results)
            mode, result = i % choices[0], (3 * i + i // choices[0]) % choices[1]
            works.append(engine_work(component, array, shape, mode, result))
    return works


def test_products_at_full_rate(built: Built) -> None:
    """All queued before the first operand comes: the beats are those of the rules of folds."""
    array, component = built.array, built.component
    works = products(component, array)
    program = [step for work in works for step in start(component, work)]
    program += [step for work in works for step in feed(work)]
    program += [["receive"]] * len(works) + [finished(component)]
    program += [*counters(component), ["pending"]]
    seen = built.run([program])[0]
    writes, frames, rest = seen[: 6 * len(works)], seen[6 * len(works) : 7 * len(works)], seen[-7:]
    assert writes == [OKAY] * len(writes)
    judged(works, frames)
    values = [value for response, value in rest[:-1] if response == OKAY]
    beats, stalled_input, stalled_output, ended, errors, status = values
    assert beats == beats_taken(array, works)
    assert stalled_input > 0, "the operands came late"
    assert stalled_output == 0
    assert ended == len(works)
    assert errors == 0
    assert status == bits(component, "STATUS", "done")
    assert rest[-1] == 0


def test_products_with_pauses_on_all_sides(built: Built) -> None:
    """Stalls change no beat: all products are queued before the first operand."""
    array, component = built.array, built.component
    programs, all_works = [], []
    for seed, often in ((1, 4), (2, 8), (3, 13)):
        works = products(component, array, seed)
        names = [*EVERYTHING, *(("partial",) if array.dataflow != "os" else ())]
        program: list[Step] = [
            ["pause", name, 100 * seed + i, often + 2 * (name == "result")]
            for i, name in enumerate(names)
        ]
        program += [step for work in works for step in start(component, work)]
        program += [step for work in works for step in feed(work)]
        program += [["receive"]] * len(works) + [finished(component), *counters(component)]
        programs.append(program)
        all_works.append(works)
    stalls = []
    for works, seen in zip(all_works, built.run(programs), strict=True):
        judged(works, frames_of(seen))
        values = [value for _, value in seen[-6:]]
        assert values[0] == beats_taken(array, works)
        stalls.append(values[1:3])
        assert values[3:5] == [len(works), 0]
    assert min(waits for waits, _ in stalls) > 0
    assert sum(blocked for _, blocked in stalls) > 0


def test_products_that_come_one_by_one(built: Built) -> None:
    """Operands wait for their product; with pauses, and the array at rest in between."""
    array, component = built.array, built.component
    works = products(component, array, 2)
    program: list[Step] = [["pause", name, i, 6] for i, name in enumerate(EVERYTHING)]
    early = works[:3]
    program += [step for work in early for step in feed(work)]
    program += [["cycles", 60], ["pending"]]
    for work in early:
        program += [*start(component, work), ["receive"], ["pending"]]
    for work in works[3:]:
        program += [*start(component, work), *feed(work)]
    program += [["receive"]] * len(works[3:]) + [finished(component), *counters(component)]
    seen = built.run([program])[0]
    assert seen[0] == 0, "no product, no result"
    judged(works, frames_of(seen))
    assert [value for _, value in seen[-3:-1]] == [len(works), 0]


CHECKS = (
    test_products_at_full_rate,
    test_products_with_pauses_on_all_sides,
    test_products_that_come_one_by_one,
)


def test_the_table(built: Built) -> None:
    """Fields do not overlap, and their names and addresses are their own."""
    rows = table(built.component.sizes)
    assert [row.address for row in rows] == [4 * i for i in range(len(rows))]
    names = [each.name for row in rows for each in row.fields if each.access != "constant"]
    assert len(names) == len(set(names)), "each is a port"
    for row in rows:
        at = 0
        for field in row.fields:
            assert field.low >= at
            at = field.low + field.width
        assert at <= 32
