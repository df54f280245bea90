"""What the dialects of text have in common."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from traces.requests.dtype import DIALECTS, REQUEST, Requests
from traces.requests.fields import FieldError

DRAMSIM3_WRITES = frozenset((b"WRITE", b"write", b"P_MEM_WR", b"BOFF"))
DRAMSIM3_READS = frozenset((b"READ", b"read", b"P_MEM_RD", b"P_FETCH"))
DRAMSIM3_OPERATIONS = DRAMSIM3_READS | DRAMSIM3_WRITES


def dialect_of(fields: list[bytes]) -> str | None:
    """The dialect of a line by its operation; None where it is not known."""
    if fields[0] in (b"LD", b"ST"):
        return "ramulator"
    if fields[0] in (b"R", b"W"):
        return "ramulator-vector"
    return "dramsim3" if len(fields) > 1 and fields[1] in DRAMSIM3_OPERATIONS else None


class Dialect(ABC):
    """Reads lines one after the other; keeps what a line must know of those before.

    - ``name``: in ``DIALECTS``
    - ``dtype``: of its requests
    - ``levels``: numbers in an address vector; 0 where requests have addresses
    """

    name: str
    dtype: np.dtype[Any] = REQUEST
    levels: int = 0

    @abstractmethod
    def block(self, text: bytes) -> Requests | None:
        """Requests of whole lines with one separator between fields and nothing else.

        None where a line is not of that form or wrong; then nothing has changed.
        """

    @abstractmethod
    def line(self, fields: list[bytes]) -> tuple[Any, ...]:
        """The request of one line. Raises FieldError."""

    def expect_fields(self, fields: list[bytes], count: int) -> None:
        """Raise FieldError unless there are ``count`` fields."""
        if len(fields) != count:
            raise FieldError(
                f"has {len(fields)} field{'s' * (len(fields) != 1)}; must have {count}, as in "
                f"{DIALECTS[self.name]!r}"
            )
