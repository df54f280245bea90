"""Addresses and codes of an HBM-PIM, as the kernels take them."""

import numpy as np
import numpy.typing as npt

from arch.pim.hbm import HbmPim
from traces.pim.hbm_dtype import WHERE


def where(pim: HbmPim) -> npt.NDArray[np.void]:
    """[1] of WHERE. Raises InputError."""
    chosen = pim.command_set()
    registers, enter, leave = chosen.registers, chosen.enter_all_bank, chosen.leave_all_bank
    found = np.zeros(1, WHERE)
    values = {
        "first_row": registers.first_row,
        "register_row": registers.row,
        "control": registers.control_column,
        "srf": registers.srf_column,
        "crf": registers.crf_column,
        "grf_a": registers.grf_a_column,
        "grf_b": registers.grf_b_column,
        "enter_row": enter.row,
        "enter_column": -1 if enter.column is None else enter.column,
        "enter_banks": sum(1 << bank for bank in enter.banks),
        "leave_row": leave.row,
        "leave_banks": sum(1 << bank for bank in leave.banks),
        "own_counters": int(pim.jump_counters == "each"),
        **{f"code_{name}": code for name, code in chosen.opcodes.items()},
        "columns": pim.device().columns,
        "half_step": 2,
    }
    for name, value in values.items():
        found[name] = value
    return found
