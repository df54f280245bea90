"""``--set``: single fields, sections and list items."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine_text import block, everything, line_of

from arch.errors import InputError
from arch.load import load_machine, with_overrides
from arch.paths import dotted, parsed


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "machine.yaml"
    path.write_text(block(everything()))
    return str(path)


def refused(file: str, *overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        load_machine(file, overrides)
    return str(caught.value)


def test_numbers_texts_flags_and_null(file: str) -> None:
    machine = load_machine(
        file,
        [
            "array.rows=128",
            "array.dataflow = ws",
            "mapping.fuse=true",
            "mapping.tile_m=null",
            "clocks.core=1_000_000",
            'name="12"',
        ],
    )
    assert machine.array.rows == 128
    assert machine.array.dataflow == "ws"
    assert machine.mapping.fuse is True
    assert machine.mapping.tile_m is None
    assert machine.clocks["core"] == 1_000_000
    assert machine.name == "12"


def test_sections_lists_and_items(file: str) -> None:
    machine = load_machine(
        file,
        [
            "memory=null",
            "mapping={loop_order: mnk}",
            "assumed=[array, clocks]",
            "assumed[1]=buffer",
            "buffer.scratchpads.rest.operands.0=ifmap",
            "buffer.scratchpads.rest.operands[1]=ofmap",
        ],
    )
    assert machine.memory is None
    assert machine.mapping.loop_order == "mnk"
    assert machine.mapping.tile_m is None
    assert machine.assumed == ("array", "buffer")
    assert machine.buffer.scratchpads["rest"].operands == ("ifmap", "ofmap")


def test_sections_that_are_not_there_are_made(file: str) -> None:
    machine = load_machine(
        file,
        ["memory=null", "vector=null", "vector.lanes=4", "vector.operations.act.latency_cycles=7"],
    )
    assert machine.vector is not None
    assert machine.vector.lanes == 4
    assert machine.vector.timing("act").latency_cycles == 7


def test_a_key_with_a_dot(file: str) -> None:
    machine = load_machine(file, ['sources["array.rows"]=elsewhere', 'sources["memory.x y"]=here'])
    assert machine.sources == {"array.rows": "elsewhere", "memory.x y": "here"}


def test_the_last_one_wins(file: str) -> None:
    assert load_machine(file, ["array.rows=1", "array.rows=2"]).array.rows == 2


def test_a_value_may_hold_an_equals_sign(file: str) -> None:
    assert load_machine(file, ["name=a=b"]).name == "a=b"


def test_an_override_may_mend_the_file(tmp_path: Path) -> None:
    data = everything()
    data["array"]["rows"] = 0
    path = tmp_path / "machine.yaml"
    path.write_text(block(data))
    assert load_machine(str(path), ["array.rows=3"]).array.rows == 3


def test_a_machine_can_be_changed_without_a_file(file: str) -> None:
    machine = load_machine(file)
    changed = with_overrides(machine, ["cores=3"])
    assert changed == load_machine(file, ["cores=3"])
    assert with_overrides(machine, []) == machine
    with pytest.raises(InputError, match=r"^--set cores=0: cores: given 0; must be 1 to 1024$"):
        with_overrides(machine, ["cores=0"])


MESSAGES = {
    "array.rows=0": "array.rows: given 0; must be 1 to 65536",
    "array.rows=64.0": "array.rows: given 64.0; must be a whole number from 1 to 65536; write 64",
    "array={rows: 4}": "array.cols: is missing; must be a whole number from 1 to 65536",
    "memory.clock=hbm": "memory.clock must be one of the clocks (core, ddr), not 'hbm'",
    "array.dataflow=wss": 'array.dataflow: given "wss"; must be ws, os or is; did you mean ws?',
    "vector.operations.sin={}": "vector.operations.sin: is not a known key; Known are add, mul, ",
    "vector.operations.mull={}": "vector.operations.mull: is not a known key; did you mean mul? ",
    "array.rows": "must be path=value, as in array.rows=64",
    "=3": "must be path=value, as in array.rows=64",
    "array..rows=3": "must be path=value, as in array.rows=64",
    "array rows=3": "must be path=value, as in array.rows=64",
    "array.rows=": "has no value; write null for none",
    "array.rows={": "array.rows: is not YAML: while parsing a flow node: expected the node content",
    "array.rows=2020-01-01": "array.rows: given 2020-01-01, a date; put it in quotes",
    "array={rows: 1, rows: 2}": "array: rows: is given twice, first in line 1; remove one",
    "array.rows.x=3": "array.rows is 64, which has no part 'x'; set array.rows itself",
    "assumed[7]=x": "assumed has the items 0 to 1, not 7; to change its length, set assumed to a "
    "list in brackets",
    "assumed.x=y": "assumed has the items 0 to 1, not x; to change its length",
    "clocks.core=0": "clocks.core: given 0; must be 1 to 100000000",
    "technology=7nm": 'technology: given "7nm"; must be unknown or 45nm',
}


@pytest.mark.parametrize("override", MESSAGES)
def test_what_is_wrong_names_the_override(file: str, override: str) -> None:
    assert refused(file, override).startswith(f"--set {override}: {MESSAGES[override]}")


def test_an_unknown_section_is_told_once_and_with_the_nearest(file: str) -> None:
    message = refused(file, "arry.rows=3")
    assert message.startswith("--set arry.rows=3: arry: is not a known key; did you mean array? ")
    assert "\n" not in message


def test_a_fault_of_the_file_is_the_files(file: str) -> None:
    text = Path(file).read_text().replace("rows: 64", "rows: 0")
    Path(file).write_text(text)
    line = line_of(text, ("array", "rows"))
    assert refused(file, "array.cols=3", "cores=1").startswith(f"{file}:{line}: array.rows: ")


def test_a_fault_between_file_and_override_names_both(file: str) -> None:
    text = Path(file).read_text()
    line = line_of(text, ("memory",))
    assert refused(file, "memory.bytes_per_cycle=null", "cores=1") == (
        f"{file}:{line} with --set memory.bytes_per_cycle=null: memory: must have either "
        "bytes_per_cycle or operand_bytes_per_cycle, not neither"
    )


words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
odd = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\\'), min_size=1)


@given(st.tuples(words | odd), st.lists(words | odd | st.integers(0, 99), max_size=4))
def test_a_path_survives_its_text(first: tuple[str], rest: list[str | int]) -> None:
    path = (*first, *rest)
    text = dotted(path)
    if all(character.isprintable() for part in path for character in str(part)):
        assert parsed(text) == path


@pytest.mark.parametrize("text", ["", ".", "a.", "a..b", "a[", "a[x]", "a]", "[0", "a b", 'a["b]'])
def test_what_is_no_path(text: str) -> None:
    assert parsed(text) is None
