"""Registers and outputs of a channel with memory and PIM commands, as the kernel has them."""

from rtl.lockstep.joint_model import (
    COUNT,
    LAST,
    OP,
    OUTPUTS,
    PIM_BANK,
    PIM_FIELDS,
    PIM_FIRST,
    PIM_ROW,
    PIM_TAG,
    PIM_VALID,
    RESULTS,
)
from rtl.lockstep.requests import PASSED, REFUSED, TAG, VALID, WRITE
from rtl.lockstep.streams import show_kept
from rtl.lockstep.timers import show_bank_timers, show_pasts, show_wide_timers
from sim.dram.bank_queues_places import entry_of
from sim.dram.state import READS, WRITES
from sim.dram.tables import NEVER
from sim.jit import njit
from sim.pim.joint.state import MEMORY, PIM


@njit
def show_requests(s, incoming, shown, at):
    """Registers of what waits for the queues of banks; returns where the next part begins."""
    at = show_kept(incoming, 0, VALID, shown, at)
    shown[at] = s["draining"]
    return at + 1


@njit
def show_list(s, entries, lists, kind, size, shown, at):
    """Registers of the reads or writes that wait."""
    shown[at] = s["counts"][kind]
    at += 1
    for i in range(size):
        for k in range(4):
            shown[at + k] = 0
        if i < s["counts"][kind]:
            entry = entries[lists[kind, i]]
            shown[at] = entry["bank"]
            shown[at + 1] = entry["row"]
            shown[at + 2] = entry["column"]
            shown[at + 3] = entry["tag"]
        at += 4
    return at


@njit
def show_item(items, number, there, shown, at):
    """A PIM instruction, or none."""
    for k in range(PIM_FIELDS):
        shown[at + k] = 0
    if there:
        item = items[number & (items.shape[0] - 1)]
        shown[at + OP] = item["op"]
        shown[at + PIM_BANK] = item["bank"]
        shown[at + PIM_ROW] = item["row"]
        shown[at + COUNT] = item["count"]
        shown[at + RESULTS] = item["results"]
        shown[at + LAST] = item["last"]
        shown[at + PIM_TAG] = item["tag"]
    return at + PIM_FIELDS


@njit
def show_instructions(shape, j, s, m, entries, lists, items, came, incoming, shown, at):
    """Registers of the PIM instructions that wait."""
    at = show_kept(incoming, PIM_FIRST, PIM_FIRST + PIM_VALID, shown, at)
    shown[at] = m["waiting"]
    at += 1
    for i in range(shape["transactions"]):
        at = show_item(items, m["moved"] + i, i < m["waiting"], shown, at)
    if j["among_reads"]:
        for i in range(shape["transactions"]):
            shown[at] = 0
            if i < m["waiting"]:
                since = came[(m["transactions"] + i) % came.shape[0]]
                for k in range(s["counts"][READS]):
                    shown[at] += entries[lists[READS, k]]["sequence"] < since
            at += 1
    shown[at] = m["queued"]
    at += 1
    for i in range(shape["pim_commands"]):
        at = show_item(items, m["head"] + i, i < m["queued"], shown, at)
    return at


@njit
def show_arbiter(shape, j, s, q, m, shown, at):
    """Registers of whose turn it is."""
    shown[at] = q["turn"]
    shown[at + 1] = q["queued"]
    at += 2
    limit = j["fairness_cycles"]
    if shape["turns"]:
        shown[at] = m["owner"] == MEMORY
        shown[at + 1] = min(limit, s["now"] - m["owner_since"])
        shown[at + 2] = max(0, m["grant"])
        return at + 3
    if shape["side"]:
        shown[at] = m["side"] == PIM
        return at + 1
    if shape["since"]:
        shown[at] = min(limit, s["now"] - m["gave_at"][shape["since"] - 1])
        return at + 1
    return at


@njit
def show_pim(shape, j, s, m, shown, at):
    """Registers of the PIM's unit of work, and of results on the data pins."""
    now = s["now"]
    given = m["gwrite_done"] < NEVER
    shown[at] = m["gwriting"]
    shown[at + 1] = given
    at += 2
    if shape["gwrite_left"]:
        shown[at] = m["gwrite_done"] - now if given else 0
        at += 1
    shown[at] = m["gwrite_bank"]
    shown[at + 1] = m["slack"] if shape["refreshes"] else m["slack"] > 0
    shown[at + 2] = m["skip"]
    shown[at + 3] = m["tile"]
    shown[at + 4] = m["begun"]
    shown[at + 5] = m["reserved"] >= 0
    shown[at + 6] = max(0, m["reserved"])
    shown[at + 7] = m["filling"]
    at += 8
    if j["counted"]:
        shown[at] = max(0, m["columns_end"] - now + shape["clear_after"])
        shown[at + 1] = max(0, m["results_before"] - now + shape["clear_after"])
        at += 2
    return at


