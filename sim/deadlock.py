"""Saying who waits for what when nothing can move."""

from arch.commands import OPCODES, QUEUES
from sim.system import System
from traces.mapping.systolic import Lowered


def explain(system: System, lowered: Lowered) -> str:
    """One line a queue: its next command and the first one that this waits for."""
    trace, runtime = system.trace, system.state.runtime
    lines = [
        f"deadlock at tick {system.now_tick} ({system.tick_khz} kHz) in operator "
        f"{lowered.operator.name!r}: no unit has work due, and commands are not done"
    ]
    unfinished = [int(c) for c in system.queue if runtime["end"][c] < 0]
    seen: set[int] = set()
    for command in unfinished:
        row = trace.commands[command]
        if int(row["queue"]) in seen:
            continue
        seen.add(int(row["queue"]))
        waits = [
            int(d)
            for d in trace.dependencies[row["deps_begin"] : row["deps_end"]]
            if runtime["end"][d] < 0
        ]
        reason = "has started and not ended" if runtime["start"][command] >= 0 else "cannot start"
        if waits:
            first = trace.commands[waits[0]]
            reason = f"waits for command {waits[0]} ({OPCODES[first['opcode']]})"
        core, queue = divmod(int(row["queue"]), len(QUEUES))
        lines.append(
            f"  core{core}.{QUEUES[queue]}: command {command} ({OPCODES[row['opcode']]}) {reason}"
        )
    return "\n".join(lines)
