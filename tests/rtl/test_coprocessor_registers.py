"""Registers, errors and interrupts of a co-processor, and faults that are planted in it."""

from typing import Any

import pytest
from amaranth.sim import Simulator
from coprocessor_outside import Built, chosen
from coprocessor_work import (
    OKAY,
    SLVERR,
    Step,
    Work,
    addresses,
    beats_taken,
    bits,
    counters,
    feed,
    finished,
    frames_of,
    integer_work,
    judged,
    start,
)

from arch.array import Array
from arch.errors import InputError
from rtl.coprocessor import Coprocessor
from rtl.coprocessor.page import PAGE, written
from rtl.coprocessor.register_file import RegisterFile
from rtl.coprocessor.registers import COUNTERS, IDENTITY, VERSION, Sizes, check, table

PATTERNS = (
    (0xFFFF_FFFF, 0, 0xFFFF_FFFF),
    (0, 0xFFFF_FFFF, 0),
    (0xA5A5, 0x3C3C, 0x0FF0),
    (0x5A5A, 0xC3C3, 0xF00F),
    (0x1111, 0x8888, 0x2222),
    (0x4444, 0x2222, 0x8888),
)
"""Of M, N and K."""
SMALL = Array(rows=2, cols=1, dataflow="os")
PARTIAL = Array(rows=2, cols=2, dataflow="ws", accumulator_rows=3)
MACHINES = {"os": (SMALL, 16, 2), "ws": (PARTIAL, 4, 8)}
"""Arrays, bits of extents, depths of queues."""


@pytest.fixture(scope="module", params=list(MACHINES))
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    array, extent_bits, depth = MACHINES[request.param]
    component = Coprocessor(array, extent_bits=extent_bits, depth=depth)
    small = Built(array, component, chosen("small"), tmp_path_factory.mktemp("small"))
    small.run_ahead(CHECKS)
    return small


def held(component: Coprocessor, word: int) -> int:
    """What an extent holds of a word."""
    return word & ((1 << component.sizes.extent_bits) - 1)


def test_registers(small: Built) -> None:
    component = small.component
    at = addresses(component)
    constants = {
        "ID": IDENTITY,
        "VERSION": VERSION,
        "SHAPE": small.array.rows | small.array.cols << 16,
        "LANES": 1 | 1 << 8 | 4 << 16,
        "CHOICES": 1 | 1 << 8 | component.sizes.depth << 16,
    }
    program: list[Step] = [["read", at[name]] for name in constants]
    # Bytes with a strobe are written, the others keep what they hold.
    program += [
        ["write", at["M"], "3412ffff"],
        ["write", at["M"] + 1, "56"],
        ["write", at["N"], "ab"],
        ["write", at["N"] + 2, "ffff"],
        ["read", at["M"]],
        ["read", at["N"]],
        ["read", at["M"] + 1, 1],
    ]
    # Every bit holds what is written, whatever the others hold.
    for pattern in PATTERNS:
        words = [word.to_bytes(4, "little").hex() for word in pattern]
        program += [["write", at[name], word] for name, word in zip("MNK", words, strict=True)]
        program += [["read", at[name]] for name in "MNK"]
    # What cannot be written keeps its value and says so, and so does what is not there.
    program += [["write", at["ID"], "00000000"], ["read", at["ID"]]]
    beyond = max(at.values()) + 4
    program += [["write", beyond, "01"], ["read", beyond], ["write", 0xFC, "01"], ["read", 0xFC]]
    # A start without a strobe for it is none.
    program += [["write", at["CONTROL"] + 1, "010101"], ["read", at["STATUS"]]]
    seen = small.run([program])[0]
    assert seen[:5] == [[OKAY, value] for value in constants.values()]
    assert seen[5:12] == [OKAY] * 4 + [
        [OKAY, held(component, 0x5634)],
        [OKAY, held(component, 0xAB)],
        [OKAY, held(component, 0x5634) >> 8],
    ]
    for i, pattern in enumerate(PATTERNS):
        words = [[OKAY, held(component, word)] for word in pattern]
        assert seen[12 + 6 * i : 18 + 6 * i] == [OKAY] * 3 + words
    del seen[12 : 12 + 6 * len(PATTERNS)]
    assert seen[12:14] == [SLVERR, [OKAY, IDENTITY]]
    assert seen[14:18] == [SLVERR, [SLVERR, 0]] * 2
    assert seen[18:] == [OKAY, [OKAY, 0]]


