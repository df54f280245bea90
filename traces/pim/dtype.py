"""Instructions of a trace, as arrays."""

import numpy as np

INSTRUCTION = np.dtype(
    [
        ("op", np.int64),  # index in OPS
        ("count", np.int64),  # columns, or GPRs
        ("gpr", np.int64),  # first that it reads or writes; -1: none
        ("gpr2", np.int64),
        ("channels", np.int64),  # a bit for each, channel 0 the lowest
        ("bank", np.int64),  # flat; -1: all or none
        ("row", np.int64),  # -1: none
        ("data", np.int64),  # of CFR
        ("line", np.int64),  # in the file, from 1
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
OPS = (*AIM_FIELDS, *(f"{kind}_{region}" for region in HOST_FIELDS for kind in "RW"))
"""All operations; those of the host as ``R_MEM``, ``W_GPR`` ..."""
CODES = {name: code for code, name in enumerate(OPS)}
CFR_BROADCAST, CFR_EWMUL_BG, CFR_AFM = range(3)
