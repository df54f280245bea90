"""AttAcc: HBM3 for attention, with a unit for products of matrix and vector in each bank."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from arch.dram.expression import CYCLES_MAX
from arch.pim.files import PIMS
from arch.spec import Name, Spec
from arch.spec_file import read_spec

TIMINGS = {
    "nBL": "of data on the bus of a pseudo-channel",
    "nCCDS": "between moves in a rank",
    "nCCDL": "between moves in a bank group",
    "nCCDAB": "between columns of all banks; more than nCCDL where power is limited",
    "nRCDRD": "from the activate of all banks to a column",
    "nRAS": "from the activate of all banks to their precharge",
    "nRC": "from the activate of all banks to the next",
    "nRP": "from the precharge of all banks to their activate",
    "nRTPL": "from a column to the precharge",
    "nRFC": "from a refresh to an activate",
    "nREFI": "from refresh to refresh",
}
"""Least distances, in cycles."""


class AttAcc(Spec):
    """A file of configs/pims with ``interface: attacc``: one stack."""

    interface: Literal["attacc"]
    name: Name
    """Of the PIM."""
    source: str
    """Where its numbers come from."""
    sources: dict[str, str] = Field(default={})
    """Where single numbers come from, by their path; ``assumed`` where no source says."""
    clock_khz: int = Field(ge=1, le=10**8)
    """Of the cycles."""
    channels: int = Field(ge=1, le=64)
    """Of the stack."""
    pseudo_channels: int = Field(ge=1, le=4)
    """Of a channel."""
    ranks: int = Field(ge=1, le=8)
    """Of a pseudo-channel."""
    bank_groups: int = Field(ge=1, le=8)
    """Of a rank."""
    banks: int = Field(ge=1, le=8)
    """Of a bank group."""
    row_bytes: int = Field(ge=32, le=65536)
    """Of a bank."""
    column_bytes: int = Field(ge=1, le=256)
    """That a unit takes at a time."""
    queue_entries: int = Field(ge=2, le=256)
    """Commands and barriers that wait in a channel."""
    tokens_max: int = Field(ge=1, le=2**20)
    """For which the rows of a head are reserved."""
    timings: dict[str, Annotated[int, Field(ge=1, le=CYCLES_MAX)]]
    """Cycles of each of ``TIMINGS``."""
    rows_beyond_barriers: bool = True
    """A row that what lies beyond a barrier wants is opened before; if not, only after all before
    the barrier is done. About half of the published table was made so."""
    softmax: Literal["once", "each_step"] = "once"
    """Where an odd number of heads leaves one without a partner: its softmax and its move of
    logits once, or, as in the traces of the published table, after each 16 rows of scores."""
    second_context: Literal["own", "of_first"] = "own"
    """Commands of the second head of a pair in its last part are its own, or those of the first, as
    in the published generator: they go to all channels even where it has fewer."""

    @model_validator(mode="after")
    def _timed(self) -> "AttAcc":
        if set(self.timings) != set(TIMINGS):
            raise ValueError(f"timings: must give each of {', '.join(TIMINGS)}")
        return self


def is_attacc(name_or_path: str) -> bool:
    """Whether a name, or what a file holds, is a PIM with the interface of AttAcc."""
    return PIMS.content(name_or_path).get("interface") == "attacc"


def load_attacc(name_or_path: str, overrides: Sequence[str] = ()) -> AttAcc:
    """Read a PIM from YAML; ``overrides`` as of ``arch.load.load_machine``.

    Raises InputError with a line for each fault.
    """
    path = PIMS.find(name_or_path)
    return read_spec(AttAcc, path, "a PIM: interface, name, channels, timings ...", overrides)
