"""Random small machines and workloads, each a function of a seed."""

import json
from random import Random
from typing import Any

from arch.errors import InputError
from arch.machine import Machine
from traces.mapping.systolic import Lowered, lower
from traces.operators import Conv2d, Elementwise, Gemm, Pool, Softmax, Workload


def scratchpads(random: Random) -> dict[str, Any]:
    """One of three ways to share operands among scratchpads."""

    def pad(*operands: str) -> dict[str, Any]:
        return {
            "operands": operands,
            "capacity_kib": random.choice([1, 2, 4, 64]),
            "banks": random.choice([1, 2, 8]),
            "bank_width_bytes": random.choice([1, 4, 16]),
            "ports": random.choice([1, 2]),
            "double_buffered": random.random() < 0.8,
        }

    return random.choice(
        [
            lambda: {name: pad(name) for name in ("ifmap", "filter", "ofmap")},
            lambda: {"unified": pad("ifmap", "filter", "ofmap")},
            lambda: {"activations": pad("ifmap", "ofmap"), "weights": pad("filter")},
        ]
    )()


def memory(random: Random) -> dict[str, Any]:
    """Shared or separate interfaces."""
    fields: dict[str, Any] = {"latency_cycles": random.choice([0, 1, 30])}
    if random.random() < 0.5:
        fields["bytes_per_cycle"] = random.choice([1, 3, 16])
    else:
        fields["operand_bytes_per_cycle"] = {
            name: random.choice([1, 8]) for name in ("ifmap", "filter", "ofmap")
        }
    return fields


def machine_fields(random: Random) -> dict[str, Any]:
    """A machine as in YAML."""
    fields: dict[str, Any] = {
        "name": "random",
        "source": "tests",
        "clocks": {
            "core": 1_000_000,
            "memory": random.choice([1_000_000, 1_200_000, 1_333_000, 500_000]),
            "vector": random.choice([1_000_000, 700_000]),
        },
        "cores": random.choice([1, 1, 2]),
        "array": {
            "rows": random.choice([1, 3, 8]),
            "cols": random.choice([1, 4, 8]),
            "dataflow": random.choice(["ws", "os", "is"]),
            "pe_latency_cycles": random.choice([1, 2]),
            "weight_load": random.choice(["serial", "overlapped"]),
            "drain": random.choice(["serial", "overlapped"]),
            "edge_folds": random.choice(["clipped", "full"]),
            "accumulator_rows": random.choice([0, 8, 1000]),
        },
        "buffer": {
            "scratchpads": scratchpads(random),
            "dma": {
                "request_bytes": random.choice([8, 32, 100]),
                "outstanding": random.choice([1, 2, 8]),
                "load_to_use_cycles": random.choice([0, 0, 7]),
            },
        },
        "memory": memory(random),
        "vector": {"clock": random.choice(["core", "vector"]), "lanes": 4},
        "mapping": {"group_packing": random.choice(["none", "packed"])},
    }
    held = {
        "drain": random.choice([fields["array"]["drain"], "preloaded"]),
        "copies": random.choice([1, 1, 2, 3]),
        "empty_load_cycles": random.choice([None, None, 1, 5, 30]),
    }
    if fields["array"]["dataflow"] != "os":
        fields["array"] |= held
    return fields


def machine_of(fields: dict[str, Any]) -> Machine:
    """The machine that YAML fields describe."""
    return Machine.model_validate_json(json.dumps(fields))


def workload(random: Random) -> Workload:
    """A convolution with an activation, a product, a softmax and a pool."""
    size = random.randint(3, 9)
    channels = random.choice([1, 4, 6])
    conv = Conv2d(
        name="conv",
        batch=random.choice([1, 2]),
        in_h=size,
        in_w=size,
        filt_h=3,
        filt_w=3,
        channels=channels,
        filters=channels * random.choice([1, 2]),
        groups=random.choice([1, channels]),
        pad_top=1,
        stride_h=random.choice([1, 2]),
    )
    relu = Elementwise(name="relu", op="act", elements=conv.m * conv.filters, inputs=(conv.name,))
    gemm = Gemm(
        name="gemm",
        m=random.randint(1, 40),
        n=random.randint(1, 30),
        k=random.randint(1, 30),
        inputs=(relu.name,),
    )
    softmax = Softmax(name="softmax", rows=5, cols=7)
    pool = Pool(name="pool", op="max", in_h=6, in_w=6, channels=3, filt_h=2, filt_w=2)
    return Workload(name="random", source="tests", operators=(conv, relu, gemm, softmax, pool))


def scenario(seed: int) -> tuple[Machine, Workload, list[Lowered]]:
    """A machine and what it runs; scratchpads that are too small are drawn again."""
    random = Random(seed)
    while True:
        machine, work = machine_of(machine_fields(random)), workload(random)
        try:
            return machine, work, list(lower(work, machine))
        except InputError as error:
            if "no tile fits the scratchpads" not in str(error):
                raise
