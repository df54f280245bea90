"""The commands of a product's tiles: loads, tile products, epilogues and stores.

A tile that is in no slot is loaded as soon as the last user of the slot's former tile is done. An
output tile is stored when it is complete; one that must go before is stored with its partial sums
and loaded again.

A kernel cannot make the arrays that it fills, so it runs twice: with arrays of no length it only
counts what it would write.
"""

import numpy as np

from arch.commands import (
    FLAG_ACCUMULATE,
    FLAG_FINAL,
    FLAG_KEEP,
    OPERAND_FILTER,
    OPERAND_IFMAP,
    OPERAND_OFMAP,
)
from traces.jit import inlined, njit
from traces.mapping.layout import (
    ifmap_elements,
    locate,
    place_filters,
    place_ifmap,
    place_ofmap,
    place_sums,
)
from traces.mapping.program import LOAD, MATMUL, STORE, VECTOR, add, add_dependency, add_move
from traces.mapping.slots import NONE, clear, make_room, put

LOOP_M, LOOP_N, LOOP_K = range(3)
IFMAP, FILTER, OFMAP = (np.int64(number) for number in
                        (OPERAND_IFMAP, OPERAND_FILTER, OPERAND_OFMAP))  # fmt: skip
FIRST = np.int64(0)
PARTIAL, FINAL = np.int64(0), np.int64(FLAG_FINAL)

JOB = np.dtype(
    [
        ("has_memory", np.int64),
        ("keeps_sums", np.int64),  # 1: they stay in the accumulators
        ("pack", np.int64),  # groups that share a fold
        ("ifmap", np.int64),  # indices in the tensor table
        ("filters", np.int64),
        ("ofmap", np.int64),
        ("sums", np.int64),
        ("depths", np.int64),  # tiles along the channels
        ("output_bits", np.int64),  # of a complete result, as commands say
        ("mode", np.int64),  # of engines
        ("result", np.int64),
    ]
)

SHARE = np.dtype(
    [
        ("core", np.int64),
        ("group", np.int64),  # first tile of each dimension, and how many
        ("groups", np.int64),
        ("block", np.int64),
        ("blocks", np.int64),
        ("n", np.int64),
        ("ns", np.int64),
    ]
)


@inlined
def add_input(commands, dependencies, cursor, job, layout, place, slots, tiles, operand, index):
    """Load an input tile if it is in no slot."""
    if tiles[index]["here"] == 1:
        return
    free_after = NONE
    replaced = make_room(slots, tiles)
    if replaced != NONE:
        free_after = tiles[replaced]["free_after"]
    put(slots, tiles, index)
    reads = operand == FILTER or ifmap_elements(place) > 0
    if job["has_memory"] == 1 and reads:
        tensor = job["ifmap"] if operand == IFMAP else job["filters"]
        load = add_move(
            commands, dependencies, cursor, LOAD, operand, tensor, PARTIAL,
            free_after, NONE,
        )  # fmt: skip
        tiles[index]["ready_after"] = load
        if load < len(commands):
            if operand == IFMAP:
                place_ifmap(commands[load], layout, place)
            else:
                place_filters(commands[load], layout, place)


@njit
def add_sums(commands, dependencies, cursor, job, layout, place, kind, a, b):
    """Append a store or a load of partial sums."""
    index = add_move(commands, dependencies, cursor, kind, OFMAP, job["sums"], PARTIAL, a, b)
    if index < len(commands):
        place_sums(commands[index], layout, place)
    return index


@inlined
def add_output(
    commands, dependencies, cursor, job, layout, rows, pixels, share, place, other, slots, tiles,
    index,
):  # fmt: skip
    """Give an output tile a slot; its partial sums are loaded if they had to leave."""
    if tiles[index]["here"] == 1:
        return
    free_after = NONE
    replaced = make_room(slots, tiles)
    if replaced != NONE:
        old = tiles[replaced]
        if old["holds_sums"] == 1 and job["has_memory"] == 1:
            number = replaced - slots["first"]
            block = number // share["ns"]
            locate(
                other, layout, rows, pixels, share["group"] + block // share["blocks"],
                share["block"] + block % share["blocks"], share["n"] + number % share["ns"],
                FIRST,
            )  # fmt: skip
            old["free_after"] = add_sums(
                commands, dependencies, cursor, job, layout, other, STORE,
                old["free_after"], NONE,
            )  # fmt: skip
            old["stored_by"] = old["free_after"]
        free_after = old["free_after"]
    put(slots, tiles, index)
    tile = tiles[index]
    tile["room_after"] = free_after
    tile["ready_after"] = free_after
    if tile["stored_by"] != NONE:
        tile["ready_after"] = add_sums(
            commands, dependencies, cursor, job, layout, place, LOAD,
            free_after, tile["stored_by"],
        )  # fmt: skip
        tile["holds_sums"] = 1


