"""Depthwise convolutions: one channel at a time, and several packed on one array."""

import pytest
from scenarios import machine_of

from arch.machine import Machine
from sim.simulate import run
from traces.workload import load

pytestmark = pytest.mark.compiled

WIDE = {"capacity_kib": 2**20, "banks": 2**16, "bank_width_bytes": 2**16}


def machine(dataflow: str, packing: str, **array: object) -> Machine:
    pads = {name: {"operands": [name], **WIDE} for name in ("ifmap", "filter", "ofmap")}
    return machine_of(
        {
            "name": "depthwise",
            "source": "tests",
            "clocks": {"core": 1_000_000},
            "array": {"rows": 64, "cols": 64, "dataflow": dataflow, **array},
            "buffer": {"scratchpads": pads},
            "memory": None,
            "vector": {"lanes": 2**20},
            "mapping": {"group_packing": packing},
        }
    )


SCALESIM = {
    "convention": "scalesim",
    "weight_load": "serial",
    "drain": "serial",
    "edge_folds": "full",
}
PUBLISHED = {"os": 2.9, "ws": 4.3, "is": 2.1}
"""Percent of the array's peak over all of MobileNetV1 on 64 x 64, a channel at a time, by
SCALE-Sim's cycles (its layers times their channels)."""


def utilisation(spec: Machine) -> tuple[float, float]:
    """Of all products and of the depthwise ones."""
    operators = [o for o in run(spec, load("mobilenet_v1").workload).result.operators if o.macs]
    deep = [o for o in operators if o.groups > 1]
    assert len(deep) == 13

    def of(some: list) -> float:  # type: ignore[type-arg]
        return sum(o.macs for o in some) / sum(o.cycles for o in some) / 64**2

    return of(operators), of(deep)


@pytest.mark.validates("mapping.group_packing=none", by="SCALE-Sim 3.0.0")
@pytest.mark.parametrize("dataflow", sorted(PUBLISHED))
def test_one_channel_at_a_time_wastes_the_array(dataflow: str) -> None:
    whole, _ = utilisation(machine(dataflow, "none", **SCALESIM))
    assert round(100 * whole, 1) == PUBLISHED[dataflow]


GAIN = {"ws": 6.8, "os": 1.1, "is": 1.0}
"""What packing gains on the depthwise operators. Under ``ws`` a group takes 9 rows and one column,
so seven share a fold. Under ``os`` and ``is`` the pixels of one group fill the rows or columns
already, and only small images leave room."""


@pytest.mark.parametrize("dataflow", sorted(GAIN))
def test_packing_raises_it_where_a_group_leaves_room(dataflow: str) -> None:
    alone, packed = (utilisation(machine(dataflow, how)) for how in ("none", "packed"))
    assert round(packed[1] / alone[1], 1) == GAIN[dataflow]
    assert packed[0] >= alone[0]


def test_the_report_says_by_how_much() -> None:
    result = run(machine("ws", "packed"), load("mobilenet_v1").workload).result
    expected = "13 grouped operators 1.50 %, 0.22 % one group at a time"
    assert any(expected in note for note in result.notes)
