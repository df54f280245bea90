"""Saying who waits for what when nothing can move."""

from arch.commands import OPCODES, PIM_OPS, queue_name
from sim.system import System
from traces.mapping.systolic import Lowered

BEGIN = (PIM_OPS.index("GWRITE"), PIM_OPS.index("HEADER"))
"""Instructions that begin a unit of PIM work."""


def explain(system: System, lowered: Lowered) -> str:
    """One line a queue: its next command and the first one that this waits for."""
    return explain_trace(system, lowered.operator.name)


def explain_trace(system: System, operator: str) -> str:
    """As ``explain``, of the trace that a system is in the middle of."""
    trace, runtime, machine = system.trace, system.state.runtime, system.machine
    lines = [
        f"deadlock at tick {system.now_tick} ({system.tick_khz} kHz) in operator "
        f"{operator!r}: no unit has work due, and commands are not done"
    ]
    unfinished = [int(c) for c in system.queue if runtime["end"][c] < 0]
    seen: set[int] = set()
    for command in unfinished:
        row = trace.commands[command]
        queue = int(row["queue"])
        if queue in seen:
            continue
        seen.add(queue)
        waits = [
            int(d)
            for d in trace.dependencies[row["deps_begin"] : row["deps_end"]]
            if runtime["end"][d] < 0
        ]
        reason = "has started and not ended" if runtime["start"][command] >= 0 else "cannot start"
        if waits:
            first = trace.commands[waits[0]]
            reason = f"waits for command {waits[0]} ({OPCODES[first['opcode']]})"
        name = queue_name(queue, machine.cores, machine.pim_channels)
        lines.append(f"  {name}: command {command} ({OPCODES[row['opcode']]}) {reason}")
    return "\n".join([*lines, *_stuck(system)])


def _stuck(system: System) -> list[str]:
    """One line a PIM channel that has taken instructions and gives none."""
    lines, own = [], system.state.joint
    for channel, state in enumerate(own.states):
        if state["queued"] + state["waiting"] == 0:
            continue
        item = own.items[channel, int(state["head"]) & (own.items.shape[1] - 1)]
        why = "is never given"
        if state["held"] and item["op"] in BEGIN:
            why = "never begins: it is estimated to take longer than from refresh to refresh"
        what = f"{PIM_OPS[int(item['op'])]} of row {int(item['row'])}"
        lines.append(f"  memory.channel{channel}: the {what} {why}")
    return lines
