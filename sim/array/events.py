"""What a fold counts: operand words, products, and where its results go."""

from arch.commands import FLAG_ACCUMULATE, FLAG_FINAL, FLAG_KEEP
from sim.array.demand import packed_bytes, vectors_a_beat
from sim.array.folds import IS, OS
from sim.jit import njit


@njit
def count_results(s, fold, command, out):
    """Count what a fold's results do to accumulators and scratchpad; note bytes a beat."""
    os = s["dataflow"] == OS
    words = fold["cols"] // fold["groups"] if os else fold["cols"]
    vectors = fold["rows"] if os else fold["length"]
    total = words * vectors
    first = fold["first_depth"] == 1
    last = fold["last_depth"] == 1
    flags = command["flags"]
    kept = flags & FLAG_KEEP != 0
    if kept:
        first = first and flags & FLAG_ACCUMULATE == 0
        last = last and flags & FLAG_FINAL != 0
    accumulated = first and last
    if not os and not accumulated and (kept or fold["length"] <= s["accumulator_rows"]):
        accumulated = True
        if not first:
            s["accumulator_read_words"] += total
        if not last:
            s["accumulator_write_words"] += total
    write_bytes = 0
    read_bytes = 0
    if last or not accumulated:
        bits = s["accumulator_bits"]
        if last and flags & FLAG_FINAL:
            bits = command["output_bits"] if command["output_bits"] else s["output_bits"]
            s["ofmap_write_words"] += total
        else:
            s["psum_write_words"] += total
        write_bytes = packed_bytes(words, bits)
        if (flags & FLAG_ACCUMULATE and not kept) or not (first or accumulated):
            read_bytes = packed_bytes(words, s["accumulator_bits"])
            s["psum_read_words"] += total
        s["ofmap_write_bytes"] += write_bytes * vectors
        s["ofmap_read_bytes"] += read_bytes * vectors
    together = 1 if os else vectors_a_beat(s, fold["length"])
    out["write_bytes"] = write_bytes * together
    out["read_bytes"] = read_bytes * together


@njit
def count_operands(s, fold):
    """Count the operand words that a fold reads, and its products."""
    bits = s["operand_bits"]
    rows, cols, length = fold["rows"], fold["cols"], fold["length"]
    moving = rows * length
    moving_bytes = packed_bytes(rows, bits) * length
    other_words = cols // fold["groups"]
    other_vectors = rows
    if s["dataflow"] == OS:
        other_words = cols
        other_vectors = length
    other = other_words * other_vectors
    other_bytes = packed_bytes(other_words, bits) * other_vectors
    if s["dataflow"] == IS:
        s["filter_read_words"] += moving
        s["filter_read_bytes"] += moving_bytes
        s["ifmap_read_words"] += other
        s["ifmap_read_bytes"] += other_bytes
    else:
        s["ifmap_read_words"] += moving
        s["ifmap_read_bytes"] += moving_bytes
        s["filter_read_words"] += other
        s["filter_read_bytes"] += other_bytes
    s["macs"] += rows * cols // fold["groups"] * length
    s["folds"] += 1
