"""Instructions of a trace, as arrays."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

INSTRUCTION = np.dtype(
    [
        ("op", np.int64),  # index in OPS
        ("count", np.int64),  # columns, or GPRs
        ("gpr", np.int64),  # first that it reads or writes; -1: none; of CFR: its number
        ("gpr2", np.int64),
        ("channels", np.int64),  # a bit for each, channel 0 the lowest
        ("bank", np.int64),  # flat; -1: all or none
        ("row", np.int64),  # -1: none
        ("data", np.int64),  # of CFR; of VECTOR and WR_SBK see arch.pim.operands
        ("line", np.int64),  # in the file, from 1
        ("column", np.int64),  # first of the row that it takes
        ("buffer_column", np.int64),  # first of the global buffer that it takes
        ("vector_op", np.int64),  # VECTOR: index in arch.vector.VECTOR_OPS
        ("elements", np.int64),  # VECTOR: operated on
        ("operator", np.int64),  # that it belongs to
        ("after_begin", np.int64),  # range of the instructions that must be done before
        ("after_end", np.int64),
    ]
)
AIM_FIELDS = {
    "WR_SBK": ("gpr", "channels", "bank", "row"),
    "WR_ABK": ("gpr", "channels", "row"),
    "WR_GB": ("count", "gpr", "channels"),
    "WR_BIAS": ("gpr", "channels"),
    "RD_MAC": ("gpr", "channels"),
    "RD_AF": ("gpr", "channels"),
    "RD_SBK": ("gpr", "channels", "bank", "row"),
    "COPY_BKGB": ("count", "channels", "bank", "row"),
    "COPY_GBBK": ("count", "channels", "bank", "row"),
    "MAC_SBK": ("count", "channels", "bank", "row"),
    "MAC_4BK": ("count", "channels", "bank", "row"),
    "MAC_ABK": ("count", "channels", "row"),
    "AF": ("channels",),
    "EWMUL": ("count", "channels", "row"),
    "EWADD": ("count", "gpr", "gpr2"),
    "SYNC": (),
    "EOC": (),
}
"""Fields of ``AiM OP ...``, in order."""
HOST_FIELDS = {
    "MEM": ("channel", "bank", "row"),
    "GPR": ("gpr",),
    "CFR": ("register", "data"),
}
"""Fields of ``R REGION ...`` and ``W REGION ...``, in order."""
OPS = (*AIM_FIELDS, *(f"{kind}_{region}" for region in HOST_FIELDS for kind in "RW"), "VECTOR")
"""All operations; those of the host as ``R_MEM``, ``W_GPR`` ...; VECTOR is one of the chip beside
the memory."""
CODES = {name: code for code, name in enumerate(OPS)}
CFR_BROADCAST, CFR_EWMUL_BG, CFR_AFM = range(3)


@dataclass(frozen=True)
class PimTrace:
    """Instructions for a PIM and the chip beside it, each of which takes its own in order."""

    instructions: npt.NDArray[np.void]
    """Array of INSTRUCTION."""
    after: npt.NDArray[np.int64]
    """Places in ``instructions`` of what must be done before; an instruction owns a range."""
    operator_names: tuple[str, ...]
