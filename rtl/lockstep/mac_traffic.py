"""Random work for a SIMD engine on its own: dots of words in changing modes, and what they show."""

from typing import Any

import numpy as np
import numpy.typing as npt

from arch.mac.engine import Engine
from arch.mac.kinds import Scalar
from rtl.lockstep import mac_model
from rtl.lockstep.draws import draw
from rtl.lockstep.mac_model import FIRST, LAST, LEFT, MODE, RESULT, TOP, VALID_IN
from rtl.lockstep.streams import gather
from sim.jit import njit
from sim.mac import formats
from sim.mac.codec import decode
from sim.mac.engine import CHOICES_MOST, last_of
from sim.mac.record import FINITE, INFINITE, NOT_A_NUMBER

EPOCH_CYCLES = 128
"""For so long traffic keeps its rates, lengths and manners."""
STYLES = 6
ANY, NUMBERS, NEAR_ONE, CORNERS, LARGE, MIXED = range(STYLES)
"""Any bits; numbers only; numbers next to 1, whose sums cancel and tie; zeros, the smallest and
largest and what is no number; the largest, whose sums overflow; all of these."""
POOL = 32
"""Codes to choose from, of a format."""

TRAFFIC = np.dtype(
    [
        ("random", np.int64),  # state of the generator, never 0
        ("cycle", np.int64),
        ("style", np.int64),
        ("rate", np.int64),  # of 16, that there are words
        ("length_below", np.int64),  # of the words of a dot
        ("left", np.int64),  # words of the dot to come
        ("mode", np.int64),
        ("hold_mode", np.int64),  # 1: the epoch's dots are of one mode
        ("wild", np.int64),  # 1: flags, modes and results are random in each cycle
        ("mode_end", np.int64),  # what the fields cannot hold
        ("result_end", np.int64),
        ("reset_rate", np.int64),  # of 4096
        ("word_mode", np.int64),  # of the last words
        ("open", np.int64),  # 1: words of a dot were given, the last not
        ("useful_cycles", np.int64),
    ]
)

EVENTS = (
    "words",
    "words in another mode than the last",
    "dots end",
    "dots of several words end",
    "cycles without words within a dot",
    "dots that another begins in",
    "mode or result that there is not",
    "resets within a dot",
    "codes",
    "code is NaN",
    "code is infinite",
    "code is a zero",
    "code is the largest",
    "code is negative",
    "sum is zero again",
)
"""What is counted, in the order of ``count``."""


def pools(engine: Engine) -> npt.NDArray[np.int64]:
    """[mode, left or top, near 1 or corners or large, POOL] codes."""
    found = np.zeros((CHOICES_MOST, 2, 3, POOL), np.int64)
    for i, mode in enumerate(engine.modes):
        for side, form in enumerate(mode.forms):
            found[i, side, 0], found[i, side, 1] = near_one(form), corners(form)
            found[i, side, 2] = large(form)
    return found


def near_one(form: Scalar) -> Any:
    """Codes of the numbers nearest to 1 and -1, some more than once."""
    codes = np.arange(1 << form.bits)
    values = formats.decode(codes, form)
    some = np.isfinite(values) & (values != 0)
    codes, values = codes[some], values[some]
    nearest = codes[np.argsort(np.abs(np.log2(np.abs(values))), kind="stable")]
    return np.resize(nearest[:POOL], POOL)


def corners(form: Scalar) -> Any:
    """Codes of zeros, the smallest and largest numbers and what is no number."""
    codes = np.arange(1 << form.bits)
    values = formats.decode(codes, form)
    size = np.abs(values)
    numbers = np.isfinite(values)
    some = [*codes[size == 0], *codes[~numbers][:4], *codes[~numbers][-4:]]
    for extreme in (size[numbers].max(), size[numbers & (size > 0)].min()):
        some += [*codes[size == extreme]]
    return np.resize(np.array(some[:POOL]), POOL)


