"""What is known of a point."""

from dataclasses import dataclass, field
from typing import Any, Literal

from sim.study.space import Point

State = Literal["done", "rejected", "failed"]
"""``done``: simulated, all constraints kept; ``rejected``: a constraint is not; ``failed``: there
is no such machine, or it cannot run the workloads."""


@dataclass(frozen=True)
class Record:
    """A point that is finished."""

    index: int
    """In the order in which the study names points."""
    point: Point
    state: State
    metrics: dict[str, float] = field(default_factory=dict)
    """As far as they were computed."""
    reason: str = ""
    """Why it is rejected or failed."""

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for the journal."""
        return {
            "index": self.index,
            "point": list(self.point),
            "state": self.state,
            "metrics": self.metrics,
            "reason": self.reason,
        }

    @staticmethod
    def of_dict(data: dict[str, Any]) -> "Record":
        """The record of plain data. Raises KeyError, TypeError or ValueError where it is none."""
        point = tuple(int(level) for level in data["point"])
        state: State = data["state"]
        if state not in ("done", "rejected", "failed"):
            raise ValueError(f"no state: {state!r}")
        return Record(int(data["index"]), point, state, dict(data["metrics"]), str(data["reason"]))
