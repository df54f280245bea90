"""The state of a mesh of wavelet routers and PEs before its first cycle."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.mesh.program import FORMATS, NONE, RAMP, MeshProgram, Op
from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet_program import fixed_colours, flat_programs, route_tables, used_colours
from sim.mesh.wavelet_state import (
    AWAKE,
    LOG,
    MESH,
    NEVER,
    NO_TASK,
    PE,
    SLOT,
    SPAN_MAX,
    TASKS_MAX,
    UNROUTED,
    WaveletState,
)
from sim.mesh.wavelet_tiles import Tiles

LOG_ENTRIES = 1 << 16


def zeroed_lines(count: int, dtype: npt.DTypeLike) -> npt.NDArray[np.void]:
    """[count] of a record of 64 bytes, each in a cache line of its own."""
    raw = np.zeros(count * 64 + 64, np.uint8)
    skip = -raw.ctypes.data % 64
    return raw[skip : skip + count * 64].view(dtype)


def new_pes(program: MeshProgram, kinds: npt.NDArray[np.int32]) -> npt.NDArray[np.void]:
    """PEs that have not begun."""
    pes = zeroed_lines(len(kinds), PE)
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


def bitmaps(nodes: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Bits of nodes [n] that are 1, and bits of the words that hold some."""
    bits = np.zeros(-(-len(nodes) // 1024) * 1024, np.uint8)
    bits[: len(nodes)] = nodes
    words = np.packbits(bits, bitorder="little").view(np.uint32)
    upper = np.packbits((words != 0).astype(np.uint8), bitorder="little").view(np.uint32)
    return words.copy(), upper.copy()


def new_state(
    mesh: WaveletMesh, program: MeshProgram, *, values: bool, logged: Sequence[int] = (),
) -> WaveletState:  # fmt: skip
    """A mesh before its first cycle, of a program that ``check_program`` has passed."""
    colours = used_colours(program)
    tiles = Tiles(program.width, program.height)
    nodes, span = tiles.nodes, len(colours)
    row_of = np.full(max((*colours, 0)) + 2, NONE, np.int64)
    row_of[list(colours)] = np.arange(span)
    flat = flat_programs(mesh, program.programs, row_of)
    commands = flat["commands"]
    tables = route_tables(program, colours)
    kinds = tiles.spread(program.program_of.astype(np.int32))
    router_kinds = tiles.spread(program.route_of.astype(np.int32))
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
    together = mesh.pe.wavelets_per_operation
    for name, value in {
        "nodes": nodes, "width": program.width, "height": program.height,
        "lag": (31 + 2 * (tiles.across + 1)) >> 5, "tiles": tiles.across, "tile_bits": tiles.bits,
        "colours": span, "fixed": fixed, "depth": depth,
        "hop": mesh.hop_cycles, "pushed": 0x11 if mesh.hop_cycles == 1 else 1,
        "to_pe": mesh.ramp_cycles, "to_router": mesh.ramp_cycles + 1, "down_depth": down_depth,
        "up_depth": up_depth, "together": together, "up_wakes": up_depth - together + 1,
        "tops": -(-nodes // 1024),
        "span": min(1 << longest_work.bit_length(), SPAN_MAX), "task_cycles": costs.task_cycles,
        "loop_cycles": costs.loop_cycles, "elements": elements, "values": values,
        "controls": controls, "logging": bool(len(logged)), "log_room": 4 * len(logged),
        "mark_pe": NONE, "last": NONE, "acted": NONE,
        "longest": 4 * mesh.hop_cycles * nodes * max(span, 1) + 1000,
    }.items():  # fmt: skip
        m[name] = value
    there = tiles.spread(np.ones((program.height, program.width), np.uint8))
    every, upper = bitmaps(there)
    active = np.take_along_axis(
        tables["routes"], tables["first_place"][:, :, None].astype(np.int64), axis=2
    )[:, :, 0]
    cell = np.zeros((max(span, 1), nodes), np.uint16)
    place = np.zeros((max(span, 1), nodes) if switched else (1, 1), np.uint8)
    for k in range(span):
        cell[k] = np.where(there, active[:, k][router_kinds], UNROUTED).astype(np.uint16) << 8
        if switched:
            place[k] = tables["first_place"][:, k][router_kinds]
    queues, one = span * nodes + 1, 1
    slots = max(int(commands["slot"].max()), 0) + 1
    loose = queues if fixed != (1 << span) - 1 else one
    carried = queues if values else one
    tagged = queues if controls else one
    memory = _memory(program.name, nodes, elements)
    if values:
        _fill(program, tiles, memory[:-1].reshape(nodes, elements))
    marks = commands["target"][commands["op"] == Op.MARK]
    chosen = np.zeros(nodes if len(logged) else one, np.uint8)
    if len(logged):
        chosen[tiles.order[list(logged)]] = 1
    return WaveletState(
        tiles=tiles, mesh=m, commands=commands, task_pc=flat["task_pc"],
        task_colour=flat["task_colour"],
        classes=flat["classes"], pe_class=kinds, pes=new_pes(program, kinds),
        slots=np.zeros(max((slots - 1) * nodes, 1), SLOT), cell=cell.reshape(-1),
        side=np.zeros(loose, np.uint8), place=place.reshape(-1),
        planned=np.zeros(queues if switched else one, np.uint8),
        up=np.zeros(queues, np.uint16), down=np.zeros(queues, np.uint16),
        mask=np.zeros(nodes, np.uint32), pointer=np.zeros(nodes, np.uint8),
        router_bits=np.zeros_like(every),
        router_top=np.zeros_like(upper), pe_bits=every, pe_top=upper,
        moves=np.zeros(queues, np.int32), changes=np.zeros(queues if switched else one, np.int32),
        down_due=np.zeros((mesh.ramp_cycles + 1) * nodes, np.int32),
        up_due=np.zeros((mesh.ramp_cycles + 2) * together * nodes, np.int32),
        hop_due=np.zeros(mesh.hop_cycles * 4 * nodes if mesh.hop_cycles > 1 else 1, np.int32),
        counts=np.zeros(3 * 32, np.int64), wheel=np.full(int(m["span"][0]), NONE, np.int32),
        following=np.full(nodes, NONE, np.int32), timer=np.full(nodes, NEVER, np.int64),
        ends=np.zeros(nodes, np.int64),
        turned=np.zeros(2 * nodes, np.int32),
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
        there=there, steps=tiles.steps(),
    )  # fmt: skip


def _memory(name: str, nodes: int, elements: int) -> npt.NDArray[np.float32]:
    """Of all PEs, and one element more."""
    try:
        return np.zeros(nodes * elements + 1, np.float32)
    except MemoryError:
        size = nodes * elements * 4 / 2**30
        raise InputError(
            f"{name}: the values of {elements} elements in each of {nodes} PEs take {size:.1f} "
            "GiB, more than there is; leave values out, or take fewer PEs"
        ) from None


def _fill(program: MeshProgram, tiles: Tiles, memory: npt.NDArray[np.float32]) -> None:
    """Values of regions at the start, in the formats of regions, into memory [nodes, elements]."""
    regions = {region.name: region for region in program.regions}
    for name, given in program.values.items():
        region = regions[name]
        numbers = rounded_to(given, FORMATS[region.format])
        memory[:, region.start : region.start + region.elements] = tiles.spread(numbers)


def rounded_to(numbers: npt.NDArray[np.float32], name: str) -> npt.NDArray[np.float32]:
    """Numbers of fp32 in another format, to nearest, ties to even."""
    if name == "fp16":
        with np.errstate(over="ignore"):
            return numbers.astype(np.float16).astype(np.float32)
    if name == "bf16":
        bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32).astype(np.int64)
        bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
        return bits.astype(np.uint32).view(np.float32)
    return numbers