def large(form: Scalar) -> Any:
    """The code of the largest magnitude most often, and the next ones."""
    codes = np.arange(1 << form.bits)
    sizes = np.abs(formats.decode(codes, form))
    codes, sizes = codes[np.isfinite(sizes)], sizes[np.isfinite(sizes)]
    next_ones = codes[np.argsort(-sizes, kind="stable")][: POOL // 8]
    return np.concatenate([np.full(POOL - len(next_ones), next_ones[0]), next_ones])


@njit
def begin_epoch(t):
    """Choose rates, lengths and manners."""
    t["style"] = draw(t, STYLES)
    t["rate"] = (16, 16, 12, 3)[draw(t, 4)]
    t["length_below"] = 1 + (np.int64(1) << draw(t, 6))
    t["hold_mode"] = draw(t, 2)
    t["wild"] = 1 if draw(t, 8) == 0 else 0
    t["mode"] = draw(t, t["mode_end"])
    t["reset_rate"] = draw(t, 3) * draw(t, 24)


@njit
def draw_code(t, form, pool):
    """A code in the style of the traffic."""
    style = t["style"]
    if style == MIXED:
        # Rarely what is no number: a sum that has met it stays so.
        style = NUMBERS if draw(t, 2) else NEAR_ONE
        if draw(t, 64) == 0:
            style = CORNERS
    if style == NEAR_ONE:
        return pool[0, draw(t, POOL)]
    if style == CORNERS:
        return pool[1, draw(t, POOL)]
    if style == LARGE:
        return pool[2, draw(t, POOL)]
    code = draw(t, np.int64(1) << form["bits"])
    if style == NUMBERS and decode(code, form)[0] != FINITE:
        return np.int64(0)
    return code


@njit
def draw_word(t, lanes, form, pool, word_bits):
    """Codes of all lanes; bits above them are random."""
    word = np.int64(0)
    at = np.int64(0)
    for _ in range(lanes):
        word |= draw_code(t, form, pool) << at
        at += form["bits"]
    if at < word_bits:
        word |= draw(t, np.int64(1) << min(word_bits - at, np.int64(32))) << at
    return word


@njit
def stimulate(t, e, pool, word_bits, given):
    """The stimulus of a cycle. Returns whether it resets."""
    if t["cycle"] % EPOCH_CYCLES == 0:
        begin_epoch(t)
    t["cycle"] += 1
    given[VALID_IN] = 1 if draw(t, 16) < t["rate"] else 0
    begins = t["left"] == 0
    if given[VALID_IN] and begins:
        t["left"] = 1 + draw(t, t["length_below"])
        if not t["hold_mode"]:
            t["mode"] = draw(t, t["mode_end"])
    given[FIRST], given[MODE] = begins, t["mode"]
    if given[VALID_IN]:
        t["left"] -= 1
    given[LAST] = t["left"] == 0
    given[RESULT] = draw(t, t["result_end"])
    if t["wild"] or not given[VALID_IN]:
        given[FIRST], given[LAST] = draw(t, 2), draw(t, 2)
        given[MODE] = draw(t, t["mode_end"])
    mode = last_of(given[MODE], e["mode_count"])
    m = e["modes"][mode]
    given[LEFT] = draw_word(t, m["lanes"], m["left"], pool[mode, 0], word_bits)
    given[TOP] = draw_word(t, m["lanes"], m["top"], pool[mode, 1], word_bits)
    return 1 if draw(t, 4096) < t["reset_rate"] else 0


@njit
def count(t, u, e, given, registers, zero_before, reset, events):
    """Count what a cycle shows, before its edge."""
    valid, was_open = given[VALID_IN], t["open"]
    events[0] += valid
    events[1] += valid and given[MODE] != t["word_mode"]
    events[2] += valid and given[LAST]
    events[3] += valid and given[LAST] and not given[FIRST] and was_open
    events[4] += not valid and was_open
    events[5] += valid and given[FIRST] and was_open
    beyond = given[MODE] >= e["mode_count"] or given[RESULT] >= e["result_count"]
    events[6] += valid and beyond
    events[7] += reset and was_open
    if valid:
        t["word_mode"] = given[MODE]
        t["open"] = 1 - given[LAST]
    if reset:
        t["open"] = 0
    inside = was_open
    for j in range(u["latency"]):
        inside |= registers[u["flags"] + 2 * j]
    inside |= registers[u["ends"] + 1]
    if valid or inside:
        t["useful_cycles"] += 1
    events[14] += not zero_before and is_zero(u, registers)


@njit
def is_zero(u, registers):
    """Whether the sum is all zeros."""
    for i in range(u["sum"], u["flags"]):
        if registers[i] != 0:
            return 0
    return 1


@njit
def count_code(u, e, registers, result, events):
    """Count what a code is that has just been made in a result format."""
    form = e["results"][last_of(result, e["result_count"])]
    code = registers[u["ends"] + 2]
    kind_of, negative, significand, _ = decode(code, form)
    events[8] += 1
    events[9] += kind_of == NOT_A_NUMBER
    events[10] += kind_of == INFINITE
    zero = kind_of == FINITE and significand == 0
    events[11] += zero
    sign = code >> (form["bits"] - 1) if form["signed"] else np.int64(0)
    events[12] += not sign and code == form["largest"]
    events[13] += negative and not zero


@njit
def drive(
    units, engines, registers, product, scratch,
    traffic, pool, word_bits, given, shown, fields, events, stimuli, resets, responses,
):  # fmt: skip
    """Cycles in a row of stimuli, the model's responses, and what they show.

    ``shown`` [response], ``fields`` [input]: the register, the field of a stimulus, that each is.
    ``given``: room for a stimulus.
    """
    u, e, t = units[0], engines[0], traffic[0]
    for x in range(stimuli.shape[0]):
        resets[x] = stimulate(t, e, pool, word_bits, given)
        gather(given, fields, stimuli[x])
        gather(registers, shown, responses[x])
        zero_before = is_zero(u, registers)
        last = u["flags"] + 2 * (u["latency"] - 1)
        ends, result = registers[last] and not resets[x], registers[last + 1]
        mac_model.step(units, engines, registers, product, scratch, given, resets[x])
        count(t, u, e, given, registers, zero_before, resets[x], events)
        if ends:
            count_code(u, e, registers, result, events)
