"""Results that tests of reports share."""

from dataclasses import replace
from typing import Any

from sim.result import Energy, OperatorResult, Provenance, Result, UnitAccount

MACHINE: dict[str, Any] = {
    "name": "example",
    "family": "systolic",
    "source": "made up",
    "assumed": ["buffer.dma"],
    "clocks": {"core": 700_000, "memory": 1_400_000},
    "cores": 1,
    "array": {"clock": "core", "rows": 128, "cols": 128, "dataflow": "ws"},
    "technology": "45nm",
    "memory": {"clock": "memory", "latency_cycles": 100, "bytes_per_cycle": 32},
}

LONG_NAME = "resnetv17_stage1_unit1_conv0_fwd"

ARRAY_SHARES = {
    "busy.stream": 0.6,
    "busy.load": 0.1,
    "stall.ifmap": 0.2,
    "stall.store": 0.00001,
    "stall.ports": 0.0,
}

PROVENANCE = Provenance(
    "0" * 64, "1" * 64, "2" * 16, {"lockstep": "0.1.0", "python": "3.11.9", "numba": "0.61.0"}
)


def operator(name: str, cycles: int = 1000, **changes: Any) -> OperatorResult:
    """A matrix product of 64 x 32 x 16, changed as told."""
    m, n, k, groups = (changes.pop(key, default) for key, default in
                       (("m", 64), ("n", 32), ("k", 16), ("groups", 1)))  # fmt: skip
    macs = m * n * k * groups
    made = OperatorResult(
        name=name,
        kind="Gemm",
        fused_into=None,
        m=m,
        n=n,
        k=k,
        groups=groups,
        pack=1,
        loop_order="mnk",
        macs=macs,
        cycles=cycles,
        stall_cycles=cycles // 4,
        utilisation=macs / (cycles * 128 * 128),
        events={
            "macs": macs,
            "memory_read_bytes": 3 * cycles,
            "memory_write_bytes": cycles,
            "ifmap_read_words": m * k,
        },
        energy=Energy({"array": 0.5 * macs, "memory": 10.0 * cycles}, ("vector",)),
    )
    return replace(made, **changes)


def fused(name: str, host: str) -> OperatorResult:
    """An activation that is done on the tiles of another operator."""
    return OperatorResult(name, "Elementwise", host, 0, 0, 0, 0, 0, "", 0, 0, 0, 0.0)


def vector(name: str, cycles: int) -> OperatorResult:
    """A pooling layer."""
    return OperatorResult(
        name, "Pool", None, 0, 0, 0, 0, 0, "", 0, cycles, 0, 0.0, {"memory_read_bytes": 1_200_000}
    )


def result(*operators: OperatorResult, **changes: Any) -> Result:
    """A result of a network with long names, a grouped convolution and an unknown energy."""
    rows = operators or (
        operator(LONG_NAME, 1_234_567, m=12_544, n=64, k=147, kind="Conv2d"),
        fused("resnetv17_stage1_unit1_relu0_fwd", LONG_NAME),
        vector("pool0", 40_000),
        operator("dw1", 234_567, m=3136, n=1, k=9, groups=512, kind="Conv2d"),
        operator("fc", 4096, m=1, n=1000, k=2048),
    )
    cycles = sum(row.cycles for row in rows)
    spent: dict[str, float] = {}
    for row in rows:
        for name, pj in row.energy.by_component_pj.items():
            spent[name] = spent.get(name, 0.0) + pj
    made = Result(
        machine=MACHINE,
        workload="resnet50",
        workload_source="a file",
        cycles=cycles,
        seconds=cycles / 700e6,
        first_cycle=0,
        end_cycle=cycles,
        complete=True,
        units=(
            account("core0.array", 700_000, cycles, ARRAY_SHARES),
            account("core0.dma_load", 700_000, cycles, {"busy.transfer": 0.5}),
            account("memory", 1_400_000, 2 * cycles, {"busy.transfer": 1.0}),
        ),
        operators=tuple(rows),
        energy=Energy(spent, ("vector",)),
        provenance=PROVENANCE,
        notes=("assumed, no source: buffer.dma",),
    )
    return replace(made, **changes)


def account(name: str, clock_khz: int, cycles: int, shares: dict[str, float]) -> UnitAccount:
    """An account of which shares of the cycles are given; the rest is idle."""
    causes = {cause: int(cycles * share) for cause, share in shares.items()}
    causes["idle"] = cycles - sum(causes.values())
    return UnitAccount(name, clock_khz, cycles, causes)
