"""Two studies: arrays and SRAM that are best for MobileNet, and a question of one's own.

The first asks for area and time, which studies know; the second for effective TOPS per mm2, which
a function computes. Both are run in a folder (`study.py FOLDER`; a temporary one if not given),
where they go on if they are there, and drawn. Needs the extra `study` and 20 s.
"""

import sys
import tempfile
from pathlib import Path

from rich.console import Console

import sim
from arch.machine import Machine
from sim.area import area
from sim.study import Bounds, Counted, Parameter, Study, StudySpec, run, study_of
from traces.workload import load

COUNTED = ("array", "array_registers", "accumulators", "scratchpads")
"""Parts of a machine whose area has a source."""
SHAPES = {
    "array.dataflow": Parameter(values=("ws", "os")),
    "array.rows": Parameter(first=32, last=256, factor=2),
    "array.cols": Parameter(first=32, last=256, factor=2),
}
PADS = tuple(f"buffer.scratchpads.{name}.capacity_kib" for name in ("ifmap", "filter", "ofmap"))
PACKED = ("mapping.group_packing=packed",)

FASTEST = StudySpec(
    name="fastest", machine="systolic_128", set=PACKED, workloads={"mobilenet": "mobilenet_v1"},
    parameters={**SHAPES, "pad_kib": Parameter(values=(128, 256, 512), fields=PADS)},
    constraints={"area_mm2": Bounds(at_most=25)}, counted=Counted(area=COUNTED),
    objectives={"area_mm2": "min", "seconds": "min"},
)  # fmt: skip
DENSEST = StudySpec(
    name="densest", machine="systolic_128", set=PACKED, parameters=SHAPES,
    objectives={"seconds": "min", "tops_per_mm2": "max"},
)  # fmt: skip


def evaluate(machine: Machine) -> dict[str, float]:
    """The second study's question; workers import it, so it is a function of this module."""
    result = sim.run(machine, load("mobilenet_v1").workload)
    tops = 2 * result.macs / result.seconds / 1e12
    return {"seconds": result.seconds, "tops_per_mm2": tops / area(machine).total_of(COUNTED)}


def run_and_show(study: Study, folder: Path) -> None:
    outcome = run(study, folder)
    Console(highlight=False).print(outcome.report())
    files = outcome.draw(folder)
    print("drawn:", ", ".join(file.name for file in files), "\n")


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="study-"))
    run_and_show(study_of(FASTEST), place / "fastest")
    run_and_show(study_of(DENSEST, evaluate), place / "densest")
    print("all in", place)
