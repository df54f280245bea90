"""Mutated traces: each is read or refused with an InputError that tells where, within a second.

What a plain parser of text says of requests and wrong lines must be the same.

    python -m tests.traces.fuzz_requests --files 100000 --seed 1 --output found.json

The file of an index and seed is always the same; ``--first`` begins at another index. Without
arguments ten million files are read, and the record is docs/validation/fuzz_requests.json, which is
part of docs/VALIDATION.md.
"""

import argparse
import faulthandler
import hashlib
import json
import random
import re
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from request_examples import COMPRESSIONS, WRITERS, listed, rows
from request_oracle import read as plainly

from arch import __version__
from arch.errors import InputError
from rtl.lockstep.record import write_json
from traces.requests import DIALECTS
from traces.requests.open import requests_in

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path("docs/validation/fuzz_requests.json")
NAME = "mutated.trace"
SECONDS_MAX = 1.0
BATCH_FILES = 5000
BATCH_SECONDS_MAX = 600
FAILURES_KEPT = 20
EXAMPLES = ("request_examples.py", "request_oracle.py")
PLACE = re.compile(r"line \d+|row \d+|byte \d+")
WHOLE = re.compile(r"is empty|has no requests|has no rows|columns are|column \w+ is of type|PAR1")
"""What is wrong with a file as a whole has no place in it."""
ERRORS = {
    "empty": re.compile(r"is empty|has no requests|has no rows"),
    "compression damaged or cut": re.compile(r"(gzip|zstd) data are damaged or cut"),
    "Parquet damaged or cut": re.compile(r"Parquet is damaged|PAR1"),
    "Parquet columns": re.compile(r"columns are |column \w+ is of type |row \d+: "),
    "not text": re.compile(r"this is not text"),
    "last line cut": re.compile(r"line \d+: has no end"),
    "unknown dialect": re.compile(r"is no request of a known dialect"),
    "mixed dialects": re.compile(r"is a request of the dialect"),
    "number of fields": re.compile(r"line \d+: (has|vector has) "),
    "operation": re.compile(r"line \d+: operation is "),
    "cycles decrease": re.compile(r" of the request before"),
    "number": re.compile(r"line \d+: (address|cycle|level) is "),
}
"""Kinds of errors, by what messages say; the first that is found counts."""
MAGICS = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1")
"""What begins so is not taken for text."""
PARQUET_SHARE = 0.04
"""Opening Parquet takes some ten times as long as a short text."""
INTERESTING = (
    b"\0", b"\n", b"\r", b"\r\n", b" ", b"\t", b"#", b"-", b"+", b",", b".", b"0x", b"x", b"_",
    b"LD ", b"ST 1\n", b"R 1,2\n", b"READ", b"0x1 READ 1\n", b"9" * 19, b"9" * 20, b"f" * 17,
    b"\xff", b"\xef\xbb\xbf", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"18446744073709551616",
)  # fmt: skip


@cache
def originals() -> tuple[list[tuple[str, bytes]], list[tuple[str, bytes]]]:
    """Valid traces with their kind: of text, and of Parquet."""
    text: list[tuple[str, bytes]] = []
    parquet: list[tuple[str, bytes]] = []
    for dialect, write in WRITERS.items():
        for compression, compress in COMPRESSIONS.items():
            for seed, count in enumerate((1, 3, 12, 40)):
                data = write(rows(count, seed))
                if seed == 2 and dialect != "parquet":
                    data = b"# requests\n\n" + data.replace(b"\n", b"\r\n").replace(b" ", b"\t ")
                kind = f"{dialect} {compression}"
                (parquet if dialect == "parquet" else text).append((kind, compress(data)))
    return text, parquet


