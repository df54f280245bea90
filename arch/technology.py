"""Names of technologies, and what their tables are made of."""

from dataclasses import dataclass
from typing import Literal

TechnologyName = Literal["unknown", "45nm"]


@dataclass(frozen=True)
class Entry:
    """A number of a table with where it comes from; the table says its unit."""

    value: float | None
    """None: no source is known, and so no number."""
    source: str | None

    def __post_init__(self) -> None:
        if (self.value is None) != (self.source is None):
            raise ValueError("an entry must have a value and a source, or neither")


UNKNOWN = Entry(None, None)


def sourced(source: str, values: dict[str, float]) -> dict[str, Entry]:
    """Entries that share a source."""
    return {name: Entry(value, source) for name, value in values.items()}