@njit
def show_refresh(shape, j, s, q, shown, at):
    """Registers of refreshes."""
    if not shape["refreshes"]:
        return at
    shown[at] = s["next_refresh"] - s["now"]
    shown[at + 1] = s["pending"]
    at += 2
    if j["ranks"] > 1:
        shown[at] = q["refreshing"] // j["rank_banks"]
        at += 1
    return at


@njit
def show_banks(shape, j, s, entries, queue, queues, banks, pim_rows, ready, timers, wide, shown,
               at):  # fmt: skip
    """Registers of banks and of wider nodes."""
    for bank in range(shape["banks"]):
        row = banks[bank]["row"]
        shown[at] = row >= 0
        shown[at + 1] = max(0, row)
        at += 2
        if j["dual"]:
            shown[at] = pim_rows[bank] >= 0
            shown[at + 1] = max(0, pim_rows[bank])
            at += 2
        shown[at] = min(shape["hits"], queue[bank]["hits"])
        shown[at + 1] = queue[bank]["count"]
        at += 2
        for i in range(shape["bank_entries"]):
            for k in range(4):
                shown[at + k] = 0
            if i < queue[bank]["count"]:
                entry = entries[entry_of(queue, queues, bank, i)]
                shown[at] = entry["row"]
                shown[at + 1] = entry["column"]
                shown[at + 2] = entry["write"]
                shown[at + 3] = entry["tag"]
            at += 4
        at = show_bank_timers(s, shape["banks"], ready, timers, bank, shown, at)
    return show_wide_timers(s, shape["banks"], ready, wide, shown, at)


@njit
def show_registers(config, joint, shapes, channel, arbiter, state, entries, lists, queue, queues,
                   banks, pim_rows, ready, history, items, came, incoming, timers, wide, pasts,
                   shown):  # fmt: skip
    """All registers, as they are during a cycle; returns how many fields there are."""
    c, j, shape = config[0], joint[0], shapes[0]
    s, q, m = channel[0], arbiter[0], state[0]
    at = show_requests(s, incoming, shown, OUTPUTS)
    at = show_list(s, entries, lists, READS, c["read_entries"], shown, at)
    at = show_list(s, entries, lists, WRITES, c["write_entries"], shown, at)
    at = show_instructions(shape, j, s, m, entries, lists, items, came, incoming, shown, at)
    at = show_arbiter(shape, j, s, q, m, shown, at)
    at = show_pim(shape, j, s, m, shown, at)
    at = show_refresh(shape, j, s, q, shown, at)
    at = show_banks(shape, j, s, entries, queue, queues, banks, pim_rows, ready, timers, wide,
                    shown, at)  # fmt: skip
    return show_pasts(s, history, pasts, shown, at)


@njit
def show_outputs(channel, state, finished, log, codes, incoming, became, pim_taken,
                 finished_before, shown):  # fmt: skip
    """All outputs of the cycle before ``now``. ``codes`` [command of the kernel], that of the
    hardware; ``finished_before``: of what came in."""
    s, m = channel[0], state[0]
    for i in range(OUTPUTS):
        shown[i] = 0
    shown[0] = incoming[VALID] == 0 or became != REFUSED
    shown[1] = incoming[PIM_FIRST + PIM_VALID] == 0 or pim_taken
    if s["logged"] > 0:
        shown[2] = 1
        shown[3] = codes[log[0]["command"]]
        shown[4] = log[0]["bank"]
        shown[5] = max(0, log[0]["row"])
        shown[6] = max(0, log[0]["column"])
    if became == PASSED:
        shown[7] = 1
        shown[8] = incoming[WRITE]
        shown[9] = incoming[TAG]
    if s["finished"] > finished_before:
        shown[10] = 1
        shown[11] = finished[s["finished"] - 1]["tag"]
    if m["done_at"] >= 0:
        shown[12] = 1
        shown[13] = m["done_tag"]
        shown[14] = m["done_at"] - (s["now"] - 1)
