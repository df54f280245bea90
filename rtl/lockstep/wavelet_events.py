"""What is counted of a wavelet mesh in lockstep."""

EVENTS = (
    "wavelet put",
    "wavelet taken",
    "put without room",
    "take without a wavelet",
    "left by E",
    "left by W",
    "left by S",
    "left by N",
    "left to a PE",
    "multicast",
    "several colours move",
    "port taken by another colour",
    "waits: next router faces elsewhere",
    "waits: queue is full",
    "waits: queue is of another side",
    "waits: PE's queue is full",
    "queue is not of the side that is read",
    "no room for a PE",
    "control wavelet moves",
    "control wavelet ends",
    "control switches",
    "PE sets a position",
    "PE and control at once",
    "reset while dirty",
    "program ran to its end",
)
"""Counted in cycles, colours or wavelets."""
(PUT, TAKEN, NO_ROOM_PUT, NONE_TAKEN, LEFT, _, _, _, _, MULTICAST, SEVERAL, PORT_TAKEN, ELSEWHERE,
 FULL, OTHER_SIDE, PE_FULL, UNREAD, NO_ROOM, CONTROLS, ENDS, SWITCHES, SETS, AT_ONCE,
 DIRTY, ENDED) = range(25)  # fmt: skip
