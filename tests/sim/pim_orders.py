"""Other orders in which a PIM and its chip may do the instructions of a trace.

Instructions of the memory are sent in order, each when what it waits for is done; a channel does
its part of them in order, whenever it likes; the chip does its own in order, each when what it
waits for is done. A part is the work of one channel, with registers of its own.
"""

import random

import numpy as np

from arch.pim.system import Pim
from traces.pim.dtype import CODES, OPS, PimTrace

SPREAD = {"RD_MAC", "RD_SBK", "WR_SBK"}
"""Channels have registers of their own in these."""


def parts_of(one, channel: int):  # type: ignore[no-untyped-def]
    """What a channel does of an instruction: instructions for it alone, a column each where columns
    of several channels lie between one another."""
    channels = [c for c in range(64) if int(one["channels"]) >> c & 1]
    if OPS[one["op"]] not in SPREAD:
        part = one.copy()
        part["channels"] = 1 << channel
        return [part]
    found = []
    for i in range(int(one["count"])):
        part = one.copy()
        part["channels"], part["count"], part["column"] = 1 << channel, 1, one["column"] + i
        part["gpr"] = one["gpr"] + i * len(channels) + channels.index(channel)
        found.append(part)
    return found


def shuffled(trace: PimTrace, pim: Pim, seed: int, favour: str = "none", waits: bool = True):  # type: ignore[no-untyped-def]
    """Parts of a trace in another order. ``favour``: ``chip`` or ``memory`` goes on whenever it
    can, or ``all but 2``: channel 2 does not while others can; ``waits``: dependencies are
    heeded."""
    draw = random.Random(seed)
    given = trace.instructions
    after = [
        set(trace.after[b:e].tolist()) if waits else set()
        for b, e in zip(given["after_begin"], given["after_end"], strict=True)
    ]
    chip = [i for i in range(len(given)) if given["op"][i] == CODES["VECTOR"]]
    memory = [i for i in range(len(given)) if given["op"][i] != CODES["VECTOR"]]
    left = {i: bin(int(given["channels"][i])).count("1") for i in memory}
    done: set[int] = set()
    queues: list[list[int]] = [[] for _ in range(pim.channels)]
    lazy = ("channel", int(favour.split()[-1])) if favour.startswith("all") else None
    order = []
    while chip or memory or any(queues):
        moves = []
        if memory and after[memory[0]] <= done:
            moves.append(("send", 0))
        moves += [("channel", c) for c in range(pim.channels) if queues[c]]
        if chip and after[chip[0]] <= done:
            moves.append(("chip", 0))
        if lazy:
            moves = [m for m in moves if m != lazy] or moves
        elif favour != "none":
            moves = [m for m in moves if (m[0] == "chip") == (favour == "chip")] or moves
        move, channel = draw.choice(moves)
        if move == "send":
            first = memory.pop(0)
            for c in range(pim.channels):
                if int(given["channels"][first]) >> c & 1:
                    queues[c].append(first)
        elif move == "channel":
            i = queues[channel].pop(0)
            order += parts_of(given[i], channel)
            left[i] -= 1
            if not left[i]:
                done.add(i)
        else:
            i = chip.pop(0)
            order.append(given[i].copy())
            done.add(i)
    return np.array(order, given.dtype)
