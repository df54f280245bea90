"""The state of a buffer: its scratchpads' ports and its two DMA engines."""

import numpy as np

LOAD, STORE = 0, 1

ENGINE = np.dtype(
    [
        ("head", np.int64),  # position in the queue of the command that issues
        ("queue_end", np.int64),
        ("side_head", np.int64),  # STORE: the same of the side queue
        ("side_end", np.int64),
        ("on_side", np.int64),  # 1: the command that issues is the side queue's
        ("issued_bytes", np.int64),  # of that command
        ("in_flight", np.int64),  # requests that hold a place
        ("issue_at", np.int64),  # tick from which the next request may be issued
        ("job_command", np.int64),  # whose burst uses the ports, -1 for none
        ("job_bytes", np.int64),
        ("job_address", np.int64),  # STORE: its first byte in memory
        ("job_pad", np.int64),
        ("job_accesses", np.int64),  # left to serve
        ("requests", np.int64),  # count issued
    ]
)

BUFFER_STATE = np.dtype(
    [
        ("pads", np.int64),
        ("separate", np.int64),  # 1: the memory has an interface an operand
        ("request_bytes", np.int64),
        ("outstanding", np.int64),
        ("load_to_use", np.int64),  # cycles from the end of a load to its first use
        ("memory_unit", np.int64),
        ("served_until", np.int64),  # tick up to which port use is settled
        ("demand_head", np.int64),  # next change of demand to take over
        ("demand_at", np.int64),  # the array's demand now: since when
        ("advance_cycles", np.int64),
    ]
)

PAD = np.dtype(
    [
        ("accesses_per_cycle", np.int64),
        ("width_bytes", np.int64),
        ("demand", np.int64),  # accesses that the array takes an advance
        ("fill_bytes", np.int64),  # count written by loads
        ("drain_bytes", np.int64),  # count read by stores
    ]
)
