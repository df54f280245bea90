"""Which instructions are done, and the vector unit beside the memory, which takes its own in order.

Both have clocks of their own; one sees what the other has done as ``sim.contract.arrival`` says.
"""

from sim.contract import arrival, edge_at_or_after
from sim.dram.tables import NEVER
from sim.jit import njit
from sim.pim.state import NONE, UNKNOWN, VECTOR
from sim.vector import vector_cycles


@njit
def note_done(c, e, s, progress, instruction, cycle):
    """A channel, and those that it is stepped for, have given the last of their commands of an
    instruction, or one read or write of it, that will be done in a cycle."""
    if instruction == NONE:
        return
    one = progress[instruction]
    one["left"] -= s["members"]
    one["latest"] = max(one["latest"], cycle * c["period"])
    if one["left"] == 0:
        one["done"] = one["latest"]
        e["last_done"] = max(e["last_done"], one["done"])
        e["open"] -= 1
        # Operations of the chip are given their times when somebody asks for them.
        if e["blocked"] or (e["open"] == 0 and e["vectors_left"] > 0):
            e["dispatch_at"] = min(e["dispatch_at"], e["now"] + 1)


@njit
def operands_at(c, program, after, progress, i, period):
    """Tick at which a unit sees that all that an instruction waits for is done; NEVER: unknown."""
    latest = 0
    for at in range(program[i]["after_begin"], program[i]["after_end"]):
        other = after[at]
        done = progress[other]["done"]
        if done == UNKNOWN:
            return NEVER
        sender = c["vector_period"] if program[other]["kind"] == VECTOR else c["period"]
        latest = max(latest, arrival(done, sender, period, c["synchroniser"]))
    return latest


@njit
def time_vectors(c, e, program, after, progress):
    """Give its time to each operation of the vector unit whose operands have one."""
    period = c["vector_period"]
    while e["vectors_left"] > 0:
        i = e["vector_cursor"]
        if program[i]["kind"] == VECTOR:
            start = operands_at(c, program, after, progress, i, period)
            if start == NEVER:
                return
            start = edge_at_or_after(max(start, e["vector_free"]), period)
            cycles = vector_cycles(c, program[i]["vector_op"], program[i]["elements"])
            progress[i]["start"] = start
            progress[i]["done"] = e["vector_free"] = start + cycles * period
            e["last_done"] = max(e["last_done"], e["vector_free"])
            e["vectors_left"] -= 1
        e["vector_cursor"] += 1
