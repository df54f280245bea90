"""What the readers of memory requests give."""

from typing import Any

import numpy as np
import numpy.typing as npt

LEVELS_MAX = 8
"""Most levels of an address vector."""

REQUEST = np.dtype(
    [
        ("cycle", "<i8"),  # earliest cycle at which it may be offered; never decreases
        ("address", "<u8"),  # bytes
        ("write", "u1"),  # 1 write, 0 read
    ]
)
"""A request by its address. Packed, so that equal requests are equal bytes."""

VECTOR = np.dtype(
    [
        ("cycle", "<i8"),  # earliest cycle at which it may be offered
        ("level", "<i4", (LEVELS_MAX,)),  # channel, rank ... row, column; 0 past the last level
        ("write", "u1"),  # 1 write, 0 read
    ]
)
"""A request by its place in the memory, which no address mapping changes."""

DIALECTS = {
    "ramulator": "LD 0x1f40",
    "ramulator-vector": "R 0,0,1,2,300,7",
    "dramsim3": "0x1f40 READ 100",
    "parquet": "columns cycle, address, write",
}
"""Names of the dialects, each with an example of a request."""

Requests = npt.NDArray[Any]
"""[request] of REQUEST, or of VECTOR where the stream's dtype says so."""
