"""The state of an array, and of the folds inside it."""

import numpy as np

from sim.array.folds import CURSOR, FOLD
from sim.buffer.ports import PADS_MAX

NO_FOLD, PICKED, LOADING, LOADED = range(4)
"""Stages of the fold at the array's entry."""

SERIAL, PRELOADED, OVERLAPPED = range(3)
DRAINS = ("serial", "preloaded", "overlapped")
"""What may enter while a fold leaves: nothing, a stationary operand, or a fold."""

ARRAY_STATE = np.dtype(
    [
        # parameters
        ("rows", np.int64),
        ("cols", np.int64),
        ("dataflow", np.int64),  # folds.WS, OS or IS
        ("pe_latency", np.int64),  # beats
        ("overlapped_load", np.int64),  # 1: a second register for the stationary operand
        ("drain", np.int64),  # SERIAL ...
        ("empty_load", np.int64),  # beats of a load that finds the array empty; 0: a row a beat
        ("copies", np.int64),  # grids that hold the same and share the vectors
        ("full_edges", np.int64),  # 1: edge folds take the time of full ones
        ("drain_counted", np.int64),  # 0: os results leave in no time (SCALE-Sim)
        ("accumulator_rows", np.int64),
        ("operand_bits", np.int64),
        ("accumulator_bits", np.int64),
        ("output_bits", np.int64),  # where a command does not say
        ("pads", np.int64),
        ("pad_of_operand", np.int64, 3),
        ("accesses_per_cycle", np.int64, PADS_MAX),
        ("width_bytes", np.int64, PADS_MAX),
        # queue
        ("head", np.int64),  # position of the command whose folds are not all picked
        ("queue_end", np.int64),
        # time: beat ``beat`` began at tick ``since``
        ("beat", np.int64),
        ("since", np.int64),
        ("beat_cycles", np.int64),
        ("wanted", np.int64, PADS_MAX),  # accesses of each scratchpad in this beat
        # the fold at the entry
        ("stage", np.int64),  # NO_FOLD ...
        ("load_end", np.int64),  # beat
        # the fold that streams
        ("streaming", np.int64),  # 1: one does
        ("stream_end", np.int64),  # beat
        # what the last fold that streamed leaves for the next to respect (beats)
        ("order_start", np.int64),  # its operands begin to enter
        ("order_end", np.int64),  # they have all entered
        ("order_rows", np.int64),
        ("order_cols", np.int64),
        ("order_out", np.int64),  # its results begin to leave
        ("order_out_beats", np.int64),
        ("order_left", np.int64),  # its results have left
        # results on their way: ring of OUT, in order
        ("out_head", np.int64),
        ("out_tail", np.int64),
        # counts
        ("folds", np.int64),
        ("macs", np.int64),
        ("ifmap_read_words", np.int64),
        ("filter_read_words", np.int64),
        ("ofmap_write_words", np.int64),  # final results, to the scratchpad
        ("psum_write_words", np.int64),  # partial sums, to the scratchpad
        ("psum_read_words", np.int64),
        ("accumulator_write_words", np.int64),
        ("accumulator_read_words", np.int64),
        ("ifmap_read_bytes", np.int64),
        ("filter_read_bytes", np.int64),
        ("ofmap_write_bytes", np.int64),  # results and partial sums
        ("ofmap_read_bytes", np.int64),
        ("cursor", CURSOR),
        ("entry", FOLD),  # the fold at the entry
        ("stream", FOLD),  # the fold that streams
    ]
)

OUT = np.dtype(
    [
        ("start", np.int64),  # beat in which the first vector leaves
        ("beats", np.int64),
        ("write_bytes", np.int64),  # to the ofmap scratchpad, a beat
        ("read_bytes", np.int64),  # partial sums read back, a beat
        ("command", np.int64),  # that is done when the last one has left, -1: more folds follow
    ]
)
