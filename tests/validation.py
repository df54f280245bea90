"""Writes docs/VALIDATION.md and sim/unproven.json: ``python -m tests.validation``.

Runs the tests that are marked with what they validate, reads the records of the campaigns in
docs/validation, and says of each option of each unit what stands behind it.
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from arch.array import Array
from arch.buffer import Dma, Scratchpad
from arch.dram.controller import Controller
from arch.dram.load import standard_names
from arch.dram.memory import Dram
from arch.link import Link
from arch.mac.engine import Engine
from arch.mapping import Mapping
from arch.memory import Memory
from arch.mesh.packet import PacketMesh, PacketRouter
from arch.mesh.wavelet import PeCosts, ProcessingElement, WaveletMesh, WaveletRouter
from arch.pim.asic import Asic
from arch.pim.command_set import MacUnit
from arch.pim.controller import PimController
from arch.pim.hbm import HbmController, HbmPim
from arch.pim.joint import JointMemory, JointPim
from arch.pim.joint_controller import JointController
from arch.pim.system import Pim, command_set_names
from arch.vector import Vector
from rtl.lockstep import campaign_mesh, campaign_wavelet
from rtl.lockstep.mutation.record import PROVEN
from rtl.lockstep.pairs import pairs_in

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "VALIDATION.md"
UNPROVEN = ROOT / "sim" / "unproven.json"
RECORDS = ROOT / "docs" / "validation"
UNITS: dict[str, tuple[type[BaseModel], ...]] = {
    "array": (Array,),
    "buffer": (Scratchpad, Dma),
    "memory": (Memory,),
    "dram": (Dram, Controller),
    "pim": (Pim, PimController),
    "hbm_pim": (HbmPim, HbmController),
    "joint_pim": (JointPim, JointMemory, JointController),
    "asic": (Asic,),
    "vector": (Vector,),
    "link": (Link,),
    "mac": (Engine,),
    "mesh": (PacketMesh, PacketRouter),
    "wavelet": (WaveletMesh, WaveletRouter, ProcessingElement, PeCosts),
    "mapping": (Mapping,),
}
CAMPAIGNS: dict[str, type[BaseModel]] = {
    "array": Array, "buffer": Scratchpad, "dram": Controller, "pim": MacUnit, "vector": Vector,
    "mac": Engine, "mac_array": Array, "mesh": PacketMesh, "wavelet": WaveletMesh,
    "joint": JointController,
}  # fmt: skip
CAMPAIGN_RECORDS = {
    "array": "array",
    "buffer": "buffer",
    "dram": "dram_rtl",
    "pim": "pim_rtl",
    "vector": "vector_rtl",
    "mac": "mac_rtl",
    "mac_array": "mac_array_rtl",
    "mesh": "mesh_rtl",
    "wavelet": "wavelet_rtl",
    "joint": "joint_rtl",
}
PAIRS = {"mesh": campaign_mesh, "wavelet": campaign_wavelet}
"""Campaigns whose builds have every pair of values of some parameters."""
SECTIONS = {"mac_array": "array", "joint": "joint_pim"}
"""Where options of a campaign are listed, if not below its name."""
COMMAND_SETS = {"hbm_pim": ("hbm_pim",), "joint_pim": ("neupims",)}
"""Of units; all other sets are of ``pim``."""
OF_OTHER_POLICIES = (
    "bank_entries",
    "timeout_cycles",
    "clock_khz",
    "packet_flits",
    "dispatch_width",
    "copies",
    "empty_load_cycles",
)
"""Fields that no generated unit takes notice of, but ``bank_entries`` of joint channels."""
NO_OPTIONS = (
    "clock", "operands", "controller", "name", "source", "sources", "asic", "energy", "interface",
    "router", "pe", "costs",
)  # fmt: skip
"""Fields that are no options, or options of a unit of their own."""
LARGEST = {
    "array": "16 x 16",
    "buffer": "of 16 accesses a cycle",
    "dram": "of 16 banks and entries",
    "pim": "of 16 banks with 16 lanes",
    "vector": "of 16 lanes",
    "mac": "with the modes of XR-NPE",
    "mac_array": "4 x 4",
    "mesh": "4 x 4",
    "wavelet": "4 x 4",
    "joint": "of 16 banks",
}
FAULTS = {
    "netlist": "the netlist",
    "kernel": "the model's kernels",
    "timing": "the generator, timing",
}
HARDWARE = "hardware"
HEAD = """\
# Validation

