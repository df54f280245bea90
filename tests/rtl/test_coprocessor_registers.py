"""Registers, errors and interrupts of a co-processor, and faults that are planted in it."""

from typing import Any

import pytest
from amaranth.sim import Simulator
from coprocessor_outside import Built, chosen
from coprocessor_work import (
    OKAY,
    SLVERR,
    Step,
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
)
"""Of M, N and K."""
SMALL = Array(rows=2, cols=1, dataflow="os")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Built:
    component = Coprocessor(SMALL, depth=2)
    return Built(component, chosen("small"), tmp_path_factory.mktemp("small"))


def test_registers(small: Built) -> None:
    component = small.component
    at = addresses(component)
    constants = {
        "ID": IDENTITY,
        "VERSION": VERSION,
        "SHAPE": 2 | 1 << 16,
        "LANES": 1 | 1 << 8 | 4 << 16,
        "CHOICES": 1 | 1 << 8 | 2 << 16,
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
    assert seen[5:12] == [OKAY] * 4 + [[OKAY, 0x5634], [OKAY, 0xAB], [OKAY, 0x56]]
    for i, pattern in enumerate(PATTERNS):
        held = [[OKAY, word & 0xFFFF] for word in pattern]
        assert seen[12 + 6 * i : 18 + 6 * i] == [OKAY] * 3 + held
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
    seen = small.run([program])[0]
    for i, value in enumerate(choices.values()):
        found = seen[36 + 5 * i : 41 + 5 * i]
        assert found == [OKAY, OKAY, [OKAY, value], OKAY, [OKAY, 0]]
    for at_byte in range(12):
        expected = 0xFFFF & ~(0xFF << 8 * (at_byte % 4))
        assert seen[3 * at_byte : 3 * at_byte + 3] == [OKAY, OKAY, [OKAY, expected]]


def test_writes_elsewhere_change_nothing(small: Built) -> None:
    rows = {row.address: row for row in table(small.component.sizes)}
    others = [address for address in range(0, 256, 4) if address not in rows]
    others += [address for address, row in rows.items() if not row.writable]
    program: list[Step] = [["write", address, "ffffffff"] for address in others]
    program += [["read", address] for address, row in rows.items() if row.writable]
    seen = small.run([program])[0]
    assert seen[: len(others)] == [SLVERR] * len(others)
    assert seen[len(others) :] == [[OKAY, 0]] * (64 - len(others))


def test_a_queue_that_goes_round(small: Built) -> None:
    """Seven products, of which two fit at a time; operands are ahead of the queue."""
    component = small.component
    shapes = ((2, 1, 3), (1, 2, 1), (3, 1, 2), (2, 2, 4), (5, 1, 1), (1, 1, 6), (2, 1, 700))
    works = [integer_work(component, SMALL, *shape, i) for i, shape in enumerate(shapes)]
    program = [step for work in works for step in feed(work)]
    program += [*start(component, works[0]), *start(component, works[1])]
    for work in works[2:]:
        program += [["receive"], *start(component, work)]
    program += [["receive"], ["receive"], finished(component), *counters(component), ["pending"]]
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
    work = integer_work(component, SMALL, 2, 1, 2, 5)
    program: list[Step] = []
    for name in "MNK":
        others = [["write", at[other], "01000000"] for other in "MNK" if other != name]
        program += [*others, ["write", at[name], "00000000"], go]
    program += [["write", at["K"], "01000000"], ["write", at["MODE"], "01"], go]
    program += [["write", at["MODE"], "00"], ["write", at["RESULT"], "01"], go]
    program += [["read", at["ERRORS"]], ["read", at["STATUS"]], ["write", at["ERRORS"], "ffffffff"]]
    program += [["read", at["ERRORS"]]]
    # The queue is of two.
    program += [*start(component, work), go, go, ["read", at["ERRORS"]], ["read", at["STATUS"]]]
    program += [*feed(work), *feed(work), ["receive"], ["receive"], finished(component)]
    program += [["read", at["PRODUCTS"]], ["pending"]]
    seen = small.run([program])[0]
    refused, full = bits(component, "ERRORS", "refused"), bits(component, "ERRORS", "full")
    error, busy = bits(component, "STATUS", "error"), bits(component, "STATUS", "busy")
    level = bits(component, "STATUS", "level") & -bits(component, "STATUS", "level")
    assert seen[:12] == [OKAY, OKAY, OKAY, SLVERR] * 3
    assert seen[12:18] == [OKAY, OKAY, SLVERR] * 2
    assert seen[18:22] == [[OKAY, refused], [OKAY, error], OKAY, [OKAY, 0]]
    assert seen[22:30] == [OKAY] * 7 + [SLVERR]
    assert seen[30:32] == [[OKAY, full], [OKAY, error | busy | 2 * level]]
    judged([work, work], seen[32:34])
    assert seen[34:] == [[OKAY, 2], 0]


def check_errors(small: Built, stream: str) -> None:
    """TLAST early or missing, bytes left out: a bit and the number of the beat, data as counted."""
    component = small.component
    at = addresses(component)
    work = integer_work(component, SMALL, 2, 2, 3, 6)
    other = {"left": "top", "top": "left"}[stream]
    beats = {"left": work.left, "top": work.top}
    whole = {name: b"".join(given) for name, given in beats.items()}
    size = len(beats[stream][0])
    index = ["left", "top"].index(stream)
    tail: list[Step] = [["receive"], finished(component)]
    tail += [["read", at[name]] for name in ("ERRORS", "ERROR_BEAT", "ERROR_STREAM")]
    tail += [["write", at["ERRORS"], "ffffffff"], ["read", at["ERRORS"]]]

    def early() -> list[Step]:
        cut = 4 * size
        return [
            ["send", stream, whole[stream][:cut].hex()],
            ["send", stream, whole[stream][cut:].hex()],
        ]

    def keep() -> list[Step]:
        flags = [1] * len(whole[stream])
        flags[2 * size] = 0
        flags[5 * size] = 0
        return [["send", stream, whole[stream].hex(), flags]]

    def missing() -> list[Step]:
        return [["send", stream, (whole[stream] * 2).hex()]]

    programs = []
    for steps in (early, keep):
        programs.append(
            [*start(component, work), *steps(), ["send", other, whole[other].hex()], *tail]
        )
    # One frame for two products: no TLAST where the first ends.
    program = [*start(component, work), ["write", at["CONTROL"], "01"], *missing()]
    program += [["send", other, whole[other].hex()]] * 2
    programs.append([*program, ["receive"], *tail])
    seen = small.run(programs)
    cases = {"early": 3, "keep": 2, "missing": 5}
    for (kind, number), each in zip(cases.items(), seen, strict=True):
        bit = bits(component, "ERRORS", f"{stream}_{kind}")
        frames = frames_of(each)
        judged([work] * len(frames), frames)
        assert len(frames) == (2 if kind == "missing" else 1)
        assert each[-5:] == [[OKAY, bit], [OKAY, number], [OKAY, index], OKAY, [OKAY, 0]]


def test_errors_of_left(small: Built) -> None:
    check_errors(small, "left")


def test_errors_of_top(small: Built) -> None:
    check_errors(small, "top")


def test_done_at_the_end(small: Built) -> None:
    """STATUS.done is of products, not of results: no operand of the last row, no end."""
    component = small.component
    at = addresses(component)
    work = integer_work(component, SMALL, 4, 1, 3, 10)
    left, top = (b"".join(beats[:-1]).hex() for beats in (work.left, work.top))
    last = [["send", "left", work.left[-1].hex()], ["send", "top", work.top[-1].hex()]]
    program = [*start(component, work), ["send", "left", left], ["send", "top", top]]
    program += [["cycles", 60], ["read", at["STATUS"]], ["read", at["PRODUCTS"]], *last]
    program += [finished(component), ["read", at["STATUS"]], ["read", at["PRODUCTS"]]]
    seen = small.run([program])[0]
    busy, done = bits(component, "STATUS", "busy"), bits(component, "STATUS", "done")
    error = bits(component, "STATUS", "error")
    level = bits(component, "STATUS", "level") & -bits(component, "STATUS", "level")
    assert seen[6:8] == [[OKAY, busy | error | level], [OKAY, 0]]
    assert seen[8:] == [[OKAY, done | error], [OKAY, 1]]


def test_interrupts(small: Built) -> None:
    component = small.component
    at = addresses(component)
    work = integer_work(component, SMALL, 2, 1, 4, 7)
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
    before = integer_work(component, SMALL, 4, 3, 6, 8)
    after = integer_work(component, SMALL, 3, 2, 2, 9)
    cut: list[Step] = [*start(component, before), ["send", "left", b"".join(before.left[:9]).hex()]]
    cut += [["send", "top", b"".join(before.top[:7]).hex()], ["cycles", 30], ["reset"]]
    program = [*cut, *counters(component), *start(component, after), *feed(after)]
    program += [["receive"], finished(component), *counters(component), ["pending"]]
    seen = small.run([program])[0]
    assert seen[6:12] == [[OKAY, 0]] * 6
    judged([after], seen[18:19])
    values = [value for _, value in seen[19:25]]
    assert values[0] == beats_taken(SMALL, [after])
    assert values[1] > 0
    assert values[2:] == [0, 1, 0, bits(component, "STATUS", "done")]
    assert seen[25] == 0


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
