"""The value kernel beside its hardware: ``pytest benchmarks/bench_cosim.py``.

One product on 16 x 16 PEs, with the streams always ready: the value kernel computes it, Verilator
runs the generated array under the very stimuli that feed it, in a plain loop and under cocotb.
"""

from typing import Any

import numpy as np
from array_feeder import operand_vectors
from figures import Figure, seconds_of, state

from arch.array import Array
from rtl.array import SystolicArray
from rtl.lockstep.library import Library, build
from rtl.lockstep.packing import pack, word_count
from rtl.lockstep.simulators import run_cocotb
from rtl.lockstep.twin import Batch
from rtl.verilog import verilog_of
from rtl.wrapper import TOP, Wrapper
from sim.array.registers import Registers
from sim.array.value import run_tile

SIZE = 16
M, N, K = 1000, 64, 64
INCLUDES = (
    f"`ws`, {SIZE} x {SIZE} PEs, m = {M}, n = {N}, k = {K}, every stream always ready; registers "
    "are not compared. cocotb drives one packed stimulus a cycle and compares the outputs."
)


class WithoutRegisters(SystolicArray):
    """The same hardware, whose registers nobody looks at."""

    def __init__(self, array: Array) -> None:
        super().__init__(array)
        self.registers = {}


def stimuli_of(array: Array, a: Any, b: Any, cycles: int) -> Batch:
    """Stimuli that feed one product as fast as the array takes it, and the outputs."""
    model = Registers(array)
    names = [field.name for field in model.layout.stimuli]
    outputs = [field.name for field in model.layout.outputs]
    left, top = operand_vectors(array, a, b, np.random.default_rng(0))
    waiting = {"command": [[M, N, K]], "top": top, "left": left}
    places = {stream: names.index(f"{stream}.valid") for stream in waiting}
    taken = dict.fromkeys(waiting, 0)
    stimuli = np.zeros((cycles, len(names)), np.int64)
    stimuli[:, names.index("output.ready")] = 1
    rows = []
    for x in range(cycles):
        for stream, words in waiting.items():
            if taken[stream] < len(words):
                word = words[taken[stream]]
                stimuli[x, places[stream] - len(word) : places[stream] + 1] = [*word, 1]
        row = model.advance(stimuli[x : x + 1], np.zeros(1, np.uint8))[0]
        for stream in waiting:
            taken[stream] += int(stimuli[x, places[stream]] & row[outputs.index(f"{stream}.ready")])
        rows.append(row[: len(outputs)])
    assert all(taken[stream] == len(words) for stream, words in waiting.items())
    return Batch(stimuli, np.zeros(cycles, np.uint8), np.array(rows))


def test_one_product_three_ways(benchmark: Any) -> None:
    array = Array(rows=SIZE, cols=SIZE, dataflow="ws", accumulator_rows=M)
    random = np.random.default_rng(1)
    a, b = random.integers(-128, 128, (1, M, K)), random.integers(-128, 128, (1, K, N))
    values = benchmark.pedantic(
        run_tile, args=(array, a, b), rounds=9, iterations=1, warmup_rounds=1
    )
    kernel = values.cycles / benchmark.stats.stats.median

    batch = stimuli_of(array, a[0], b[0], values.cycles + 4)
    wrapper = Wrapper(WithoutRegisters(array))
    verilog = verilog_of(wrapper, TOP, wrapper.ports)
    library = build(verilog, len(wrapper.stim), len(wrapper.resp))
    stim = pack(batch.stim, wrapper.stim_fields)
    with Library(library, word_count(wrapper.resp_fields)) as hardware:
        assert hardware.run(batch.rst, stim, pack(batch.resp, wrapper.resp_fields)) is None
        plain = values.cycles / seconds_of(lambda: hardware.plain(batch.rst, stim), 5)
    ended = run_cocotb(wrapper, verilog, iter([batch]), "verilator")
    assert (ended.cycles, ended.bad_cycle) == (len(batch.rst), None)
    cocotb = ended.cycles / ended.seconds
    state(
        benchmark,
        "The value kernel and generated hardware",
        "one product",
        [
            Figure("value kernel", kernel, "cycles/s"),
            Figure("Verilator, plain loop", plain, "cycles/s"),
            Figure("Verilator under cocotb", cocotb, "cycles/s"),
            Figure("value kernel / plain loop", kernel / plain, "x", at_least=1),
            Figure("value kernel / cocotb", kernel / cocotb, "x", at_least=10),
        ],
        INCLUDES,
    )
