"""Streams into a unit, as fields of a stimulus: a payload and behind it whether it is valid."""

from sim.jit import njit


@njit
def changed(before, given, first, valid, ready):
    """Whether a stream that was valid and not ready is not valid or shows something else.

    ``before``, ``given``: stimuli; ``first``, ``valid``: the stream's first and last field.
    """
    if before[valid] and not ready:
        for i in range(first, valid + 1):
            if given[i] != before[i]:
                return 1
    return 0


@njit
def keep(given, incoming, first, valid):
    """What hardware keeps of a stream that is ready: the last payload that was valid."""
    incoming[valid] = given[valid]
    if given[valid]:
        for i in range(first, valid):
            incoming[i] = given[i]


@njit
def show_kept(incoming, first, valid, shown, at):
    """Its registers: valid, then the payload; returns where the next part begins."""
    shown[at] = incoming[valid]
    for i in range(first, valid):
        shown[at + 1 + i - first] = incoming[i]
    return at + 1 + valid - first
