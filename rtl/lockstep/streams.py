"""Fields of stimuli and responses; a stream is a payload and behind it whether it is valid."""

from rtl.lockstep.draws import draw
from sim.jit import njit


@njit
def copy(fields, count, to):
    """The first ``count`` of them."""
    for i in range(count):
        to[i] = fields[i]


@njit
def gather(values, places, fields):
    """Each field, from its place among ``values``."""
    for i in range(places.shape[0]):
        fields[i] = values[places[i]]


@njit
def offer(t, given, valid, ready, rate):
    """Whether a stream shows something new, as one that is stalled does in hostile traffic alone;
    if so, it is valid at ``rate`` of 16."""
    if not t["hostile"] and given[valid] and not ready:
        return False
    given[valid] = 1 if draw(t, 16) < rate else 0
    return True


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
