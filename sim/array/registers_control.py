"""What a beat of the array's hardware does: the controller's decisions, from the registers.

A beat is a cycle in which the array advances. The rules for the start of a fold are those of
docs/systolic_array.md, in beats since the last stream began.
"""

import numpy as np

from sim.jit import njit

STREAMS = ("command", "top", "left", "partial", "output")
GROUPS = (
    *STREAMS,
    *("cutter", "controller", "current", "load_stage", "word", "entry"),
    *("leave", "drains", "drain_word", "drain_row", "drain_edge"),
    *("left_skew", "flag_skew", "top_skew", "load", "load_word", "leaving"),
    *("operand", "weight", "shadow", "swap", "psum"),
    *("left_operand", "top_operand", "first", "last", "product", "sum", "drain"),
    *("deskew", "at"),
    *("current_mode", "current_result", "drain_mode", "drain_result", "mode", "done"),
)
"""Groups of registers; ``at_<group>`` is the place of the first in a row of the state."""

CONFIG = np.dtype(
    [
        ("rows", np.int64),
        ("cols", np.int64),
        ("stationary", np.int64),  # 1: ws or is
        ("input_stationary", np.int64),
        ("latency", np.int64),  # of a PE, beats
        ("overlapped_load", np.int64),
        ("overlapped_drain", np.int64),
        ("preloaded", np.int64),  # 1: a load waits for no drain, a stream does
        ("full_edges", np.int64),
        ("saturate", np.int64),
        ("accumulator_rows", np.int64),
        ("accumulator_bits", np.int64),
        ("row_bits", np.int64),  # width of a row in a token
        ("edge_bits", np.int64),  # width of a column in a token
        ("since_largest", np.int64),
        ("outputs", np.int64),  # outputs in front of a row
        ("command_words", np.int64),  # fields of a command
        ("mode_bits", np.int64),  # width of an engine's mode; 0: there is one, or no engine
        ("result_bits", np.int64),  # width of a result format
        ("choice_at", np.int64),  # place of both in a token
        ("holds", np.int64),  # 1: an engine's sum stays when it is complete
        *((f"in_{stream}", np.int64) for stream in STREAMS[:-1]),  # payload in a stimulus
        *((f"valid_{stream}", np.int64) for stream in STREAMS[:-1]),
        ("in_ready", np.int64),  # output.ready in a stimulus
        *((f"at_{group}", np.int64) for group in GROUPS),
    ]
)

FOLD = np.dtype([(name, np.int64) for name in ("rows", "cols", "length", "first", "last")])

BEAT = np.dtype(
    [
        ("available", np.int64),  # there is a next fold
        ("void", np.int64),  # the command in front has an extent of 0
        ("fold", FOLD),  # the next one
        ("inner", np.int64),  # cutter after it
        ("outer", np.int64),
        ("ends", np.int64),  # it is the last of its command
        ("take", np.int64),  # it enters in this beat
        ("load", np.int64),  # a stationary word enters
        ("loaded", np.int64),  # the entry's block will be complete
        ("loading", FOLD),  # whose word enters
        ("stream", np.int64),  # a vector enters
        ("first", np.int64),  # the first of its fold
        ("last", np.int64),
        ("since", np.int64),  # beats since the stream began
        ("streaming", FOLD),  # whose vector enters
        ("token", np.int64),  # of a vector of results that will leave, 0: none
        ("token_delay", np.int64),
        ("column", np.int64),  # in which a vector of results is complete, -1: none
        ("keep", np.int64),  # the accumulators hold its fold
        ("adds", np.int64),  # to a partial sum
        ("complete", np.int64),  # it is the last in the sum over K
        ("ends_fold", np.int64),
        ("wants_partial", np.int64),
        ("sends", np.int64),
        ("advance", np.int64),
        ("overflows", np.int64),  # sums of this cycle that do not fit
        ("mode", np.int64),  # of an engine's fold that streams; 0 without one
        ("result", np.int64),
    ]
)


@njit
def copy_fold(fold, row, at):
    """Read a fold from its registers."""
    fold["rows"] = row[at]
    fold["cols"] = row[at + 1]
    fold["length"] = row[at + 2]
    fold["first"] = row[at + 3]
    fold["last"] = row[at + 4]


