"""The controller of a DRAM channel."""

from typing import Literal

from pydantic import Field, model_validator

from arch.spec import Spec


class Controller(Spec):
    """Queues and policies of one channel.

    The oldest request whose next command may issue goes first, one that has activated its row
    before all others, as in Ramulator 2.1.
    """

    scheduler: Literal["frfcfs", "fcfs", "bank_queues"] = "frfcfs"
    """The oldest request whose next command may issue, or the oldest alone, or a command queue for
    each bank, as in DRAMsim3."""
    bank_entries: int = Field(default=8, ge=1, le=256)
    """Of each command queue of the scheduler ``bank_queues``."""
    cap_cycles: int | None = Field(default=10_000, ge=1, le=2**40)
    """A request that has waited for so long goes before all others; null: none does, and one may
    wait for ever."""
    row_policy: Literal["open", "closed", "timeout"] = "open"
    """When a row closes: when another is wanted; or as soon as no request waits for it; or when
    none has come for ``timeout_cycles``."""
    timeout_cycles: int = Field(default=100, ge=1, le=2**31)
    """Of the row policy ``timeout``."""
    refresh: Literal["none", "all_bank", "per_bank", "same_bank"] = "all_bank"
    """All banks of a rank or pseudo-channel at once, one bank after the other, one of every bank
    group at once (DDR5), or not at all."""
    postponed_refreshes: int = Field(default=0, ge=0, le=7)
    """Refreshes of a bank that may wait while there are requests; one less at most than the
    standard allows, as banks must close first."""
    hazards: Literal["ordered", "unordered"] = "ordered"
    """Whether requests to one address stay in order: a read is served by a write that waits, and a
    write is not taken before the reads that wait. Unordered, as in Ramulator 2.1, only a write
    that has not activated its row serves reads, and writes may pass reads; with the scheduler
    ``bank_queues`` order is kept, but a write is taken and may then hold up the drain, as in
    DRAMsim3."""
    read_entries: int = Field(default=32, ge=1, le=256)
    """Reads that wait."""
    write_entries: int = Field(default=32, ge=1, le=256)
    """Writes that wait."""
    drain_high: float = Field(default=0.8, ge=0, le=1)
    """Writes go first when more than this share of their entries is taken, or no read waits."""
    drain_low: float = Field(default=0.2, ge=0, le=1)
    """Reads go first again when less than this share is taken and a read waits."""

    @model_validator(mode="after")
    def _ordered(self) -> "Controller":
        if self.drain_low > self.drain_high:
            raise ValueError(f"drain_low: must be drain_high at most, {self.drain_high}")
        return self

    @model_validator(mode="after")
    def _followed(self) -> "Controller":
        if self.scheduler != "bank_queues":
            return self
        if self.refresh not in ("none", "all_bank"):
            raise ValueError(
                f"refresh: must be all_bank or none with scheduler bank_queues, not {self.refresh}"
            )
        for name in ("row_policy", "postponed_refreshes", "drain_high", "drain_low"):
            given, only = getattr(self, name), type(self).model_fields[name].default
            if given != only:
                raise ValueError(
                    f"{name}: must be {only} with scheduler bank_queues, which has a rule of its "
                    f"own, not {given}"
                )
        return self
