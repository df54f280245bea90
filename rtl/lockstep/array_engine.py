"""Random work for an array of SIMD engines: as of ``array_traffic``, with modes and codes.

Modes and result formats change from command to command; words are codes of the mode that streams:
of any value, of numbers only, at the ends of the range, or around one.
"""

from typing import Any

import numpy as np

from rtl.lockstep.array_traffic import begin_phase, draw, draw_extent, end_cycle, note
from sim.array.registers_engine import step
from sim.array.registers_streams import edge_of, token_at
from sim.jit import njit
from sim.mac.codec import decode
from sim.mac.engine import last_of, low_bits
from sim.mac.record import FINITE, INT

STYLES = 4
ANY, NUMBERS, ENDS, ONES = range(STYLES)

EVENTS = (
    *("switches of the mode", "vectors out in another mode than streams"),
    *("numbers out", "zeros out", "NaN or infinities out"),
)
SWITCHES, OTHERS, NUMBERS_OUT, ZEROS_OUT, SPECIALS_OUT = range(len(EVENTS))
ENGINE_TRAFFIC = np.dtype(
    [
        ("style", np.int64),  # of the words of this phase
        ("stays", np.int64),  # of 16: how often a command has the mode of the one before
        ("mode", np.int64),  # of the last command
        ("word_bits", np.int64),
        ("events", np.int64, len(EVENTS)),
    ]
)


@njit
def draw_code(t, style, form):
    """A code of a format."""
    bits = form["bits"]
    code = draw(t) & low_bits(bits)
    if style == ENDS:
        which = draw(t) & 7
        sign = (draw(t) & 1) << (bits - 1)
        if which < 2:
            code = sign
        elif which == 2:
            code = sign | 1
        elif which < 6:
            code = form["largest"]
            if sign:
                code = ((1 << bits) - code) & low_bits(bits) if form["kind"] == INT else sign | code
        elif which == 6 and draw(t) & 31 == 0 and form["infinity"] >= 0:
            return sign | form["infinity"]
    elif style == ONES:
        code = (code & 3) << max(bits - 4, 0) | (draw(t) & 1) << (bits - 1)
    kind_of, _, _, _ = decode(code, form)
    return code if kind_of == FINITE or draw(t) & 127 == 0 else 0


@njit
def draw_codes(t, style, form, lanes, word_bits):
    """A word, whose bits above the lanes are any."""
    word = draw(t) ^ draw(t) << 32
    if style != ANY:
        for lane in range(lanes):
            at = lane * form["bits"]
            word &= ~(low_bits(form["bits"]) << at)
            word |= draw_code(t, style, form) << at
    return word & low_bits(word_bits) if word_bits < 64 else word


@njit
def drive_command(c, e, t, w, stimulus, before):
    """Extents, mode and result format; rarely an index beyond the last one."""
    first = c["in_command"]
    if t["held"][0] and not t["hostile"]:
        for i in range(first, first + c["command_words"]):
            stimulus[i] = before[i]
        stimulus[c["valid_command"]] = 1
        return
    stimulus[c["valid_command"]] = 1 if draw(t) & 15 < t["odds"][0] else 0
    for i in range(3):
        stimulus[first + i] = draw_extent(t, max(c["rows"], c["cols"]))
    at = first + 3
    if c["mode_bits"]:
        if draw(t) & 15 >= w["stays"]:
            w["mode"] = draw(t) % e["mode_count"]
            if draw(t) & 31 == 0:
                w["mode"] = draw(t) & low_bits(c["mode_bits"])
        stimulus[at] = w["mode"]
        at += 1
    if c["result_bits"]:
        stimulus[at] = draw(t) & low_bits(c["result_bits"])


@njit
def drive_words(c, e, t, w, stream, stimulus, old, before):
    """The stream of the top (1) or of the left (2)."""
    first, count, valid_at = c["in_top"], c["cols"], c["valid_top"]
    if stream == 2:
        first, count, valid_at = c["in_left"], c["rows"], c["valid_left"]
    if t["held"][stream] and not t["hostile"]:
        for i in range(first, first + count):
            stimulus[i] = before[i]
        stimulus[valid_at] = 1
        return
    stimulus[valid_at] = 1 if draw(t) & 15 < t["odds"][stream] else 0
    mode = old[c["at_current_mode"]] if c["mode_bits"] else 0
    m = e["modes"][last_of(mode, e["mode_count"])]
    for i in range(first, first + count):
        if stream == 2:
            stimulus[i] = draw_codes(t, w["style"], m["left"], m["lanes"], w["word_bits"])
        else:
            stimulus[i] = draw_codes(t, w["style"], m["top"], m["lanes"], w["word_bits"])


@njit
def drive_engines(c, e, t, w, stimulus, old, before):
    """All inputs of a cycle."""
    if t["left"] == 0:
        begin_phase(t)
        w["style"] = draw(t) % STYLES
        w["stays"] = 15 if draw(t) & 3 == 0 else 4
    t["left"] -= 1
    drive_command(c, e, t, w, stimulus, before)
    drive_words(c, e, t, w, 1, stimulus, old, before)
    drive_words(c, e, t, w, 2, stimulus, old, before)
    stimulus[c["in_ready"]] = 1 if draw(t) & 15 < t["odds"][4] else 0


@njit
def note_engines(c, e, b, w, old, codes):
    """Count what a beat has shown."""
    events = w["events"]
    if not b["advance"]:
        return
    if b["first"] and b["mode"] != old[c["at_current_mode"]]:
        events[SWITCHES] += 1
    for column in range(c["cols"]):
        token = token_at(c, old, column)
        if token & 1:
            choice = token >> c["choice_at"]
            if b["stream"] and choice & low_bits(c["mode_bits"]) != b["mode"]:
                events[OTHERS] += 1
            if edge_of(c, token) >= column:
                result = last_of(choice >> c["mode_bits"], e["result_count"])
                kind_of, _, significand, _ = decode(codes[column], e["results"][result])
                if kind_of != FINITE:
                    events[SPECIALS_OUT] += 1
                else:
                    events[NUMBERS_OUT if significand != 0 else ZEROS_OUT] += 1


@njit
def run_engine_traffic(
    config, engine, traffic, words, stimuli, resets, trace, reset, beat, total, codes, product,
    scratch, before, shapes,
):  # fmt: skip
    """As ``array_traffic.run_traffic``; ``words`` [1] of ENGINE_TRAFFIC."""
    c = config[0]
    e = engine[0]
    b = beat[0]
    t = traffic[0]
    w = words[0]
    for x in range(stimuli.shape[0]):
        stimulus = stimuli[x]
        old = trace[x]
        drive_engines(c, e, t, w, stimulus, old, before)
        at_work = old[c["at_controller"]] == 1
        resets[x] = 1 if draw(t) & 1023 == 0 else 0
        step(
            config, engine, stimulus, resets[x], old, trace[x + 1], reset, beat, total, codes,
            product, scratch,
        )  # fmt: skip
        note(c, b, t, stimulus, old, shapes)
        note_engines(c, e, b, w, old, codes)
        end_cycle(t, resets[x], at_work, stimulus, before)


def engine_coverage(words: Any, modes: int) -> dict[str, int]:
    """Counts by name; of one mode there are no switches."""
    counts = dict(zip(EVENTS, map(int, words[0]["events"]), strict=True))
    return {name: count for name, count in counts.items() if modes > 1 or "mode" not in name}
