"""Kernels of HBM-PIM as traces of transactions, in the order of PIMSimulator's.

Matrices and vectors are of 16-bit numbers, 16 in a column. A block of eight rows of outputs by
eight columns of inputs is a tile; weights lie in even and odd banks in turn, tile by tile.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from arch.errors import InputError
from arch.pim.hbm import HbmPim

LANES = 16
GRF = 8
BANKS_A_BLOCK = 2
PARK_ROW = 0x1000
"""A row of registers, which has none, so that nothing of the cells is open."""
ZERO_ROW = 1000
"""Of zeroes, for gemv_tree."""
INPUT_ROW, OTHER_ROW, RESULT_ROW = 0, 128, 256
Lines = Iterator[str]


@dataclass(frozen=True)
class Place:
    """Of what a kernel needs to know of a PIM."""

    channels: int
    groups: int
    banks: int
    """Of a group."""
    rows: int
    columns: int
    registers: int
    """Row of them."""

    @property
    def blocks(self) -> int:
        """Of all channels."""
        return self.channels * self.groups * self.banks // BANKS_A_BLOCK


def place_of(pim: HbmPim) -> Place:
    """Raises InputError."""
    device = pim.device()
    return Place(
        channels=pim.channels,
        groups=device.banks // device.sizes[-1],
        banks=device.sizes[-1],
        rows=device.rows,
        columns=device.columns,
        registers=pim.command_set().registers.row,
    )


def _move(kind: str, group: int, bank: int, row: int, column: int, *more: str) -> str:
    return " ".join([kind, "*", str(group), str(bank), str(row), str(column), *more])


def _run(place: Place, kind: str, bank: int, row: int, column: int, tag: str) -> str:
    """Eight columns of all banks of a half, and a barrier."""
    row += column // place.columns
    return _move(kind, 0, bank, row, column % place.columns, f"x{GRF}", f"tag={tag}", "bar")


def _park(place: Place, what: str, *, first: str = "") -> Lines:
    for bank in range(place.banks):
        for group in range(place.groups):
            start = "START_" if (bank, group) == (0, 0) else ""
            last = (bank, group) == (place.banks - 1, place.groups - 1)
            end = "END_" if last else ""
            bar = ["bar"] if last else []
            yield _move("R", group, bank, PARK_ROW, 0, f"tag={start}{end}{what}_", *bar)


def _enter(place: Place, program: str) -> Lines:
    """To the all-bank mode, and a program into the CRF."""
    yield from _park(place, "PARK_IN")
    yield _move("W", 0, 0, 0x17FF, 0x1F, "tag=START_SB_TO_HAB_")
    yield _move("W", 0, 1, 0x17FF, 0x1F)
    yield _move("W", 2, 0, 0x17FF, 0x1F)
    yield _move("W", 2, 1, 0x17FF, 0x1F, "tag=END_SB_TO_HAB_", "bar")
    yield _move("W", 0, 1, place.registers, 4, f"crf={program}", "tag=PROGRAM_CRF", "bar")


def _mode(place: Place, mode: str) -> str:
    return _move("W", 0, 0, place.registers, 0, f"mode={mode}", "tag=PIM", "bar")


def _leave(place: Place) -> Lines:
    yield _move("W", 0, 0, 0x1FFF, 0x1F, "tag=START_HAB_TO_SB")
    yield _move("W", 0, 1, 0x1FFF, 0x1F, "tag=END_HAB_TO_SB", "bar")
    yield from _park(place, "PARK_OUT")


def _tile(place: Place, inputs: int, of_inputs: int, output: int) -> Lines:
    """One tile: eight columns of inputs into GRF_A, and its 64 columns of weights."""
    yield _move("W", 0, 1, place.registers, 8, f"x{GRF}", "tag=WRIO_TO_GRF_", "bar")
    column = GRF * GRF * (inputs // 2 + output * of_inputs // 2)
    for i in range(GRF):
        yield _run(place, "R", inputs % 2, 0, column + GRF * i, "MAC_")


def gemv(place: Place, outputs: int, inputs: int, batch: int = 1, *, tree: bool = False) -> Lines:
    """A matrix times vectors. ``tree``: the sums of each tile are kept, to be added by the host.

    Raises InputError for what cannot be laid out.
    """
    out_tiles, in_tiles = _tiles(place, outputs, inputs, batch)
    results = out_tiles * in_tiles // 2 * GRF * GRF
    if tree:
        for group in range(place.groups):
            for bank in range(place.banks):
                yield _move("W", group, bank, ZERO_ROW, 0, f"x{GRF}", *_last(place, group, bank))
        half = "MAC,GRF_B[0],GRF_A[0],{0},auto;JUMP,7,2;NOP,8;MUL,GRF_B[0],GRF_B[0],EVEN_BANK,auto"
        program = [half.format("EVEN_BANK"), half.format("ODD_BANK")]
        again = in_tiles // 2 - 1
        program += [f"JUMP,{again},9"] if again else []
    else:
        program = [
            f"MAC,GRF_B[0],GRF_A[0],{bank}_BANK,auto;JUMP,{GRF * in_tiles // 2 - 1},2"
            for bank in ("EVEN", "ODD")
        ]
        program.append("NOP,8")
    yield from _enter(place, ";".join([*program, "EXIT"]))
    for output in range(out_tiles):
        for vector in range(batch):
            yield _mode(place, "HAB_PIM,zero_b")
            column = results + (output + vector) * GRF
            if tree:
                for tile in range(in_tiles):
                    yield from _tile(place, tile, in_tiles, output)
                    yield _run(place, "W", 1, 0, column + GRF * tile, "GRFB_TO_BANK_")
                    yield _run(place, "R", 0, ZERO_ROW, 0, "RESET_GRF_B")
            else:
                for tile in (*range(0, in_tiles, 2), *range(1, in_tiles, 2)):
                    yield from _tile(place, tile, in_tiles, output)
                yield _run(place, "W", 1, 0, column, "GRFB_TO_BANK_")
            yield _mode(place, "HAB")
    yield from _leave(place)


def _last(place: Place, group: int, bank: int) -> list[str]:
    return ["bar"] if (group, bank) == (place.groups - 1, place.banks - 1) else []


def _tiles(place: Place, outputs: int, inputs: int, batch: int) -> tuple[int, int]:
    for name, given in (("outputs", outputs), ("inputs", inputs), ("batch", batch)):
        if given < 1:
            raise InputError(f"{name}: given {given}; must be 1 at least")
    out_tiles = -(-outputs // (place.blocks * GRF))
    in_tiles = -(-inputs // (LANES * GRF))
    if in_tiles % 2:
        least = 2 * LANES * GRF
        raise InputError(
            f"inputs: given {inputs}; must fill an even number of tiles of {LANES * GRF}, as even "
            f"and odd banks take turns: pad with zeroes to {-(-inputs // least) * least}"
        )
    return out_tiles, in_tiles


def elementwise(place: Place, kernel: str, elements: int) -> Lines:
    """``add``, ``mul``, ``relu`` or ``bn`` of vectors. Raises InputError for what does not fit."""
    a_tile = LANES * GRF * place.channels * place.groups * place.banks
    if elements < a_tile or elements % a_tile:
        raise InputError(f"elements: given {elements}; must be a multiple of {a_tile}")
    tiles = elements // a_tile
    room = (OTHER_ROW - INPUT_ROW) * place.columns // GRF
    if tiles > room:
        raise InputError(f"elements: given {elements}; must be {room * a_tile} at most")
    program = [STEPS[kernel](letter, bank) for letter, bank in (("A", "EVEN"), ("B", "ODD"))]
    text = ";".join(program)
    if tiles > 1:
        text += f";JUMP,{tiles - 1},{text.count(';') + 2}"
    yield from _enter(place, text + ";EXIT")
    if kernel == "bn":
        yield _move("W", 0, 0, place.registers, 1, "tag=WRIO_TO_SRF_", "bar")
    yield _mode(place, "HAB_PIM")
    for tile in range(tiles):
        column = GRF * tile
        for bank in (0, 1):
            if kernel == "relu":
                to = "GRF_A_TO_EVEN_BANK" if bank == 0 else "GRF_B_TO_ODD_BANK"
                yield _run(place, "R", bank, INPUT_ROW, column, "FILL&ReLU")
                yield _run(place, "W", bank, RESULT_ROW, column, to)
                continue
            if kernel == "bn":
                yield _run(place, "R", bank, INPUT_ROW, column, "MAD1")
                yield _run(place, "R", bank, INPUT_ROW, column, "MAD2")
            else:
                yield _run(place, "R", bank, INPUT_ROW, column, "BANK_TO_GRF_")
                yield _run(place, "R", bank, OTHER_ROW, column, "ADD")
            yield _run(place, "W", bank, RESULT_ROW, column, "GRF_TO_BANK")
    yield _mode(place, "HAB")
    yield from _leave(place)


def _two(operation: str) -> Callable[[str, str], str]:
    return lambda grf, bank: (
        f"FILL,GRF_{grf}[0],{bank}_BANK;"
        f"{operation},GRF_{grf}[0],GRF_{grf}[0],{bank}_BANK,auto;NOP,8"
    )


STEPS: dict[str, Callable[[str, str], str]] = {
    "add": _two("ADD"),
    "mul": _two("MUL"),
    "relu": lambda grf, bank: f"FILL,GRF_{grf}[0],{bank}_BANK,relu;NOP,8",
    "bn": lambda grf, bank: (
        f"MAD,GRF_{grf}[0],{bank}_BANK,SRF_M[0],SRF_A[0],auto;"
        f"MAD,GRF_{grf}[0],GRF_{grf}[0],SRF_M[1],SRF_A[1],auto;NOP,8"
    ),
}
"""Instructions for one half of the banks, by kernel."""


def plain(place: Place, kind: str, outputs: int, inputs: int) -> Lines:
    """All columns of a matrix read (``R``) or written (``W``) over the bus, in the order of
    addresses: channels, banks of a group, groups, columns, rows. Raises InputError."""
    columns = outputs * inputs // LANES
    width = place.channels * place.groups * place.banks
    if columns < 1 or columns * LANES != outputs * inputs or columns % width:
        raise InputError(
            f"a matrix of {outputs} x {inputs} must have a multiple of {LANES * width} elements"
        )
    if columns // width > place.rows * place.columns:
        raise InputError(f"a matrix of {outputs} x {inputs} is larger than the memory")
    for i in range(columns // width):
        row, column = divmod(i, place.columns)
        for group in range(place.groups):
            for bank in range(place.banks):
                yield _move(kind, group, bank, row, column)


KERNELS = ("gemv", "gemv_tree", "add", "mul", "relu", "bn", "read", "write")


def kernel_lines(pim: HbmPim, kernel: str, outputs: int, inputs: int = 1, batch: int = 1) -> Lines:
    """The trace of a kernel, line by line.

    ``gemv`` and ``gemv_tree`` multiply a matrix of ``outputs`` x ``inputs`` with ``batch``
    vectors; ``add``, ``mul``, ``relu`` and ``bn`` have ``outputs`` elements; ``read`` and ``write``
    move that matrix over the bus. Raises InputError for what is unknown or does not fit.
    """
    place = place_of(pim)
    if kernel in ("gemv", "gemv_tree"):
        return gemv(place, outputs, inputs, batch, tree=kernel == "gemv_tree")
    if kernel in STEPS:
        return elementwise(place, kernel, outputs)
    if kernel in ("read", "write"):
        return plain(place, kernel[0].upper(), outputs, inputs)
    raise InputError(f"{kernel!r} is no kernel; are: {', '.join(KERNELS)}")
