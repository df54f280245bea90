"""A memory on its own, and that of a machine."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from arch.catalog import CONFIGS
from arch.dram.channels import BankHash, Channels
from arch.spec import Name
from arch.spec_file import Folder, read_spec

MEMORIES = Folder(CONFIGS / "memories", "memory")


class MemorySystem(Channels):
    """A memory that runs traces of requests."""

    name: Name
    """Of the memory."""
    source: str
    """Where its numbers come from."""


class Dram(Channels):
    """The memory of a machine: DRAM channels on the clock of their speed.

    A request is split into bursts, each goes to the channel of its address. A read is answered
    ``latency_cycles`` after its last data, a write after its last command.
    """

    bank_hash: BankHash = "fold"
    """As of a memory on its own; rows of a matrix, a power of two apart, spread over channels and
    banks with ``fold``."""
    latency_cycles: int = Field(default=10, ge=0, le=2**31)
    """Cycles of the DRAM's clock between requester and channels, there and back."""
    order: Literal["by_channel", "in_order"] = "by_channel"
    """Whether bursts that wait for a channel let those to other channels pass."""
    port_clock: Name | None = None
    """Clock of the ports between requesters and channels: a channel takes one burst an edge; null:
    one a cycle of its own."""

    @model_validator(mode="after")
    def _can_be_stepped(self) -> "Dram":
        if self.controller.scheduler == "bank_queues":
            raise ValueError(
                "controller.scheduler: must be frfcfs or fcfs in a machine, not bank_queues, which "
                "runs traces of requests alone"
            )
        return self


memory_names = MEMORIES.names


def load_memory(name_or_path: str, overrides: Sequence[str] = ()) -> MemorySystem:
    """Read a memory from YAML; ``overrides`` as of ``arch.load.load_machine``.

    Raises InputError with a line for each fault.
    """
    path = MEMORIES.find(name_or_path)
    return read_spec(MemorySystem, path, "a memory: name, source, standard ...", overrides)
