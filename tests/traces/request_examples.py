"""Requests in every dialect and compression, written by plain Python."""

import gzip
import io
import random
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet

Row = tuple[int, int, int]
"""Cycle, address, write."""
Request = tuple[int, Any, int]
"""Cycle, address or vector, write."""


def rows(count: int, seed: int, bits: int = 34) -> list[Row]:
    generator = random.Random(seed)
    made, cycle = [], 0
    for _ in range(count):
        cycle += generator.choice((0, 0, 1, 3, 1000))
        made.append((cycle, generator.getrandbits(bits), generator.getrandbits(1)))
    return made


def load_store(given: list[Row], form: str = "0x{:x}") -> bytes:
    return b"".join(
        f"{'ST' if write else 'LD'} {form.format(address)}\n".encode()
        for _, address, write in given
    )


def vector(given: list[Row]) -> bytes:
    return b"".join(
        f"{'W' if write else 'R'} {','.join(map(str, place(address)))}\n".encode()
        for _, address, write in given
    )


def place(address: int) -> list[int]:
    """Some vector of six levels."""
    return [0, 0, address % 4, address // 4 % 4, address // 16 % 65536, address >> 20 & 127]


def dramsim3(given: list[Row]) -> bytes:
    return b"".join(
        f"0x{address:x} {'WRITE' if write else 'READ'} {cycle}\n".encode()
        for cycle, address, write in given
    )


def parquet(given: list[Row], **options: object) -> bytes:
    cycle, address, write = zip(*given, strict=True)
    table = pa.table(
        {
            "cycle": pa.array(cycle, pa.int64()),
            "address": pa.array(address, pa.uint64()),
            "write": pa.array([bool(each) for each in write]),
        }
    )
    stream = io.BytesIO()
    pa.parquet.write_table(table, stream, **options)
    return stream.getvalue()


WRITERS: dict[str, Callable[[list[Row]], bytes]] = {
    "ramulator": load_store,
    "ramulator-vector": vector,
    "dramsim3": dramsim3,
    "parquet": parquet,
}


def listed(chunk: Any, levels: int) -> list[Request]:
    """A chunk as plain numbers; vectors cut to their levels."""
    if levels:
        where = [tuple(each[:levels]) for each in chunk["level"].tolist()]
    else:
        where = chunk["address"].tolist()
    return list(zip(chunk["cycle"].tolist(), where, chunk["write"].tolist(), strict=True))


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "zstd": lambda data: bytes(pa.compress(data, "zstd", asbytes=True)),
}
