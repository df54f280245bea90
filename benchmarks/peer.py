"""SCALE-Sim from PyPI, run in an interpreter of its own."""

import csv
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from interpreter import interpreter

REQUIREMENTS = ("scalesim==3.0.0", "numpy<2.4")

TOPOLOGY_HEADER = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, "
    "Num Filter, Strides,"
)
LAYOUT_COLUMNS = 20

CONFIG = """\
[general]
run_name = peer

[architecture_presets]
ArrayHeight: {rows}
ArrayWidth: {cols}
IfmapSramSzkB: {kib}
FilterSramSzkB: {kib}
OfmapSramSzkB: {kib}
IfmapOffset: 0
FilterOffset: 10000000
OfmapOffset: 20000000
Bandwidth: {bytes_per_cycle}
Dataflow: ws
MemoryBanks: 1
ReadRequestBuffer: 32
WriteRequestBuffer: 32

[layout]
IfmapCustomLayout: False
IfmapSRAMBankBandwidth: {bytes_per_cycle}
IfmapSRAMBankNum: 10
IfmapSRAMBankPort: 2
FilterCustomLayout: False
FilterSRAMBankBandwidth: {bytes_per_cycle}
FilterSRAMBankNum: 10
FilterSRAMBankPort: 2

[sparsity]
SparsitySupport: false
SparseRep: ellpack_block
OptimizedMapping: false
BlockSize: 8
RandomNumberGeneratorSeed: 40

[run_presets]
InterfaceBandwidth: {mode}
UseRamulatorTrace: False
"""

SCRIPT = """\
import json, sys, time
from importlib.metadata import version
from scalesim.scale_sim import scalesim
start = time.perf_counter()
simulator = scalesim(save_disk_space=True, verbose=False, config="peer.cfg",
                     topology="peer.csv", layout="layout.csv", input_type_gemm=False)
simulator.run_scale(top_path="out")
seconds = time.perf_counter() - start
versions = {name: version(name) for name in ("scalesim", "numpy")}
json.dump({"seconds": seconds, "versions": versions}, open("peer.json", "w"))
"""


@dataclass(frozen=True)
class PeerRun:
    """What SCALE-Sim says of some layers, and how long it took."""

    seconds: float
    """Of its run, without starting Python and importing."""
    cycles: dict[str, int]
    """Total cycles by layer."""
    stall_cycles: int
    versions: dict[str, str]


def simulate(
    layers: dict[str, str], folder: Path, *, rows: int, cols: int, kib: int, mode: str
) -> PeerRun:
    """Run layers (the cells of a topology by name) with dataflow ``ws``.

    ``mode`` is CALC (a memory that is never waited for) or USER (buffers that prefetch at a
    bandwidth, here one that is never short). Traces are not written, one thread is used.
    """
    config = CONFIG.format(rows=rows, cols=cols, kib=kib, mode=mode, bytes_per_cycle=1000)
    (folder / "peer.cfg").write_text(config)
    topology = [TOPOLOGY_HEADER, *(f"{name}, {cells}," for name, cells in layers.items())]
    (folder / "peer.csv").write_text("\n".join(topology) + "\n")
    # It reads the layout even where none is used: a header, and as many columns a layer.
    layout = ["x," * LAYOUT_COLUMNS] + [f"{n}," + "1," * LAYOUT_COLUMNS for n in layers]
    (folder / "layout.csv").write_text("\n".join(layout) + "\n")
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    done = subprocess.run(
        [interpreter("scalesim", REQUIREMENTS), "-c", SCRIPT],
        cwd=folder,
        env={**os.environ, **threads},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"SCALE-Sim failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    said = json.loads((folder / "peer.json").read_text())
    with (folder / "out" / "peer" / "COMPUTE_REPORT.csv").open() as file:
        report = list(csv.DictReader(file, skipinitialspace=True))
    return PeerRun(
        said["seconds"],
        {n: int(float(row["Total Cycles"])) for n, row in zip(layers, report, strict=True)},
        sum(int(float(row["Stall Cycles"])) for row in report),
        said["versions"],
    )
