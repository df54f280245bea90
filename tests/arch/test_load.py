"""Machines in and out of YAML, and what is said when the text, or the whole, is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine_text import block, everything, line_of, put, separate

from arch.errors import InputError
from arch.load import dump_yaml, load_machine, machine_sha256
from arch.machine import Machine
from arch.yaml_lines import parse

MINIMAL = """\
name: least
source: a test
clocks: {core: 1_000_000, memory: 800_000}
array: {rows: 8, cols: 4, dataflow: is}
buffer:
  scratchpads:
    all: {operands: [ifmap, filter, ofmap], capacity_kib: 512, banks: 8, bank_width_bytes: 64}
memory: {latency_cycles: 100, bytes_per_cycle: 64}
"""


def written(folder: Path, text: str | bytes, name: str = "machine.yaml") -> str:
    """A file with a text."""
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(file)


def refused(name_or_path: str, *overrides: str) -> str:
    """What is said of a machine that is refused."""
    with pytest.raises(InputError) as caught:
        load_machine(name_or_path, overrides)
    return str(caught.value)


def from_json(data: object) -> Machine:
    return Machine.model_validate_json(json.dumps(data))


def test_every_field_arrives(tmp_path: Path) -> None:
    for data in (everything(), separate()):
        machine = load_machine(written(tmp_path, block(data)))
        dumped = machine.model_dump(mode="json")
        absent = {"bytes_per_cycle", "operand_bytes_per_cycle"} - set(data["memory"])
        data["memory"][absent.pop()] = None
        assert dumped == data


def test_what_is_not_given_has_its_default(tmp_path: Path) -> None:
    machine = load_machine(written(tmp_path, MINIMAL))
    assert machine.vector is None
    assert machine.buffer.dma.request_bytes == 256
    assert machine.array.accumulator_format == "int32"
    assert machine.clocks == {"core": 1_000_000, "memory": 800_000}
    assert machine.technology == "unknown"


def test_json_is_read_too(tmp_path: Path) -> None:
    file = written(tmp_path, json.dumps(everything()), "machine.json")
    assert load_machine(file) == from_json(everything())


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert load_machine(written(tmp_path, b"\xef\xbb\xbf" + MINIMAL.encode())).name == "least"


def test_anchors_and_merges(tmp_path: Path) -> None:
    text = MINIMAL.replace(
        "    all: {operands: [ifmap, filter, ofmap], capacity_kib: 512, banks: 8, "
        "bank_width_bytes: 64}\n",
        "    a: &pad {operands: [ifmap, filter], capacity_kib: 64, banks: 8, bank_width_bytes: 4}\n"
        "    b:\n      <<: *pad\n      operands: [ofmap]\n",
    )
    pads = load_machine(written(tmp_path, text)).buffer.scratchpads
    assert pads["a"].operands == ("ifmap", "filter")
    assert pads["b"].operands == ("ofmap",)
    assert pads["a"].capacity_kib == pads["b"].capacity_kib == 64


def test_of_several_merges_the_first_counts(tmp_path: Path) -> None:
    text = MINIMAL.replace("clocks:", "clocks: &more {core: 5, memory: 6, third: 7}\nclocks:", 1)
    text = text.replace("clocks: &more", "x: &more").replace(
        "{core: 1_000_000, memory: 800_000}", "{<<: [{memory: 4}, *more], core: 3}"
    )
    # The key that holds the anchor is unknown, and the only fault.
    file = written(tmp_path, text)
    assert refused(file).startswith(f"{file}:3: x: is not a known key; ")
    assert "\n" not in refused(file)
    document = parse(text)
    assert document.data["clocks"] == {"core": 3, "memory": 4, "third": 7}


@pytest.mark.parametrize("data", [everything(), separate()])
def test_dumped_yaml_reads_back(tmp_path: Path, data: dict[str, object]) -> None:
    machine = from_json(data)
    again = load_machine(written(tmp_path, dump_yaml(machine)))
    assert again == machine
    assert list(again.buffer.scratchpads) == list(machine.buffer.scratchpads)
    assert machine_sha256(again) == machine_sha256(machine)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    machine = from_json({**everything(), "name": text, "sources": {text: text}})
    file = tmp_path_factory.mktemp("text") / "machine.yaml"
    file.write_text(dump_yaml(machine), encoding="utf-8")
    assert load_machine(str(file)) == machine


def test_the_hash_is_of_all_parameters() -> None:
    seen = {machine_sha256(from_json(everything()))}
    changes = {
        ("name",): "other",
        ("array", "rows"): 63,
        ("clocks", "ddr"): 2_000_000,
        ("buffer", "scratchpads", "rest", "ports"): 2,
        ("vector", "operations"): {},
        ("mapping", "fuse"): True,
        ("assumed",): [],
    }
    for path, value in changes.items():
        data = everything()
        put(data, path, value)
        seen.add(machine_sha256(from_json(data)))
    assert len(seen) == len(changes) + 1
    assert all(len(each) == 64 for each in seen)


def test_the_hash_knows_the_order_of_scratchpads_only() -> None:
    machine = everything()
    pads, clocks = machine["buffer"]["scratchpads"], machine["clocks"]
    swapped_pads = everything()
    swapped_pads["buffer"]["scratchpads"] = dict(reversed(pads.items()))
    swapped_clocks = {**everything(), "clocks": dict(reversed(clocks.items()))}
    before = machine_sha256(from_json(machine))
    assert machine_sha256(from_json(swapped_pads)) != before
    assert machine_sha256(from_json(swapped_clocks)) == before


def test_the_hash_does_not_depend_on_the_process() -> None:
    code = "from arch.load import *; print(machine_sha256(load_machine('tpu_v1')))"
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert told == {machine_sha256(load_machine("tpu_v1"))}


# Files.


def test_a_folder(tmp_path: Path) -> None:
    assert refused(str(tmp_path)) == f"{tmp_path}: is a folder; give a file"


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n"])
def test_an_empty_file(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    assert refused(file) == (
        f"{file}: is empty; a machine needs name, source, clocks, array, buffer, memory"
    )


def test_binary(tmp_path: Path) -> None:
    file = written(tmp_path, b"name: a\n\xff\xfe\x00")
    assert refused(file) == f"{file}:2: is not text in UTF-8, as YAML is"
    file = written(tmp_path, b"name: a\n\x00")
    assert refused(file) == f"{file}:2: holds a character that is no text, '\\x00'"


def test_a_huge_file(tmp_path: Path) -> None:
    file = written(tmp_path, b"#" * (2**20 + 1))
    assert "is larger than 1048576 bytes" in refused(file)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    file = written(tmp_path, MINIMAL)
    monkeypatch.setattr(Path, "open", forbidden)
    assert refused(file) == f"{file}: cannot be read: Permission denied"


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b", "a\0b.yaml"])
def test_what_cannot_be_the_name_of_a_file(name: str) -> None:
    assert name in refused(name).replace("\\x00", "\0")


def test_a_missing_file(tmp_path: Path) -> None:
    for missing in (str(tmp_path / "tpu_v1.yaml"), "no_such.yaml", "./tpu_v1"):
        assert refused(missing).startswith(f"{missing}: there is no such file. ")


def test_an_unknown_name() -> None:
    message = refused("tpu_1")
    assert message.startswith("'tpu_1' is no machine and no file. Did you mean tpu_v1")
    assert "Known by name are gemmini_16, " in message
    assert "Did you mean" not in refused("zzzz")
    assert refused("").startswith("'' is no machine and no file. ")


def test_a_file_without_a_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, MINIMAL, "mine")
    written(tmp_path, MINIMAL, "tpu_v1")
    monkeypatch.chdir(tmp_path)
    assert load_machine("mine").name == "least"
    assert load_machine("tpu_v1").name == "tpu_v1"
    assert load_machine("./tpu_v1").name == "least"


# Texts that are no plain YAML mapping.

BAD_TEXTS = {
    "- a\n- b\n": (1, 'given ["a", "b"]; must be keys and values: name, source, clocks, array, '
                      "buffer, memory"),
    "7\n": (1, "given 7; must be keys and values: name, source, clocks, array, buffer, memory"),
    "name: a\narray:\n\trows: 3\n": (3, "is not YAML: a tab; indent with spaces"),
    "name: a\narray: {rows: 3\nx: 1\n": (3, "is not YAML: while parsing a flow mapping: expected "
                                          "',' or '}', but got ':'"),
    "name: a\n---\nname: b\n": (2, "is not YAML: expected a single document in the stream: but "
                                   "found another document"),
    "name: 2015-06-01\n": (1, "name: given 2015-06-01, a date; put it in quotes to make it text"),
    "name: !!binary aGk=\n": (1, "name: given aGk=, of the type tag:yaml.org,2002:binary; put it "
                                 "in quotes to make it text"),
    "a:\n  - 1\n  - !x 2\n": (3, "a[1]: given 2, of the type !x; put it in quotes to make it text"),
    "clocks:\n  700: 3\n": (2, "clocks.700: a key must be text; write '700' in quotes"),
    "on: 3\n": (1, "on: a key must be text; write 'on' in quotes"),
    "? [a]\n: 3\n": (1, "the file: a key must be text"),
    "cores: 010\n": (1, "cores: given 010, which YAML reads as octal or base 60; write it as a "
                        "decimal number"),
    "cores: 1:30\n": (1, "cores: given 1:30, which YAML reads as octal or base 60; write it as a "
                         "decimal number"),
    "cores: .nan\n": (1, "cores: given .nan; must be a finite number"),
    "cores: !!int x\n": (1, "cores: given x, which cannot be read as a whole number"),
    f"cores: {'9' * 5000}\n": (1, f"cores: given {'9' * 40}, which cannot be read as a whole "
                                  "number"),
    "name: a\nx: &x [*x]\n": (2, "x[0]: contains itself"),
    "x: &x {<<: *x}\n": (1, "is nested too deeply"),
    "x: {<<: 3}\n": (1, "x.<<: must merge keys and values"),
    "x: *nowhere\n": (1, "is not YAML: found undefined alias 'nowhere'"),
    "[" * 20_000: (1, "is nested too deeply"),
    "a: 1\nb: {c: 1,\n  c: 2}\n": (3, "b.c: is given twice, first in line 2; remove one"),
    "name: a\x07b\n": (1, "holds a character that is no text, '\\x07'"),
}  # fmt: skip


@pytest.mark.parametrize("text", BAD_TEXTS, ids=lambda text: repr(text[:20]))
def test_a_bad_text(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    line, reason = BAD_TEXTS[text]
    assert refused(file) == f"{file}:{line}: {reason}"


def test_aliases_do_not_explode(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "has more than 100000 parts" in refused(written(tmp_path, "\n".join(lines)))


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = written(tmp_path_factory.mktemp("bytes"), data)
    assert refused(file).startswith(file)


@given(st.data())
def test_a_torn_file_is_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = block(everything())
    end = data.draw(st.integers(0, text.index("\nmemory:")))
    file = written(tmp_path_factory.mktemp("torn"), text[:end])
    assert refused(file).startswith(file)


# What only the whole can tell.


def whole(folder: Path, path: tuple[str | int, ...], value: object) -> tuple[str, str]:
    """The message of a machine with one change, and the text of the file."""
    data = everything()
    put(data, path, value)
    text = block(data)
    file = written(folder, text)
    return refused(file).replace(file, "FILE"), text


@pytest.mark.parametrize("unit", ["array", "buffer", "vector", "memory"])
def test_a_clock_that_does_not_exist(tmp_path: Path, unit: str) -> None:
    message, text = whole(tmp_path, (unit, "clock"), "hbm")
    line = line_of(text, (unit, "clock"))
    assert message == (
        f"FILE:{line}: {unit}.clock must be one of the clocks (core, ddr), not 'hbm'"
    )


def test_a_default_clock_that_does_not_exist(tmp_path: Path) -> None:
    text = MINIMAL.replace("core: 1_000_000", "fast: 1_000_000")
    file = written(tmp_path, text)
    assert refused(file) == (
        f"{file}:4: array.clock must be one of the clocks (fast, memory), not 'core'"
    )


def test_no_clocks(tmp_path: Path) -> None:
    message, text = whole(tmp_path, ("clocks",), {})
    line = line_of(text, ("clocks",))
    assert message == (
        f"FILE:{line}: clocks: given {{}}; must be names, not empty, each with a whole number from "
        "1 to 100000000"
    )


def test_clocks_without_a_common_tick(tmp_path: Path) -> None:
    message, text = whole(tmp_path, ("clocks",), {"core": 99_999_989, "ddr": 99_999_971})
    assert message == (
        f"FILE:{line_of(text, ('clocks',))}: clocks: the least common multiple of core 99999989 "
        "kHz, ddr 99999971 kHz is 9999996000000319 kHz, so that an hour would overflow 62 bits; "
        "choose frequencies with common factors"
    )


@pytest.mark.parametrize("name", ["two words", "a.b", "3", "_x", "", "é"])
def test_names_that_would_break_paths(tmp_path: Path, name: str) -> None:
    data = everything()
    pads = data["buffer"]["scratchpads"]
    pads[name] = pads.pop("rest")
    message = refused(written(tmp_path, block(data)))
    assert message.endswith("must be a name of letters, digits and _ that begins with a letter")
    assert "buffer.scratchpads" in message


def test_a_scratchpad_called_memory(tmp_path: Path) -> None:
    data = everything()
    pads = data["buffer"]["scratchpads"]
    pads["memory"] = pads.pop("rest")
    text = block(data)
    file = written(tmp_path, text)
    line = line_of(text, ("buffer", "scratchpads", "memory"))
    assert refused(file) == (
        f"{file}:{line}: buffer: scratchpads.memory must have another name, as the counts of the "
        "memory are called memory_read_bytes and memory_write_bytes"
    )


def test_an_operand_held_twice(tmp_path: Path) -> None:
    message, text = whole(tmp_path, ("buffer", "scratchpads", "rest", "operands"), ["ifmap"])
    assert message == (
        f"FILE:{line_of(text, ('buffer',))}: buffer: the scratchpads must hold ifmap, filter and "
        "ofmap once each, not filter, ifmap"
    )


def test_both_bandwidths_or_none(tmp_path: Path) -> None:
    for value, word in ((None, "neither"), (16, "both")):
        data = separate() if value else everything()
        put(data, ("memory", "bytes_per_cycle"), value)
        text = block(data)
        file = written(tmp_path, text)
        assert refused(file) == (
            f"{file}:{line_of(text, ('memory',))}: memory: must have either bytes_per_cycle or "
            f"operand_bytes_per_cycle, not {word}"
        )


def test_scalesims_convention_fixes_other_fields(tmp_path: Path) -> None:
    message, text = whole(tmp_path, ("array", "convention"), "scalesim")
    assert message == (
        f"FILE:{line_of(text, ('array', 'convention'))}: array: convention 'scalesim' needs "
        "pe_latency_cycles 1, not 2"
    )


@pytest.mark.parametrize(
    ("field", "value"), [("copies", 2), ("empty_load_cycles", 9), ("drain", "preloaded")]
)
def test_what_sums_that_stay_cannot_have(tmp_path: Path, field: str, value: object) -> None:
    message, text = whole(tmp_path, ("array", field), value)
    assert message == (
        f"FILE:{line_of(text, ('array', field))}: array: {field} {value!r}: PEs hold no operand "
        "under dataflow 'os'; it needs 'ws' or 'is'"
    )


def test_near_keys_are_proposed(tmp_path: Path) -> None:
    text = MINIMAL.replace("rows: 8", "row: 8").replace("name: least", "name: a\nbanks: 3")
    told = refused(written(tmp_path, text)).splitlines()
    assert any("array.row: is not a known key; did you mean rows? Known are " in x for x in told)
    assert any(
        "banks: is not a known key; did you mean buffer.scratchpads.<name>.banks?" in x
        for x in told
    )


@pytest.mark.parametrize(
    ("given_", "hint"),
    [("1e6", "; write 1000000"), ("64.0", "; write 64"), ('"1_024"', "; write 1024"), ("1.5", "")],
)
def test_numbers_that_are_nearly_whole(tmp_path: Path, given_: str, hint: str) -> None:
    file = written(tmp_path, MINIMAL.replace("rows: 8", f"rows: {given_}"))
    assert refused(file).endswith(f"; must be a whole number from 1 to 65536{hint}")


def test_many_faults_are_cut_short(tmp_path: Path) -> None:
    data = everything()
    data["assumed"] = list(range(1000))
    told = refused(written(tmp_path, block(data))).splitlines()
    assert told[30:] == ["and 970 more"]


def test_importing_is_light() -> None:
    code = (
        "import sys, arch.load; heavy = {'numpy', 'numba', 'pandas', 'pyarrow', 'onnx', 'rich'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"
