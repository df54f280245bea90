"""Programs of a mesh of PEs as kernels take them: one table of commands, and routes in bytes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.mesh.program import FORMATS, NONE, Function, MeshProgram, Op, PeProgram
from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet_state import CLASS, COMMAND, END, POSITIONS_MAX, TASKS_MAX, UNROUTED

WORK_MAX = 2**31 - 1
FABRIC_OPS = (Op.SEND, Op.RECV, Op.RADD, Op.RELAY, Op.CTRL)
DIVIDING = (Function.RECIPROCAL, Function.RSQRT, Function.SILU)


def used_colours(program: MeshProgram) -> tuple[int, ...]:
    """Colours that routes, tasks or commands name, in order."""
    found: set[int] = set()
    for routes in program.routes:
        found.update(routes)
    tasks = [task for each in program.programs for task in each.tasks]
    found.update(task.colour for task in tasks)
    for commands in {id(task.commands): task.commands for task in tasks}.values():
        fabric = commands[np.isin(commands["op"], [*FABRIC_OPS, Op.ROUTE])]
        found.update(fabric["colour_in"].tolist(), fabric["colour_out"].tolist())
    return tuple(sorted(found - {NONE}))


def work_of(
    mesh: WaveletMesh, commands: npt.NDArray[np.void], where: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """[n] wavelets, operations or cycles of commands, and operations of overhead before them.

    Raises InputError for more than the kernel counts.
    """
    op, length, costs = commands["op"], commands["length"], mesh.pe.costs
    work, lead = np.zeros((2, len(commands)), np.int64)
    fabric = np.isin(op, FABRIC_OPS)
    each = np.where(commands["format"] == FORMATS.index("fp32"), 1, 2)
    work[fabric] = np.where(op == Op.CTRL, 1, -(-length // each))[fabric]
    lead[fabric] = np.where(commands["slot"], costs.microthread_cycles, costs.fabric_cycles)[fabric]
    work[op == Op.DELAY] = commands["cycles"][op == Op.DELAY]
    lanes = np.array([mesh.pe.lanes.get(name, 1) for name in FORMATS])[commands["format"]]  # type: ignore[call-overload]
    computes = (op == Op.FMA) | (op == Op.VEC)
    vectors = np.where(op == Op.FMA, commands["count"], 1)
    combine = commands["combine"]
    functions = (op == Op.VEC) & (combine >= Function.EXP)
    element = costs.function_cycles + np.isin(combine, DIVIDING) * costs.divide_cycles
    cycles = np.where(functions, length * element, -(-length // lanes))
    work[computes] = (vectors * cycles)[computes]
    # A vector that adds to other elements than the one before waits for nothing.
    waits = np.where(commands["dst_step"] == 0, costs.dependent_millicycles, 0)
    callbacks = -(-vectors * (costs.callback_millicycles + waits) // 1000)
    lead[op == Op.FMA] = costs.fma_cycles + callbacks[op == Op.FMA]
    lead[op == Op.VEC] = costs.vec_cycles
    worst = int(np.argmax(np.maximum(work, lead))) if len(work) else 0
    if len(work) and max(work[worst], lead[worst]) > WORK_MAX:
        raise InputError(
            f"{where}, command {worst}: takes {work[worst] + lead[worst]} cycles; must be "
            f"{WORK_MAX} at most"
        )
    return work, lead


SAME = (
    "op", "slot", "count", "level", "controls", "action", "then", "then_action", "combine",
    "format", "length", "dst", "a", "b", "dst_element", "a_element", "b_element", "dst_step",
    "a_step", "b_step", "constant", "target",
)  # fmt: skip


def flat_task(
    mesh: WaveletMesh, commands: npt.NDArray[np.void], first: int, row_of: npt.NDArray[np.int64],
    where: str,
) -> npt.NDArray[np.void]:  # fmt: skip
    """The commands of a task and END behind them; ``first`` is the number of the first."""
    flat = np.zeros(len(commands) + 1, COMMAND)
    made = flat[:-1]
    for name in SAME:
        made[name] = commands[name]
    for name in ("dst", "a", "b"):
        for level in (0, 1):
            made[f"{name}_turn{level}"] = commands[f"{name}_turn"][:, level]
    made["took"] = row_of[commands["colour_in"]]
    made["put"] = row_of[commands["colour_out"]]
    # A colour that a command does not use must not be waited for.
    made["took"][~np.isin(commands["op"], (Op.RECV, Op.RADD, Op.RELAY))] = NONE
    made["put"][~np.isin(commands["op"], (Op.SEND, Op.RELAY, Op.CTRL, Op.ROUTE))] = NONE
    made["work"], made["lead"] = work_of(mesh, commands, where)
    looped = commands["op"] == Op.LOOP
    made["target"][looped] += first
    flat["op"][-1] = END
    flat["then"][-1] = NONE
    flat["took"][-1] = flat["put"][-1] = NONE
    return flat


def flat_programs(
    mesh: WaveletMesh, programs: Sequence[PeProgram], row_of: npt.NDArray[np.int64]
) -> dict[str, npt.NDArray[Any]]:
    """Commands of all classes in one table, and where their tasks begin.

    Classes that share a list of commands share its place.
    """
    begins: dict[int, int] = {}
    parts: list[npt.NDArray[np.void]] = []
    task_pc = np.zeros(len(programs) * TASKS_MAX, np.int32)
    task_colour = np.full(len(programs) * TASKS_MAX, NONE, np.int32)
    classes = np.zeros(len(programs), CLASS)
    first = 0
    for kind, program in enumerate(programs):
        classes[kind]["tasks"] = len(program.tasks)
        classes[kind]["serves"] = program.serves
        for index, task in enumerate(program.tasks):
            if id(task.commands) not in begins:
                where = f"program {program.name}, task {task.name}"
                parts.append(flat_task(mesh, task.commands, first, row_of, where))
                begins[id(task.commands)] = first
                first += len(parts[-1])
            task_pc[kind * TASKS_MAX + index] = begins[id(task.commands)]
            if task.colour != NONE:
                task_colour[kind * TASKS_MAX + index] = row_of[task.colour]
                classes[kind]["coloured"] |= 1 << index
                classes[kind]["colours"] |= 1 << int(row_of[task.colour])
    commands = np.concatenate(parts) if parts else np.zeros(1, COMMAND)
    return {
        "commands": commands, "task_pc": task_pc, "task_colour": task_colour, "classes": classes,
    }  # fmt: skip


def route_tables(program: MeshProgram, colours: Sequence[int]) -> dict[str, npt.NDArray[np.uint8]]:
    """Positions of each class and colour as kernels take them."""
    shape = (len(program.routes), len(colours))
    routes = np.full((*shape, POSITIONS_MAX), UNROUTED, np.uint8)
    first, last = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for kind, by_colour in enumerate(program.routes):
        for k, colour in enumerate(colours):
            route = by_colour.get(colour)
            if route is None:
                continue
            for position, (port, outs) in enumerate(route.positions):
                routes[kind, k, position] = port | sum(1 << out for out in set(outs)) << 3
            first[kind, k], last[kind, k] = route.first, len(route.positions) - 1
    return {"routes": routes, "first_place": first, "last_place": last}


def fixed_colours(
    program: MeshProgram, colours: Sequence[int], tables: dict[str, npt.NDArray[np.uint8]]
) -> int:
    """Mask of the colours that nobody switches and that each router takes to which they go."""
    mask = 0
    of = program.route_of
    for k in range(len(colours)):
        active = tables["routes"][:, k, 0][of]
        came, outs = active & 7, active >> 3
        fixed = not tables["last_place"][:, k].any()
        for port, ahead, behind, facing in (
            (0, np.s_[:, 1:], np.s_[:, :-1], 1), (1, np.s_[:, :-1], np.s_[:, 1:], 0),
            (2, np.s_[1:], np.s_[:-1], 3), (3, np.s_[:-1], np.s_[1:], 2),
        ):  # fmt: skip
            sends = (outs >> port) & 1
            fixed = fixed and not (sends[behind] & (came[ahead] != facing)).any()
        if fixed:
            mask |= 1 << k
    return mask


def task_at(program: PeProgram, firsts: npt.NDArray[np.int32], pc: int) -> tuple[int, int]:
    """Task of a class, and command in it, that has this place in the table; ``firsts``: where its
    tasks begin. Of tasks that share a list the first is told."""
    for index, task in enumerate(program.tasks):
        if firsts[index] <= pc <= firsts[index] + len(task.commands):
            return index, pc - int(firsts[index])
    raise AssertionError(f"no task of {program.name} has command {pc} of the table")
