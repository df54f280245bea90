"""Traces of HBM-PIM: what they say, and what is wrong with them."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.errors import InputError
from arch.pim.hbm import load_hbm_pim
from traces.mapping.hbm_pim import KERNELS, kernel_lines
from traces.pim.hbm_dtype import FENCE, READ, WRITE
from traces.pim.hbm_isa import assemble, disassemble
from traces.pim.hbm_pim import hbm_in, open_hbm

PIM = load_hbm_pim("hbm_pim", ["channels=4"])
FREE = load_hbm_pim("hbm_pim", ["channels=4", "order_checked=false"])
CODES = dict(PIM.command_set().opcodes)
NAMES = {code: name for name, code in CODES.items()}
ENTER = "W * 0 0 0x17ff 0x1f\nW * 0 1 0x17ff 0x1f\nW * 2 0 0x17ff 0x1f\nW * 2 1 0x17ff 0x1f bar\n"
LEAVE = "W * 0 0 0x1fff 0x1f\nW * 0 1 0x1fff 0x1f bar\n"
START = "W * 0 0 0x3fff 0 mode=HAB_PIM bar\n"
STOP = "W * 0 0 0x3fff 0 mode=HAB bar\n"


def program(text: str) -> str:
    return f"W * 0 1 0x3fff 4 crf={text} bar\n"


def read(text: str, pim: object = PIM) -> list:  # type: ignore[type-arg]
    return list(hbm_in(text.encode(), pim))  # type: ignore[arg-type]


def test_what_lines_say() -> None:
    text = "# a comment\nR 0-1,3 1 2 0x10 31 x2 tag=A bar\n\nFENCE\nW * 3 3 5 6 data=" + "01" * 32
    (chunk,) = read(text + "\n", FREE)
    one, fence, other = chunk.lines
    assert list(one.item()) == [READ, 0b1011, 6, 16, 31, 2, 1, -1, 0, 2]
    assert fence["kind"] == FENCE
    assert list(other.item()) == [WRITE, 0b1111, 15, 5, 6, 1, 0, 0, -1, 5]
    assert list(chunk.words[0]) == [0x01010101] * 8


def test_modes_and_programs_are_what_the_registers_hold() -> None:
    ((chunk,),) = (read("W 0 0 0 0x3fff 0 mode=HAB_PIM,zero_b,all_grf,odd_off\n", FREE),)
    data = b"".join(int(word).to_bytes(4, "little") for word in chunk.words[0])
    assert {i: byte for i, byte in enumerate(data) if byte} == {0: 1, 10: 1, 16: 2, 21: 1}
    (chunk,) = read("W 0 0 1 0x3fff 5 crf=" + ";".join(["NOP,1"] * 8 + ["EXIT"]) + "\n", FREE)
    assert chunk.lines["count"][0] == 2
    assert chunk.words[1, 0] == CODES["EXIT"] << 28
    assert (chunk.words[1, 1:] == 0).all()


@pytest.mark.parametrize(
    ("text", "word", "shown"),
    [
        ("MAC,GRF_B[0],GRF_A[0],EVEN_BANK,auto", 0x3B108000,
         "MAC GRF_B[0], GRF_A[0], EVEN_BANK, auto"),
        ("JUMP,7,2", 0xE0003802, "JUMP 7x [PC - 2]"),
        ("NOP,8", 0x00000007, "NOP 8x"),
        ("FILL,GRF_A[3],ODD_BANK,relu", 0x98C01300, "FILL GRF_A[3], ODD_BANK, relu"),
        ("EXIT", 0xF0000000, "EXIT"),
    ],
)  # fmt: skip
def test_words_of_instructions(text: str, word: int, shown: str) -> None:
    assert assemble(text, CODES) == [word]
    assert disassemble(word, NAMES) == shown


@given(
    st.sampled_from(["ADD", "MUL", "MAC"]),
    st.integers(0, 7), st.integers(0, 7), st.integers(0, 7), st.booleans(),
)  # fmt: skip
def test_text_and_words_are_the_same(name: str, a: int, b: int, c: int, auto: bool) -> None:
    fields = [f"GRF_B[{a}]", f"GRF_A[{b}]", f"SRF_M[{c}]"] + ["auto"] * auto
    (word,) = assemble(",".join([name, *fields]), CODES)
    assert disassemble(word, NAMES) == f"{name} {', '.join(fields)}"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("X 0 0 0 0 0", "begins with 'X'; must begin with R, W or FENCE"),
        ("R 0 0 0", "'R 0 0 0' has no row; must have channels, bank group, bank, row, column"),
        ("R 4 0 0 0 0", "channel is '4'; must be a number from 0 to 3"),
        ("R 3-1 0 0 0 0", "channels are '3-1'; must go up"),
        ("R 0 4 0 0 0", "bank group is '4'; must be a number from 0 to 3"),
        ("R 0 0 4 0 0", "bank is '4'; must be a number from 0 to 3"),
        ("R 0 0 0 16384 0",
         "row is '16384'; must be a number from 0 to 16383, decimal or with 0x"),
        ("R 0 0 0 0 32", "column is '32'; must be a number from 0 to 31, decimal or with 0x"),
        ("R 0 0 0 16383 31 x2", "x2 leads beyond row 16383, the last one"),
        ("R 0 0 0 0 0 x0", "x0 has no columns; must be x1 at least"),
        ("R 0 0 0 0 0 tog=A", "'tog=A' is unknown; must be xN, bar, tag=, data=, crf= or mode="),
        ("R 0 0 0 0 0 tag=", "'tag=' must be a name of ASCII without commas"),
        ("R 0 0 0 0 0 mode=HAB", "'mode=HAB' stands in a read; must stand in a write"),
        ("W 0 0 0 0 0 data=12",
         "data is '12'; must be 64 hexadecimal digits a column, the first byte first"),
        ("W 0 0 0 0 0 mode=AB", "mode is 'AB'; must be HAB or HAB_PIM"),
        ("W 0 0 0 0 0 mode=HAB,zero",
         "flag of mode is 'zero'; must be one of all_grf, even_off, odd_off, register_rows, "
         "zero_a, zero_b"),
        ("W 0 0 0 0x3fff 3 crf=EXIT",
         "'crf=EXIT' does not go to the CRF; must go to its columns, 4 to 7"),
        ("W 0 0 0 0x3fff 4 crf=DIV,GRF_A[0],GRF_A[1]",
         "instruction is 'DIV'; must be one of NOP, ADD, MUL, MAC, MAD, MOV, FILL, JUMP, EXIT"),
        ("W 0 0 0 0x3fff 4 crf=" + ";".join(["EXIT"] * 33),
         "crf has 33 instructions; must have 32 at most"),
        ("W 0 0 0 0x3fff 7 crf=" + ";".join(["EXIT"] * 9),
         "crf reaches entry 32; the last one is 31"),
        ("W 0 0 0 0x3fff 4 crf=MOV,GRF_A[8],EVEN_BANK",
         "operand of MOV is 'GRF_A[8]'; an index must be 0 to 7"),
        ("W 0 0 0 0x3fff 4 crf=JUMP,1", "JUMP has 1 fields; must have 2"),
        ("W 0 0 0 0x3fff 4 crf=NOP,0", "number of NOP is '0'; must be 1 to 2048"),
        ("FENCE 1", "FENCE is followed by '1'; must stand alone"),
    ],
)  # fmt: skip
def test_lines_that_are_wrong(line: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        read(f"R 0 0 0 0 0\n{line}\n", FREE)
    assert str(caught.value) == f"trace: line 2: {told}"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (program("EXIT"), 1, "writes CRF in mode SB; must enter HAB before"),
        (START, 1, "writes CONTROL in mode SB; must enter HAB before"),
        ("R * 1 1 0x3fff 9\n", 1,
         "reads GRF_A[1], which nothing has written; write it before"),
        (ENTER + "R * 1 1 0 0\n", 5,
         "goes to bank group 1 bank 1 in mode HAB; must go to bank 0 or 1 of group 0, which stand "
         "for the even and the odd banks"),
        (ENTER + ENTER, 5, "enters HAB in mode HAB; must be in mode SB"),
        (ENTER, 4, "the trace ends in mode HAB; must leave it before"),
        ("W * 0 0 0x17ff 0x1f\n", 1,
         "the trace ends on the way to HAB; must open its row in bank 1 too"),
        (ENTER + START + LEAVE, 6,
         "leaves HAB in mode HAB_PIM; must go back to HAB before, with mode=HAB"),
        (ENTER + START + "R * 0 0 0 0\n", 6,
         "triggers entry 0 of the CRF, which nothing has written; write it before"),
        (ENTER + program("NOP,3;EXIT") + START + "R * 0 0 0 0 x2\n" + STOP, 8,
         "leaves HAB_PIM while instruction 0 of the CRF goes on; the columns before must bring it "
         "to EXIT"),
        (ENTER + program("MOV,GRF_A[0],GRF_B[2];EXIT") + START + "R * 0 0 0 0\n", 7,
         "reads GRF_B[2], which nothing has written; write it before"),
        (ENTER + program("MUL,GRF_A[0],EVEN_BANK,SRF_M[1];EXIT") + START + "R * 0 0 0 0\n", 7,
         "reads SRF, which nothing has written; write it before"),
        (ENTER + program("MOV,GRF_A[0],A_OUT;EXIT") + START + "R * 0 0 0 0\n", 7,
         "reads A_OUT, which nothing has written; write it before"),
        (ENTER + program("FILL,GRF_A[0],EVEN_BANK;EXIT") + START + "R * 0 1 0 0\n", 7,
         "the instruction names EVEN_BANK; must be triggered by a column of that bank"),
        (ENTER + program(";".join(["NOP,1"] * 32)) + START + "R * 0 0 0 0 x32\nR * 0 0 1 0\n", 8,
         "the program counter is 32; must be 0 to 31, so end with EXIT"),
        (ENTER + program("JUMP,9,3;EXIT") + START + "R * 0 0 0 0\n", 7,
         "the program counter is -2; must be 0 to 31, so end with EXIT"),
        (ENTER + program("JUMP,70,1;EXIT") + START + "R * 0 0 0 0\n", 7,
         "more than 63 JUMPs in a row lead to no other instruction"),
        (ENTER + "W * 0 1 0x3fff 4 data=" + "00" * 3 + "50" + "00" * 28 + "\n", 5,
         "writes code 5 into entry 0 of the CRF, which is no instruction"),
        (ENTER + "W * 0 0 3 0\n", 5, "reads GRF_A[0], which nothing has written; write it before"),
    ],
)  # fmt: skip
def test_an_order_that_is_wrong(text: str, line: int, told: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert str(caught.value) == f"trace: line {line}: channel 0: {told}"


def test_counters_of_nested_jumps() -> None:
    nested = "NOP,1;JUMP,2,2;NOP,1;JUMP,1,4;EXIT"
    text = ENTER + program(nested) + START + "R * 0 0 0 0 x8\n" + STOP + LEAVE
    assert read(text)
    with pytest.raises(InputError, match="goes on"):
        read(text.replace("x8", "x7"))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("channels", [1, 4, 64])
def test_kernels_are_in_order(kernel: str, channels: int) -> None:
    pim = load_hbm_pim("hbm_pim", [f"channels={channels}"])
    outputs = 4 * 2048 * channels if kernel in ("add", "mul", "relu", "bn") else 64 * channels
    lines = list(kernel_lines(pim, kernel, outputs, 512))
    assert sum(
        len(chunk.lines) for chunk in hbm_in(("\n".join(lines) + "\n").encode(), pim)
    ) == len(lines)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("conv", 64),
         "'conv' is no kernel; are: gemv, gemv_tree, add, mul, relu, bn, read, write"),
        (("gemv", 0, 256), "outputs: given 0; must be 1 at least"),
        (("gemv", 64, 128), "inputs: given 128; must fill an even number of tiles of 128, as even "
         "and odd banks take turns: pad with zeroes to 256"),
        (("add", 100), "elements: given 100; must be a multiple of 8192"),
        (("add", 8192 * 513), "elements: given 4202496; must be 4194304 at most"),
        (("read", 3, 5), "a matrix of 3 x 5 must have a multiple of 1024 elements"),
    ],
)  # fmt: skip
def test_kernels_that_do_not_fit(arguments: tuple[str, int, int], told: str) -> None:
    with pytest.raises(InputError) as caught:
        list(kernel_lines(PIM, *arguments))
    assert str(caught.value) == told


def test_plain_gzip_and_zstd_are_the_same(tmp_path: Path) -> None:
    text = ("\n".join(kernel_lines(PIM, "gemv", 256, 256)) + "\n").encode()
    (tmp_path / "plain").write_bytes(text)
    (tmp_path / "gz").write_bytes(gzip.compress(text))
    (tmp_path / "zst").write_bytes(pa.compress(text, "zstd", asbytes=True))
    found = [[c.lines for c in open_hbm(tmp_path / name, PIM)] for name in ("plain", "gz", "zst")]
    for other in found[1:]:
        np.testing.assert_array_equal(np.concatenate(found[0]), np.concatenate(other))


def test_a_trace_of_nothing() -> None:
    with pytest.raises(InputError, match="holds no transactions"):
        read("# nothing\n")