def mutated(generator: random.Random) -> tuple[str, bytes, bytes | None]:
    """A valid trace with one to four changes, some of them before it was compressed.

    Kind, content, and the text in it where that is known.
    """
    kinds = originals()[generator.random() < PARQUET_SHARE]
    kind, data = generator.choice(kinds)
    dialect, compression = kind.split()
    inside = compression != "plain" and generator.random() < 0.4
    if inside:
        data = WRITERS[dialect](rows(generator.randrange(1, 20), generator.randrange(50)))
    for _ in range(generator.choice((1, 1, 2, 4))):
        data = _change(generator, data)
    text = data if inside or compression == "plain" else None
    if dialect == "parquet" or (text or b"").startswith(MAGICS):
        text = None
    if inside:
        return f"{kind} inside", COMPRESSIONS[compression](data), text
    return kind, data, text


def _change(generator: random.Random, data: bytes) -> bytes:
    if not data:
        return data
    at = generator.randrange(len(data))
    end = min(len(data), at + generator.choice((1, 1, 2, 8, 64)))
    what = generator.randrange(11)
    if what <= 1:
        return data[:at] + bytes((data[at] ^ 1 << generator.randrange(8),)) + data[at + 1 :]
    if what == 2:
        return data[:at] + data[end:]
    if what == 3:
        return data[:at] + generator.randbytes(end - at) + data[at:]
    if what == 4:
        return data[:end] + data[at:]
    if what == 5:
        return data[:at]
    if what == 6:
        digit = generator.choice(b"0123456789abcdefABCDEF")
        return data[:at] + bytes((digit,)) + data[at + 1 :]
    if what == 7:
        lines = data.splitlines(keepends=True)
        lines.insert(generator.randrange(len(lines) + 1), generator.choice(lines))
        return b"".join(lines)
    if what == 8:
        lines = data.splitlines(keepends=True)
        del lines[generator.randrange(len(lines))]
        return b"".join(lines)
    piece = generator.choice(INTERESTING)
    return data[:at] + piece + data[at + len(piece) * (what - 9) :]


def error_kind(message: str) -> str:
    """Key of ERRORS, or ``other``."""
    return next((kind for kind, said in ERRORS.items() if said.search(message)), "other")


def outcome(generator: random.Random, data: bytes, text: bytes | None) -> tuple[str, str]:
    """Read a file: "read", "refused", "failed" or "crashed", and why.

    Why it was refused is a kind of error, of ERRORS.
    """
    dialect = generator.choice(list(DIALECTS)) if generator.random() < 0.05 else None
    wanted = None if text is None or dialect else plainly(text)
    found: list[Any] = []
    sizes = {
        "chunk_requests": generator.choice((1, 7, 65536)),
        "block_bytes": generator.choice((64, 300, 1 << 18)),
        "by_line_below": generator.choice((0, 1 << 18, 1 << 18, 1 << 18)),
    }
    try:
        with requests_in(data, NAME, dialect, **sizes) as stream:
            cycle = count = 0
            for chunk in stream:
                cycles = chunk["cycle"]
                if int(cycles[0]) < cycle or len(chunk) > sizes["chunk_requests"]:
                    return "failed", "a chunk is too long or its cycle decreases"
                cycle = int(cycles[-1])
                count += len(chunk)
                if wanted:
                    found += listed(chunk, stream.levels)
    except InputError as error:
        message = str(error)
        told = message.startswith(f"{NAME}: ") and (PLACE.search(message) or WHOLE.search(message))
        if not told:
            return "failed", f"no place in: {message}"
        if wanted and wanted[2] >= 0 and f": line {wanted[2]}: " not in message:
            return "failed", f"the wrong line is {wanted[2]} (0: none), not: {message}"
        return "refused", error_kind(message)
    except Exception as error:
        return "crashed", f"{type(error).__name__}: {error}"
    if wanted and (wanted[2] or wanted[1] != found):
        return "failed", f"read, not as a plain parser does (wrong line {wanted[2]})"
    return ("read", "") if count else ("failed", "no requests and no error")


Batch = tuple[Counter[str], Counter[str], list[dict[str, Any]], float]
"""Counts of outcomes and of errors by kind, failures, and the longest time in seconds."""