@njit
def store_fold(row, at, fold):
    """Write a fold to its registers."""
    row[at] = fold["rows"]
    row[at + 1] = fold["cols"]
    row[at + 2] = fold["length"]
    row[at + 3] = fold["first"]
    row[at + 4] = fold["last"]


@njit
def assign_fold(fold, other):
    fold["rows"] = other["rows"]
    fold["cols"] = other["cols"]
    fold["length"] = other["length"]
    fold["first"] = other["first"]
    fold["last"] = other["last"]


@njit
def cut(c, old, b):
    """The next fold of the command in front."""
    at = c["at_command"]
    m, n, k = old[at + 1], old[at + 2], old[at + 3]
    b["void"] = 1 if old[at] > 0 and (m == 0 or n == 0 or k == 0) else 0
    b["available"] = 1 if old[at] > 0 and b["void"] == 0 else 0
    inner = old[c["at_cutter"]]
    outer = old[c["at_cutter"] + 1]
    fold = b["fold"]
    if c["stationary"]:
        outer_extent = m if c["input_stationary"] else n
        fold["length"] = n if c["input_stationary"] else m
        fold["rows"] = min(c["rows"], k - inner)
        fold["cols"] = min(c["cols"], outer_extent - outer)
        fold["first"] = 1 if inner == 0 else 0
        inner_size, outer_size, inner_extent = c["rows"], c["cols"], k
        fold["last"] = 1 if inner + c["rows"] >= k else 0
    else:
        outer_extent = m
        fold["length"] = k
        fold["rows"] = min(c["rows"], m - outer)
        fold["cols"] = min(c["cols"], n - inner)
        fold["first"] = 1
        fold["last"] = 1
        inner_size, outer_size, inner_extent = c["cols"], c["rows"], n
    b["inner"] = inner + inner_size
    b["outer"] = outer
    b["ends"] = 0
    if b["inner"] >= inner_extent:
        b["inner"] = 0
        b["outer"] = outer + outer_size
        if b["outer"] >= outer_extent:
            b["outer"] = 0
            b["ends"] = 1


@njit
def timed_rows(c, rows):
    return c["rows"] if c["full_edges"] else rows


@njit
def timed_cols(c, cols):
    return c["cols"] if c["full_edges"] else cols


@njit
def leaves_after(c, rows, cols, length):
    """Beats from the start of a stream until all its results have left."""
    if c["stationary"]:
        return length + rows * c["latency"] + cols - 2
    return length + c["latency"] - 1 + rows - 1 + cols - 1 + rows


@njit
def stream_after(c, old, fold):
    """Beats since the last stream began after which a fold may stream."""
    at = c["at_current"]
    length = old[at + 2]
    rows, cols = timed_rows(c, old[at]), timed_cols(c, old[at + 1])
    fewer_rows = rows - timed_rows(c, fold["rows"])
    fewer_cols = cols - timed_cols(c, fold["cols"])
    if c["preloaded"]:
        return leaves_after(c, rows, cols, length)
    if c["stationary"]:
        fewer = fewer_rows * c["latency"]
        return length + max(0, fewer, fewer + fewer_cols)
    if not c["overlapped_drain"]:
        return leaves_after(c, rows, cols, length)
    fewer = fewer_rows
    return max(length, length + rows - fold["length"] + max(0, fewer, fewer + fewer_cols))


@njit
def load_after(c, b):
    """Beats since the last stream began after which the next fold may load."""
    before = b["streaming"]
    rows = timed_rows(c, before["rows"])
    if not c["overlapped_drain"] and not c["preloaded"]:
        return leaves_after(c, rows, timed_cols(c, before["cols"]), before["length"])
    shared = min(rows, timed_rows(c, b["fold"]["rows"]))
    free = (shared - 1) * (c["latency"] - 1)
    if not c["overlapped_load"]:
        free += before["length"] - 1
    return free


