"""Memory requests from files: Ramulator's and DRAMsim3's dialects, and Parquet.

Every reader streams: it holds a block of the file at a time, whatever the length of the trace.
"""

from traces.requests.dtype import DIALECTS, LEVELS_MAX, REQUEST, VECTOR
from traces.requests.open import RequestStream, open_requests
from traces.requests.parquet import write_requests

__all__ = [
    "DIALECTS",
    "LEVELS_MAX",
    "REQUEST",
    "VECTOR",
    "RequestStream",
    "open_requests",
    "write_requests",
]
