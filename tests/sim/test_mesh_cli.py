"""``lockstep run MESH --packets``, ``meshes``, ``show`` and ``diff``."""

import json
from pathlib import Path

import pandas as pd
import pytest
from calling import call

GOLDEN = Path(__file__).parents[1] / "golden" / "mesh_booksim_packets.parquet"
TRACE = "created,src,dst\n0,0,63\n0,63,0\n7,5,5\n5,5,6\n"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text(TRACE)
    return path


def test_a_trace_runs(trace: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = call("run", "mesh_W1", "--packets", trace, "--out", out)
    assert done.exit_code == 0, done.output
    assert "packets                     4  4 flits, 33 flit-hops" in done.output
    assert "cycles per second" in done.output
    assert max(map(len, done.output.splitlines()[1:])) <= 80
    lines = (out / "packets.csv").read_text().splitlines()
    assert lines == [
        "created,src,dst,injected,arrived",
        "0,0,63,0,62",
        "0,63,0,0,62",
        "7,5,5,7,13",
        "5,5,6,5,15",
    ]
    found = json.loads((out / "result.json").read_text())
    assert found["cycles"] == 63
    assert found["cycles_by_cause"] == {"moving": 20, "waiting": 40, "idle": 3}
    assert found["packet_latency_cycles"]["max"] == 62
    assert found["packet_latency_cycles"]["mean"] == (62 + 62 + 6 + 10) / 4
    assert found["accepted_flits_per_node_cycle"] == 4 / 64 / 63
    assert sum(sum(map(sum, rows)) for rows in found["link_flits"].values()) == 33


@pytest.mark.compiled
def test_booksims_packets_through_the_command_line(tmp_path: Path) -> None:
    logged = pd.read_parquet(GOLDEN)
    logged = logged[logged["file"] == "V4_8x8_transpose_L4_r0.15"]
    path, out = tmp_path / "t.csv", tmp_path / "out"
    logged[["created", "src", "dst"]].to_csv(path, index=False)
    done = call("run", "mesh_V4", "--packets", path, "--out", out, "--set", "packet_flits=4", "-q")
    assert done.exit_code == 0, done.output
    assert done.output == ""
    found = pd.read_csv(out / "packets.csv")
    for name in ("created", "src", "dst", "injected", "arrived"):
        assert (found[name].to_numpy() == logged[name].to_numpy()).all(), name


def test_equal_bytes(trace: Path, tmp_path: Path) -> None:
    for out in ("a", "b"):
        assert call("run", "mesh_W1", "--packets", trace, "--out", tmp_path / out).exit_code == 0
    for name in ("packets.csv", "result.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("text", [TRACE, "created,src,dst,flits\n0,0,63,4\n0,63,0,1\n3,1,9,7\n"])
def test_a_result_can_be_run_again(text: str, tmp_path: Path) -> None:
    first, again = tmp_path / "a", tmp_path / "b"
    path = tmp_path / "t.csv"
    path.write_text(text)
    for trace, out in ((path, first), (first / "packets.csv", again)):
        done = call("run", "mesh_W1", "--packets", trace, "--out", out)
        assert done.exit_code == 0, done.output
    for name in ("packets.csv", "result.json"):
        assert (first / name).read_bytes() == (again / name).read_bytes()


def test_json_has_all_numbers(trace: Path) -> None:
    found = json.loads(call("run", "mesh_V4", "--packets", trace, "--json").stdout)
    assert found["mesh"]["router"]["vcs"] == 4
    assert found["packets"] == 4
    assert sum(found["cycles_by_cause"].values()) == found["cycles"]


def test_a_table_of_long_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("created,src,dst,flits\n0,1,2,99999\n")
    done = call("run", "mesh_W1", "--packets", path)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    # Two routers: the head's way, and the other flits behind it.
    assert f"{10 + 99_998:,}.00  cycles from creation" in done.stdout
    assert "max 100,008" in done.stdout
    path.write_text("created,src,dst\n0,5,5\n")
    assert "  1 flit, 1 flit-hop\n" in call("run", "mesh_W1", "--packets", path).stdout


def test_a_trace_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("created,src,dst\n")
    done = call("run", "mesh_W1", "--packets", path)
    assert done.exit_code == 0, done.output
    assert "packets                     0" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "mesh_X", "--packets", "{trace}"], "known by name are mesh_V4, mesh_W1"),
        (
            ["run", "mesh_W1", "--packets", "{trace}", "--set", "width=4"],
            "t.csv:2: dst: given '63'",
        ),
        (["run", "mesh_W1", "--packets", "{trace}", "--dialect", "x"], "is not for meshes"),
        (["run", "mesh_W1", "--packets", "{trace}", "-w", "gpt2"], "give one of --workload"),
        (["run", "mesh_W1", "--packets", "{trace}", "--pe", "0,0"], "--pe: is for PEs; mesh_W1"),
        (
            ["diff", "mesh_W1", "wse2"],
            "mesh_W1 is a mesh of packet routers and wse2 is a wavelet mesh; give two of a sort",
        ),
        (["run", "mesh_W1", "--packets", "nowhere.csv"], "nowhere.csv: there is no such file"),
        (
            ["run", "mesh_W1", "--packets", "{trace}", "--out", "{trace}"],
            "t.csv: cannot be written",
        ),
    ],
)
def test_wrong_input(arguments: list[str], message: str, trace: Path) -> None:
    done = call(*(each.format(trace=trace) for each in arguments))
    assert done.exit_code == 2
    assert message in done.output
    assert "Traceback" not in done.output


def test_lists_and_shows() -> None:
    listed = call("meshes").output
    assert "mesh_W1    8 x 8 packets, 1 VC, 8 flits each, 4 cycles a hop" in listed
    assert "mesh_V4    8 x 8 packets, 4 VCs, 8 flits each, 5 cycles a hop" in listed
    shown = call("show", "mesh_V4").output
    assert "router.vc_allocator.kind" in shown
    assert "hop 5" in shown
    assert "BookSim2" in shown
    compared = call("diff", "mesh_W1", "mesh_V4")
    assert compared.exit_code == 0, compared.output
    assert "router.vcs" in compared.output
