"""Instruction traces of AiM: what they mean, and what is wrong with them."""

import gzip
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from arch.errors import InputError
from arch.pim.system import load_pim
from traces.pim.aim import aim_in, open_aim
from traces.pim.dtype import OPS

CHECKED = load_pim("aim")
FREE = load_pim("aim_as_simulated")


def read(text: str, pim=FREE, **more: int) -> list[dict[str, int]]:  # type: ignore[no-untyped-def]
    chunks = [*aim_in(text.encode(), pim, **more)]
    return [dict(zip(row.dtype.names, row.item(), strict=True)) for c in chunks for row in c]


def fault(text: str, pim=FREE) -> str:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as caught:
        read(text, pim)
    return str(caught.value)


def test_an_instruction_of_each_form() -> None:
    text = (
        "# all\n\nW CFR 2 3\nW GPR 4\nR GPR 4\nW MEM 3 2 8\nR MEM 31 15 16383\n"
        "AiM ISR_WR_GB 64 0x10 5\nAiM MAC_SBK 2 1 9 7\nAiM AF 0x80000000\nAiM EWADD 2 8 12\n"
        "AiM EOC\n"
    )
    rows = read(text)
    assert [OPS[row["op"]] for row in rows] == [
        "W_CFR", "W_GPR", "R_GPR", "W_MEM", "R_MEM", "WR_GB", "MAC_SBK", "AF", "EWADD", "EOC",
    ]  # fmt: skip
    assert [row["line"] for row in rows] == [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    memory, buffer, mac, activation = rows[3], rows[5], rows[6], rows[7]
    assert (memory["channels"], memory["bank"], memory["row"]) == (1 << 3, 2, 8)
    # Bit 0 of a mask is the last channel.
    assert (buffer["channels"], buffer["count"], buffer["gpr"]) == (1 << 31 | 1 << 29, 64, 16)
    assert (mac["channels"], mac["bank"], mac["row"], mac["count"]) == (1 << 31, 9, 7, 2)
    assert (activation["channels"], activation["row"]) == (1, 2**29 + 3)
    assert (rows[8]["gpr"], rows[8]["gpr2"], rows[8]["count"]) == (8, 12, 2)


@pytest.mark.parametrize("block_bytes", [1, 7, 64, 1 << 20])
def test_blocks_change_nothing(block_bytes: int) -> None:
    text = "".join(f"AiM MAC_ABK 64 1 {row}\n" for row in range(50)) + "AiM EOC\n"
    assert read(text, block_bytes=block_bytes) == read(text)


def test_a_compressed_file(tmp_path: Path) -> None:
    path = tmp_path / "a.trace.gz"
    path.write_bytes(gzip.compress(b"AiM MAC_ABK 64 1 5\nAiM EOC\n"))
    assert sum(len(chunk) for chunk in open_aim(path, FREE)) == 2
    with pytest.raises(InputError, match=r"b\.trace: there is no such file"):
        open_aim(tmp_path / "b.trace", FREE)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("AiM MAC_XYZ 1 1 1", "operation is 'MAC_XYZ'; must be one of WR_SBK, WR_ABK, WR_GB"),
        ("AiM WR_AFLUT 1", "operation is 'WR_AFLUT'; must be one of "),
        ("AiM", "operation is missing; must be one of "),
        ("PIM MAC_ABK 1 1 1", "begins with 'PIM'; must begin with AiM, R or W"),
        ("R XYZ 1", "region is 'XYZ'; must be one of MEM, GPR, CFR"),
        ("W", "region is missing; must be one of MEM, GPR, CFR"),
        ("AiM MAC_ABK 64 1", "has 2 numbers; must have 3: AiM MAC_ABK COUNT CHANNELS ROW"),
        ("AiM MAC_ABK 64 1 2 3", "has 4 numbers; must have 3: AiM MAC_ABK COUNT CHANNELS ROW"),
        ("AiM MAC_ABK x 1 2", "size is 'x'; must be a number from 0 to 64"),
        ("AiM MAC_ABK 65 1 2", "size is '65'; must be a number from 0 to 64"),
        ("AiM MAC_ABK 0 1 2", "size is 0; must be a number from 1 to 64"),
        ("AiM WR_GB 65 0 1", "size is '65'; must be a number from 0 to 64"),
        ("AiM MAC_ABK 1 0 2", "channel mask is 0; must have a channel"),
        ("AiM MAC_ABK 1 4294967296 2", "must be a number from 0 to 4294967295"),
        ("AiM MAC_ABK 1 1 16384", "row is '16384'; must be a number from 0 to 16383"),
        ("AiM MAC_SBK 1 1 16 2", "bank is '16'; must be a number from 0 to 15"),
        ("AiM MAC_SBK 1 1 -1 2", "bank is '-1'; must be a number from 0 to 15"),
        ("AiM MAC_4BK 1 1 6 2", "bank is 6; must be the first of a bank group, a multiple of 4"),
        ("AiM WR_ABK 0 3 2", "channel mask is '3'; must have one channel in WR_ABK"),
        ("W MEM 32 0 0", "channel is '32'; must be a number from 0 to 31"),
        ("W CFR 3 0", "register is '3'; must be a number from 0 to 2"),
        ("W CFR 2 8", "data is 8; must be 0 to 7 in CFR 2"),
        ("W CFR 0 2", "data is 2; must be 0 to 1 in CFR 0"),
        ("AiM MAC_ABK 1 1 1\x00", "holds a byte 0x00|must be a number"),
    ],
)
def test_a_line_that_is_wrong(line: str, told: str) -> None:
    message = fault(f"AiM SYNC\n# comment\n{line}\nAiM EOC\n")
    assert message.startswith("trace: line 3: ")
    assert any(each in message for each in told.split("|"))


