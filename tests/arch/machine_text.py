"""A machine that gives every field, as block YAML, and the line of a path in such a text."""

import copy
from typing import Any

import yaml

Path = tuple[str | int, ...]


def everything() -> dict[str, Any]:
    """Every field of a machine but ``memory.operand_bytes_per_cycle``."""
    return copy.deepcopy(FULL)


def separate() -> dict[str, Any]:
    """Every field of a machine but ``memory.bytes_per_cycle``."""
    data = everything()
    data["memory"].pop("bytes_per_cycle")
    data["memory"]["operand_bytes_per_cycle"] = {"ifmap": 8, "filter": 16, "ofmap": 4}
    return data


def held() -> dict[str, Any]:
    """Every field of an array whose PEs hold an operand."""
    data = everything()
    data["array"]["dataflow"] = "ws"
    return data


def dram() -> dict[str, Any]:
    """Every field of a machine with DRAM."""
    data = everything()
    data["memory"] = copy.deepcopy(DRAM)
    return data


def joint() -> dict[str, Any]:
    """Every field of a machine whose memory computes too."""
    data = everything()
    data["memory"] = copy.deepcopy(JOINT)
    return data


def engines() -> dict[str, Any]:
    """Every field of an array of SIMD engines; others have the formats of that array."""
    data = everything()
    for name in ("operand_format", "accumulator_format", "output_format"):
        del data["array"][name]
    data["array"]["accumulator_overflow"] = "wrap"
    data["array"]["engine"] = copy.deepcopy(ENGINE)
    data["mapping"]["formats"] = [
        {"input": "int2", "weight": "int2", "output": "int8", "layers": "conv*"}
    ]
    return data


ENGINE: dict[str, Any] = {
    "word_bits": 64,
    "modes": [{"input_format": "int2", "weight_format": "int2", "lanes": 1}],
    "accumulation": "chained",
    "carry_bits": 4,
    "chain_format": "int16",
    "result_formats": ["int8"],
}

DRAM: dict[str, Any] = {
    "standard": "ddr4",
    "organisation": "DDR4_8Gb_x8",
    "speed": "DDR4_2400R",
    "channels": 4,
    "levels": {"rank": 2},
    "timings": {"nRCD": 17},
    "mapping": "rorabacobgch",
    "bank_hash": "fold",
    "controller": {
        "scheduler": "fcfs",
        "bank_entries": 4,
        "cap_cycles": 500,
        "row_policy": "timeout",
        "timeout_cycles": 50,
        "refresh": "none",
        "postponed_refreshes": 3,
        "hazards": "unordered",
        "read_entries": 16,
        "write_entries": 8,
        "drain_high": 0.7,
        "drain_low": 0.1,
    },
    "latency_cycles": 20,
    "order": "in_order",
    "port_clock": "core",
}

JOINT: dict[str, Any] = {
    "interface": "joint",
    "commands": "neupims",
    "variant": "dual",
    "organisation": "HBM_1GB",
    "speed": "HBM_1000MHz",
    "channels": 4,
    "timings": {"nRCDRD": 15},
    "mapping": "rorabgbachco",
    "row_buffers": "dual",
    "composite": True,
    "controller": {
        "dispatch_width": 2,
        "pim_transactions": 16,
        "pim_transactions_in": "reads",
        "pim_commands": 64,
        "read_entries": 16,
        "write_entries": 8,
        "bank_entries": 4,
        "mode": "concurrent",
        "priority": "memory_first",
        "fairness_cycles": 500,
        "slack_checked": False,
        "refresh": "none",
        "tile_ends_first": False,
        "group_ready": "one_bank",
        "row_reserved": "next_tile",
        "deadline": "lenient",
        "open_tile": "waits",
    },
    "energy": {
        **{f"{name}_pj": {"RD": 500.5} for name in ("activate", "column", "bus", "io", "refresh")},
        **{f"pim_{name}_pj": {"RD": 3} for name in ("activate", "column", "bus", "io", "mac")},
        "closed_rank_mw": 40,
        "open_rank_mw": 50.5,
    },
    "bank_hash": "fold",
    "latency_cycles": 20,
    "port_clock": "core",
}

