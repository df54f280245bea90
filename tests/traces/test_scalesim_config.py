"""SCALE-Sim configurations as machines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.errors import InputError
from arch.memory import Memory, OperandBandwidth
from traces.scalesim import machine_from_cfg

GOOD = """\
[general]
run_name = example

[architecture_presets]
ArrayHeight:    12
ArrayWidth:     14
IfmapSramSzkB:   64
FilterSramSzkB:  32
OfmapSramSzkB:   16
IfmapOffset:    0
FilterOffset:   10000000
OfmapOffset:    20000000
Bandwidth : 7
Dataflow : ws
MemoryBanks:   1
ReadRequestBuffer: 32
WriteRequestBuffer: 32

[layout]
IfmapCustomLayout: False
IfmapSRAMBankBandwidth: 10
IfmapSRAMBankNum: 10
IfmapSRAMBankPort: 2
FilterCustomLayout: False
FilterSRAMBankBandwidth: 4
FilterSRAMBankNum: 10
FilterSRAMBankPort: 2

[sparsity]
SparsitySupport : false
SparseRep : ellpack_block
OptimizedMapping : false
BlockSize : 8
RandomNumberGeneratorSeed : 40

[run_presets]
InterfaceBandwidth: CALC
UseRamulatorTrace: False
"""
USER = GOOD.replace("CALC", "USER")


def read(tmp_path, text):
    path = tmp_path / "example.cfg"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return machine_from_cfg(path)


def without(text, section):
    """The text without a section."""
    begin = text.index(f"[{section}]")
    end = text.find("\n[", begin)
    return text[:begin] + (text[end + 1 :] if end >= 0 else "")


def test_calc_has_no_memory(tmp_path):
    machine = read(tmp_path, GOOD)
    assert machine.name == "example"
    assert (machine.array.rows, machine.array.cols, machine.array.dataflow) == (12, 14, "ws")
    assert machine.array.convention == "scalesim"
    assert (machine.array.operand_format, machine.array.output_format) == ("int8", "int8")
    assert machine.memory is None
    capacities = {name: pad.capacity_kib for name, pad in machine.buffer.scratchpads.items()}
    assert capacities == {"ifmap": 64, "filter": 32, "ofmap": 16}
    assert all(pad.double_buffered for pad in machine.buffer.scratchpads.values())
    assert machine.clocks == {"core": 1_000_000}
    assert "clocks.core" in machine.assumed


def test_user_gives_each_operand_the_key_that_reaches_it(tmp_path):
    machine = read(tmp_path, USER)
    assert machine.memory == Memory(
        clock="core",
        latency_cycles=0,
        operand_bytes_per_cycle=OperandBandwidth(ifmap=10, filter=4, ofmap=7),
    )
    assert machine.sources == {
        "memory.operand_bytes_per_cycle.ifmap": "[layout] IfmapSRAMBankBandwidth",
        "memory.operand_bytes_per_cycle.filter": "[layout] FilterSRAMBankBandwidth",
        "memory.operand_bytes_per_cycle.ofmap": "[architecture_presets] Bandwidth",
    }


def test_without_layout_the_bandwidth_is_that_of_all(tmp_path):
    machine = read(tmp_path, without(USER, "layout"))
    assert machine.memory.operand_bytes_per_cycle == OperandBandwidth(ifmap=7, filter=7, ofmap=7)


def test_older_files_without_optional_sections(tmp_path):
    text = without(without(GOOD, "layout"), "sparsity").replace("UseRamulatorTrace: False\n", "")
    assert read(tmp_path, text) == read(tmp_path, GOOD)


def test_ports_never_conflict_and_requests_waste_no_cycle(tmp_path):
    machine = read(tmp_path, USER)
    for pad in machine.buffer.scratchpads.values():
        # All words of an array edge, in and out, and those of an interface, in one cycle.
        assert pad.accesses_per_cycle * pad.bank_width_bytes >= 2 * (12 + 14) + 10
    for bandwidth in (10, 4, 7):
        assert machine.buffer.dma.request_bytes % bandwidth == 0


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 5000))
def test_any_bandwidth_keeps_requests_small(tmp_path_factory, ifmap, weights, ofmap):
    text = USER.replace("Bandwidth : 7", f"Bandwidth : {ofmap}")
    text = text.replace("IfmapSRAMBankBandwidth: 10", f"IfmapSRAMBankBandwidth: {ifmap}")
    text = text.replace("FilterSRAMBankBandwidth: 4", f"FilterSRAMBankBandwidth: {weights}")
    machine = read(tmp_path_factory.mktemp("cfg"), text)
    assert 16 * max(ifmap, weights, ofmap) <= machine.buffer.dma.request_bytes <= 2**20


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("ArrayHeight:    12\n", "", r"\[architecture_presets\] ArrayHeight is missing"),
        ("InterfaceBandwidth: CALC\n", "", r"\[run_presets\] InterfaceBandwidth is missing"),
        ("ArrayHeight:    12", "ArrayHeight: x", r"line 5: .*arrayheight: must be .* not 'x'"),
        ("ArrayHeight:    12", "ArrayHeight: 1.5", r"line 5: .*not '1\.5'"),
        ("ArrayHeight:    12", "ArrayHeight: 0", "line 5: .*whole number of at least 1, not '0'"),
        ("ArrayHeight:    12", "ArrayHeight: -3", "line 5: .*at least 1, not '-3'"),
        ("ArrayHeight:    12", "ArrayHeight:", "line 5: .*at least 1, not ''"),
        ("ArrayHeight:    12", "ArrayHeight: 70000", r"example\.cfg: rows: .*65536, not 70000"),
        ("IfmapSramSzkB:   64", "IfmapSramSzkB: 9" + "0" * 15, "ifmap: capacity_kib: .*less than"),
        ("ArrayHeight:", "ArrayHieght:", "arrayhieght: is no key .*did you mean arrayheight"),
        ("[layout]", "[layuot]", r"line 19: \[layuot\]: is no section of SCALE-Sim"),
        ("Dataflow : ws", "Dataflow : rs", "dataflow: must be os or ws or is, not 'rs'"),
        ("Bandwidth: CALC", "Bandwidth: BOTH", "interfacebandwidth: must be CALC or USER"),
        ("IfmapCustomLayout: False", "IfmapCustomLayout: True", "line 20: .*layouts .*set it to"),
        ("SparsitySupport : false", "SparsitySupport : true", "sparsity cannot be simulated"),
        ("Trace: False", "Trace: True", "Ramulator traces cannot be simulated"),
        ("[general]", "general", "line 1: not a .cfg"),
        ("[layout]", "[general]", "line 19: not a .cfg"),
        ("MemoryBanks:   1", "a line without a value", "line 15: not a .cfg"),
        ("MemoryBanks:   1", "ArrayWidth: 3", "line 15: not a .cfg"),
    ],
)
def test_what_cannot_be_read(tmp_path, old, new, reason):
    assert old in GOOD
    with pytest.raises(InputError, match=f"example.cfg: .*{reason}|{reason}") as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert "example.cfg" in str(caught.value)


def test_without_a_name_it_is_that_of_the_file(tmp_path):
    for text in (GOOD.replace("run_name = example\n", ""), GOOD.replace("= example", "=")):
        assert read(tmp_path, text).name == "example"


def test_several_bandwidths(tmp_path):
    with pytest.raises(InputError, match=r"line 13: .*SCALE-Sim uses the first; write 7 alone"):
        read(tmp_path, USER.replace("Bandwidth : 7", "Bandwidth : 7,8"))
    machine = read(tmp_path, USER.replace("Bandwidth : 7", "Bandwidth : 7, 7"))
    assert machine.memory.operand_bytes_per_cycle.ofmap == 7


def test_user_without_its_keys(tmp_path):
    with pytest.raises(InputError, match="IfmapSRAMBankBandwidth is missing"):
        read(tmp_path, USER.replace("IfmapSRAMBankBandwidth: 10\n", ""))
    with pytest.raises(InputError, match=r"\[architecture_presets\] Bandwidth is missing"):
        read(tmp_path, USER.replace("Bandwidth : 7\n", ""))


@pytest.mark.parametrize("data", [b"", b"\0\1\2", b"\xff\xfe", b"words"])
def test_not_a_configuration(tmp_path, data):
    with pytest.raises(InputError, match=r"example\.cfg: "):
        read(tmp_path, data)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        machine_from_cfg(tmp_path / "nope.cfg")


@given(st.data())
def test_damaged_text_loads_or_is_refused(tmp_path_factory, data):
    begin = data.draw(st.integers(0, len(USER)))
    end = data.draw(st.integers(begin, min(len(USER), begin + 30)))
    text = USER[:begin] + data.draw(st.text(max_size=5)) + USER[end:]
    said = "example.cfg"
    try:
        read(tmp_path_factory.mktemp("cfg"), text.encode("utf-8", "replace"))
    except InputError as error:
        said = str(error)
    assert "example.cfg" in said
