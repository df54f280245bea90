"""Event counts of a system, by the names that results use."""

from collections import Counter
from collections.abc import Sequence

from arch.buffer import OPERANDS
from arch.dram.memory import Dram
from arch.machine import Channelled, Machine
from arch.vector import VECTOR_OPS
from sim.pim.joint.energy import OPEN_CYCLES
from sim.pim.joint.open_rows import open_rank_cycles
from sim.system import System
from sim.system_state import Records, memory_rows

ARRAY_COUNTS = (
    "folds",
    "macs",
    "ifmap_read_words",
    "filter_read_words",
    "ofmap_write_words",
    "psum_write_words",
    "psum_read_words",
    "accumulator_write_words",
    "accumulator_read_words",
)
ARRAY_BYTES = (*(f"{operand}_read_bytes" for operand in OPERANDS), "ofmap_write_bytes")


def counts(system: System, until_tick: int | None = None) -> Counter[str]:
    """All events since reset, summed over cores; states that last up to a tick, the last one that
    was simulated unless given.

    A vector operation reads and writes each of its elements in the ofmap scratchpad.
    """
    state, machine = system.state, system.machine
    found: Counter[str] = Counter()
    arrays = _sums(state.arrays, (*ARRAY_COUNTS, *ARRAY_BYTES))
    for name in ARRAY_COUNTS:
        found[name] = arrays[name]
    pads = list(machine.buffer.scratchpads)
    filled = state.pads["fill_bytes"].sum(axis=0).tolist()
    drained = state.pads["drain_bytes"].sum(axis=0).tolist()
    for index, pad in enumerate(pads):
        found[f"{pad}_read_bytes"] += drained[index]
        found[f"{pad}_write_bytes"] += filled[index]
    of = {operand: pads[machine.buffer.scratchpad_of(operand)[0]] for operand in OPERANDS}
    for operand in OPERANDS:
        found[f"{of[operand]}_read_bytes"] += arrays[f"{operand}_read_bytes"]
    found[f"{of['ofmap']}_write_bytes"] += arrays["ofmap_write_bytes"]
    elements = state.vectors["elements"].sum(axis=0).tolist()
    bits = state.vectors["element_bits"].sum(axis=0).tolist()
    for at, op in enumerate(VECTOR_OPS):
        found[f"vector_{op}_elements"] = elements[at]
        moved = -(-bits[at] // 8)
        found[f"{of['ofmap']}_read_bytes"] += moved
        found[f"{of['ofmap']}_write_bytes"] += moved
    if isinstance(machine.memory, Channelled):
        found += dram_counts(system)
    elif machine.memory is not None:
        found["memory_read_bytes"] = int(state.interfaces["read_bytes"].sum())
        found["memory_write_bytes"] = int(state.interfaces["write_bytes"].sum())
        found["memory_requests"] = int(state.memories["requests"].sum())
    if machine.pim_channels:
        found += pim_counts(system, system.now_tick if until_tick is None else until_tick)
    if machine.link is not None:
        found["link_transfers"] = int(state.links["transfers"][0])
        found["link_bytes"] = int(state.links["sent_bytes"][0])
    return found


def _sums(records: Records, names: Sequence[str]) -> dict[str, int]:
    """Of some fields, over all records; all at once, since a look at a field alone is slow."""
    at = {name: index for index, name in enumerate(records.dtype.names or ())}
    rows = records.tolist()
    return {name: sum(row[at[name]] for row in rows) for name in names}


def dram_counts(system: System) -> Counter[str]:
    """Of all channels together."""
    state = system.state
    own = state.dram if isinstance(system.machine.memory, Dram) else state.joint
    front, channels = state.fronts[0], own.channels
    found = Counter(
        {
            "memory_read_bytes": int(front["read_bytes"]),
            "memory_write_bytes": int(front["write_bytes"]),
            "memory_requests": int(front["requests"]),
            "dram_bursts": int(channels["taken"].sum()),
            "dram_row_hits": int(channels["hits"].sum()),
            "dram_row_misses": int(channels["misses"].sum()),
            "dram_row_conflicts": int(channels["conflicts"].sum()),
        }
    )
    for name, count in zip(system.dram_commands, own.issued.sum(axis=0), strict=False):
        found[f"dram_{name}"] = int(count)
    return found


def pim_counts(system: System, until_tick: int) -> Counter[str]:
    """Of the PIM side of all channels together, and of what both sides share."""
    states = system.state.joint.states
    names = ("units", "tiles", "columns", "results", "busy_cycles")
    found = Counter({f"pim_{name}": int(states[name].sum()) for name in names})
    cycle = -(-until_tick // system.ticks_of(system.machine.memory_clock))
    found[OPEN_CYCLES] = open_rank_cycles(states, cycle)
    return found


def account_rows(machine: Machine) -> list[tuple[str, str, int]]:
    """Name, clock and row of each account that a machine has."""
    rows = []
    for core in range(machine.cores):
        first = core * 4
        rows.append((f"core{core}.array", machine.array.clock, first))
        if machine.memory is not None:
            rows.append((f"core{core}.dma_load", machine.buffer.clock, first + 1))
            rows.append((f"core{core}.dma_store", machine.buffer.clock, first + 2))
        if machine.vector is not None:
            rows.append((f"core{core}.vector", machine.vector.clock, first + 3))
    memory = machine.memory
    if memory is not None:
        names = ["memory"]
        if isinstance(memory, Channelled):
            names += [f"memory.channel{channel}" for channel in range(memory.channels)]
        elif not memory.is_shared:
            names = ["memory.ifmap", "memory.filter", "memory.ofmap"]
        first = machine.cores * 4
        rows += [(name, machine.memory_clock, first + at) for at, name in enumerate(names)]
    if machine.link is not None:
        rows.append(("link", machine.link.clock, machine.cores * 4 + memory_rows(machine)))
    return rows
