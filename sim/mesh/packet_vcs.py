"""Who gets an output VC: VC allocation of one router, on the state at the start of the cycle."""

from sim.jit import njit
from sim.mesh.packet_state import GIVEN, WANTED
from sim.mesh.packet_switch import PORTS, first_from, lowest


@njit
def _give(m, r, vcs, base, bit, out):
    """Output VC ``out`` of the router goes to its input VC ``bit``."""
    r["want"] ^= 1 << bit
    r["free"] ^= 1 << out
    vcs[base + bit]["out"] = out
    vcs[base + out]["owner"] = bit
    if vcs[base + out]["credits"] > 0:
        r["ready"] |= 1 << bit


@njit
def _move_turns(m, vcs, base, bit, out):
    size = PORTS * m["vcs"]
    vcs[base + bit]["in_turn"] = out + 1 if out + 1 < size else 0
    vcs[base + out]["out_turn"] = bit + 1 if bit + 1 < size else 0


@njit
def _preferred(vcs, tables, base, bit, first, mask):
    """Of the VCs ``mask`` of an output port, the first that input VC ``bit`` turns to."""
    return first_from(tables, mask, max(vcs[base + bit]["in_turn"] - first, 0))


@njit
def _separable(m, r, vcs, tables, scratch, base, first, wanted, free):
    count = m["vcs"]
    for vc in range(count):
        scratch[GIVEN + vc] = 0
    left = wanted
    while left:
        bit = lowest(tables, left)
        left &= left - 1
        scratch[GIVEN + _preferred(vcs, tables, base, bit, first, free)] |= 1 << bit
    for vc in range(count):
        asking = scratch[GIVEN + vc]
        if asking:
            out = first + vc
            bit = first_from(tables, asking, vcs[base + out]["out_turn"])
            _move_turns(m, vcs, base, bit, out)
            _give(m, r, vcs, base, bit, out)


@njit
def _islip(m, r, vcs, tables, scratch, base, first, wanted, free):
    for turn in range(m["vc_rounds"]):
        left = wanted
        while left:
            scratch[GIVEN + lowest(tables, left)] = 0
            left &= left - 1
        left = free
        while left:
            vc = lowest(tables, left)
            left &= left - 1
            bit = first_from(tables, wanted, vcs[base + first + vc]["out_turn"])
            scratch[GIVEN + bit] |= 1 << vc
        left = wanted
        while left:
            bit = lowest(tables, left)
            left &= left - 1
            grants = scratch[GIVEN + bit]
            if grants:
                vc = _preferred(vcs, tables, base, bit, first, grants)
                if turn == 0:
                    _move_turns(m, vcs, base, bit, first + vc)
                _give(m, r, vcs, base, bit, first + vc)
                wanted ^= 1 << bit
                free ^= 1 << vc
        if wanted == 0 or free == 0:
            break


@njit
def _port(m, r, vcs, tables, scratch, base, port, wanted):
    """Allocate the VCs of one output port among the input VCs ``wanted``."""
    count = m["vcs"]
    first = port * count
    free = (r["free"] >> first) & ((1 << count) - 1)
    if free == 0:
        return
    if wanted & (wanted - 1) == 0:
        bit = lowest(tables, wanted)
        out = first + _preferred(vcs, tables, base, bit, first, free)
        _move_turns(m, vcs, base, bit, out)
        _give(m, r, vcs, base, bit, out)
    elif m["vc_rounds"]:
        _islip(m, r, vcs, tables, scratch, base, first, wanted, free)
    else:
        _separable(m, r, vcs, tables, scratch, base, first, wanted, free)


@njit
def allocate_vcs(m, r, vcs, tables, scratch, base):
    """Give free output VCs to input VCs that want one; none asks for two ports."""
    wanted = r["want"]
    if wanted & (wanted - 1) == 0:
        bit = lowest(tables, wanted)
        _port(m, r, vcs, tables, scratch, base, tables[67 + vcs[base + bit]["out"]], wanted)
        return
    for port in range(PORTS):
        scratch[WANTED + port] = 0
    left = wanted
    while left:
        bit = lowest(tables, left)
        left &= left - 1
        scratch[WANTED + tables[67 + vcs[base + bit]["out"]]] |= 1 << bit
    for port in range(PORTS):
        if scratch[WANTED + port]:
            _port(m, r, vcs, tables, scratch, base, port, scratch[WANTED + port])


@njit
def can_allocate(m, r, vcs, tables, base):
    """Whether an input VC wants a port that has a free VC."""
    count = m["vcs"]
    left = r["want"]
    while left:
        bit = lowest(tables, left)
        left &= left - 1
        first = tables[67 + vcs[base + bit]["out"]] * count
        if (r["free"] >> first) & ((1 << count) - 1):
            return True
    return False
