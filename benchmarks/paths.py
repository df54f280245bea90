"""Runs every way into the kernels; started as a program by ``bench_compiling.py``.

``python paths.py first`` compiles each kernel once, the way a first user would; ``python paths.py
all`` goes through every kind of machine and run, in another process.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from arch.array import Array
from arch.dram.memory import load_memory, memory_names
from arch.load import load_machine
from arch.machine import Machine
from arch.pim.hbm import load_hbm_pim
from arch.pim.system import load_pim
from sim.array.value import run_tile
from sim.dram.trace import run_trace
from sim.pim import run as pim_run
from sim.pim.generate import place
from sim.pim.hbm import run as hbm_run
from sim.report.commands import write_commands
from sim.simulate import Options, Simulation, replay, run
from traces.mapping.hbm_pim import kernel_lines
from traces.mapping.pim.decode import decode_step
from traces.operators import Conv2d, Elementwise, Gemm, Pool, Softmax, Workload
from traces.pim.aim import aim_in
from traces.pim.hbm_pim import hbm_in
from traces.requests import REQUEST
from traces.workload import load

OPERATORS = Workload(
    name="each kind",
    source="made up",
    operators=(
        Conv2d(name="conv", in_h=9, in_w=9, filt_h=3, filt_w=3, channels=8, filters=16),
        Elementwise(name="relu", op="act", elements=7 * 7 * 16, inputs=("conv",)),
        Pool(name="pool", op="max", in_h=7, in_w=7, channels=16, filt_h=2, filt_w=2),
        Conv2d(
            name="depthwise", in_h=6, in_w=6, filt_h=3, filt_w=3, channels=16, filters=16, groups=16
        ),
        Gemm(name="product", m=40, n=60, k=70, batch=2),
        Softmax(name="softmax", rows=40, cols=60),
    ),
)

SEPARATE = "{latency_cycles: 20, operand_bytes_per_cycle: {ifmap: 4, filter: 8, ofmap: 2}}"
SETTINGS = (
    (),
    ("array.dataflow=os",),
    ("array.dataflow=is",),
    ("array.weight_load=serial", "array.drain=serial", "array.edge_folds=full"),
    ("cores=2",),
    ("cores=3", "array.pe_latency_cycles=2"),
    ("memory=null",),
    (f"memory={SEPARATE}",),
    ("clocks.memory=1333000", "memory.latency_cycles=0"),
    ("mapping.group_packing=packed", "mapping.loop_order=kmn", "array.accumulator_rows=0"),
    ("memory={standard: HBM2, channels: 4}",),
    ("memory={standard: LPDDR5, channels: 2, order: in_order}", "cores=2"),
)
BASE = "systolic_32"


def machines() -> Iterator[Machine]:
    """One of each kind."""
    for settings in SETTINGS:
        yield load_machine(BASE, settings)
    yield load_machine("tpu_v1")
    yield load_machine("scalesim_32")


def value_tiles(dataflows: tuple[str, ...]) -> None:
    """Products register by register."""
    a = np.ones((2, 9, 11), np.int8)
    b = np.ones((2, 11, 10), np.int8)
    for dataflow in dataflows:
        for latency in (1, 3):
            array = Array(rows=4, cols=5, dataflow=dataflow, pe_latency_cycles=latency)  # type: ignore[arg-type]
            run_tile(array, a, b)
            run_tile(array, a, b, pack=2, trace=True)


def windows(machine: Machine, folder: Path) -> None:
    """Windows, checkpoints, replays, and the modes that tests use."""
    cycles = run(machine, OPERATORS).result.cycles
    half = cycles // 2
    saved = folder / "state"
    run(machine, OPERATORS, Options(until_cycle=half))
    run(machine, OPERATORS, Options(from_cycle=half // 2, warmup_cycles=10))
    run(machine, OPERATORS, Options(checkpoint_path=saved, checkpoint_cycle=half))
    resumed = run(machine, OPERATORS, Options(resume_path=saved)).result
    assert resumed.cycles == cycles
    Simulation(machine, OPERATORS, force=True, seed=3).run()
    log = run(machine, OPERATORS, Options(log_commands=True)).log
    assert log is not None
    for file in (folder / "commands.parquet", folder / "commands.csv"):
        write_commands(log, file, machine.clocks[machine.array.clock])
        assert replay(machine, file).result.units == resumed.units


def memory_trace(name: str) -> None:
    """A memory alone under reads and writes."""
    requests = np.zeros(1000, REQUEST)
    requests["cycle"] = np.arange(1000)
    requests["address"] = np.arange(1000) * 640
    requests["write"] = np.arange(1000) % 3 == 0
    run_trace(load_memory(name), [requests])


def pims(*, logged: bool = False) -> None:
    """Instructions, transactions and a token, each on a PIM of its kind."""
    log = (lambda _: None) if logged else None
    aim = load_pim("aim")
    text = b"W GPR 0\nAiM WR_BIAS 0 1\nW CFR 0 1\nAiM MAC_ABK 4 1 5\nAiM RD_MAC 1 1\nAiM EOC\n"
    pim_run.run_trace(aim, aim_in(text, aim), log=log)
    pim_gpt = load_pim("pim_gpt")
    pim_run.run_program(pim_gpt, [decode_step(place(pim_gpt, "gpt2", 1), 1)], log=log)
    hbm = load_hbm_pim("hbm_pim", ["channels=1"])
    lines = "\n".join(kernel_lines(hbm, "gemv", 64, 256, 1)) + "\n"
    hbm_run.run_trace(hbm, hbm_in(lines.encode(), hbm), log=log)


def main(which: str) -> None:
    """Run the first paths or all."""
    if which == "first":
        run(load_machine(BASE), OPERATORS)
        run(load_machine(BASE, ["memory={standard: DDR4}"]), OPERATORS)
        memory_trace("ddr4_2400")
        value_tiles(("ws", "os"))
        pims()
        return
    with TemporaryDirectory() as folder:
        for machine in machines():
            run(machine, OPERATORS)
            windows(machine, Path(folder))
    for name in memory_names():
        memory_trace(name)
    run(load_machine(BASE), load("squeezenet").workload)
    value_tiles(("ws", "os", "is"))
    pims(logged=True)


if __name__ == "__main__":
    main(sys.argv[1])
