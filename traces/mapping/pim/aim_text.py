"""Programs of AiM in the text form of its simulator, as ``traces.pim.aim`` reads it."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.pim.system import Pim
from traces.pim.dtype import AIM_FIELDS, HOST_FIELDS, OPS

FORM = {"count": "count", "gpr": "gpr", "gpr2": "gpr2", "bank": "bank", "row": "row",
        "data": "data", "register": "gpr"}  # fmt: skip
"""What of an instruction a field of a line is."""


def aim_text(instructions: npt.NDArray[np.void], pim: Pim) -> str:
    """Lines of INSTRUCTION. Raises InputError for what the form cannot say."""
    return "".join(
        f"{_line(one, pim, number)}\n" for number, one in enumerate(instructions, start=1)
    )


def write_aim(path: str | Path, instructions: npt.NDArray[np.void], pim: Pim) -> None:
    """Save a program. Raises InputError for what the form cannot say."""
    Path(path).write_text(aim_text(instructions, pim))


def _line(one: Any, pim: Pim, number: int) -> str:
    name = OPS[one["op"]]
    if name == "VECTOR" or one["column"] or one["buffer_column"]:
        what = "VECTOR" if name == "VECTOR" else f"{name} from column {one['column']}"
        raise InputError(
            f"instruction {number}: {what} has no text form; AiM's begin at column 0 of the row "
            "and of the global buffer"
        )
    if name in AIM_FIELDS:
        return " ".join(["AiM", name, *(_field(one, kind, pim) for kind in AIM_FIELDS[name])])
    word, region = name.split("_")
    fields = (_field(one, kind, pim) for kind in HOST_FIELDS[region])
    return " ".join([word, region, *fields])


def _field(one: Any, kind: str, pim: Pim) -> str:
    mask = int(one["channels"])
    if kind == "channels":
        return str(int(f"{mask:0{pim.channels}b}"[::-1], 2))
    if kind == "channel":
        return str(mask.bit_length() - 1)
    return str(int(one[FORM[kind]]))
