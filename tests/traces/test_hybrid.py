"""Decoder layers on arrays and PIM channels: counts, bytes, order, placement, refusals."""

from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arch.commands import OP_LOAD, OP_PIM, OP_STORE, PIM_OPS, CommandTrace, pim_queue
from arch.errors import InputError
from arch.hybrid import HybridMapping
from arch.load import load_machine
from arch.machine import Machine
from traces.mapping.hybrid.attention import attention_in_pim
from traces.mapping.hybrid.block import Block, block_of
from traces.mapping.hybrid.cells import cells_of
from traces.mapping.hybrid.join import Part, join
from traces.mapping.hybrid.placement import (
    Sequence,
    counts_of,
    lay_out,
    sequence_rows,
)
from traces.mapping.hybrid.stages import stages
from traces.mapping.joint_attention import Request, Shape, attention_stage
from traces.transformer.model import models

MACHINE = "npu_neupims_as_simulated"
BLOCK = Block(hidden=1024, heads=8, head_dim=128, ffn=4096)
AS_SIMULATED = HybridMapping(cache_stores="none", gwrite_rows="first", values_wait="all")


@cache
def machine(*overrides: str) -> Machine:
    return load_machine(MACHINE, overrides)


def placed(lengths: list[int], channels: int = 32) -> list[Sequence]:
    return [Sequence(at, at % channels, length) for at, length in enumerate(lengths)]