@njit
def decide(c, old, b):
    """What loads and what streams in this beat."""
    cut(c, old, b)
    since = old[c["at_controller"] + 1]
    starts = False
    b["take"] = 0
    b["load"] = 0
    if c["stationary"]:
        loads = old[c["at_load_stage"]]
        loaded = old[c["at_load_stage"] + 1]
        copy_fold(b["loading"], old, c["at_entry"])
        starts = loaded == 1 and since >= stream_after(c, old, b["loading"])
        if starts:
            assign_fold(b["streaming"], b["loading"])
            since = 0
        else:
            copy_fold(b["streaming"], old, c["at_current"])
        entry_free = not loads and (starts or not loaded)
        if b["available"] and entry_free and since >= load_after(c, b):
            b["take"] = 1
            assign_fold(b["loading"], b["fold"])
        b["load"] = 1 if b["take"] or loads else 0
        done = b["load"] and old[c["at_word"]] + 1 == timed_rows(c, b["loading"]["rows"])
        b["loaded"] = 1 if done or (loaded and not starts) else 0
    else:
        starts = b["available"] == 1 and since >= stream_after(c, old, b["fold"])
        if starts:
            b["take"] = 1
            assign_fold(b["streaming"], b["fold"])
            since = 0
        else:
            copy_fold(b["streaming"], old, c["at_current"])
    b["since"] = since
    b["first"] = 1 if starts else 0
    b["stream"] = 1 if starts or old[c["at_controller"]] else 0
    b["last"] = 1 if b["stream"] and since + 1 == b["streaming"]["length"] else 0


@njit
def leave(c, old, b):
    """The token of the vector of results that this beat puts on its way."""
    fold = b["streaming"]
    row = timed_rows(c, fold["rows"]) - 1
    edge = timed_cols(c, fold["cols"]) - 1
    b["token"] = 0
    rest_at = 1 + c["row_bits"] + c["edge_bits"]
    if c["stationary"]:
        if b["stream"]:
            rest = fold["first"] + 2 * fold["last"]
            if c["accumulator_rows"] > 0:
                if fold["length"] <= c["accumulator_rows"]:
                    rest += 4
                rest += 8 * b["last"]
            b["token"] = 1 | row << 1 | edge << (1 + c["row_bits"]) | rest << rest_at
        b["token_delay"] = (row + 1) * c["latency"] - 1
        return
    begins = b["stream"] and b["last"]
    if not begins:
        row = old[c["at_drain_row"]]
        edge = old[c["at_drain_edge"]]
    if begins or old[c["at_drains"]]:
        word = old[c["at_drain_word"]]
        b["token"] = 1 | row << 1 | edge << (1 + c["row_bits"]) | word << rest_at
    b["token_delay"] = row + c["latency"] - 1


@njit
def step_control(c, old, new, b):
    """Registers of cutter, controller and token line, after a beat."""
    at = c["at_cutter"]
    if b["take"]:
        new[at] = b["inner"]
        new[at + 1] = b["outer"]
    at = c["at_controller"]
    new[at] = 1 if b["stream"] and not b["last"] else 0
    new[at + 1] = min(b["since"] + 1, c["since_largest"])
    store_fold(new, c["at_current"], b["streaming"])
    if c["stationary"]:
        store_fold(new, c["at_entry"], b["loading"])
        at = c["at_load_stage"]
        word = old[c["at_word"]]
        done = word + 1 == timed_rows(c, b["loading"]["rows"])
        new[at] = 1 if b["load"] and not done else 0
        new[at + 1] = b["loaded"]
        if b["load"]:
            new[c["at_word"]] = 0 if done else word + 1
        length = c["rows"] * c["latency"]
    else:
        length = c["rows"] + c["latency"] - 1
        if b["token"]:
            row = b["token"] >> 1 & (1 << c["row_bits"]) - 1
            word = old[c["at_drain_word"]]
            new[c["at_drains"]] = 1 if word != row else 0
            new[c["at_drain_word"]] = 0 if word == row else word + 1
            new[c["at_drain_row"]] = row
            new[c["at_drain_edge"]] = b["token"] >> (1 + c["row_bits"]) & (1 << c["edge_bits"]) - 1
    at = c["at_leave"]
    for j in range(length - 1):
        new[at + j] = old[at + j + 1]
    new[at + length - 1] = 0
    if b["token"]:
        new[at + b["token_delay"]] = b["token"]
