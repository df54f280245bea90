"""Which registers an instruction of HBM-PIM reads and writes, and whether they hold something."""

from traces.jit import njit
from traces.pim.hbm_dtype import READ

FINE, NO_GRF_A, NO_GRF_B, NO_SRF, NO_OUT, OTHER_BANK = range(6)
"""What may be wrong with an operand."""
A_OUT, M_OUT, EVEN_BANK, ODD_BANK, GRF_A, GRF_B, SRF_M, SRF_A = range(8)
SRF_BIT = 4


@njit
def place_of(operand, index, automatic, is_mac, row, column):
    """Index of a register: given, or from the column; GRF_A of a MAC from its upper bits."""
    if not automatic or operand not in (GRF_A, GRF_B):
        return index & 7
    if operand == GRF_A and is_mac:
        return (row & 1) << 2 | ((column >> 3) & 3)
    return column & 7


@njit
def reads(u, operand, index, bank):
    """What is wrong with reading an operand, and of which register."""
    if operand == GRF_A:
        return (FINE if (u["grf_a"] >> index) & 1 else NO_GRF_A), index
    if operand == GRF_B:
        return (FINE if (u["grf_b"] >> index) & 1 else NO_GRF_B), index
    if operand in (SRF_M, SRF_A):
        return (FINE if u["srf"] & SRF_BIT else NO_SRF), index
    if operand in (A_OUT, M_OUT):
        return (FINE if (u["srf"] >> operand) & 1 else NO_OUT), operand
    return (FINE if (bank & 1) == (operand == ODD_BANK) else OTHER_BANK), operand


@njit
def writes(u, operand, index, bank):
    """Note that a register holds something; what is wrong with a bank."""
    if operand == GRF_A:
        u["grf_a"] |= 1 << index
    elif operand == GRF_B:
        u["grf_b"] |= 1 << index
    elif operand in (SRF_M, SRF_A):
        u["srf"] |= SRF_BIT
    elif operand in (A_OUT, M_OUT):
        u["srf"] |= 1 << operand
    elif (bank & 1) != (operand == ODD_BANK):
        return OTHER_BANK, operand
    return FINE, 0


@njit
def execute(w, u, word, kind, bank, row, column):
    """What is wrong with an instruction's operands, and with which; notes what it writes."""
    code = (word >> 28) & 15
    if code == w["code_NOP"]:
        if kind == READ:
            return FINE, 0
        return reads(u, GRF_B if bank & 1 else GRF_A, column & 7, bank)
    if code == w["code_EXIT"]:
        return FINE, 0
    is_mac = code == w["code_MAC"]
    moves = code == w["code_MOV"] or code == w["code_FILL"]
    automatic = code == w["code_FILL"] or (code != w["code_MOV"] and (word >> 15) & 1 == 1)
    sources = 1 if moves else 3 if code == w["code_MAD"] else 2
    for i in range(sources):
        operand = (word >> (22 - 3 * i)) & 7
        index = (word >> (4 if i == 0 else 0)) & 15
        index = place_of(operand, index, automatic, is_mac, row, column)
        wrong, which = reads(u, operand, index, bank)
        if wrong != FINE:
            return wrong, which
    operand = (word >> 25) & 7
    index = place_of(operand, (word >> 8) & 15, automatic, is_mac, row, column)
    if is_mac:
        wrong, which = reads(u, operand, index, bank)
        if wrong != FINE:
            return wrong, which
    return writes(u, operand, index, bank)