def test_strobes(small: Built) -> None:
    """A byte is written alone, and all others keep each of their bits."""
    at = addresses(small.component)
    program: list[Step] = []
    for name in "MNK":
        for byte in range(4):
            program += [["write", at[name], "ffffffff"], ["write", at[name] + byte, "00"]]
            program += [["read", at[name]]]
    choices = {"CONTROL": 0b0110, "MODE": 1, "RESULT": 1}
    for name, value in choices.items():
        program += [["write", at[name], f"{value:02x}"], ["write", at[name] + 1, "0000"]]
        program += [["read", at[name]], ["write", at[name], "00"], ["read", at[name]]]
    # What has no strobe is ones on the bus.
    kept = [*"MNK", *choices]
    for name in kept:
        program += [["write", at[name], "00000000"], ["write", at[name] + 1, "00"]]
        program += [["read", at[name]]]
    seen = small.run([program])[0]
    assert seen[-3 * len(kept) :] == [OKAY, OKAY, [OKAY, 0]] * len(kept)
    for i, value in enumerate(choices.values()):
        found = seen[36 + 5 * i : 41 + 5 * i]
        assert found == [OKAY, OKAY, [OKAY, value], OKAY, [OKAY, 0]]
    for at_byte in range(12):
        expected = held(small.component, ~(0xFF << 8 * (at_byte % 4)))
        assert seen[3 * at_byte : 3 * at_byte + 3] == [OKAY, OKAY, [OKAY, expected]]


def test_writes_elsewhere_change_nothing(small: Built) -> None:
    rows = {row.address: row for row in table(small.component.sizes)}
    others = [address for address in range(0, 256, 4) if address not in rows]
    others += [address for address, row in rows.items() if not row.writable]
    program: list[Step] = [["write", address, "ffffffff"] for address in others]
    program += [["read", address] for address, row in rows.items() if row.writable]
    beyond = [address for address in range(0, 256, 4) if address not in rows]
    reads: list[Step] = [["read", address] for address in beyond]
    seen, refused = small.run([program, reads])
    assert refused == [[SLVERR, 0]] * len(beyond)
    assert seen[: len(others)] == [SLVERR] * len(others)
    assert seen[len(others) :] == [[OKAY, 0]] * (64 - len(others))


def test_a_queue_that_goes_round(small: Built) -> None:
    """More products than fit at a time; operands are ahead of the queue."""
    component, depth = small.component, small.component.sizes.depth
    long = min(700, held(component, -1))
    shapes = ((2, 1, 3), (1, 2, 1), (3, 1, 2), (2, 2, 4), (5, 1, 1), (1, 1, 6), (2, 1, long))
    shapes *= 1 + depth // 4
    works = [integer_work(component, small.array, *shape, i) for i, shape in enumerate(shapes)]
    program = [step for work in works for step in feed(work)]
    program += [step for work in works[:depth] for step in start(component, work)]
    for work in works[depth:]:
        program += [["receive"], *start(component, work)]
    program += [["receive"]] * depth + [finished(component), *counters(component), ["pending"]]
    at = addresses(component)
    for name in COUNTERS:
        program += [["read", at[name]], ["read", at["HIGH"]]]
    seen = small.run([program])[0]
    judged(works, frames_of(seen))
    shown, pending, again = seen[-13:-7], seen[-7], seen[-6:]
    assert shown[3:5] == [[OKAY, len(works)], [OKAY, 0]]
    assert pending == 0
    assert again[0::2] == shown[:3]
    assert again[1::2] == [[OKAY, 0]] * 3, "no count is that high"


