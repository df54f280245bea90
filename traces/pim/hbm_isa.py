"""Instructions of HBM-PIM: words of 32 bits, and text.

In traces fields are joined by commas and instructions by semicolons, with no blanks:
``MAC,GRF_B[0],GRF_A[0],EVEN_BANK,auto;JUMP,7,2;NOP,8;EXIT``. JUMP has how often it is taken and how
far it goes back, NOP how many columns it takes.
"""

import re
from collections.abc import Mapping

from arch.pim.hbm import OPERANDS
from traces.requests.fields import FieldError

OPERAND = re.compile(r"([A-Z_]+?)(?:\[([0-9]{1,2})\])?")
REGISTERS = OPERANDS[4:]
PLACES = {"MOV": 2, "FILL": 2, "ADD": 3, "MUL": 3, "MAC": 3, "MAD": 4}
"""Operands, the destination first."""
SHIFTS = (25, 22, 19, 16)
INDEX_SHIFTS = (8, 4, 0, 0)
"""The third and fourth operand share an index."""
AUTO, RELU = 1 << 15, 1 << 12
ENTRIES = 32


def assemble(text: str, codes: Mapping[str, int]) -> list[int]:
    """Words of a program. Raises FieldError."""
    words = [_word(one, codes) for one in text.split(";")]
    if len(words) > ENTRIES:
        raise FieldError(f"crf has {len(words)} instructions; must have {ENTRIES} at most")
    return words


def _word(text: str, codes: Mapping[str, int]) -> int:
    name, *fields = text.split(",")
    if name not in codes:
        raise FieldError(f"instruction is {name!r}; must be one of {', '.join(codes)}")
    word = codes[name] << 28
    if name == "EXIT":
        _count(name, fields, 0)
    elif name == "NOP":
        _count(name, fields, 1)
        word |= _number(name, fields[0], 1, 1 << 11) - 1
    elif name == "JUMP":
        _count(name, fields, 2)
        word |= _number(name, fields[0], 0, (1 << 17) - 1) << 11
        word |= _number(name, fields[1], 1, ENTRIES)
    else:
        while fields and fields[-1] in ("auto", "relu"):
            word |= AUTO if fields.pop() == "auto" else RELU
        _count(name, fields, PLACES[name])
        word |= _operands(name, fields)
    return word


def _operands(name: str, fields: list[str]) -> int:
    word = 0
    seen: dict[int, int] = {}
    for field, shift, index_shift in zip(fields, SHIFTS, INDEX_SHIFTS, strict=False):
        match = OPERAND.fullmatch(field)
        if match is None or match[1] not in OPERANDS:
            raise FieldError(
                f"operand of {name} is {field!r}; must be one of {', '.join(OPERANDS)}, a register "
                "with an index, as in GRF_A[0]"
            )
        word |= OPERANDS.index(match[1]) << shift
        if match[1] not in REGISTERS:
            if match[2] is not None:
                raise FieldError(f"operand of {name} is {field!r}; {match[1]} has no index")
            continue
        index = int(match[2] or 0)
        if index > 7:
            raise FieldError(f"operand of {name} is {field!r}; an index must be 0 to 7")
        if seen.setdefault(index_shift, index) != index:
            raise FieldError(f"{name}: its third and fourth operand must have one index")
        word |= index << index_shift
    return word


def _count(name: str, fields: list[str], wanted: int) -> None:
    if len(fields) != wanted:
        raise FieldError(f"{name} has {len(fields)} fields; must have {wanted}")


def _number(name: str, field: str, least: int, most: int) -> int:
    if not (field.isascii() and field.isdecimal()) or not least <= int(field[:9]) <= most:
        raise FieldError(f"number of {name} is {field!r}; must be {least} to {most}")
    return int(field)


def disassemble(word: int, names: Mapping[int, str]) -> str:
    """An instruction as text for a reader, by the names of codes."""
    name = names.get(word >> 28 & 15, "?")
    if name == "NOP":
        return f"NOP {(word & 0x7FF) + 1}x"
    if name == "JUMP":
        return f"JUMP {word >> 11 & 0x1FFFF}x [PC - {word & 0x7FF}]"
    if name not in PLACES:
        return name
    fields = []
    for shift, index_shift in list(zip(SHIFTS, INDEX_SHIFTS, strict=True))[: PLACES[name]]:
        operand = OPERANDS[word >> shift & 7]
        index = f"[{word >> index_shift & 15}]" if operand in REGISTERS else ""
        fields.append(operand + index)
    if name in ("MOV", "FILL"):
        fields += ["relu"] if word & RELU else []
    elif word & AUTO:
        fields.append("auto")
    return f"{name} {', '.join(fields)}"
