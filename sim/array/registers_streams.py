"""Stream FIFOs of two entries, and the accumulators behind the grid."""

from sim.jit import njit


@njit
def fit(c, value):
    """A number in the accumulator format: wrapped or saturated."""
    bits = c["accumulator_bits"]
    if c["saturate"]:
        largest = (1 << (bits - 1)) - 1
        return max(-largest - 1, min(largest, value))
    return value << (64 - bits) >> (64 - bits)


@njit
def sum_of(c, b, x, y):
    """A sum in the accumulator format; one that does not fit is noted."""
    exact = x + y
    result = fit(c, exact)
    if result != exact:
        b["overflows"] += 1
    return result


@njit
def step_fifo(old, new, at, words, given, source, source_at, taken):
    """A word may come in, from ``source``, and one may go; entries are in order."""
    level = old[at]
    comes = 1 if given and level != 2 else 0
    new[at] = level + comes - taken
    first, second = at + 1, at + 1 + words
    if comes and level == taken:
        for i in range(words):
            new[first + i] = source[source_at + i]
    elif taken:
        for i in range(words):
            new[first + i] = old[second + i]
    if comes and level == 1 and not taken:
        for i in range(words):
            new[second + i] = source[source_at + i]


@njit
def token_at(c, old, column):
    """Token of a vector of results at a column in this beat."""
    if column == 0:
        return old[c["at_leave"]]
    return old[c["at_leaving"] + column - 1]


@njit
def row_of(c, token):
    """Row from below which the vector leaves."""
    return token >> 1 & (1 << c["row_bits"]) - 1


@njit
def edge_of(c, token):
    """Last column that the vector has."""
    return token >> (1 + c["row_bits"]) & (1 << c["edge_bits"]) - 1


@njit
def rest_of(c, token):
    """What else the token says."""
    return token >> (1 + c["row_bits"] + c["edge_bits"])


@njit
def complete_vector(c, old, b):
    """Find the vector of results that is complete in this beat, and what becomes of it."""
    b["column"] = -1
    b["keep"] = 0
    b["adds"] = 0
    b["complete"] = 0 if c["stationary"] else 1
    b["ends_fold"] = 0
    for column in range(c["cols"]):
        token = token_at(c, old, column)
        if token & 1 and edge_of(c, token) == column:
            b["column"] = column
            if c["stationary"]:
                rest = rest_of(c, token)
                b["adds"] = 1 - (rest & 1)
                b["complete"] = rest >> 1 & 1
                if c["accumulator_rows"] > 0:
                    b["keep"] = rest >> 2 & 1
                    b["ends_fold"] = rest >> 3 & 1
    b["wants_partial"] = 1 if b["column"] >= 0 and b["adds"] and not b["keep"] else 0
    b["sends"] = 1 if b["column"] >= 0 and (b["complete"] or not b["keep"]) else 0


@njit
def tap(c, old, column, token):
    """Result that leaves a column in this beat."""
    plane = c["at_psum"] + (c["latency"] - 1) * c["rows"] * c["cols"]
    if not c["stationary"]:
        plane = c["at_drain"] if c["overlapped_drain"] else c["at_sum"]
    return old[plane + row_of(c, token) * c["cols"] + column]


@njit
def add_up(c, old, b, memory, total):
    """The complete vector, added to what belongs to it."""
    line = c["at_deskew"]
    last = c["cols"] - 1
    for column in range(c["cols"]):
        token = token_at(c, old, column)
        word = 0
        if column < last:
            word = old[line]
            line += last - column
        if token & 1 and edge_of(c, token) == column:
            word = tap(c, old, column, token)
        if b["adds"]:
            if b["keep"]:
                word = sum_of(c, b, word, memory[old[c["at_at"]], column])
            else:
                word = sum_of(c, b, word, old[c["at_partial"] + 1 + column])
        total[column] = word
    total[c["cols"]] = b["complete"]


@njit
def step_port(c, old, new, b, memory, total):
    """Deskew lines and accumulators, after a beat."""
    line = c["at_deskew"]
    for column in range(c["cols"] - 1):
        length = c["cols"] - 1 - column
        token = token_at(c, old, column)
        for j in range(length - 1):
            new[line + j] = old[line + j + 1]
        new[line + length - 1] = 0
        if token & 1 and edge_of(c, token) > column:
            new[line + edge_of(c, token) - column - 1] = tap(c, old, column, token)
        line += length
    if b["column"] >= 0 and b["keep"]:
        at = old[c["at_at"]]
        if not b["complete"]:
            for column in range(c["cols"]):
                memory[at, column] = total[column]
        new[c["at_at"]] = 0 if b["ends_fold"] else at + 1