FULL: dict[str, Any] = {
    "name": "full",
    "family": "systolic",
    "source": "a test",
    "sources": {"array.rows": "page 3"},
    "assumed": ["mapping", "vector"],
    "clocks": {"core": 700_000, "ddr": 2_125_000},
    "synchroniser_cycles": 3,
    "cores": 2,
    "array": {
        "clock": "core",
        "rows": 64,
        "cols": 32,
        "copies": 1,
        "dataflow": "os",
        "pe_latency_cycles": 2,
        "weight_load": "serial",
        "empty_load_cycles": None,
        "drain": "serial",
        "edge_folds": "full",
        "accumulator_rows": 1024,
        "operand_format": "int16",
        "accumulator_format": "int64",
        "accumulator_overflow": "saturate",
        "output_format": "int16",
        "engine": None,
        "convention": "physical",
    },
    "buffer": {
        "clock": "core",
        "scratchpads": {
            "weights": {
                "operands": ["filter"],
                "capacity_kib": 64,
                "banks": 2,
                "bank_width_bytes": 64,
                "ports": 2,
                "double_buffered": False,
            },
            "rest": {
                "operands": ["ofmap", "ifmap"],
                "capacity_kib": 128,
                "banks": 4,
                "bank_width_bytes": 128,
                "ports": 1,
                "double_buffered": True,
            },
        },
        "dma": {"request_bytes": 512, "outstanding": 32, "load_to_use_cycles": 5},
    },
    "vector": {
        "clock": "ddr",
        "lanes": 16,
        "operations": {"exp": {"interval_cycles": 2, "latency_cycles": 9}},
    },
    "memory": {"clock": "ddr", "latency_cycles": 50, "bytes_per_cycle": 16},
    "link": {
        "clock": "core",
        "devices": 4,
        "topology": "fully_connected",
        "bytes_per_cycle": 50,
        "latency_cycles": 300,
    },
    "mapping": {
        "loop_order": "kmn",
        "tile_m": 256,
        "tile_n": 128,
        "tile_k": 512,
        "tile_sizes": "exact",
        "group_packing": "packed",
        "fuse": False,
        "partition": "n",
        "vector_tiles": "shared",
        "formats": [],
    },
    "technology": "45nm",
}


def block(data: Any) -> str:
    """Block YAML, one key or list item a line."""
    return yaml.safe_dump(data, sort_keys=False, default_flow_style=False, indent=2)


def put(data: Any, path: Path, value: Any) -> None:
    """Set what is at a path."""
    for part in path[:-1]:
        data = data[part]
    data[path[-1]] = value


def take(data: Any, path: Path) -> None:
    """Remove what is at a path."""
    for part in path[:-1]:
        data = data[part]
    del data[path[-1]]


def get(data: Any, path: Path) -> Any:
    """What is at a path."""
    for part in path:
        data = data[part]
    return data


def line_of(text: str, path: Path) -> int:
    """Line (from 1) of a path in block YAML, by indentation alone."""
    lines = text.splitlines()
    at, indent = 0, 0
    for part, before in zip(path, (None, *path), strict=False):
        seen = 0
        if isinstance(before, int):
            # The first key of a list's item stands behind its dash.
            lines[at] = lines[at].replace("- ", "  ", 1)
        while True:
            line = lines[at]
            depth = len(line) - len(line.lstrip())
            if depth == indent and isinstance(part, str) and line.strip().startswith(f"{part}:"):
                break
            if depth == indent and isinstance(part, int) and line.strip().startswith("- "):
                if seen == part:
                    break
                seen += 1
            at += 1
        if isinstance(part, int):
            indent += 2
        elif part != path[-1]:
            following = lines[at + 1]
            at += 1
            indent = len(following) - len(following.lstrip())
    return at + 1