Written by `python -m tests.validation`, which runs the tests that are marked with what they
validate and reads the records of the campaigns. *Hardware*: the option was in generated hardware
that equalled the model in every register of every compared cycle. *Outside*: numbers of another
simulator or a publication are met, differences are explained. An option with neither rests on
lockstep's own oracles and tests alone.
"""

Evidence = dict[str, set[str]]
"""Of each option, by ``unit.field`` or ``unit.field=value``, what stands behind it."""


class Collector:
    """A pytest plugin: what the marked tests that passed validate, and which failed."""

    def __init__(self) -> None:
        self.marks: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self.evidence: Evidence = defaultdict(set)
        self.failed: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            found = [(mark.args, mark.kwargs["by"]) for mark in item.iter_markers("validates")]
            self.marks[item.nodeid] = found

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)
        elif report.when == "call" and report.passed:
            for options, by in self.marks[report.nodeid]:
                for option in options:
                    self.evidence[option].add(by)


def options_of(unit: str) -> Iterator[str]:
    """Every option of a unit once; each value on its own where there are few."""
    fields = {name: field for spec in UNITS[unit] for name, field in spec.model_fields.items()}
    for name, field in fields.items():
        if name in NO_OPTIONS:
            continue
        kind = field.annotation
        if name == "standard":
            values: tuple[Any, ...] = standard_names()
        elif name == "commands":
            others = {n for own, sets in COMMAND_SETS.items() if own != unit for n in sets}
            values = COMMAND_SETS.get(unit) or [n for n in command_set_names() if n not in others]
        elif get_origin(kind) is Literal:
            values = get_args(kind)
        else:
            values = (False, True) if kind is bool else ()
        yield from (f"{unit}.{name}={value}" for value in values)
        if not values:
            yield f"{unit}.{name}"


def built_of(unit: str, run: dict[str, Any]) -> Any:
    """What was built in a run of a campaign, without where its numbers come from."""
    given = run[unit] | ({"source": "a campaign"} if unit in PAIRS else {})
    return CAMPAIGNS[unit].model_validate_json(json.dumps(given))


def campaign_evidence(unit: str, record: dict[str, Any]) -> Evidence:
    """Options that a campaign's builds had."""
    found: Evidence = defaultdict(set)
    for run in record["runs"]:
        if run["mismatch"] is None:
            built = built_of(unit, run)
            section = SECTIONS.get(unit, unit)
            for name in ("standard", "row_buffers"):
                if name in run:
                    found[f"{section}.{name}={run[name]}"].add(HARDWARE)
            left_out = set(OF_OTHER_POLICIES) - ({"bank_entries"} if unit == "joint" else set())
            options = built.model_dump(exclude=left_out)
            for name, value in (options | options.get("router", {})).items():
                found[f"{section}.{name}={value}"].add(HARDWARE)
                found[f"{section}.{name}"].add(HARDWARE)
    return found


def campaign_text(unit: str, record: dict[str, Any]) -> str:
    """What a campaign has shown, and how often."""
    shapes = record["fewest_shapes_in_a_build"]
    products = f"at least {shapes} different products in each; " if shapes else ""
    lines = [
        f"## Campaign: {unit}\n",
        f"`python -m rtl.lockstep.campaign --unit {unit} --builds {record['builds']} "
        f"--seed {record['seed']}`: {record['builds']} generated units, "
        f"{record['builds_of_largest_size']} of them {LARGEST[unit]}; {products}"
        f"{record['compared_cycles']:,} cycles with a transfer or a stall compared in every "
        f"register (of {record['cycles']:,}), {record['mismatches']} mismatches.\n",
        "| happened | " + " | ".join(record["coverage"]) + " |",
        "| --- |" + " ---: |" * len(record["coverage"]),
    ]
    names = dict.fromkeys(name for counts in record["coverage"].values() for name in counts)
    for name in names:
        counts = [
            f"{counts[name]:,}" if name in counts else "-" for counts in record["coverage"].values()
        ]
        lines.append(f"| {name} | " + " | ".join(counts) + " |")
    return "\n".join(lines) + "\n"


