"""``lockstep run MESH --program`` and ``--workload``: programs of PEs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from calling import call

EXAMPLE = Path(__file__).parents[2] / "examples" / "mesh_reduce.yaml"


def test_a_program_runs(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = call("run", "wse2", "--program", EXAMPLE, "--out", out)
    assert done.exit_code == 0, done.output
    # Of a chain: the wavelets, and ramps and a hop for each PE (Luczynski et al., HPDC 2024).
    cycles = 16 + (2 * 2 + 2) * 3
    assert f"cycles                     {cycles}  " in done.output
    assert "48 taken, 0 left" in done.output
    assert max(map(len, done.output.splitlines()[1:])) <= 80
    found = json.loads((out / "result.json").read_text())
    assert found["cycles"] == cycles
    assert found["link_wavelets"] == {"E": 0, "W": 48, "S": 0, "N": 0, "R": 48}
    assert sum(found["pe_cycles"].values()) == 4 * cycles
    assert found["workload"] == str(EXAMPLE)
    assert found["notes"] == []
    assert found["marks"] == {"0": {"first": cycles, "last": cycles, "count": 1}}
    rows = pq.read_table(out / "pes.parquet").to_pydict()
    assert rows["fabric"] == [16, 16, 16, 16]
    assert rows["wavelets_W"] == [0, 16, 16, 16]
    with np.load(out / "memory.npz") as memory:
        assert memory["sums"][0, :, 0].tolist() == [4.0, 1.0, 1.0, 1.0]


def test_equal_bytes(tmp_path: Path) -> None:
    for out in ("a", "b"):
        assert call("run", "wse2", "--program", EXAMPLE, "--out", tmp_path / out).exit_code == 0
    for name in ("result.json", "pes.parquet", "memory.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--packets", "p.csv"), "wse2: has wavelet routers, which carry no packets"),
        (("--program", "no.yaml"), "no.yaml: cannot be read"),
        (("--program", EXAMPLE, "--set", "width=2"), "is for 4 x 1 PEs"),
        (("--program", EXAMPLE, "--set", "pe.memory_bytes=32"), "32"),
        (("--program", EXAMPLE, "--set", "router.colours=1"), "colour"),
        (("--program", EXAMPLE, "--timeline", "t"), "--timeline: shows chosen PEs; name them"),
        (("--program", EXAMPLE, "--pe", "3"), "--pe 3: must be x,y of a PE"),
        (("--program", EXAMPLE, "--pe", "4,0"), "--pe 4,0: the program has 4 x 1 PEs"),
        (("--program", EXAMPLE, "--commands", "c.csv"), "--commands: is not for meshes"),
        (("--program", EXAMPLE, "--pe", "0,0"), "--pe: is a PE that --timeline shows"),
        (
            ("--program", EXAMPLE, "--timeline", "/dev/null", "--pe", "0,0"),
            "/dev/null: cannot be written: it is a device",
        ),
        (("--workload", "mesh_gemv:k=32,n=32,grid=4,groups=9"), "groups 9; must be 0 to 4"),
        (("--workload", "no_such"), "mesh workload 'no_such'; known are"),
        (("--workload", "mesh_gemm:m=9999,k=9999,n=9999,grid=9"), "bytes"),
    ],
)
def test_refused(arguments: tuple[str, ...], message: str) -> None:
    done = call("run", "wse2", *arguments)
    assert done.exit_code == 2, done.output
    assert message in done.output + done.stderr


def test_a_deadlock_is_told(tmp_path: Path) -> None:
    text = EXAMPLE.read_text().replace(
        "op: send, colour_out: 1, length: 16", "op: send, colour_out: 1, length: 12"
    )
    path = tmp_path / "short.yaml"
    path.write_text(text)
    done = call("run", "wse2", "--program", path)
    assert done.exit_code == 1
    told = done.output + done.stderr
    assert "deadlock" in told
    assert "(2, 0)" in told
    assert "RELAY" in told


def test_show_and_diff(tmp_path: Path) -> None:
    assert "P 745,500 cores" in call("show", "wse2").output
    assert "wse2 " in call("meshes").output
    slower = tmp_path / "slower.yaml"
    text = call("show", "wse2", "--yaml").output
    slower.write_text(text.replace("ramp_cycles: 2", "ramp_cycles: 7"))
    told = call("diff", "wse2", slower).output
    assert "ramp_cycles" in told
    assert "timings.neighbour" in told


def test_a_workload_runs() -> None:
    done = call("run", "wse2", "--workload", "mesh_gemv:k=30,n=20,grid=4", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["wavelets"]["left"] == 0
    assert found["program"]["width"] == 4
    assert found["workload"] == "mesh_gemv:k=30,n=20,grid=4"
    assert found["notes"] == ["padded with zeros to 32x20"]


def test_results_of_one_name_tell_what_was_run() -> None:
    def found(options: str) -> dict[str, Any]:
        spec = f"mesh_gemm:m=8,k=8,n=8,grid=2{options}"
        return json.loads(call("run", "wse2", "--workload", spec, "--json").stdout)

    whole, step = found(""), found(",step=0")
    assert whole["program"]["name"] == step["program"]["name"]
    assert whole["workload"] != step["workload"]


def test_a_table_has_80_columns() -> None:
    done = call("run", "wse2", "--workload", "decode_layer:dim=32,ffn=64,context=8,grid=4", "-q")
    assert done.exit_code == 0, done.output
    done = call("run", "wse2", "--workload", "decode_layer:dim=32,ffn=64,context=8,grid=4")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("decode_layer:dim=32,ffn=64")
    assert max(map(len, lines)) <= 80


def test_figures_and_a_timeline(tmp_path: Path) -> None:
    for at in ("a", "b"):
        done = call(
            "run", "wse2", "--program", EXAMPLE, "--figures", tmp_path / at, "--timeline",
            tmp_path / f"{at}.pftrace", "--pe", "1,0", "--pe", "0,0",
        )  # fmt: skip
        assert done.exit_code == 0, done.output
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names == {
        f"{name}.{end}" for name in ("links", "links_over_time") for end in ("png", "svg")
    }
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a.pftrace").read_bytes() == (tmp_path / "b.pftrace").read_bytes()
    from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace

    trace = Trace()
    trace.ParseFromString((tmp_path / "a.pftrace").read_bytes())
    tracks = [p.track_descriptor.name for p in trace.packet if p.HasField("track_descriptor")]
    assert tracks == ["PE (0, 0)", "main", "PE (1, 0)", "main"]
    begun = [p for p in trace.packet if p.track_event.name]
    # In ns of 1.1 GHz: the relay from the first cycle on, the root's sum too.
    assert [(p.timestamp, p.track_event.name) for p in begun] == [
        (0, "RELAY main"), (0, "RADD main"),
    ]  # fmt: skip
