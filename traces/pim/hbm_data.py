"""What a write of an HBM-PIM trace writes, as words of 32 bits."""

import re

from arch.pim.hbm import HbmCommandSet
from traces.pim.hbm_dtype import WORDS
from traces.pim.hbm_isa import ENTRIES, assemble
from traces.requests.fields import FieldError, text

HEX = re.compile(rb"[0-9a-fA-F]+")
BYTES = 4 * WORDS
FLAGS = {
    "all_grf": (2, 1 << 16), "even_off": (4, 1), "odd_off": (4, 2), "register_rows": (4, 4),
    "zero_a": (5, 1), "zero_b": (5, 1 << 8),
}  # fmt: skip
"""Word and bit of what CONTROL holds beside the mode."""


def written(field: bytes, crf_offset: int, pim: HbmCommandSet) -> list[list[int]]:
    """Columns of words of ``data=...``, ``crf=...`` or ``mode=...``. Raises FieldError.

    ``crf_offset``: of the first column in the CRF.
    """
    kind, _, value = field.partition(b"=")
    if kind == b"data":
        return _hex(value)
    plain = value.decode("ascii", "replace")
    if kind == b"mode":
        return [_mode(plain)]
    if not 0 <= crf_offset < ENTRIES // WORDS:
        raise FieldError(
            f"{text(field)} does not go to the CRF; must go to its columns, "
            f"{pim.registers.crf_column} to {pim.registers.crf_column + ENTRIES // WORDS - 1}"
        )
    program = assemble(plain, pim.opcodes)
    last = crf_offset * WORDS + len(program) - 1
    if last >= ENTRIES:
        raise FieldError(f"crf reaches entry {last}; the last one is {ENTRIES - 1}")
    nop = pim.opcodes["NOP"] << 28
    program += [nop] * (-len(program) % WORDS)
    return [program[i : i + WORDS] for i in range(0, len(program), WORDS)]


def _hex(value: bytes) -> list[list[int]]:
    if not HEX.fullmatch(value) or len(value) % (2 * BYTES):
        raise FieldError(
            f"data is {text(value)}; must be {2 * BYTES} hexadecimal digits a column, the first "
            "byte first"
        )
    data = bytes.fromhex(value.decode())
    words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
    return [words[i : i + WORDS] for i in range(0, len(words), WORDS)]


def _mode(value: str) -> list[int]:
    mode, *flags = value.split(",")
    if mode not in ("HAB", "HAB_PIM"):
        raise FieldError(f"mode is {mode!r}; must be HAB or HAB_PIM")
    words = [0] * WORDS
    words[0] = int(mode == "HAB_PIM")
    for flag in flags:
        if flag not in FLAGS:
            raise FieldError(f"flag of mode is {flag!r}; must be one of {', '.join(FLAGS)}")
        word, bits = FLAGS[flag]
        words[word] |= bits
    return words