def pairs_text(unit: str, record: dict[str, Any]) -> str:
    """Which values of a mesh's parameters occurred together."""
    of = PAIRS[unit]
    chosen = [of.choice_of(built_of(unit, run)) for run in record["runs"]]
    options, there = of.OPTIONS, of.pairs()
    found = set().union(*(pairs_in(options, choice) for choice in chosen)) & there
    names = list(options)
    lines = [
        "Pairs of values that occurred, of those that there are:\n",
        "| | " + " | ".join(f"`{name}`" for name in names[1:]) + " |",
        "| --- |" + " ---: |" * (len(names) - 1),
    ]
    for i, a in enumerate(names[:-1]):
        counts = [
            "/".join(str(sum(pair[::2] == (a, b) for pair in some)) for some in (found, there))
            for b in names[i + 1 :]
        ]
        lines.append(f"| `{a}` | " + " | ".join([""] * i + counts) + " |")
    return "\n".join(lines) + "\n"


def mutation_text(record: dict[str, Any]) -> str:
    """What planted faults have shown."""
    lines = [
        "## Planted faults: array\n",
        f"`python -m rtl.lockstep.mutation --seed {record['seed']}`: one fault at a time, in small "
        f"arrays of each dataflow, against {record['cycles']:,} cycles of traffic. Equivalent are "
        "those that SAT proves to be the original in every state that the invariants allow (these "
        f"are proven as well, and {record['controls_refuted']} killed mutants refuted as a "
        "control), or, in the model, those that are argued below. "
        f"{100 * record['score']:.1f} % of the others are found.\n",
        "| faults in | number | found | equivalent | not found | found last in cycle |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    return "\n".join(lines + fault_rows(record)) + "\n"


def fault_rows(record: dict[str, Any]) -> list[str]:
    """Counts by kind, then the mutants of no kill that no proof is of."""
    lines = []
    for kind, name in FAULTS.items():
        of = record[kind]
        lines.append(
            f"| {name} | {of['mutants']} | {of['killed']} | {len(of['equivalent'])} | "
            f"{len(of['lived'])} | {of['latest_kill_cycle']:,} |"
        )
    lines += ["", *(f"- Not found: `{name}`" for kind in FAULTS for name in record[kind]["lived"])]
    argued = record["kernel"]["equivalent"].items()
    return lines + [
        "- Argued: `{}`: {}.".format(name.replace("`", ""), why) for name, why in argued
    ]


def engines_text(proofs: dict[str, Any], faults: dict[str, Any]) -> str:
    """What is proven of the SIMD engine's parts, and what faults planted in it have shown."""
    identities = proofs["decode_then_encode"]
    slowest = max(each["seconds"] for each in identities.values() if each["proven"])
    lines = [
        "## Proofs: mac\n",
        f"`python -m tests.mac_proofs`: decoded and encoded again, each code is the same, by SMT "
        f"for {sum(each['proven'] for each in identities.values())} of {len(identities)} formats "
        f"of 16 bits or fewer, {slowest} s at most.\n",
        "| multiplier, bits | lanes x bits of its modes | shown | seconds |",
        "| ---: | --- | --- | ---: |",
    ]
    for each in proofs["multiplier"]:
        modes = ", ".join(f"{lanes} x {bits}" for lanes, bits in each["modes"])
        shown = f"{each['shown']}, by SMT" if each["proven"] else f"**not proven**: {each['shown']}"
        lines.append(f"| {each['bits']} | {modes} | {shown} | {each.get('seconds', '')} |")
    for each in proofs["multiplier_random"]:
        modes = ", ".join(f"{lanes} x {bits}" for lanes, bits in each["modes"])
        shown = f"{each['pairs_each_mode']:,} pairs a mode, {each['mismatches']} mismatches"
        lines.append(f"| {each['bits']} | {modes} | {shown} | |")
    lines += [
        "\n## Planted faults: mac\n",
        f"`python -m rtl.lockstep.mutation.mac --seed {faults['seed']}`: as those of the array, in "
        "engines on their own and in small arrays of engines, against "
        f"{faults['cycles']:,} cycles of traffic; {faults['controls_refuted']} killed mutants "
        "refuted as a control. Kernels are those that arrays of engines have more. "
        f"{100 * faults['score']:.1f} % of those that can be told apart are found.\n",
        "| faults in | number | found | equivalent | not found | found last in cycle |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *fault_rows(faults),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def coprocessor_text(record: dict[str, Any]) -> str:
    """What faults planted in the co-processor have shown."""
    lines = [
        "## Planted faults: coprocessor\n",
        f"`python -m tests.coprocessor_mutants --seed {record['seed']}`: one fault at a time in "
        "the netlists of small co-processors, the array inside left as it is. Found by programs of "
        "cocotbext-axi's masters, or by the proof of what counters count, as nobody waits for "
        "2^32 cycles. Equivalent are those that SAT proves to be the original in every state that "
        "the invariants allow. The invariants are proven, for an array that sends a product's last "
        "result after it has taken the operands; this is watched in all programs. "
        f"{record['controls_refuted']} found ones were refuted as a control. "
        f"{100 * record['score']:.1f} % of those that can be told apart are found.\n",
        "| dataflow | faults | found by programs | by the proof | equivalent | not found |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    cases = record["cases"]
    for name, of in cases.items():
        lines.append(
            f"| `{name}` | {of['mutants']} | {of['programs']} | {of['proof']} | "
            f"{len(of['equivalent'])} | {len(of['lived'])} |"
        )
    lines.append("")
    for name, of in cases.items():
        lines += [f"- Not found: {name}, `{each}`" for each in of["lived"]]
        argued = ((each, why) for each, why in of["equivalent"].items() if why != PROVEN)
        lines += [f"- Argued: {name}, `{each}`: {why}." for each, why in argued]
    return "\n".join(lines).rstrip("\n") + "\n"


def judged_text(record: dict[str, Any]) -> str:
    """What the judge of command logs has found."""
    commands = record["commands"]
    total, wrong = sum(commands.values()), len(record["runs_with_violations"])
    lines = [
        "## Judged commands: dram\n",
        f"`python -m tests.dram_campaign --commands {10**8} --seed {record['seed']}`: random "
        f"requests under random policies, {record['runs']} runs, {total:,} commands held against "
        f"tables of their own; {wrong} runs with a violation.\n",
        "| memory | commands |",
        "| --- | ---: |",
    ]
    lines += [f"| {name} | {count:,} |" for name, count in sorted(commands.items())]
    return "\n".join(lines) + "\n"


def hazards_text(record: dict[str, Any]) -> str:
    """What reads and writes of few addresses have shown."""
    requests, values = sum(record["requests"].values()), record["totals"]["reads with a value"]
    return (
        "## Hazards: dram\n\n"
        f"`python -m tests.dram_hazards --seed {record['seed']}`: reads and writes of few "
        f"addresses under random policies, {record['runs']} runs, {requests:,} requests, of which "
        f"every one ended (the longest wait was {100 * record['longest_wait_share_of_bound']:.0f} "
        f"% of its bound); {values:,} reads were asked for the last write before them; "
        f"{len(record['runs_with_faults'])} runs with a fault.\n"
    )


def mutated_text(record: dict[str, Any]) -> str:
    """What wrong trace files have shown."""
    lines = [
        "## Mutated traces\n",
        f"`python -m tests.traces.fuzz_requests --files {record['files']} --seed "
        f"{record['seed']}`: {record['read']:,} read, {record['refused']:,} refused with line or "
        f"offset, {record['failed']} failed, {record['crashed']} crashed; the longest took "
        f"{record['longest_seconds']:.2f} s.\n",
        "| refused for | files |",
        "| --- | ---: |",
    ]
    lines += [f"| {name} | {count:,} |" for name, count in record["errors"].items()]
    return "\n".join(lines) + "\n"


def kills_text(record: dict[str, Any]) -> str:
    """What studies whose processes were killed have shown."""
    kills = ", ".join(f"{count} of the {who}" for who, count in sorted(record["kills"].items()))
    return (
        "## Killed studies\n\n"
        f"`python -m tests.study_kills --seed {record['seed']}`: SIGKILL at random times, {kills} "
        f"(a group is driver and workers); {record['studies']} studies, {record['points']:,} "
        "points, none lost that was told, none twice, each export equal to that of an undisturbed "
        f"run; workers were gone {record['slowest_orphan_seconds']:.1f} s after their driver at "
        f"most; {len(record['faults'])} faults.\n"
    )


def formats_text(record: dict[str, Any]) -> str:
    """What other libraries have shown of the arithmetic in number formats."""
    lines = [
        "## Number formats\n",
        f"`python -m tests.mac_campaign {record['operations_each']}`: each operation on as many "
        "pairs of codes, against other libraries.\n",
        "| library | formats | operations | other results | of them explained |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    peers = dict.fromkeys(each["peer"] for each in record["found"])
    for peer in peers:
        own = [each for each in record["found"] if each["peer"] == peer]
        names = ", ".join(dict.fromkeys(each["format"] for each in own))
        sums = (
            sum(each[key] for each in own) for key in ("operations", "differences", "explained")
        )
        lines.append(f"| {peer} | {names} | " + " | ".join(f"{each:,}" for each in sums) + " |")
    why = [each for each in record["found"] if each["reason"]]
    lines += ["", *(f"- `{e['format']}`, {e['operation']}: {e['reason']}." for e in why)]
    return "\n".join(lines) + "\n"


def page(evidence: Evidence, records: dict[str, dict[str, Any]]) -> str:
    """The page."""
    parts = [HEAD]
    for unit in UNITS:
        rows = ["| option | hardware | outside | |", "| --- | --- | --- | --- |"]
        for option in options_of(unit):
            found = evidence.get(option, set())
            outside = ", ".join(sorted(found - {HARDWARE}))
            mark = "" if found else "**neither**"
            rows.append(
                f"| `{option.removeprefix(f'{unit}.')}` | {'equal' if HARDWARE in found else ''} "
                f"| {outside} | {mark} |"
            )
        parts.append(f"## {unit}\n\n" + "\n".join(rows) + "\n")
    for unit, record in CAMPAIGN_RECORDS.items():
        if record in records:
            parts.append(campaign_text(unit, records[record]))
            if unit in PAIRS:
                parts.append(pairs_text(unit, records[record]))
    if "dram" in records:
        parts.append(judged_text(records["dram"]))
    if "dram_hazards" in records:
        parts.append(hazards_text(records["dram_hazards"]))
    if "fuzz_requests" in records:
        parts.append(mutated_text(records["fuzz_requests"]))
    if "study_kills" in records:
        parts.append(kills_text(records["study_kills"]))
    if "mac" in records:
        parts.append(formats_text(records["mac"]))
    if "mutation" in records:
        parts.append(mutation_text(records["mutation"]))
    if {"mac_proofs", "mac_mutation"} <= records.keys():
        parts.append(engines_text(records["mac_proofs"], records["mac_mutation"]))
    if "coprocessor_mutation" in records:
        parts.append(coprocessor_text(records["coprocessor_mutation"]))
    return "\n".join(parts)


def main() -> int:
    """Run the marked tests and write the page."""
    os.chdir(ROOT)
    collector = Collector()
    status = pytest.main(["-q", "-m", "validates", "tests"], plugins=[collector])
    if status != 0 or collector.failed:
        sys.stderr.write(f"nothing written: {', '.join(collector.failed) or status}\n")
        return 1
    records = {path.stem: json.loads(path.read_text()) for path in sorted(RECORDS.glob("*.json"))}
    evidence = collector.evidence
    for unit in CAMPAIGNS:
        for option, by in campaign_evidence(unit, records[CAMPAIGN_RECORDS[unit]]).items():
            evidence[option] |= by
    PAGE.write_text(page(evidence, records))
    neither = [option for unit in UNITS for option in options_of(unit) if not evidence.get(option)]
    UNPROVEN.write_text(json.dumps(neither, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
