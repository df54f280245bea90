"""What the array wants of the scratchpads in a beat, and how long a beat takes."""

from arch.commands import OPERAND_FILTER, OPERAND_IFMAP, OPERAND_OFMAP
from sim.array.folds import IS, WS
from sim.array.state import LOADING
from sim.buffer.ports import DEMAND_RING
from sim.jit import njit


@njit
def packed_bytes(words, bits):
    """Bytes of packed words."""
    return (words * bits + 7) // 8


@njit
def add_operand(s, operand, size):
    """Add an operand's accesses in a beat to the demand on its scratchpad."""
    pad = s["pad_of_operand"][operand]
    width = s["width_bytes"][pad]
    s["wanted"][pad] += (size + width - 1) // width


@njit
def vectors_a_beat(s, length):
    """Vectors of a fold that enter in a beat, one a copy; its last beat asks for as many."""
    return min(s["copies"], length)


@njit
def demand_of(s, outs, core):
    """Note the accesses that a beat wants of each scratchpad; return the cycles it takes."""
    for pad in range(s["pads"]):
        s["wanted"][pad] = 0
    bits = s["operand_bits"]
    if s["stage"] == LOADING:
        operand = OPERAND_IFMAP if s["dataflow"] == IS else OPERAND_FILTER
        entry = s["entry"]
        add_operand(s, operand, packed_bytes(entry["cols"] // entry["groups"], bits))
    if s["streaming"]:
        fold = s["stream"]
        rows = packed_bytes(fold["rows"], bits) * vectors_a_beat(s, fold["length"])
        if s["dataflow"] == WS:
            add_operand(s, OPERAND_IFMAP, rows)
        elif s["dataflow"] == IS:
            add_operand(s, OPERAND_FILTER, rows)
        else:
            add_operand(s, OPERAND_IFMAP, rows)
            add_operand(s, OPERAND_FILTER, packed_bytes(fold["cols"], bits))
    if s["out_head"] < s["out_tail"]:
        out = outs[core, s["out_head"] % outs.shape[1]]
        if out["start"] <= s["beat"]:
            add_operand(s, OPERAND_OFMAP, out["write_bytes"])
            add_operand(s, OPERAND_OFMAP, out["read_bytes"])
    cycles = 1
    for pad in range(s["pads"]):
        capacity = s["accesses_per_cycle"][pad]
        cycles = max(cycles, (s["wanted"][pad] + capacity - 1) // capacity)
    return cycles


@njit
def publish_demand(s, core, demands, demand_tails, now):
    """Tell the buffer if the demand has changed; return whether it has."""
    tail = demand_tails[core]
    last = demands[core, (tail - 1) % DEMAND_RING]
    changed = last["advance_cycles"] != s["beat_cycles"]
    busy = s["beat_cycles"] > 1
    for pad in range(s["pads"]):
        changed = changed or last["accesses"][pad] != s["wanted"][pad]
    if not changed and not busy:
        return False
    change = demands[core, tail % DEMAND_RING]
    change["at"] = now
    change["advance_cycles"] = s["beat_cycles"]
    for pad in range(s["pads"]):
        change["accesses"][pad] = s["wanted"][pad]
    demand_tails[core] = tail + 1
    return True
