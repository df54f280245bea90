"""What runs of PIMs count in their channels."""

from typing import Any, Protocol


class Counted(Protocol):
    """A run with tables that name commands, and a state of channels."""

    tables: Any
    state: Any

    @property
    def cycles(self) -> int:
        """Until all was done."""

    def total(self, name: str) -> int:
        """A counter of all channels."""
        return int(self.state.channels[name].sum())

    @property
    def commands(self) -> dict[str, int]:
        """How often each command was given, in all channels."""
        issued = self.state.issued.sum(axis=0)
        return {n: int(count) for n, count in zip(self.tables.names, issued, strict=True) if count}

    def active_cycles(self, channel: int) -> int:
        """With a row open, the last cycle included."""
        one = self.state.channels[channel]
        still = self.cycles + 1 - int(one["open_since"]) if one["open_banks"] else 0
        return int(one["active_cycles"]) + still