@inlined
def complete(
    commands, dependencies, cursor, job, layout, place, residuals, vector_ops, tile, product
):
    """Epilogue and store of an output tile."""
    last = product
    if job["has_memory"] == 1:
        for tensor in residuals:
            last = add_move(
                commands, dependencies, cursor, LOAD, OFMAP, tensor,
                FINAL, tile["room_after"], NONE,
            )  # fmt: skip
            if last < len(commands):
                place_ofmap(commands[last], layout, place)
    first = product
    for op in vector_ops:
        done = add(commands, dependencies, cursor, VECTOR, first, NONE, NONE)
        for on in range(first + 1, last + 1):
            add_dependency(commands, dependencies, cursor, done, on)
        if done < len(commands):
            command = commands[done]
            command["vector_op"] = op
            command["elements"] = place["groups"] * place["outputs"] * place["ns"]
            command["output_bits"] = job["output_bits"]
        first = done
        last = done
    tile["holds_sums"] = 0
    tile["free_after"] = last
    if job["has_memory"] == 1:
        store = add_move(
            commands, dependencies, cursor, STORE, OFMAP, job["ofmap"],
            FINAL, first, NONE,
        )  # fmt: skip
        for on in range(first + 1, last + 1):
            add_dependency(commands, dependencies, cursor, store, on)
        if store < len(commands):
            place_ofmap(commands[store], layout, place)
        tile["free_after"] = store


@inlined
def add_tile(
    commands, dependencies, cursor, job, layout, rows, pixels, share, residuals, vector_ops, place,
    other, slots, tiles, group, block, n, depth,
):  # fmt: skip
    """One tile product, with the loads it needs and the stores that make room."""
    locate(
        place, layout, rows, pixels, share["group"] + group, share["block"] + block,
        share["n"] + n, depth,
    )  # fmt: skip
    output = group * share["blocks"] + block
    a = slots[IFMAP]["first"] + output * job["depths"] + depth
    b = slots[FILTER]["first"] + (group * share["ns"] + n) * job["depths"] + depth
    c = slots[OFMAP]["first"] + output * share["ns"] + n
    for operand in (IFMAP, FILTER):
        add_input(
            commands, dependencies, cursor, job, layout, place, slots[operand], tiles, operand,
            a if operand == IFMAP else b,
        )  # fmt: skip
    add_output(
        commands, dependencies, cursor, job, layout, rows, pixels, share, place, other,
        slots[OFMAP], tiles, c,
    )  # fmt: skip
    out = tiles[c]
    index = add(
        commands, dependencies, cursor, MATMUL, tiles[a]["ready_after"],
        tiles[b]["ready_after"], out["ready_after"],
    )  # fmt: skip
    last = depth == job["depths"] - 1
    if index < len(commands):
        command = commands[index]
        command["m"] = place["outputs"]
        command["n"] = place["ns"]
        command["k"] = place["channels"] * layout["window"]
        command["groups"] = place["groups"]
        command["pack"] = min(job["pack"], place["groups"])
        command["output_bits"] = job["output_bits"]
        command["mode"] = job["mode"]
        command["result"] = job["result"]
        flags = FLAG_ACCUMULATE * out["holds_sums"] + FLAG_KEEP * job["keeps_sums"]
        if last:
            flags += FINAL
        command["flags"] = flags
    tiles[a]["free_after"] = index
    tiles[b]["free_after"] = index
    if last:
        complete(
            commands, dependencies, cursor, job, layout, place, residuals, vector_ops, out, index
        )
    else:
        out["holds_sums"] = 1
        out["free_after"] = index
        out["ready_after"] = NONE


@inlined
def add_shares(
    commands, dependencies, cursor, job, layout, rows, pixels, shares, residuals, vector_ops,
    places, slots, tiles, nest, extents, at,
):  # fmt: skip
    """Every core's share, one after the other, tiles in the order of the loops ``nest``."""
    for share in shares:
        cursor["queue"] = share["core"] * 4
        blocks = share["groups"] * share["blocks"]
        first = clear(slots[IFMAP], tiles, FIRST, blocks * job["depths"])
        filters = share["groups"] * share["ns"] * job["depths"]
        first = clear(slots[FILTER], tiles, first, filters)
        clear(slots[OFMAP], tiles, first, blocks * share["ns"])
        extents[LOOP_M] = share["blocks"]
        extents[LOOP_N] = share["ns"]
        extents[LOOP_K] = job["depths"]
        for group in range(share["groups"]):
            for outer in range(extents[nest[0]]):
                for middle in range(extents[nest[1]]):
                    for inner in range(extents[nest[2]]):
                        at[nest[0]] = outer
                        at[nest[1]] = middle
                        at[nest[2]] = inner
                        add_tile(
                            commands, dependencies, cursor, job, layout, rows, pixels, share,
                            residuals, vector_ops, places[0], places[1], slots, tiles, group,
                            at[LOOP_M], at[LOOP_N], at[LOOP_K],
                        )  # fmt: skip


@njit
def emit(
    commands, dependencies, cursors, jobs, layouts, rows, pixels, shares, residuals, vector_ops,
    places, slots, tiles, nest, extents, at,
):  # fmt: skip
    """The commands of a product. The cursor starts at zero, and counts what there is."""
    add_shares(
        commands, dependencies, cursors[0], jobs[0], layouts[0], rows, pixels, shares, residuals,
        vector_ops, places, slots, tiles, nest, extents, at,
    )  # fmt: skip
