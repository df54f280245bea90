"""The state between requesters and channels: requests that are split into bursts."""

import numpy as np

NONE = -1

FRONT = np.dtype(
    [
        ("requesters", np.int64),  # rings of requests
        ("latency", np.int64),  # cycles, there and back
        ("in_order", np.int64),  # a burst that waits lets none pass
        ("port_period", np.int64),  # ticks between bursts that a channel takes; 0: as it can
        ("free_transfer", np.int64),  # head of a list, or NONE
        ("free_burst", np.int64),
        ("used_bursts", np.int64),  # those behind have never been in any list
        ("open", np.int64),  # transfers under way
        ("head", np.int64),  # bursts in order, where they keep to it
        ("tail", np.int64),
        ("requests", np.int64),  # counts
        ("read_bytes", np.int64),
        ("write_bytes", np.int64),
    ]
)

TRANSFER = np.dtype(
    [
        ("ring", np.int64),  # that it came in
        ("command", np.int64),
        ("bytes", np.int64),
        ("left", np.int64),  # bursts that have not ended
        ("latest", np.int64),  # cycle of its last data so far
        ("next", np.int64),  # in the free list
    ]
)

BURST = np.dtype(
    [
        ("cycle", np.int64),  # in which it was split off
        ("channel", np.int64),
        ("bank", np.int64),
        ("row", np.int64),
        ("column", np.int64),
        ("address", np.int64),  # number of the burst
        ("write", np.int64),
        ("tag", np.int64),  # its transfer
        ("next", np.int64),  # behind it in its list
    ]
)

LANE = np.dtype(
    [
        ("head", np.int64),  # bursts that wait for the channel, or NONE
        ("tail", np.int64),
        ("due", np.int64),  # cycle in which it is to step
        ("held", np.int64),  # 1: the first burst has been refused
        ("open_from", np.int64),  # tick from which its port takes the next burst
    ]
)
