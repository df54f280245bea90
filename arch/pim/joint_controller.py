"""The controller of a channel that holds memory and PIM commands together."""

from typing import Literal

from pydantic import Field, model_validator

from arch.spec import Spec


class JointController(Spec):
    """Queues and policies of one channel, and what sends PIM instructions to all of them.

    Ordinary requests go as of the scheduler ``bank_queues`` of a DRAM controller. PIM instructions
    go in order. A *tile* is a header with the columns and results that follow it; a tile or a
    GWRITE is a *unit* of PIM work. Neither begins if it would not end before the next refresh.
    """

    dispatch_width: int | None = Field(default=None, ge=1, le=1024)
    """PIM instructions that may be sent in a cycle to all channels together, in the order of the
    trace; null: each channel is sent its own, one a cycle."""
    pim_transactions: int = Field(default=32, ge=1, le=4096)
    """PIM instructions that wait in a channel for the queue of PIM commands."""
    pim_transactions_in: Literal["own", "reads"] = "own"
    """Whether they have a queue of their own, or lie among the reads and take their room."""
    pim_commands: int = Field(default=128, ge=1, le=4096)
    """Of the queue of PIM commands of a channel."""
    read_entries: int = Field(default=32, ge=1, le=256)
    """Reads that wait in a channel before the queues of banks."""
    write_entries: int = Field(default=32, ge=1, le=256)
    """Writes that wait in a channel before the queues of banks."""
    bank_entries: int = Field(default=128, ge=1, le=256)
    """Of the command queue of a bank."""
    mode: Literal["blocked", "concurrent"] = "concurrent"
    """PIM units and ordinary requests take turns in a channel, or go at the same time."""
    priority: Literal["pim_first", "memory_first", "alternating"] = "pim_first"
    """Concurrent: which side gives its command in a cycle in which both could. Blocked: whose turn
    lasts as long as it has work; the other's is one unit, or as many requests as waited when it
    began. Alternating: in turn."""
    fairness_cycles: int | None = Field(default=1000, ge=1, le=2**31)
    """A side that has given no command for so long though it had one ready (concurrent), or that
    has waited for so long for its turn (blocked), goes first; null: it may wait for ever."""
    slack_checked: bool = True
    """Rows close and open for memory only as far as the time left before the next refresh, when
    the PIM unit at hand is over, allows."""
    refresh: Literal["none", "all_bank"] = "all_bank"
    """All banks of a rank at once, the ranks in turn, or not at all."""
    tile_ends_first: bool = True
    """A refresh waits until the tile at hand is over; if not, as in NeuPIMs' simulator, it comes
    between the commands of a tile that was estimated too short."""
    group_ready: Literal["all_banks", "one_bank"] = "all_banks"
    """Whether a group is activated when all of its banks may, or, as in NeuPIMs' simulator, as soon
    as the first that is found may."""
    row_reserved: Literal["tile", "next_tile"] = "tile"
    """For how long memory is kept from the row of a tile: to its end, or, as in NeuPIMs'
    simulator, to the next tile or refresh."""
    deadline: Literal["kept", "lenient"] = "kept"
    """Whether a unit that would not end before the next refresh may begin in the last cycle before
    it, as in NeuPIMs' simulator, which takes a whole interval to be left then."""

    open_tile: Literal["goes_on", "waits"] = "goes_on"
    """Among reads: whether an instruction of the tile at hand passes reads and writes that wait,
    for banks that the tile has perhaps, when the PIM has no other command; or, as in NeuPIMs'
    simulator, keeps to the order, so that nothing may go on for ever."""

    @model_validator(mode="after")
    def _bounded(self) -> "JointController":
        if self.mode == "blocked" and self.priority != "pim_first" and self.fairness_cycles is None:
            raise ValueError(
                "fairness_cycles: must be a number in mode blocked with priority "
                f"{self.priority}, or PIM may wait for ever"
            )
        return self
