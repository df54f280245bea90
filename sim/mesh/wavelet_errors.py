"""What is said of a program that cannot go on."""

import numpy as np
import numpy.typing as npt

from arch.errors import SimulationError
from arch.mesh.program import MeshProgram, Op
from sim.mesh.wavelet_program import task_at, used_colours
from sim.mesh.wavelet_state import (
    FABRIC,
    FAILED,
    HALTED,
    HEAD,
    NO_TASK,
    NO_TIME,
    ROUND,
    SLOTS,
    TASKS_MAX,
    TWO_IN,
    WaveletState,
)

SHOWN = 3
"""PEs that a message names."""


def command_name(program: MeshProgram, state: WaveletState, node: int, pc: int) -> str:
    """Task, number and operation of a command of the table."""
    kind = int(state.pe_class[node])
    tasks = program.programs[kind].tasks
    task, at = task_at(program.programs[kind], state.task_pc[kind * TASKS_MAX :], pc)
    commands = tasks[task].commands
    if at >= len(commands):
        return f"task {tasks[task].name}, its end"
    return f"task {tasks[task].name}, command {at} ({Op(commands['op'][at]).name})"


def pe_name(state: WaveletState, node: int) -> str:
    """Where a PE is."""
    place = int(np.flatnonzero(state.tiles.order == node)[0])
    return f"PE ({place % state.tiles.width}, {place // state.tiles.width})"


def not_done(program: MeshProgram, state: WaveletState) -> npt.NDArray[np.int64]:
    """Nodes whose PEs are not done, when nothing can move."""
    order = state.tiles.order
    pes = state.pes[order]
    serves = np.array([each.serves for each in program.programs])[state.pe_class[order]]
    rests = (pes["phase"] == HALTED) | ((pes["phase"] == NO_TASK) & serves)
    stuck: npt.NDArray[np.int64] = order[~rests | (pes["busy"] != 0)]
    return stuck


def _fabric_wait(
    program: MeshProgram, state: WaveletState, colours: tuple[int, ...], node: int, pc: int,
    left: int,
) -> str:  # fmt: skip
    command = state.commands[pc]
    nodes = len(state.pes)
    took, put = int(command["took"]), int(command["put"])
    where = command_name(program, state, node, pc)
    count = min(left, int(state.mesh[0]["together"]))
    if took >= 0 and state.down[took * nodes + node] < count * HEAD:
        wavelets = "a wavelet" if count == 1 else f"{count} wavelets at once"
        return f"{where} waits for {wavelets} of colour {colours[took]}"
    return f"{where} waits for room to send colour {colours[put]}"


def _waits(
    program: MeshProgram, state: WaveletState, colours: tuple[int, ...],
    node: int,
) -> str:  # fmt: skip
    """What a PE waits for."""
    p = state.pes[node]
    reasons = []
    if p["phase"] == FABRIC:
        reasons.append(_fabric_wait(program, state, colours, node, int(p["pc"]), int(p["left"])))
    elif p["phase"] == SLOTS:
        reasons.append(f"{command_name(program, state, node, int(p['pc']))} waits for slots")
    elif p["phase"] == NO_TASK:
        reasons.append("no task can run and it has not halted")
    nodes = len(state.pes)
    for slot in range(1, 8):
        if (int(p["busy"]) >> slot) & 1:
            at = state.slots[(slot - 1) * nodes + node]
            pc, left = int(at["pc"]), int(at["left"])
            reasons.append(f"slot {slot}: {_fabric_wait(program, state, colours, node, pc, left)}")
    return f"{pe_name(state, node)}: {', '.join(reasons)}"


def check_done(program: MeshProgram, state: WaveletState, skipped: int = 0) -> None:
    """Raises SimulationError if nothing can move and PEs are not done; ``skipped``: cycles that the
    kernel left out."""
    stuck = not_done(program, state)
    if not len(stuck):
        return
    m = state.mesh[0]
    cycle = max(m["last"], m["acted"]) + 1 + skipped
    colours = used_colours(program)
    shown = "; ".join(_waits(program, state, colours, int(node)) for node in stuck[:SHOWN])
    more = f"; and {len(stuck) - SHOWN} more" if len(stuck) > SHOWN else ""
    raise SimulationError(
        f"{program.name}: deadlock in cycle {cycle}: {len(stuck)} PEs are not done and nothing can "
        f"move: {shown}{more}"
    )


def told(program: MeshProgram, state: WaveletState, now: int, how: int, skipped: int = 0) -> str:
    """What is said of a run that has not ended: FAILED, ROUND, or PAUSED at its limit;
    ``skipped`` as of ``check_done``."""
    m = state.mesh[0]
    if how == FAILED:
        node, pc = int(m["error_pe"]), int(m["error_pc"])
        where = f"{program.name}: cycle {now - 1 + skipped}, {pe_name(state, node)}"
        first = command_name(program, state, node, pc)
        if m["error"] == NO_TIME:
            return f"{where}: 1000000 commands one after another take no time, up to {first}"
        receives = m["error"] == TWO_IN
        colour = used_colours(program)[state.commands[pc]["took" if receives else "put"]]
        other = command_name(program, state, node, int(m["error_other"]))
        return (
            f"{where}: {first} and {other} {'receive' if receives else 'send'} colour {colour} at "
            "once; one must be finished before the other begins"
        )
    if how == ROUND:
        moving = (state.cell & 15 != 0).reshape(-1, len(state.pes)).any(axis=1)
        named = [
            str(colour)
            for colour, there in zip(used_colours(program), moving, strict=True)
            if there
        ]
        return (
            f"{program.name}: cycle {now + skipped}: wavelets go round: none has used a ramp since "
            f"cycle {int(m['used']) + skipped}; colours {', '.join(named)}"
        )
    return f"{program.name}: not done after {now + skipped} cycles, the limit"
