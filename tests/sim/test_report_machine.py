"""What ``lockstep show`` and ``lockstep machines`` tell of a machine."""

import pytest
from pydantic import BaseModel
from rendering import lines, words

from arch.load import load_machine, machine_names, with_overrides
from arch.machine import Machine
from arch.mesh.load import load_mesh, mesh_names
from arch.overrides import apply, parse_override
from arch.pim.attacc import load_attacc
from arch.spec import Spec
from sim.report.machine import device_report, machine_list, machine_report, parameters, unit


def line(machine: Machine, begins: str, width: int = 80) -> str:
    """The first line of the report that begins so, blanks folded."""
    found = (" ".join(text.split()) for text in lines(machine_report(machine), width))
    return next(text for text in found if text.startswith(begins))


@pytest.mark.parametrize("name", machine_names())
def test_every_parameter_is_a_path_that_can_be_set(name: str) -> None:
    machine = load_machine(name)
    data = machine.model_dump(mode="json")
    for each in parameters(machine):
        override = parse_override(f"{each.path}=1")
        before: object = data
        for part in override.path:
            assert isinstance(before, dict), each.path
            before = before[part]
        assert before == plain(each.value)
    assert apply(parse_override("cores=1"), data) == ("cores",)
    count = sum(1 for _ in _leaves(data)) - sum(
        1 for key in ("name", "family", "source", "sources", "assumed")
        for _ in _leaves({key: data[key]})
    )  # fmt: skip
    assert len(list(parameters(machine))) == count


def plain(value: object) -> object:
    """A value as JSON has it."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _leaves(node: object) -> list[object]:
    if isinstance(node, dict) and node:
        return [leaf for value in node.values() for leaf in _leaves(value)]
    return [node]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("clocks.core", "kHz"),
        ("memory.latency_cycles", "cycles"),
        ("memory.bytes_per_cycle", "bytes/cycle"),
        ("memory.operand_bytes_per_cycle.ifmap", "bytes/cycle"),
        ("buffer.scratchpads.a.capacity_kib", "KiB"),
        ("buffer.scratchpads.a.bank_width_bytes", "bytes"),
        ("memory.energy.activate_pj.ACT", "pJ"),
        ("memory.energy.open_rank_mw", "mW"),
        ("link_bits", "bits"),
        ("router.buffer_flits", "flits"),
        ("router.queue_wavelets", "wavelets"),
        ("array.rows", ""),
        ("array.clock", ""),
    ],
)
def test_units_come_from_names(path: str, text: str) -> None:
    assert unit(path) == text


def test_values_with_units_and_where_they_come_from() -> None:
    machine = load_machine("tpu_v1")
    row, source = line(machine, "clocks.core").rsplit(" ", 1)
    assert row == "clocks.core 700,000 kHz"
    assert line(machine, source) == f"{source} {machine.sources['clocks.core']}"
    assert line(machine, "array.pe_latency") == "array.pe_latency_cycles 1 cycles assumed"
    assert line(machine, "vector.lanes") == "vector.lanes 256 assumed"
    assert line(machine, "synchroniser") == "synchroniser_cycles 2 cycles default"
    pim = load_machine("neupims_device")
    row, source = line(pim, "memory.energy.activate_pj.ACT").rsplit(" ", 1)
    assert row == "memory.energy.activate_pj.ACT 909.0 pJ"
    assert line(pim, source).startswith(f"{source} HBM2 in M. O'Connor")
    assert line(pim, "memory.energy.refresh_pj").endswith("assumed")
    meaning = "Largest request; a request never crosses the end of a contiguous segment"
    assert line(machine, "buffer.dma.request", 160).endswith(meaning)
    assert meaning not in "\n".join(lines(machine_report(machine)))


def test_peak_and_ridge_as_published_for_tpu_v1() -> None:
    """Jouppi et al., ISCA 2017: 92 TOPS peak; ridge point of 1350 MAC a byte of weights."""
    machine = load_machine("tpu_v1")
    assert line(machine, "peak") == (
        "peak 91.75 TOPS int8: 65,536 PEs, 45.88 TMAC/s, 2 operations a MAC"
    )
    assert line(machine, "memory filter") == (
        "memory filter: 34 GB/s, ridge at 2,698.5 operations or 1,349.3 MAC a byte"
    )


def test_what_follows_from_parameters() -> None:
    machine = with_overrides(
        load_machine("systolic_32"),
        ["cores=2", "array.rows=16", "array.cols=8", "clocks.core=500000", "memory.clock=core",
         "memory.bytes_per_cycle=4", "buffer.scratchpads.ifmap.banks=3",
         "buffer.scratchpads.ifmap.ports=2", "buffer.scratchpads.ifmap.bank_width_bytes=8",
         "buffer.scratchpads.ifmap.capacity_kib=10"],
    )  # fmt: skip
    assert line(machine, "peak").startswith("peak 256 GOPS int8: 256 PEs, 128 GMAC/s")
    assert line(machine, "memory 2") == (
        "memory 2 GB/s, ridge at 128.0 operations or 64.0 MAC a byte"
    )
    # 2 cores x 3 banks x 2 ports x 8 bytes x 0.5 GHz
    assert line(machine, "buffer ifmap") == (
        "buffer ifmap: 20 KiB, 48 GB/s read and written together"
    )


def test_area_is_a_lower_bound_or_unknown() -> None:
    known = with_overrides(load_machine("systolic_32"), ["technology=45nm"])
    # 1024 x (282 + 137) um2 of arithmetic
    assert line(known, "area").startswith("area >= 2.837 mm2 in 45nm: array 0.4291 mm2, ")
    assert "a lower bound: no sourced area for" in line(known, "a lower bound")
    unknown = with_overrides(known, ["technology=unknown"])
    assert line(unknown, "area") == "area unknown: the machine names no technology"


def test_no_memory() -> None:
    machine = with_overrides(load_machine("tpu_v1"), ["memory=null"])
    assert line(machine, "memory none") == "memory none: all operands are in the scratchpads"


def test_the_list_of_machines() -> None:
    machines = [(name, load_machine(name)) for name in ("tpu_v1", "tpu_v2")]
    shown = machine_list([*machines, ("bare", with_overrides(machines[0][1], ["memory=null"]))])
    assert words(shown, "tpu_v1") == [
        "tpu_v1", "256", "x", "256", "ws", "700", "91.75", "TOPS", "272", "/", "34", "/", "272",
        "GB/s",
    ]  # fmt: skip
    assert words(shown, "tpu_v2")[:6] == ["tpu_v2", "2", "x", "128", "x", "128"]
    assert words(shown, "bare")[-1] == "-"


@pytest.mark.parametrize("name", machine_names())
@pytest.mark.parametrize("width", [80, 140])
def test_a_machine_fits_the_terminal(name: str, width: int) -> None:
    assert max(map(len, lines(machine_report(load_machine(name)), width))) <= width


@pytest.mark.parametrize("spec", [*map(load_mesh, mesh_names()), load_attacc("attacc")])
def test_a_device_fits_the_terminal_and_its_numbers_are_whole(spec: Spec) -> None:
    shown = device_report(spec)
    assert max(map(len, lines(shown))) <= 80
    for each in parameters(spec):
        if isinstance(each.value, int) and not isinstance(each.value, bool):
            assert f"{each.value:,}" in words(shown, each.path), each.path