def test_a_trace_that_ends_too_early_or_too_late() -> None:
    assert fault("AiM SYNC\n") == "trace: line 2: the trace ends without 'AiM EOC'"
    assert (
        fault("AiM EOC\nAiM SYNC\n") == "trace: line 2: comes after EOC, line 1; EOC must be last"
    )
    assert "has no end" in fault("AiM SYNC\nAiM EOC")


BIAS = "W GPR 0\nAiM WR_BIAS 0 1\n"
BUFFER = "W GPR 1\nAiM WR_GB 1 1 1\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("AiM WR_BIAS 3 1\n", "WR_BIAS reads GPR 3, which nothing has written"),
        ("W GPR 0\nAiM WR_BIAS 0 3\n", "WR_BIAS reads GPR 1, which nothing has written"),
        ("W GPR 0\nAiM WR_GB 2 0 1\n", "WR_GB reads GPR 1, which nothing has written"),
        ("AiM WR_SBK 0 1 0 0\n", "WR_SBK reads GPR 0, which nothing has written"),
        ("R GPR 7\n", "R_GPR reads GPR 7, which nothing has written; write it with 'W GPR 7'"),
        ("W GPR 8\nAiM EWADD 1 8 12\n", "EWADD reads GPR 12, which nothing has written"),
        (
            f"{BIAS}AiM MAC_ABK 1 1 0\n",
            "MAC_ABK reads column 0 of the global buffer of channel 31, which nothing has written; "
            "write it with WR_GB or COPY_BKGB before",
        ),
        (f"{BIAS}{BUFFER}AiM MAC_ABK 2 1 0\n", "MAC_ABK reads column 1 of the global buffer"),
        (f"{BIAS}{BUFFER}AiM MAC_ABK 1 2 0\n", "global buffer of channel 30, which nothing"),
        ("AiM COPY_GBBK 1 1 0 0\n", "COPY_GBBK reads column 0 of the global buffer"),
        (
            f"{BUFFER}AiM MAC_SBK 1 1 5 0\n",
            "MAC_SBK reads the accumulator of channel 31 bank 5, which nothing has written; write "
            "it with WR_BIAS before",
        ),
        (f"{BUFFER}AiM MAC_4BK 1 1 8 0\n", "accumulator of channel 31 bank 8, which nothing"),
        ("AiM RD_MAC 0 1\n", "RD_MAC reads the accumulator of channel 31 bank 0"),
        ("AiM AF 1\n", "AF reads the accumulator of channel 31 bank 0"),
        ("AiM RD_AF 0 1\n", "RD_AF reads results of an activation function of channel 31"),
    ],
)
def test_a_register_that_is_read_must_have_been_written(text: str, told: str) -> None:
    line = text.count("\n")
    message = fault(f"{text}AiM EOC\n", CHECKED)
    assert message.startswith(f"trace: line {line}: ")
    assert told in message
    assert read(f"{text}AiM EOC\n", FREE)


def test_registers_that_have_been_written_may_be_read() -> None:
    text = (
        f"{BIAS}{BUFFER}AiM MAC_ABK 1 1 0\nAiM RD_MAC 5 1\nR GPR 5\nAiM AF 1\nAiM RD_AF 6 1\n"
        "AiM WR_SBK 6 1 0 0\nAiM COPY_BKGB 64 2 0 0\nAiM COPY_GBBK 64 2 1 0\nAiM RD_SBK 9 1 0 0\n"
        "AiM EWADD 1 9 5\nR GPR 9\nAiM EOC\n"
    )
    assert len(read(text, CHECKED)) == 16


def test_factors_from_the_next_bank_need_no_global_buffer() -> None:
    assert read(f"{BIAS}W CFR 0 1\nAiM MAC_ABK 64 1 0\nAiM EOC\n", CHECKED)


def test_fewer_channels_have_shorter_masks() -> None:
    pim = load_pim("aim", ["channels=4", "registers_checked=false"])
    assert read("AiM AF 1\nAiM EOC\n", pim)[0]["channels"] == 1 << 3
    assert "must be a number from 0 to 15" in fault("AiM AF 16\nAiM EOC\n", pim)


def test_random_bytes_are_refused_or_read() -> None:
    rng = np.random.default_rng(1)
    good = b"AiM MAC_ABK 64 1 5\nW CFR 0 1\nAiM WR_SBK 0 1 3 4\nAiM EOC\n"
    for _ in range(500):
        data = bytearray(good)
        for place in rng.integers(0, len(data), 2):
            data[place] = rng.integers(0, 256)
        with suppress(InputError):
            list(aim_in(bytes(data), FREE))