def test_starts_refused(small: Built) -> None:
    component = small.component
    at = addresses(component)
    go: Step = ["write", at["CONTROL"], "01"]
    work = integer_work(component, small.array, 2, 1, 2, 5)
    program: list[Step] = []
    for name in "MNK":
        others = [["write", at[other], "01000000"] for other in "MNK" if other != name]
        program += [*others, ["write", at[name], "00000000"], go]
    program += [["write", at["K"], "01000000"], ["write", at["MODE"], "01"], go]
    program += [["write", at["MODE"], "00"], ["write", at["RESULT"], "01"], go]
    untouched: Step = ["write", at["ERRORS"] + 3, "00"]
    program += [untouched, ["read", at["ERRORS"]], ["read", at["STATUS"]]]
    program += [["write", at["ERRORS"], "ffffffff"]]
    program += [["read", at["ERRORS"]]]
    depth = component.sizes.depth
    program += [*start(component, work), *[go] * depth, untouched]
    program += [["read", at["ERRORS"]], ["read", at["STATUS"]]]
    program += [*feed(work) * depth, *[["receive"]] * depth, finished(component)]
    program += [["read", at["PRODUCTS"]], ["pending"]]
    program += [["write", at["ERRORS"], "ffffffff"], ["read", at["ERRORS"]]]
    seen = small.run([program])[0]
    refused, full = bits(component, "ERRORS", "refused"), bits(component, "ERRORS", "full")
    error, busy = bits(component, "STATUS", "error"), bits(component, "STATUS", "busy")
    level = bits(component, "STATUS", "level") & -bits(component, "STATUS", "level")
    assert seen[:12] == [OKAY, OKAY, OKAY, SLVERR] * 3
    assert seen[12:18] == [OKAY, OKAY, SLVERR] * 2
    assert seen[18:23] == [OKAY, [OKAY, refused], [OKAY, error], OKAY, [OKAY, 0]]
    rest = seen[23:]
    assert rest[: 7 + depth] == [OKAY] * (5 + depth) + [SLVERR, OKAY]
    assert rest[7 + depth : 9 + depth] == [[OKAY, full], [OKAY, error | busy | depth * level]]
    judged([work] * depth, rest[9 + depth : -4])
    assert rest[-4:] == [[OKAY, depth], 0, OKAY, [OKAY, 0]]


def streams_of(component: Coprocessor, work: Work) -> dict[str, list[bytes]]:
    """The beats of a product by stream."""
    every = {"left": work.left, "top": work.top, "partial": work.partial}
    return {name: every[name] for name in component.names}


def errors_then_cleared(component: Coprocessor) -> list[Step]:
    at = addresses(component)
    # Nothing is cleared by ones without a strobe.
    steps: list[Step] = [["receive"], finished(component), ["write", at["ERRORS"] + 3, "00"]]
    steps += [["read", at[name]] for name in ("ERRORS", "ERROR_BEAT", "ERROR_STREAM")]
    return [*steps, ["write", at["ERRORS"], "ffffffff"], ["read", at["ERRORS"]]]


def check_errors(small: Built, stream: str) -> None:
    """TLAST early or missing, bytes left out: a bit and the number of the beat, data as counted."""
    component = small.component
    work = integer_work(component, small.array, 4, 3, 4, 6)
    beats = streams_of(component, work)
    whole = {name: b"".join(given) for name, given in beats.items()}
    size, count = len(beats[stream][0]), len(beats[stream])
    others: list[Step] = [
        ["send", name, given.hex()] for name, given in whole.items() if name != stream
    ]
    tail = errors_then_cleared(component)

    def keep(lane: int) -> list[Step]:
        flags = [1] * len(whole[stream])
        flags[2 * size + lane] = 0
        flags[5 * size] = 0
        return [["send", stream, whole[stream].hex(), flags]]

    cut = 4 * size
    early: list[Step] = [["send", stream, whole[stream][:cut].hex()]]
    # Later errors set their bits, and the number stays that of the first.
    early += [["send", stream, whole[stream][cut:].hex(), [0] * (len(whole[stream]) - cut)]]
    cases = [("early", 3, early), *(("keep", 2, keep(lane)) for lane in range(size))]
    programs = [[*start(component, work), *steps, *others, *tail] for _, _, steps in cases]
    # One frame for two products: no TLAST where the first ends.
    program = [*start(component, work), ["write", addresses(component)["CONTROL"], "01"]]
    flags = [1] * len(whole[stream]) + [0] * len(whole[stream])
    program += [["send", stream, (whole[stream] * 2).hex(), flags], *others, *others]
    programs.append([*program, ["receive"], *tail])
    cases.append(("missing", count - 1, []))
    # Each error alone is one.
    parts = whole[stream][:cut], whole[stream][cut:]
    alone: list[list[Step]] = [[["send", stream, part.hex()] for part in parts], keep(0)]
    alone.append([["send", stream, (whole[stream] + beats[stream][0]).hex()]])
    end: list[Step] = [["receive"], finished(component)]
    end.append(["read", addresses(component)["STATUS"]])
    programs += [[*start(component, work), *steps, *others, *end] for steps in alone]
    seen = small.run(programs)
    status = bits(component, "STATUS", "error") | bits(component, "STATUS", "done")
    assert [each[-1] for each in seen[len(cases) :]] == [[OKAY, status]] * len(alone)
    index = component.names.index(stream)
    for (kind, number, _), each in zip(cases, seen, strict=False):
        errors = bits(component, "ERRORS", f"{stream}_{kind}")
        errors |= bits(component, "ERRORS", f"{stream}_keep")
        frames = frames_of(each)
        judged([work] * len(frames), frames)
        assert len(frames) == (2 if kind == "missing" else 1)
        assert each[-5:] == [[OKAY, errors], [OKAY, number], [OKAY, index], OKAY, [OKAY, 0]]