def batch(seed: int, first: int, files: int) -> Batch:
    """Fuzz with files ``first`` to ``first + files - 1`` of a seed."""
    faulthandler.dump_traceback_later(BATCH_SECONDS_MAX, exit=True)
    counts: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    longest = 0.0
    for index in range(first, first + files):
        generator = random.Random(seed << 40 | index)
        kind, data, text = mutated(generator)
        began = time.perf_counter()
        what, why = outcome(generator, data, text)
        seconds = time.perf_counter() - began
        if seconds > SECONDS_MAX:
            # Once more: another process may have had the machine.
            generator = random.Random(seed << 40 | index)
            mutated(generator)
            began = time.perf_counter()
            outcome(generator, data, text)
            seconds = min(seconds, time.perf_counter() - began)
            if seconds > SECONDS_MAX:
                what, why = "failed", f"took {seconds:.1f} s"
        longest = max(longest, seconds)
        counts[f"{kind}: {what}"] += 1
        if what == "refused":
            errors[why] += 1
        if what in ("failed", "crashed"):
            failures.append({"index": index, "kind": kind, "why": why, "hex": data[:4096].hex()})
    faulthandler.cancel_dump_traceback_later()
    return counts, errors, failures, longest


def sources() -> str:
    """Hash of the readers that are fuzzed, and of what makes and judges the files."""
    digest = hashlib.sha256()
    readers = sorted((ROOT / "traces" / "requests").glob("*.py"))
    tests = [ROOT / "tests" / "traces" / name for name in ("fuzz_requests.py", *EXAMPLES)]
    for path in [*readers, *tests]:
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def campaign(files: int, seed: int, first: int = 0, jobs: int = 1) -> dict[str, Any]:
    """Fuzz with files ``first`` to ``first + files - 1`` of a seed; what came of it."""
    began = time.perf_counter()
    counts: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    longest = 0.0
    parts = [
        (seed, at, min(BATCH_FILES, first + files - at))
        for at in range(first, first + files, BATCH_FILES)
    ]
    for part, result in _results(parts, jobs):
        if result is None:
            failures.append({"index": part[1], "kind": "batch", "why": "the process died"})
            counts["batch: crashed"] += 1
            continue
        counts += result[0]
        errors += result[1]
        failures += result[2]
        longest = max(longest, result[3])
    seconds = time.perf_counter() - began
    totals = {
        what: sum(n for key, n in counts.items() if key.endswith(f": {what}"))
        for what in ("read", "refused", "failed", "crashed")
    }
    return {
        "seed": seed,
        "first": first,
        "files": files,
        **totals,
        "failures": failures[:FAILURES_KEPT],
        "failure_count": len(failures),
        "longest_seconds": round(longest, 4),
        "seconds": round(seconds, 1),
        "files_per_second": round(files / seconds),
        "errors": dict(sorted(errors.items())),
        "by_kind": dict(sorted(counts.items())),
    }


def _results(parts: list[tuple[int, int, int]], jobs: int) -> Any:
    if jobs == 1:
        for part in parts:
            yield part, batch(*part)
        return
    for begin in range(0, len(parts), 16 * jobs):
        # A pool that lost a process is lost: a new one for each group.
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            group = parts[begin : begin + 16 * jobs]
            for part, future in [(part, pool.submit(batch, *part)) for part in group]:
                try:
                    yield part, future.result()
                except BrokenProcessPool:
                    yield part, None


def main() -> int:
    """Fuzz and write the record; 1 if a file failed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.traces.fuzz_requests", description=__doc__
    )
    parser.add_argument("--files", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=20_26)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--output", type=Path, default=RECORD)
    given = parser.parse_args()
    record = {"lockstep": __version__, "sources": sources()}
    record |= campaign(given.files, given.seed, given.first, given.jobs)
    write_json(given.output, record)
    hidden = ("by_kind", "errors", "failures")
    shown = {key: value for key, value in record.items() if key not in hidden}
    sys.stdout.write(json.dumps(shown) + "\n")
    return 1 if record["failure_count"] else 0


if __name__ == "__main__":
    sys.exit(main())
