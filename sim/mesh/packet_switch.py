"""Who crosses a router: switch allocation, on the state at the start of the cycle."""

from sim.jit import njit
from sim.mesh.packet_state import CHOSEN, COLUMNS, GRANTS, ROWS, WINS

PORTS = 5


@njit
def lowest(tables, mask):
    """Place of the lowest bit that is set."""
    return tables[(mask & -mask) % 67]


@njit
def first_from(tables, mask, start):
    """Place of the first bit that is set at ``start`` or above, or else of the lowest one."""
    above = mask >> start
    if above:
        return start + lowest(tables, above)
    return lowest(tables, mask)


@njit
def _requests(m, ports, vcs, tables, scratch, router, ready):
    """Fill the rows, columns and the VC chosen for each pair of ports."""
    count = m["vcs"]
    for port in range(PORTS):
        scratch[ROWS + port] = 0
        scratch[COLUMNS + port] = 0
    base = router * PORTS * count
    left = ready
    while left:
        bit = lowest(tables, left)
        left &= left - 1
        port = tables[67 + bit]
        vc = bit - port * count
        out = tables[67 + vcs[base + bit]["out"]]
        place = CHOSEN + port * PORTS + out
        if (scratch[ROWS + port] >> out) & 1:
            turn = ports[router * PORTS + port]["vc_turn"]
            mine = vc - turn if vc >= turn else vc - turn + count
            other = scratch[place]
            other = other - turn if other >= turn else other - turn + count
            if mine < other:
                scratch[place] = vc
        else:
            scratch[ROWS + port] |= 1 << out
            scratch[COLUMNS + out] |= 1 << port
            scratch[place] = vc


@njit
def _win(m, ports, scratch, router, port, out, wins, moves):
    """Note a win, and move the pointers behind it if ``moves``; returns the number of wins."""
    count = m["vcs"]
    vc = scratch[CHOSEN + port * PORTS + out]
    first = router * PORTS
    ports[first + port]["vc_turn"] = vc + 1 if vc + 1 < count else 0
    if moves:
        ports[first + port]["in_turn"] = out + 1 if out + 1 < PORTS else 0
        ports[first + out]["out_turn"] = port + 1 if port + 1 < PORTS else 0
    scratch[WINS + wins] = port * count + vc
    return wins + 1


@njit
def _separable(m, ports, tables, scratch, router):
    first = router * PORTS
    for out in range(PORTS):
        scratch[COLUMNS + out] = 0
    for port in range(PORTS):
        row = scratch[ROWS + port]
        if row:
            out = first_from(tables, row, ports[first + port]["in_turn"])
            scratch[COLUMNS + out] |= 1 << port
    wins = 0
    for out in range(PORTS):
        column = scratch[COLUMNS + out]
        if column:
            port = first_from(tables, column, ports[first + out]["out_turn"])
            wins = _win(m, ports, scratch, router, port, out, wins, True)
    return wins


@njit
def _islip(m, ports, tables, scratch, router):
    first = router * PORTS
    inputs = (1 << PORTS) - 1
    outputs = inputs
    wins = 0
    for turn in range(m["switch_rounds"]):
        for port in range(PORTS):
            scratch[GRANTS + port] = 0
        for out in range(PORTS):
            column = scratch[COLUMNS + out] & inputs
            if column and (outputs >> out) & 1:
                port = first_from(tables, column, ports[first + out]["out_turn"])
                scratch[GRANTS + port] |= 1 << out
        before = wins
        for port in range(PORTS):
            grants = scratch[GRANTS + port]
            if grants:
                out = first_from(tables, grants, ports[first + port]["in_turn"])
                wins = _win(m, ports, scratch, router, port, out, wins, turn == 0)
                inputs ^= 1 << port
                outputs ^= 1 << out
        if wins == before:
            break
    return wins


@njit
def switch_wins(m, ports, vcs, tables, scratch, router, ready):
    """How many input VCs of those that are ready win; which ones is in the scratch."""
    count = m["vcs"]
    if ready & (ready - 1) == 0:
        bit = lowest(tables, ready)
        port = tables[67 + bit]
        out = tables[67 + vcs[router * PORTS * count + bit]["out"]]
        scratch[CHOSEN + port * PORTS + out] = bit - port * count
        return _win(m, ports, scratch, router, port, out, 0, True)
    _requests(m, ports, vcs, tables, scratch, router, ready)
    if m["switch_rounds"]:
        return _islip(m, ports, tables, scratch, router)
    return _separable(m, ports, tables, scratch, router)