def test_errors_of_left(small: Built) -> None:
    check_errors(small, "left")


def test_errors_of_top(small: Built) -> None:
    check_errors(small, "top")


def test_errors_of_partial_sums(small: Built) -> None:
    check_errors(small, small.component.names[-1])


def test_errors_at_once(small: Built) -> None:
    """The first one is that of the lowest stream, whatever comes after it."""
    component = small.component
    work = integer_work(component, small.array, 4, 3, 4, 11)
    program: list[Step] = []
    for name, beats in streams_of(component, work).items():
        flags = [0] * sum(map(len, beats))
        program.append(["send", name, b"".join(beats).hex(), flags])
    program += [["cycles", 20], *start(component, work), *errors_then_cleared(component)]
    seen = small.run([program])[0]
    kept = sum(bits(component, "ERRORS", f"{name}_keep") for name in component.names)
    judged([work], frames_of(seen))
    assert seen[-5:] == [[OKAY, kept], [OKAY, 0], [OKAY, 0], OKAY, [OKAY, 0]]


def test_a_beat_of_a_high_number(small: Built) -> None:
    """No TLAST with the last beat of a product of many folds."""
    component = small.component
    # In the shorter of two registers every bit of the number is reached.
    side = 15 if component.sizes.extent_bits == 4 else 5
    work = integer_work(component, small.array, side, side, 15, 12)
    beats = streams_of(component, work)
    programs = []
    for stream in beats:
        program = [*start(component, work)]
        for name, given in beats.items():
            whole = b"".join(given)
            more = given[0] if name == stream else b""
            program.append(["send", name, (whole + more).hex()])
        programs.append([*program, *errors_then_cleared(component)])
    for i, (stream, each) in enumerate(zip(beats, small.run(programs), strict=True)):
        judged([work], frames_of(each))
        missing = bits(component, "ERRORS", f"{stream}_missing")
        number = len(beats[stream]) - 1
        assert each[-5:] == [[OKAY, missing], [OKAY, number], [OKAY, i], OKAY, [OKAY, 0]]


def test_done_at_the_end(small: Built) -> None:
    """STATUS.done is of products, not of results: no operand of the last row, no end."""
    component = small.component
    at = addresses(component)
    work = integer_work(component, small.array, 4, 3, 4, 10)
    sent = streams_of(component, work)
    last: list[Step] = [["send", name, beats[-1].hex()] for name, beats in sent.items()]
    program = [*start(component, work)]
    program += [["send", name, b"".join(beats[:-1]).hex()] for name, beats in sent.items()]
    program += [["cycles", 60], ["read", at["STATUS"]], ["read", at["PRODUCTS"]], *last]
    program += [finished(component), ["write", at["STATUS"] + 1, "00"]]
    program += [["read", at["STATUS"]], ["read", at["PRODUCTS"]]]
    seen = small.run([program])[0]
    busy, done = bits(component, "STATUS", "busy"), bits(component, "STATUS", "done")
    error = bits(component, "STATUS", "error")
    level = bits(component, "STATUS", "level") & -bits(component, "STATUS", "level")
    assert seen[6:8] == [[OKAY, busy | error | level], [OKAY, 0]]
    assert seen[8:] == [OKAY, [OKAY, done | error], [OKAY, 1]]


def test_interrupts(small: Built) -> None:
    component = small.component
    at = addresses(component)
    work = integer_work(component, small.array, 2, 1, 4, 7)
    done, on_error = bits(component, "CONTROL", "irq_done"), bits(component, "CONTROL", "irq_error")
    clear = bits(component, "CONTROL", "clear")
    status = bits(component, "STATUS", "done")
    run = [*start(component, work), *feed(work), ["receive"], finished(component), ["irq"]]
    program: list[Step] = [
        *run,
        ["write", at["CONTROL"], f"{done:02x}"], ["irq"],
        ["write", at["STATUS"], f"{status:02x}"], ["irq"], ["read", at["STATUS"]],
        ["write", at["K"], "00000000"], ["write", at["CONTROL"], f"{done | 1:02x}"], ["irq"],
        ["write", at["CONTROL"], f"{on_error:02x}"], ["irq"],
        ["write", at["ERRORS"], "ffffffff"], ["irq"],
        ["read", at["CONTROL"]],
        ["write", at["CONTROL"], f"{clear:02x}"], *counters(component),
    ]  # fmt: skip
    seen = small.run([program])[0]
    assert seen[7:] == [
        0, OKAY, 1, OKAY, 0, [OKAY, 0], OKAY, SLVERR, 0, OKAY, 1, OKAY, 0, [OKAY, on_error],
        OKAY, *[[OKAY, 0]] * 6,
    ]  # fmt: skip


