"""From a program for a mesh of PEs to the state in which it starts."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.mesh.program import (
    FORMATS,
    NONE,
    RAMP,
    Function,
    MeshProgram,
    Op,
    PeProgram,
)
from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet_state import (
    AWAKE,
    CLASS,
    COMMAND,
    END,
    LOG,
    MESH,
    NEVER,
    NO_TASK,
    PE,
    POSITIONS_MAX,
    SLOT,
    SPAN_MAX,
    TASKS_MAX,
    UNROUTED,
    WaveletState,
)
from sim.mesh.wavelet_wakes import bit_table

WORK_MAX = 2**31 - 1
FABRIC_OPS = (Op.SEND, Op.RECV, Op.RADD, Op.RELAY, Op.CTRL)
LOG_ENTRIES = 1 << 16


def zeroed_lines(count: int, dtype: npt.DTypeLike) -> npt.NDArray[np.void]:
    """[count] of a record of 64 bytes, each in a cache line of its own."""
    raw = np.zeros(count * 64 + 64, np.uint8)
    skip = -raw.ctypes.data % 64
    return raw[skip : skip + count * 64].view(dtype)


def used_colours(program: MeshProgram) -> tuple[int, ...]:
    """Colours that routes, tasks or commands name, in order."""
    found: set[int] = set()
    for routes in program.routes:
        found.update(routes)
    for each in program.programs:
        for task in each.tasks:
            found.add(task.colour)
            fabric = task.commands[np.isin(task.commands["op"], [*FABRIC_OPS, Op.ROUTE])]
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
    fabric = np.isin(op, FABRIC_OPS[:-1])
    each = np.where(commands["format"] == FORMATS.index("fp32"), 1, 2)
    work[fabric] = -(-length // each)[fabric]
    work[op == Op.CTRL] = 1
    work[op == Op.DELAY] = commands["cycles"][op == Op.DELAY]
    lanes = np.array([mesh.pe.lanes.get(name, 1) for name in FORMATS])[commands["format"]]  # type: ignore[call-overload]
    computes = (op == Op.FMA) | (op == Op.VEC)
    vectors = np.where(op == Op.FMA, commands["count"], 1)
    functions = (op == Op.VEC) & (commands["combine"] >= Function.EXP)
    cycles = np.where(functions, length * costs.function_cycles, -(-length // lanes))
    work[computes] = (vectors * cycles)[computes]
    lead[computes] = (costs.compute_cycles - (-vectors * costs.callback_millicycles // 1000))[
        computes
    ]
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
) -> dict[str, npt.NDArray[np.generic]]:
    """Commands of all classes in one table, and where their tasks begin."""
    parts: list[npt.NDArray[np.void]] = []
    task_pc = np.zeros(len(programs) * TASKS_MAX, np.int32)
    task_colour = np.full(len(programs) * TASKS_MAX, NONE, np.int32)
    classes = np.zeros(len(programs), CLASS)
    first = 0
    for kind, program in enumerate(programs):
        classes[kind]["tasks"] = len(program.tasks)
        classes[kind]["serves"] = program.serves
        for index, task in enumerate(program.tasks):
            flat = flat_task(
                mesh, task.commands, first, row_of, f"program {program.name}, task {task.name}"
            )
            parts.append(flat)
            task_pc[kind * TASKS_MAX + index] = first
            first += len(flat)
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


def new_pes(program: MeshProgram, kinds: npt.NDArray[np.int32], nodes: int) -> npt.NDArray[np.void]:
    """PEs that have not begun."""
    pes = zeroed_lines(nodes, PE)
    pes["phase"], pes["nap"] = NO_TASK, AWAKE
    pes["why"] = 7
    pes["before"] = 7
    pes["last"], pes["picked"] = 7, TASKS_MAX - 1
    for name in ("active", "blocked"):
        masks = [
            sum(getattr(task, name) << at for at, task in enumerate(each.tasks))
            for each in program.programs
        ]
        pes[name] = np.array(masks, np.uint32)[kinds]
    return pes


def everyone(nodes: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Bitmaps in which every node has its bit."""
    tops = -(-nodes // 1024)
    bits = np.zeros(tops * 32 * 32, np.uint8)
    bits[:nodes] = 1
    words = np.packbits(bits, bitorder="little").view(np.uint32)
    upper = np.packbits((words != 0).astype(np.uint8), bitorder="little").view(np.uint32)
    return words.copy(), upper.copy()


def new_state(
    mesh: WaveletMesh, program: MeshProgram, *, values: bool, logged: Sequence[int] = (),
) -> WaveletState:  # fmt: skip
    """A mesh before its first cycle, of a program that ``check_program`` has passed."""
    colours = used_colours(program)
    nodes, span = program.width * program.height, len(colours)
    row_of = np.full(max((*colours, 0)) + 2, NONE, np.int64)
    row_of[list(colours)] = np.arange(span)
    flat = flat_programs(mesh, program.programs, row_of)
    commands = flat["commands"]
    tables = route_tables(program, colours)
    kinds = program.program_of.reshape(-1).astype(np.int32)
    router_kinds = program.route_of.reshape(-1).astype(np.int32)
    switches = np.isin(commands["op"], (Op.ROUTE, Op.CTRL)).any()
    switched = bool(switches or tables["last_place"].any())
    m = np.zeros(1, MESH)
    costs = mesh.pe.costs
    depth, down_depth, up_depth = (
        mesh.router.queue_wavelets, mesh.ramp_down_wavelets, mesh.ramp_up_wavelets,
    )  # fmt: skip
    fixed = fixed_colours(program, colours, tables)
    longest_work = int(max(commands["work"].max(), commands["lead"].max())) + 1
    controls = bool((commands["op"] == Op.CTRL).any())
    elements = program.memory_elements if values else 0
    for name, value in {
        "nodes": nodes, "width": program.width, "colours": span, "fixed": fixed, "depth": depth,
        "hop": mesh.hop_cycles, "pushed": 0x11 if mesh.hop_cycles == 1 else 1,
        "to_pe": mesh.ramp_cycles, "to_router": mesh.ramp_cycles + 1, "down_depth": down_depth,
        "up_depth": up_depth, "tops": -(-nodes // 1024),
        "span": min(1 << longest_work.bit_length(), SPAN_MAX), "task_cycles": costs.task_cycles,
        "fabric_cycles": costs.fabric_cycles, "loop_cycles": costs.loop_cycles,
        "elements": elements, "values": values, "controls": controls, "logging": bool(len(logged)),
        "log_room": 4 * len(logged), "mark_pe": NONE, "last": NONE, "acted": NONE,
        "longest": 4 * mesh.hop_cycles * nodes * max(span, 1) + 1000,
    }.items():  # fmt: skip
        m[name] = value
    every, upper = everyone(nodes)
    active = np.take_along_axis(
        tables["routes"], tables["first_place"][:, :, None].astype(np.int64), axis=2
    )[:, :, 0]
    cell = np.zeros((max(span, 1), nodes), np.uint16)
    place = np.zeros((max(span, 1), nodes) if switched else (1, 1), np.uint8)
    for k in range(span):
        cell[k] = active[:, k][router_kinds].astype(np.uint16) << 8
        if switched:
            place[k] = tables["first_place"][:, k][router_kinds]
    queues, one = span * nodes + 1, 1
    slots = max(int(commands["slot"].max()), 0) + 1
    loose = queues if fixed != (1 << span) - 1 else one
    carried = queues if values else one
    tagged = queues if controls else one
    memory = np.zeros(nodes * elements + 1, np.float32)
    if values:
        _fill(program, memory[:-1].reshape(nodes, elements))
    marks = commands["target"][commands["op"] == Op.MARK]
    chosen = np.zeros(nodes if len(logged) else one, np.uint8)
    if len(logged):
        chosen[list(logged)] = 1
    return WaveletState(
        mesh=m, commands=commands, task_pc=flat["task_pc"], task_colour=flat["task_colour"],
        classes=flat["classes"], pe_class=kinds, pes=new_pes(program, kinds, nodes),
        slots=np.zeros(max((slots - 1) * nodes, 1), SLOT), cell=cell.reshape(-1),
        side=np.zeros(loose, np.uint8), place=place.reshape(-1),
        planned=np.zeros(queues if switched else one, np.uint8),
        up=np.zeros(queues, np.uint16), down=np.zeros(queues, np.uint16),
        mask=np.zeros(nodes, np.uint32), pointer=np.zeros(nodes, np.uint8),
        listen=np.zeros(nodes, np.uint32), router_bits=np.zeros_like(every),
        router_top=np.zeros_like(upper), pe_bits=every, pe_top=upper,
        moves=np.zeros(queues, np.int32), changes=np.zeros(queues if switched else one, np.int32),
        down_due=np.zeros(mesh.ramp_cycles * nodes, np.int32),
        up_due=np.zeros((mesh.ramp_cycles + 1) * nodes, np.int32),
        hop_due=np.zeros(mesh.hop_cycles * 4 * nodes if mesh.hop_cycles > 1 else 1, np.int32),
        counts=np.zeros(3 * 32, np.int64), wheel=np.full(int(m["span"][0]), NONE, np.int32),
        following=np.full(nodes, NONE, np.int32), timer=np.full(nodes, NEVER, np.int64),
        links=np.zeros((RAMP + 1) * nodes, np.uint32), accounts=np.zeros(9 * nodes, np.int64),
        marks=np.zeros(3 * (int(marks.max()) + 1 if len(marks) else 1), np.int64),
        router_class=router_kinds, routes=tables["routes"].reshape(-1),
        last_place=tables["last_place"].reshape(-1), first_place=tables["first_place"].reshape(-1),
        memory=memory, memory_bits=memory.view(np.uint32),
        addresses=np.zeros(slots * 3 * nodes if values else one, np.int32),
        cell_words=np.zeros(carried * depth if values else one, np.uint32),
        up_words=np.zeros(carried * up_depth if values else one, np.uint32),
        down_words=np.zeros(carried * down_depth if values else one, np.uint32),
        cell_tags=np.zeros(tagged * depth if controls else one, np.uint32),
        up_tags=np.zeros(tagged * up_depth if controls else one, np.uint32),
        log=np.zeros(LOG_ENTRIES + 4 * len(logged) if len(logged) else one, LOG),
        begins=np.zeros(slots * nodes if len(logged) else one, np.int64), chosen=chosen,
        table=bit_table(),
    )  # fmt: skip


def _fill(program: MeshProgram, memory: npt.NDArray[np.float32]) -> None:
    """Values of regions at the start, in the formats of regions, into memory [nodes, elements]."""
    regions = {region.name: region for region in program.regions}
    for name, given in program.values.items():
        region = regions[name]
        numbers = rounded_to(given.reshape(len(memory), -1), FORMATS[region.format])
        memory[:, region.start : region.start + region.elements] = numbers


def rounded_to(numbers: npt.NDArray[np.float32], name: str) -> npt.NDArray[np.float32]:
    """Numbers of fp32 in another format, to nearest, ties to even."""
    if name == "fp16":
        with np.errstate(over="ignore"):
            return numbers.astype(np.float16).astype(np.float32)
    if name == "bf16":
        bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32).astype(np.uint64)
        bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
        return bits.astype(np.uint32).view(np.float32)
    return numbers
