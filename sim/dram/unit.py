"""The DRAM unit: all channels of a memory, and the front that splits requests among them."""

from sim.contract import BUSY_TRANSFER, IDLE, NEVER, STALL_QUEUE, charge
from sim.dram.accounting import cause, settle_channel
from sim.dram.cycle import advance, offer
from sim.dram.front import drop_first, end_burst, hand_on, take_request
from sim.dram.front_state import NONE
from sim.jit import inlined, njit
from sim.memory import ring_of


@inlined
def step_lane(units, unit, now, period, f, lane, channel, dram_tables, dram, responses,
              response_ends):  # fmt: skip
    """Step a channel in a cycle, and note when it is due again."""
    config, commands, rules = dram_tables[:3]
    log = dram_tables[6]
    (channels, picks, entries, keys, banks, ready, history, issued, latencies, pending,
     finished, bursts, transfers) = dram  # fmt: skip
    c, s = config[0], channels[channel]
    cycle = now // period
    s["now"] = cycle
    s["finished"] = 0
    head = lane["head"]
    offered = head != NONE and not s["refused"] and bursts[head]["cycle"] < cycle
    offered = offered and lane["open_from"] <= now
    if offered and offer(
        c, s, commands, picks[channel], entries[channel], keys[channel], banks[channel],
        ready[channel], latencies[channel], finished[channel], bursts[head],
    ):  # fmt: skip
        drop_first(f, bursts, lane)
        if f["port_period"] > 0:
            lane["open_from"] = (now // f["port_period"] + 1) * f["port_period"]
    due = advance(c, s, commands, rules, picks[channel], entries[channel], keys[channel],
                  banks[channel], ready[channel], history[channel], issued[channel],
                  latencies[channel], pending[channel], finished[channel], log)  # fmt: skip
    for i in range(s["finished"]):
        ended = finished[channel, i]
        end_burst(f, units, unit, transfers, ended["tag"], ended["cycle"], responses,
                  response_ends, now, period)  # fmt: skip
    head = lane["head"]
    lane["held"] = 0
    if head != NONE:
        if s["refused"]:
            lane["held"] = 1
        else:
            opens = (lane["open_from"] + period - 1) // period
            due = min(due, max(max(cycle, bursts[head]["cycle"]) + 1, opens))
    lane["due"] = due


@njit
def take_requests(f, dram_tables, lanes, transfers, bursts, requests, request_ends, now, cycle):
    """Take what requesters have sent; returns the tick at which the next one is to be seen."""
    layout, slices, parts = dram_tables[3:6]
    mask = requests.shape[1] - 1
    due = NEVER
    for requester in range(f["requesters"]):
        ring = ring_of(requester // 2, requester % 2, 0)
        head = request_ends[ring, 0]
        while head < request_ends[ring, 1]:
            item = requests[ring, head & mask]
            if item["visible"] > now:
                due = min(due, item["visible"])
                break
            take_request(f, layout[0], slices, parts, transfers, bursts, lanes, ring, item, cycle)
            head += 1
        request_ends[ring, 0] = head
    return due


@inlined
def step_dram(
    units, unit, now, force, dram_tables, fronts, lanes, dram, accounts, ticks_by_cause,
    requests, request_ends, responses, response_ends,
):  # fmt: skip
    """Let every channel that is due go through its cycle, then take new requests.

    Refreshes alone are housekeeping: they do not keep a simulation going.
    """
    channels, bursts, transfers = dram[0], dram[-2], dram[-1]
    picks, entries, keys, banks = dram[1:5]
    f = fronts[0]
    period = units[unit]["period"]
    row = units[unit]["first_account"]
    cycle = now // period
    soonest, held = NEVER, 0
    for channel in range(channels.shape[0]):
        lane = lanes[channel]
        if force or lane["due"] <= cycle:
            s = channels[channel]
            settle_channel(s, accounts, ticks_by_cause, row + 1 + channel, now, period)
            step_lane(units, unit, now, period, f, lane, channel, dram_tables, dram, responses,
                      response_ends)  # fmt: skip
            accounts[row + 1 + channel]["why"] = cause(
                dram_tables[0][0], s, dram_tables[1], picks[channel], keys[channel],
                entries[channel], banks[channel],
            )  # fmt: skip
        soonest = min(soonest, lane["due"])
        held += lane["held"]
    taken = f["requests"]
    due = take_requests(f, dram_tables, lanes, transfers, bursts, requests, request_ends, now,
                        cycle)  # fmt: skip
    units[unit]["housekeeping"] = 1 if due == NEVER and f["open"] == 0 else 0
    queued = f["requests"] > taken
    if f["in_order"]:
        queued = hand_on(f, bursts, lanes, cycle)
    if queued:
        soonest = cycle + 1
    if soonest < NEVER:
        due = min(due, soonest * period)
    why = IDLE
    if f["open"] > 0:
        why = STALL_QUEUE if held > 0 else BUSY_TRANSFER
    charge(accounts, ticks_by_cause, row, why, now)
    return due