def test_a_reset_at_work(small: Built) -> None:
    """Nothing of before is left, in the queue, the streams or the registers."""
    component = small.component
    before = integer_work(component, small.array, 4, 3, 6, 8)
    after = integer_work(component, small.array, 3, 2, 2, 9)
    left, top = (9, 7) if small.array.dataflow == "os" else (4, 4)
    cut: list[Step] = [*start(component, before)]
    cut += [["send", "left", b"".join(before.left[:left]).hex()]]
    cut += [["send", "top", b"".join(before.top[:top]).hex()], ["cycles", 30], ["reset"]]
    program = [*cut, *counters(component), *start(component, after), *feed(after)]
    program += [["receive"], finished(component), *counters(component), ["pending"]]
    seen = small.run([program])[0]
    assert seen[6:12] == [[OKAY, 0]] * 6
    judged([after], seen[18:19])
    values = [value for _, value in seen[19:25]]
    assert values[0] == beats_taken(small.array, [after])
    assert values[1] > 0
    assert values[2:] == [0, 1, 0, bits(component, "STATUS", "done")]
    assert seen[25] == 0


CHECKS = (
    test_registers,
    test_strobes,
    test_writes_elsewhere_change_nothing,
    test_a_queue_that_goes_round,
    test_starts_refused,
    test_errors_of_left,
    test_errors_of_top,
    test_errors_of_partial_sums,
    test_errors_at_once,
    test_a_beat_of_a_high_number,
    test_done_at_the_end,
    test_interrupts,
    test_a_reset_at_work,
)
SIZES = Sizes(1, 1, 1, 1, 4, 8, 1, 1, 2, ("left", "top"))


def simulated(file: RegisterFile, bench: Any) -> None:
    simulator = Simulator(file)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_bytes_without_a_strobe_are_not_looked_at() -> None:
    """Whatever is on them; cocotbext-axi has zeros there."""
    rows = table(SIZES)
    file = RegisterFile(rows, 6)

    async def bench(ctx: Any) -> None:
        ctx.set(file.write, 1)
        ctx.set(file.write_index, [row.name for row in rows].index("M"))
        for strobe, word in ((0b0000, 0), (0b1110, 0), (0b0001, 0xFF), (0b0000, 0xFF)):
            ctx.set(file.write_word.data, 0xFFFF_FFFF)
            ctx.set(file.write_word.strobe, strobe)
            await ctx.tick()
            assert ctx.get(file.m) == word

    simulated(file, bench)


def test_counters_of_more_than_32_bits() -> None:
    """HIGH belongs to the counter that was read last, however that goes on."""
    rows = table(SIZES)
    file = RegisterFile(rows, 6)
    index = {row.name: i for i, row in enumerate(rows)}

    async def read(ctx: Any, name: str) -> int:
        ctx.set(file.read, 1)
        ctx.set(file.read_index, index[name])
        found: int = ctx.get(file.read_data)
        await ctx.tick()
        ctx.set(file.read, 0)
        return found

    async def bench(ctx: Any) -> None:
        ctx.set(file.beats, 0x1234_FFFF_FFFF)
        ctx.set(file.stalled_input, 0x5678_0000_0001)
        assert await read(ctx, "BEATS") == 0xFFFF_FFFF
        ctx.set(file.beats, 0x1235_0000_0000)
        assert await read(ctx, "ID") == IDENTITY
        assert await read(ctx, "HIGH") == 0x1234
        assert await read(ctx, "STALLED_INPUT") == 1
        assert await read(ctx, "HIGH") == 0x5678

    simulated(file, bench)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((16, 3), "depth: must be a power of two from 2 to 32768, not 3"),
        ((16, 1), "depth: must be a power of two from 2 to 32768, not 1"),
        ((3, 16), "extent_bits: must be 4 to 32, not 3"),
        ((33, 16), "extent_bits: must be 4 to 32, not 33"),
    ],
)
def test_parameters_that_cannot_be(given: tuple[int, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(*given)


def test_the_page_has_the_table_of_today() -> None:
    text = PAGE.read_text()
    assert written(text) == text, "python -m rtl.coprocessor.page"
    for name in ("BEATS", "left_early", "irq_done"):
        assert name in text
