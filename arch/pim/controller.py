"""The controller of a PIM channel, and what sends instructions to all of them."""

from typing import Literal

from pydantic import Field, model_validator

from arch.spec import Spec


class PimController(Spec):
    """Queues and policies.

    PIM commands go in order and never while ordinary reads and writes wait in the same channel, nor
    the other way round. Ordinary ones go as of the scheduler ``frfcfs`` of a DRAM controller.
    """

    dispatch_width: int = Field(default=1, ge=1, le=64)
    """Instructions that may be sent to the channels in a cycle, in order; each goes to all its
    channels at once, and the next one waits until its last command has room in their queues."""
    pim_entries: int = Field(default=32, ge=1, le=256)
    """Entries of the queue of PIM commands of a channel."""
    pim_entry: Literal["command", "instruction"] = "command"
    """What takes an entry: each command, or an instruction with all its columns."""
    read_entries: int = Field(default=32, ge=1, le=256)
    """Reads that wait in a channel."""
    write_entries: int = Field(default=32, ge=1, le=256)
    """Writes that wait in a channel."""
    drain_above: int = Field(default=25, ge=0, le=256)
    """Writes go first when more than so many wait, or no read does."""
    drain_below: int = Field(default=7, ge=1, le=256)
    """Reads go first again when fewer than so many writes wait and a read does."""
    refresh: Literal["none", "all_bank"] = "all_bank"
    """All banks of a channel at once, or not at all."""
    forwarding: Literal["address", "any"] = "address"
    """A read is served by a waiting write of its address; or of any, as in the AiM simulator."""
    partly_open: Literal["close", "activate"] = "close"
    """What happens to a group of banks of which some have the wanted row open and some none: they
    all close; or all are activated, as in the AiM simulator."""
    activated_first: bool = True
    """A read or write that has activated its row has its data before PIM commands are taken and
    before its bank closes for them; if not, as in the AiM simulator, they may come between."""

    @model_validator(mode="after")
    def _ordered(self) -> "PimController":
        if self.drain_below > self.drain_above + 1:
            raise ValueError(
                f"drain_below: must be {self.drain_above + 1} at most, one more than drain_above"
            )
        return self