def traces(
    lengths: list[int], mapping: HybridMapping, block: Block = BLOCK, *overrides: str
) -> dict[str, CommandTrace]:
    whole = placed(lengths)
    half = -(-len(whole) // 2)
    batches = [whole] if mapping.sub_batches == 1 else [whole[:half], whole[half:]]
    found = stages(machine(*overrides), block, batches, 3, mapping)
    return {each.name: each.trace() for each in found}


def moved_bytes(trace: CommandTrace, opcode: int, ending: str) -> int:
    ours = [at for at, name in enumerate(trace.tensor_names) if name.endswith(ending)]
    rows = trace.commands[trace.commands["opcode"] == opcode]
    return int(rows["bytes"][np.isin(rows["tensor"], ours)].sum())


@pytest.mark.parametrize("length", [1, 31, 32, 33, 128, 511, 512, 513, 2048])
@pytest.mark.parametrize(("heads", "dim"), [(8, 128), (5, 128), (3, 96), (2, 512)])
def test_instructions_of_a_sequence_follow_the_closed_forms(
    length: int, heads: int, dim: int
) -> None:
    """Those of the measurements beside NeuPIMs: shared/reference/npu_pim, README."""
    memory: Any = machine().memory
    shape, each = Shape(heads, dim), Sequence(0, 3, length)
    rows = lay_out(memory, shape, 1, 10, [each])
    trace = attention_in_pim(memory, 1, shape, AS_SIMULATED, [each], rows)
    count = Counter(PIM_OPS[op] for op in trace.items["op"])
    in_row = 512 // dim
    key_gwrites, value_gwrites = ceil(heads / in_row), heads * ceil(length / 512)
    key_tiles = key_gwrites * ceil(length / 32)
    value_tiles = heads * ceil(length / 512) * ceil(dim / 32)
    assert count["GWRITE"] == key_gwrites + value_gwrites
    assert count["HEADER"] == key_tiles + value_tiles
    assert count["COMPS"] == heads * ceil(length / 32) + value_tiles
    columns = trace.items["count"][trace.items["op"] == PIM_OPS.index("COMPS")]
    last = ceil((length - 512 * (ceil(length / 512) - 1)) / 16)
    of_values = (ceil(length / 512) - 1) * 32 + last
    assert columns.sum() == heads * (
        ceil(length / 32) * ceil(dim / 16) + ceil(dim / 32) * of_values
    )
    counts = counts_of(memory, shape, length)
    assert counts.gwrites == count["GWRITE"]
    assert counts.tiles == count["HEADER"]
    assert counts.columns == columns.sum()
    assert counts.results == count["COMPS"]


@pytest.mark.parametrize("composite", ["true", "false"])
def test_instructions_are_those_of_the_stage_on_its_own(composite: str) -> None:
    memory: Any = machine(f"memory.composite={composite}").memory
    lengths = [700, 33, 512]
    sequences = [replace(each, channel=each.number % 2) for each in placed(lengths)]
    rows = lay_out(memory, BLOCK.shape, 1, 0, sequences)
    trace = attention_in_pim(memory, 1, BLOCK.shape, AS_SIMULATED, sequences, rows)
    requests = [Request(each.channel, each.length) for each in sequences]
    lines = attention_stage(memory, requests, BLOCK.shape)
    channels = trace.commands["queue"][trace.items["command"]] - pim_queue(1, 0)
    for channel in (0, 1):
        own, theirs = trace.items[channels == channel], lines[lines["channel"] == channel]
        theirs = theirs[theirs["op"] < len(PIM_OPS)]
        for name in ("op", "bank", "count", "results", "last"):
            assert own[name].tolist() == theirs[name].tolist(), name
        # A row of one is a row of the other throughout.
        pairs = set(zip(own["row"].tolist(), theirs["row"].tolist(), strict=True))
        assert len(pairs) == len({row for row, _ in pairs}) == len({row for _, row in pairs})


@pytest.mark.parametrize("sub_batches", [1, 2])
@pytest.mark.parametrize("attention", ["pim", "npu"])
@pytest.mark.parametrize("cores", [1, 8])
def test_weights_and_cache_are_read_once_a_use(
    sub_batches: int, attention: str, cores: int
) -> None:
    lengths = [129, 512, 700, 40, 1]
    mapping = HybridMapping.model_validate({"sub_batches": sub_batches, "attention": attention})
    overrides = [] if cores == 1 else ["cores=8", "array.cols=128", "mapping.tile_n=128"]
    found = traces(lengths, mapping, BLOCK, *overrides, "mapping.partition=n")
    uses = {"qkv": "A" if sub_batches == 1 else "ABCD", "proj": "E" if sub_batches == 1 else "CDEF"}
    uses |= {"fc1": uses["proj"], "fc2": uses["proj"]}
    for name, trace in found.items():
        for product, (k, n) in BLOCK.weight_shapes().items():
            wanted = 2 * k * n if name in uses[product] else 0
            assert moved_bytes(trace, OP_LOAD, f"{product}.filter") == wanted, (name, product)
    halves = {"B": lengths[:3], "C": lengths[3:], "D": lengths[:3], "E": lengths[3:]}
    attends = {"B": lengths} if sub_batches == 1 else halves
    for name, trace in found.items():
        tokens = sum(attends.get(name, []))
        if attention == "npu":
            caches = [n for n in trace.tensor_names if ".cache" in n]
            read = sum(moved_bytes(trace, OP_LOAD, each.rpartition(".")[2]) for each in caches)
            assert read == 2 * tokens * 1024 * 2
            continue
        headers = trace.items[trace.items["op"] == PIM_OPS.index("HEADER")]
        own = trace.commands["queue"][headers["command"]]
        seen = set(zip(own.tolist(), headers["row"].tolist(), strict=True))
        assert len(seen) == len(headers)
        memory: Any = machine().memory
        counts = [counts_of(memory, BLOCK.shape, each) for each in attends.get(name, [])]
        assert len(headers) == sum(each.tiles for each in counts)


@pytest.mark.parametrize("sub_batches", [1, 2])
def test_operators_run_in_order_and_none_waits_for_itself(sub_batches: int) -> None:
    mapping = HybridMapping.model_validate({"sub_batches": sub_batches})
    found = traces([100] * 6, mapping)
    order = ["attention_norm", "qkv"]
    rest = ["proj", "attention_add", "ffn_norm", "fc1", "gelu", "fc2", "ffn_add"]
    wanted = {"A": order, "B": ["attention"], "E": rest}
    if sub_batches == 2:
        both = ["attention", *rest, *order]
        wanted = {"A": order, "B": ["attention", *order], "C": both, "D": both, "F": rest}
        wanted["E"] = ["attention", *rest]
    assert {name: list(each.operator_names) for name, each in found.items()} == wanted
    for trace in found.values():
        ends = finished(trace)
        own = [ends[trace.commands["operator"] == at] for at in range(len(trace.operator_names))]
        chain = [
            each
            for each, name in zip(own, trace.operator_names, strict=True)
            if name != "attention"
        ]
        assert all(one.max() < other.min() for one, other in pairwise(chain))


def finished(trace: CommandTrace) -> np.ndarray:
    """Rounds after which each command is done, queues in order; fails where one never is."""
    commands = trace.commands
    queues: dict[int, list[int]] = defaultdict(list)
    for at, queue in enumerate(commands["queue"].tolist()):
        queues[queue].append(at)
    ends = np.full(len(commands), -1)
    at_round = 0
    while any(queues.values()):
        ready = []
        for waiting in queues.values():
            if not waiting:
                continue
            command = commands[waiting[0]]
            after = trace.dependencies[command["deps_begin"] : command["deps_end"]]
            if (ends[after] >= 0).all():
                ready.append(waiting)
        assert ready, "a command waits for ever"
        for waiting in ready:
            ends[waiting.pop(0)] = at_round
        at_round += 1
    return ends


def test_an_operator_waits_for_all_of_the_one_before() -> None:
    """Whatever of a part is left out, the next one has not begun."""
    trace = traces([64] * 4, HybridMapping())["E"]
    commands = trace.commands
    for operator in range(1, len(trace.operator_names)):
        before = set(np.flatnonzero(commands["operator"] == operator - 1).tolist())
        own = np.flatnonzero(commands["operator"] == operator)
        firsts = [own[commands["queue"][own] == queue][0] for queue in set(commands["queue"][own])]
        for first in firsts:
            reached: set[int] = set()
            open_ = [int(first)]
            while open_:
                command = commands[open_.pop()]
                for at in trace.dependencies[command["deps_begin"] : command["deps_end"]].tolist():
                    if at in before and at not in reached:
                        reached.add(at)
                        open_.append(at)
            assert reached == before


def test_each_part_of_a_join_keeps_its_own() -> None:
    parts = [Part(each) for each in traces([64] * 4, HybridMapping()).values()]
    trace = join([parts[0], Part(parts[1].trace, (0,)), Part(parts[2].trace, (0, 1))])
    at = tensors = 0
    for part in parts:
        count = len(part.trace.commands)
        ours = trace.commands[at : at + count]
        for name in ("queue", "opcode", "bytes", "m", "n", "k", "elements", "flags"):
            assert (ours[name] == part.trace.commands[name]).all()
        for one, other in zip(ours, part.trace.commands, strict=True):
            deps = trace.dependencies[one["deps_begin"] : one["deps_end"]]
            theirs = part.trace.dependencies[other["deps_begin"] : other["deps_end"]] + at
            assert sorted(deps[deps >= at].tolist()) == sorted(theirs.tolist())
            if other["tensor"] >= 0:
                assert one["tensor"] == other["tensor"] + tensors
        at, tensors = at + count, tensors + len(part.trace.tensors)
    pim = trace.commands["opcode"][trace.items["command"]]
    assert (pim == OP_PIM).all()
    assert len(trace.items) == len(parts[1].trace.items)


def test_stored_weights_lie_where_gwrites_read() -> None:
    memory: Any = machine().memory
    sequences = placed([700, 96, 33], 2)
    mapping = HybridMapping()
    rows = lay_out(memory, BLOCK.shape, 2, 5, sequences)
    trace = attention_in_pim(memory, 1, BLOCK.shape, mapping, sequences, rows)
    cells = cells_of(memory)
    gwrites = trace.items[trace.items["op"] == PIM_OPS.index("GWRITE")]
    channels = trace.commands["queue"][gwrites["command"]] - pim_queue(1, 0)
    read = {
        cells.address(int(channel), int(item["bank"]), int(item["row"]))
        for channel, item in zip(channels, gwrites, strict=True)
    }
    stores = trace.commands[trace.commands["opcode"] == OP_STORE]
    assert read <= set(stores["offset_bytes"].tolist())
    # Values of a burst of 32 tokens go when its last one comes: of 96 tokens, not of 700 or 33.
    per_token = 8 * 128 * 2
    weights = 8 * 2 * (700 + 96 + 33)
    assert stores["bytes"].sum() == 3 * 3 * per_token + weights + 32 * per_token


@settings(max_examples=40, deadline=None)
@given(lengths=st.lists(st.integers(1, 1500), min_size=1, max_size=40), layers=st.integers(1, 8))
def test_rows_of_sequences_are_apart(lengths: list[int], layers: int) -> None:
    memory: Any = machine().memory
    sequences = placed(lengths, 4)
    rows = lay_out(memory, BLOCK.shape, layers, 7, sequences)
    taken: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for each in sequences:
        own = rows[each.number]
        needed = sequence_rows(memory, BLOCK.shape, layers, each.length)
        assert own.queries <= own.cache < own.queries + needed
        taken[each.channel].append((own.queries, own.queries + needed))
    for spans in taken.values():
        spans.sort()
        assert spans[0][0] == 7
        assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_places_do_not_overlap() -> None:
    found = traces([100] * 6, HybridMapping(sub_batches=2))
    spans = set()
    for trace in found.values():
        for name, tensor in zip(trace.tensor_names, trace.tensors, strict=True):
            if not name.endswith(".rows"):
                spans.add((int(tensor["address"]), int(tensor["address"] + tensor["bytes"])))
    ordered = sorted(spans)
    assert all(one[1] <= other[0] for one, other in pairwise(ordered))
    row_bytes = 32 * 32 * 1024
    tiles = [t.items["row"][t.items["op"] == 1] for t in found.values() if len(t.items)]
    assert min(each.min() for each in tiles) * row_bytes >= ordered[-1][1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sequences": [Sequence(0, 32, 5)]}, "channel must be 0 to 31, not 32"),
        ({"sequences": [Sequence(0, 0, 0)]}, "1 token or more"),
        ({"sequences": [Sequence(7, 0, 2_000_000)]}, "sequence 7: its 2000000 tokens in 1 layers"),
        ({"layers": 0}, "layers: must be 1 or more"),
        ({"mapping": HybridMapping(sub_batches=2)}, "sub_batches: is 2; 1 were given"),
        ({"mapping": HybridMapping(first_row=1)}, "first_row: must be"),
        ({"block": replace(BLOCK, tp=2)}, "link.devices must be 2"),
        ({"overrides": ["memory.bank_hash=row"]}, "bank_hash: must be none"),
        ({"overrides": ["memory.mapping=rarobgbacoch"]}, "must begin with ro"),
        ({"overrides": ["memory.mapping=robarabgcoch"]}, "bits of banks"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    given_machine = machine(*change.get("overrides", []))
    batch = change.get("sequences", placed([10]))
    mapping = change.get("mapping", HybridMapping())
    block, layers = change.get("block", BLOCK), change.get("layers", 1)
    with pytest.raises(InputError, match=message):
        [each.trace() for each in stages(given_machine, block, [batch], layers, mapping)]


def test_a_device_has_its_share_of_a_model() -> None:
    block = block_of(models()["gpt3_6_7b"], "gpt3_6_7b", 4)
    assert block == Block(4096, 8, 128, 4096, 4)
    with pytest.raises(InputError, match="tp must divide its 32 heads; 5 does not"):
        block_of(models()["gpt3_6_7b"], "gpt3_6_7b", 5)
    grouped = next(name for name, each in models().items() if each.kv_heads != each.heads)
    with pytest.raises(InputError, match="key and value heads"):
        block_of(models()[grouped], grouped)
