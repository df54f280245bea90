"""When each fold of a tile starts and ends: the rules of docs/systolic_array.md, fold by fold.

Plain Python that knows no kernel. Every time is in cycles of the array's clock.
"""

from dataclasses import dataclass, field

from arch.array import Array


@dataclass
class Fold:
    """Rows, columns, cycles of vectors; start of load and stream, first output vector, end."""

    a: int
    b: int
    t: int
    l: int = 0  # noqa: E741
    s: int = 0
    o: int = 0
    e: int = 0
    load_rules: dict[str, int] = field(default_factory=dict)
    """What each rule says of ``l`` and ``s``; the latest of them decides."""
    stream_rules: dict[str, int] = field(default_factory=dict)


def blocks(extent: int, size: int) -> list[int]:
    return [min(size, extent - begin) for begin in range(0, extent, size)]


def fold_shapes(
    array: Array, m: int, n: int, k: int, groups: int, pack: int
) -> list[tuple[int, int, int]]:
    """(rows, columns, cycles of vectors) of the folds of a tile, in order."""
    per_row, per_col = array.rows // pack, array.cols // pack
    shapes = []
    left = groups
    while left > 0:
        g = min(pack, left)
        left -= g
        if array.dataflow == "os":
            shapes += [(g * x, g * y, k) for x in blocks(m, per_row) for y in blocks(n, per_col)]
        elif array.dataflow == "ws":
            shapes += [(g * y, g * x, m) for x in blocks(n, per_col) for y in blocks(k, per_row)]
        else:
            shapes += [(g * y, g * x, n) for x in blocks(m, per_col) for y in blocks(k, per_row)]
    if array.edge_folds == "full":
        shapes = [(array.rows, array.cols, t) for _, _, t in shapes]
    return [(a, b, len(blocks(t, array.copies))) for a, b, t in shapes]


def tile_folds(array: Array, m: int, n: int, k: int, groups: int = 1, pack: int = 1) -> list[Fold]:
    """Folds of a tile with their times, under the physical convention's hardware."""
    folds = [Fold(*shape) for shape in fold_shapes(array, m, n, k, groups, pack)]
    schedule = _schedule_os if array.dataflow == "os" else _schedule_ws
    before = None
    for fold in folds:
        schedule(array, fold, before)
        before = fold
    return folds


def _schedule_ws(array: Array, new: Fold, old: Fold | None) -> None:
    p = array.pe_latency_cycles
    new.load_rules["first"] = 0
    if old is not None:
        shared = min(old.a, new.a)
        if array.weight_load == "overlapped":
            new.load_rules["shadow still to be taken"] = old.s + (shared - 1) * (p - 1)
        else:
            new.load_rules["weight still in use"] = old.s + old.t - 1 + (shared - 1) * (p - 1)
        if array.drain == "serial":
            new.load_rules["drain serial"] = old.e
    new.l = max(new.load_rules.values())

    loads = new.a
    if array.empty_load_cycles is not None and (old is None or new.l >= old.e):
        loads = array.empty_load_cycles
    new.stream_rules["weights loaded"] = new.l + loads
    if old is not None:
        behind = old.s + old.t
        new.stream_rules["left edge"] = behind
        new.stream_rules["column order"] = behind + (old.a - new.a) * p
        new.stream_rules["output port"] = behind + (old.a - new.a) * p + (old.b - new.b)
        if array.drain == "preloaded":
            new.stream_rules["array empty"] = old.e
    new.s = max(new.stream_rules.values())
    new.o = new.s + new.a * p + new.b - 2
    new.e = new.o + new.t


def _schedule_os(array: Array, new: Fold, old: Fold | None) -> None:
    p = array.pe_latency_cycles

    def first_out(start: int) -> int:
        return start + new.t + p - 1 + (new.a - 1) + (new.b - 1)

    new.stream_rules["first"] = 0
    if old is not None and array.drain == "serial":
        new.stream_rules["drain serial"] = old.e
    if old is not None and array.drain == "overlapped":
        done = old.s + old.t + old.a
        new.stream_rules["edges"] = old.s + old.t
        new.stream_rules["drain registers"] = done - new.t
        new.stream_rules["column order"] = done - new.t + (old.a - new.a)
        new.stream_rules["output port"] = old.o + old.a - first_out(0)
    new.s = new.l = max(new.stream_rules.values())
    new.o = first_out(new.s)
    new.e = new.o + new.a


def tile_cycles(array: Array, m: int, n: int, k: int, groups: int = 1, pack: int = 1) -> int:
    """Cycles of a tile (``groups`` products m x n x k, ``pack`` of them in a fold).

    Under convention 'scalesim' each fold takes what that simulator counts; the one cycle that it
    leaves out at the end of a whole run is not left out here.
    """
    if array.convention == "scalesim":
        r, c = array.rows, array.cols
        fixed = r + c - 2 if array.dataflow == "os" else 2 * r + c - 2
        return sum(t + fixed for _, _, t in fold_shapes(array, m, n, k, groups, pack))
    return tile_folds(array, m, n, k, groups, pack)[-1].e
