"""Products as a co-processor's streams carry them, and what must come of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from array_feeder import assemble, operand_vectors
from array_oracle import Fold, _schedule_os, _schedule_ws, fold_shapes
from engine_oracle import packed

from arch.array import Array
from arch.mac.formats import FORMAT_BITS, scalar_named
from arch.mac.ranges import has_nan
from rtl.coprocessor import Coprocessor
from rtl.coprocessor.registers import table
from sim.mac.formats import decode
from sim.mac.matmul import matmul

Step = list[Any]
OKAY, SLVERR = 0, 2


@dataclass
class Work:
    """One product: beats that go in, results that must come out."""

    m: int
    n: int
    k: int
    left: list[bytes]
    top: list[bytes]
    partial: list[bytes]
    judge: Callable[[str, list[int] | None], None]
    """Asserts that TDATA and TUSER of the result are right."""
    mode: int = 0
    result: int = 0
    registers: dict[str, int] = field(default_factory=dict)


def addresses(component: Coprocessor) -> dict[str, int]:
    """Of registers by their names."""
    return {register.name: register.address for register in table(component.sizes)}


def bits(component: Coprocessor, register: str, field: str) -> int:
    """The mask of a field."""
    rows = {row.name: row for row in table(component.sizes)}
    found = {each.name: each for each in rows[register].fields}[field]
    return ((1 << found.width) - 1) << found.low


def beat(words: Sequence[int], octets: int) -> bytes:
    """Lanes of whole bytes, the first lowest."""
    return b"".join(int(word).to_bytes(octets, "little", signed=bool(word < 0)) for word in words)


def lanes(data: bytes, octets: int, *, signed: bool) -> list[int]:
    """The words of a beat."""
    parts = [data[i : i + octets] for i in range(0, len(data), octets)]
    return [int.from_bytes(part, "little", signed=signed) for part in parts]


def wrapped(array: Array, values: Any) -> Any:
    """Sums as the accumulator holds them."""
    bits_of = FORMAT_BITS[array.accumulator_format]
    return (values + (1 << (bits_of - 1))) % (1 << bits_of) - (1 << (bits_of - 1))


def integer_work(component: Coprocessor, array: Array, m: int, n: int, k: int, seed: int) -> Work:
    """A product of random integers, judged by NumPy."""
    random = np.random.default_rng(seed)
    high = 1 << (FORMAT_BITS[array.operand_format] - 1)
    a, b = random.integers(-high, high, (m, k)), random.integers(-high, high, (k, n))
    left, top = operand_vectors(array, a, b, random)
    sizes = component.sizes
    back = returning(array, a, b) if array.dataflow != "os" else []

    def judge(data: str, user: list[int] | None) -> None:
        octets = sizes.result_bytes * sizes.cols
        raw = bytes.fromhex(data)
        beats = [raw[i : i + octets] for i in range(0, len(raw), octets)]
        flags = user[::octets] if user else [0] * len(beats)
        assert len(raw) == octets * len(beats)
        vectors = [lanes(each, sizes.result_bytes, signed=True) for each in beats]
        whole = [vector for vector, flag in zip(vectors, flags, strict=True) if not flag]
        parts = [vector for vector, flag in zip(vectors, flags, strict=True) if flag]
        assert np.array_equal(assemble(array, m, n, whole), wrapped(array, a @ b))
        assert parts == back

    return Work(
        m, n, k,
        [beat(words, sizes.left_bytes) for words in left],
        [beat(words, sizes.top_bytes) for words in top],
        [beat(words, sizes.result_bytes) for words in back],
        judge,
    )  # fmt: skip


def engine_work(
    component: Coprocessor, array: Array, shape: tuple[int, int, int], mode: int, result: int
) -> Work:
    """A product of random codes, judged by ``sim.mac``; with NaR only where it can come out."""
    engine = array.engine
    assert engine is not None
    m, n, k = shape
    chosen, out = engine.modes[mode], engine.results[result]
    random = np.random.default_rng([m, n, k, mode, result])
    codes = [
        random.integers(0, 1 << form.bits, size)
        for form, size in zip(chosen.forms, ((m, k), (k, n)), strict=True)
    ]
    if not has_nan(scalar_named(out)):
        for form, given in zip(chosen.forms, codes, strict=True):
            given[np.isnan(decode(given, form))] = 0
    a, b = codes
    expected = matmul(a, b, chosen.input_format, b_form=chosen.weight, out=out)
    lanes_of = engine.lanes(chosen)
    a_words = packed(a, chosen.forms[0].bits, lanes_of).astype(np.int64)
    b_words = packed(b.T, chosen.forms[1].bits, lanes_of).astype(np.int64).T
    left, top = operand_vectors(array, a_words, b_words, random)
    sizes = component.sizes

    def judge(data: str, user: list[int] | None) -> None:
        octets = sizes.result_bytes * sizes.cols
        raw = bytes.fromhex(data)
        vectors = [
            lanes(raw[i : i + octets], sizes.result_bytes, signed=False)
            for i in range(0, len(raw), octets)
        ]
        assert not user
        assert np.array_equal(assemble(array, m, n, vectors), expected)

    return Work(
        m, n, a_words.shape[1],
        [beat(words, sizes.left_bytes) for words in left],
        [beat(words, sizes.top_bytes) for words in top],
        [], judge, mode, result,
    )  # fmt: skip


def returning(array: Array, a: Any, b: Any) -> list[list[int]]:
    """Partial sums that leave a stationary array and come back, vector after vector."""
    stream, held = (a, b) if array.dataflow == "ws" else (b.T, a.T)
    found: list[list[int]] = []
    if len(stream) <= array.accumulator_rows:
        return found
    for j in range(0, held.shape[1], array.cols):
        block = held[:, j : j + array.cols]
        for i in range(array.rows, held.shape[0], array.rows):
            sums = wrapped(array, stream[:, :i] @ block[:i])
            found += [[*map(int, vector), *[0] * (array.cols - block.shape[1])] for vector in sums]
    return found


def start(component: Coprocessor, work: Work) -> list[Step]:
    """Registers of a product and its start."""
    at = addresses(component)
    given = {"M": work.m, "N": work.n, "K": work.k, "MODE": work.mode, "RESULT": work.result}
    steps: list[Step] = [
        ["write", at[name], value.to_bytes(4, "little").hex()] for name, value in given.items()
    ]
    return [*steps, ["write", at["CONTROL"], "01"]]


def feed(work: Work) -> list[Step]:
    """Its operands, a frame a stream."""
    streams = {"left": work.left, "top": work.top, "partial": work.partial}
    return [["send", name, b"".join(beats).hex()] for name, beats in streams.items() if beats]


def beats_taken(array: Array, works: Sequence[Work]) -> int:
    """Of all products in a row, from the first fold's start until the last result is in the FIFO.

    Under ws and is a result stands in the registers one beat before that.
    """
    schedule = _schedule_os if array.dataflow == "os" else _schedule_ws
    before: Fold | None = None
    for work in works:
        for shape in fold_shapes(array, work.m, work.n, work.k, 1, 1):
            fold = Fold(*shape)
            schedule(array, fold, before)
            before = fold
    assert before is not None
    return before.e + (array.dataflow != "os")


def counters(component: Coprocessor) -> list[Step]:
    at = addresses(component)
    names = ("BEATS", "STALLED_INPUT", "STALLED_OUTPUT", "PRODUCTS", "ERRORS", "STATUS")
    return [["read", at[name]] for name in names]


def finished(component: Coprocessor) -> Step:
    return ["read_until", addresses(component)["STATUS"], bits(component, "STATUS", "busy"), 0]


def judged(works: list[Work], frames: list[Any]) -> None:
    for work, (data, whole, user) in zip(works, frames, strict=True):
        assert whole, "TKEEP of results is of all bytes"
        work.judge(data, user)


def frames_of(seen: list[Any]) -> list[Any]:
    return [each for each in seen if isinstance(each, list) and len(each) == 3]
