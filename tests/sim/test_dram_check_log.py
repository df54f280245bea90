"""Reading command logs: formats, names, and what is wrong with a file."""

import gzip
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from test_dram_check_oracle import GOLDEN, Cmd, as_log

from arch.errors import InputError
from sim.dram_check import log as log_module
from sim.dram_check.check import check_log, inspect_log
from sim.dram_check.log import read_log
from sim.dram_check.tables import resolve

HEADER = "cycle,cmd,channel,rank,bg,bank,row,col\n"
TEXT = HEADER + "1,ACT,0,1,2,3,7,\n20,RD,0,1,2,3,7,5\n40,PRE,0,1,2,3,,\n60,PREab,0,1,,,,\n"
MEANT = [
    Cmd(1, "ACT", 2, 3, 7, rank=1),
    Cmd(20, "RD", 2, 3, 7, rank=1),
    Cmd(40, "PRE", 2, 3, rank=1),
    Cmd(60, "PREab", -1, -1, rank=1),
]


def read(path: Path, standard: str = "DDR4") -> np.ndarray:
    return np.concatenate(list(read_log(path, resolve(standard))))


def write(path: Path, text: str) -> Path:
    data = text.encode()
    if path.suffix == ".gz":
        data = gzip.compress(data)
    elif path.suffix == ".zst":
        data = pa.compress(data, codec="zstd", asbytes=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zst", "a.txt"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_text_plain_and_packed(name: str, end: str, mark: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, mark + TEXT.replace("\n", end))
    assert (read(path) == as_log(MEANT)).all()


@pytest.mark.parametrize("kind", ["text", "dictionary"])
def test_parquet(kind: str, tmp_path: Path) -> None:
    names = pa.array([one.name for one in MEANT])
    table = pa.table(
        {
            "cycle": [1, 20, 40, 60],
            "cmd": names.dictionary_encode() if kind == "dictionary" else names,
            "rank": pa.array([1, 1, 1, 1], pa.int8()),
            "bg": [2, 2, 2, None],
            "bank": [3, 3, 3, None],
            "row": [7, 7, None, None],
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert (read(tmp_path / "a.parquet") == as_log(MEANT)).all()


def test_columns_that_are_missing_are_zero(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "cmd,cycle,row,bank,bg\nACT,5,1,2,3\n")
    assert (read(path) == as_log([Cmd(5, "ACT", 3, 2, 1)])).all()


@pytest.mark.parametrize(
    ("names", "ours"),
    [
        ("ACT activate Act", "ACT"),
        ("PRE PREpb precharge", "PRE"),
        ("PREab PREA", "PREab"),
        ("RD READ read", "RD"),
        ("WRA write_p WRITE_PRECHARGE", "WRA"),
        ("REFab REF refresh", "REFab"),
    ],
)
def test_names_of_peers(names: str, ours: str, tmp_path: Path) -> None:
    lines = "".join(f"{i},{name},0,0,0\n" for i, name in enumerate(names.split()))
    path = write(tmp_path / "a.csv", "cycle,cmd,bg,bank,row\n" + lines)
    assert (read(path)["kind"] == as_log([Cmd(0, ours)])["kind"][0]).all()


def test_banks_without_groups(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "cycle,cmd,bank,row\n5,ACT,7,1\n90,PRE,7,\n")
    chunk = read(path, "LPDDR4")
    assert (chunk["group"].tolist(), chunk["bank"].tolist()) == ([1, 1], [3, 3])
    assert check_log(path, "LPDDR4") == []


def test_stacks_and_pseudo_channels(tmp_path: Path) -> None:
    text = "cycle,cmd,pseudo_channel,stack,bg,bank,row\n5,ACT,1,3,1,2,7\n"
    one = read(write(tmp_path / "a.csv", text), "HBM3")[0]
    assert (one["rank"], one["stack"]) == (1, 3)


FAULTS = [
    ("", "is empty"),
    (HEADER, "holds no commands; give a line a command"),
    ("cycle,bank\n1,2\n", "line 1: has no column cmd"),
    ("cmd,bank\nACT,2\n", "line 1: has no column cycle"),
    (
        "cycle,cmd,ranks\n1,ACT,0\n",
        "line 1: 'ranks' is no column of a command log; those are cycle, cmd, command, channel, "
        "rank, pseudo_channel, stack, bg, bank_group, bank, row, col, column, detail",
    ),
    ("cycle,cmd,rank,pseudo_channel\n1,REF,0,0\n", "line 1: gives the column 'rank' twice"),
    (HEADER + "1,ACT,0,0,0,0,1,\n2,ACT\n", "line 3: has 2 values, not 8 as the first line"),
    (HEADER + "\n\nx,ACT,0,0,0,0,1,\n", "line 4: cycle must be a whole number, not 'x'"),
    (HEADER + "1,ACT,0,0,1.5,0,1,\n", "line 2: bg must be a whole number, not '1.5'"),
    (HEADER + ",ACT,0,0,1,0,1,\n", f"line 2: cycle must be 0 to {2**61 - 1}, not nothing"),
    (HEADER + "-3,ACT,0,0,1,0,1,\n", f"line 2: cycle must be 0 to {2**61 - 1}, not -3"),
    (
        HEADER + f"{2**63},ACT,0,0,1,0,1,\n",
        f"line 2: cycle must be a whole number, not '{2**63}'",
    ),
    (HEADER + "1,ACT,0,0,4,0,1,\n", "line 2: group must be 0 to 3, not 4"),
    (HEADER + "1,ACT,0,0,0,0,1,\n\n2,PRE,0,0,0,9,,\n", "line 4: bank must be 0 to 3, not 9"),
    (HEADER + "1,ACT,0,8,0,0,1,\n", "line 2: rank must be 0 to 7, not 8"),
    (HEADER + "1,ACT,1024,0,0,0,1,\n", "line 2: channel must be 0 to 1023, not 1024"),
    (HEADER + "1,ACT,0,0,0,0,-1,\n", "line 2: row must be 0 to 2147483647, not -1"),
    (HEADER + "1,ACT,0,0,,0,1,\n", "line 2: ACT needs a bank group"),
    (HEADER + "1,RD,0,0,1,,1,\n", "line 2: RD needs a bank"),
    (HEADER + "1,ACT,0,0,1,1,,\n", "line 2: ACT needs a row"),
    (
        HEADER + "1,REF,0,0,,,,\n2,NOP,0,0,1,1,,\n",
        "line 3: cmd 'NOP' is no command of DDR4; those are ACT, PRE, PREab, RD, RDA, WR, WRA, "
        "REFab",
    ),
    (
        HEADER + "2,ACT1,0,0,1,1,1,\n",
        "line 2: cmd 'ACT1' is no command of DDR4; those are ACT, PRE, PREab, RD, RDA, WR, WRA, "
        "REFab",
    ),
    (HEADER + "9,REF,0,0,,,,\n8,REF,0,0,,,,\n", "line 3: cycle 8 comes after a later one"),
]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize(("text", "fault"), FAULTS)
def test_what_is_wrong_and_where(text: str, fault: str, name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, text)
    with pytest.raises(InputError) as told:
        check_log(path, "DDR4")
    assert str(told.value).startswith(f"{path}: {fault}")
    assert str(told.value).removesuffix(" of its channel") == f"{path}: {fault}"


def test_faults_in_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pa.table({"cycle": [1, 2], "cmd": ["REF", "NOP"]}), path)
    with pytest.raises(InputError, match=r"row 2: cmd 'NOP' is no command of DDR4"):
        check_log(path, "DDR4")
    pyarrow.parquet.write_table(pa.table({"cycle": [0.5], "cmd": ["REF"]}), path)
    with pytest.raises(InputError, match="column cycle: must be integers, not double"):
        check_log(path, "DDR4")
    pyarrow.parquet.write_table(pa.table({"cycle": [1], "cmd": [3]}), path)
    with pytest.raises(InputError, match="column cmd: must be text, not int64"):
        check_log(path, "DDR4")
    path.write_bytes(b"PAR1 is not all of it")
    with pytest.raises(InputError, match=r"a.parquet: cannot be read: "):
        check_log(path, "DDR4")


def test_files_that_are_not_there_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no.csv: there is no such file$"):
        check_log(tmp_path / "no.csv", "DDR4")
    with pytest.raises(InputError, match=r"is a folder; give a file$"):
        check_log(tmp_path, "DDR4")
    lines = "".join(f"{i},REF,0,0,,,,\n" for i in range(1000, 90000, 77))
    path = write(tmp_path / "a.csv.gz", HEADER + lines)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"a.csv.gz: is damaged or cut off: "):
        check_log(path, "DDR4")
    path = tmp_path / "b.csv"
    path.write_bytes((HEADER + "1,REF,0,0,,,,\n").encode() + b"2,R\xffF,0,0,,,,\n")
    with pytest.raises(InputError, match=r"b.csv: line 3: is not text in UTF-8"):
        check_log(path, "DDR4")


def test_refreshes_in_turn_are_of_at_most_all_pseudo_channels() -> None:
    with pytest.raises(InputError) as told:
        check_log([as_log(MEANT)], "HBM2", refresh_turns=3)
    assert str(told.value) == "refreshes in turn: must be 1 to 2 in HBM2, not 3"
    twice = [as_log([Cmd(1, "REFab"), Cmd(2, "REFab")])]
    assert [one.rule for one in check_log(twice, "HBM2", refresh=False)] == ["tRFC"]
    assert check_log(twice, "HBM2", refresh=False, refresh_turns=2) == []
    parts = [as_log([Cmd(1, "REFab")]), as_log([Cmd(2, "REFab")]), as_log([Cmd(3, "REFab")])]
    (told_of,) = check_log(parts, "HBM2", refresh=False, refresh_turns=2)
    assert told_of.distance == 2


def test_a_log_goes_through_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = GOLDEN / "ramulator2_ddr4_2400R_short_mix64.csv"
    whole = read(path)
    monkeypatch.setattr(log_module, "CHUNK_BYTES", 256)
    chunks = list(read_log(path, resolve("DDR4")))
    assert len(chunks) > 3
    assert (np.concatenate(chunks) == whole).all()
    text = path.read_text() + "2000,RD,0,9,0,0\n"
    with pytest.raises(InputError, match=rf"line {text.count(chr(10))}: bank must be 0 to 3"):
        check_log(write(tmp_path / "a.csv", text), "DDR4")
    seen: list[int] = []
    report = inspect_log(path, "DDR4", progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == report.commands == len(whole)


def refusal(path: Path) -> str | None:
    """What is said of a log that cannot be read; None if it can."""
    try:
        check_log(path, "DDR4")
    except InputError as error:
        return str(error)
    return None


def test_mutated_logs_are_read_or_refused(tmp_path: Path) -> None:
    data = (GOLDEN / "ramulator2_ddr4_2400R_short_mix64.csv").read_bytes()
    rng = random.Random(7)
    refused = 0
    for i in range(400):
        broken = bytearray(data[: rng.randrange(40, len(data))] if i % 3 == 0 else data)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(broken))
            broken[at : at + rng.randint(0, 2)] = bytes(
                rng.choice([10, 13, 44, 45, 48, 57, 65, 0, 34, 255])
                for _ in range(rng.randint(0, 2))
            )
        path = tmp_path / "a.csv"
        path.write_bytes(bytes(broken))
        told = refusal(path)
        refused += told is not None
        assert told is None or told.startswith(f"{path}: ")
    assert 40 < refused < 390
