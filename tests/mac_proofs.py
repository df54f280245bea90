"""Proofs of the SIMD engine's hardware: ``python -m tests.mac_proofs [RANDOM_PAIRS]``.

Each format of 16 bits or fewer: a code that is decoded and encoded is the same, by SMT. The
multiplier: equal to a plain product by SMT up to 8 bits; above that its rows by SMT, and ten
million random pairs (or as many as are asked for) in Verilator. What was found goes to
docs/validation/mac_proofs.json.
"""

import sys
from pathlib import Path
from time import monotonic
from typing import Any

from rich.progress import track

from arch import __version__
from rtl.formal import ProofError, inputs, prove
from rtl.lockstep.record import write_json
from rtl.mac import Rmmec
from tests.rtl.mac_cases import small_forms
from tests.rtl.mac_multipliers import EIGHT, SIXTEEN, XR_NPE, Modes, differing, random_factors
from tests.rtl.mac_properties import Composes, Identity, Multiplies

RECORD = Path(__file__).parents[1] / "docs" / "validation" / "mac_proofs.json"
PAIRS = 10**7
CHUNK = 10**6
SEED = 2026


def timed(design: Any, ports: Any) -> dict[str, Any]:
    """Whether a proof ends well, and after how long."""
    started = monotonic()
    try:
        prove(design, 1, "bmc", ports)
    except ProofError as error:
        return {"proven": False, "why": str(error)}
    return {"proven": True, "seconds": round(monotonic() - started, 1)}


def multiplier(name: str, proof: Any, bits: int, modes: Modes) -> dict[str, Any]:
    """A proof of a multiplier."""
    unit = Rmmec(bits, modes, (len(modes) - 1).bit_length())
    return {"bits": bits, "modes": modes, "shown": name, **timed(proof(unit), inputs(unit))}


def random_pairs(bits: int, modes: Modes, pairs: int) -> dict[str, Any]:
    """Products in each mode against plain ones."""
    wrong = 0
    for begin in range(0, pairs, CHUNK):
        x, y = random_factors(bits, min(CHUNK, pairs - begin), SEED + begin)
        wrong += differing(bits, modes, x, y)
    return {"bits": bits, "modes": modes, "pairs_each_mode": pairs, "mismatches": wrong}


def main() -> int:
    """Prove all; 1 where something does not hold."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    started = monotonic()
    identities = {}
    for form in track(small_forms(), "formats"):
        unit = Identity(form)
        identities[form.name] = timed(unit, inputs(unit.converter))
    merged = [
        multiplier("equal to a product", Multiplies, 4, ((2, 2), (1, 4))),
        multiplier("equal to a product", Multiplies, 8, EIGHT),
        multiplier("rows", Composes, 14, XR_NPE),
        multiplier("rows", Composes, 16, SIXTEEN),
    ]
    tried = [random_pairs(14, XR_NPE, pairs), random_pairs(16, SIXTEEN, pairs)]
    record = {
        "lockstep": __version__,
        "seed": SEED,
        "seconds": round(monotonic() - started),
        "decode_then_encode": identities,
        "multiplier": merged,
        "multiplier_random": tried,
    }
    write_json(RECORD, record)
    holds = all(each["proven"] for each in (*identities.values(), *merged))
    return 0 if holds and not any(each["mismatches"] for each in tried) else 1


if __name__ == "__main__":
    sys.exit(main())
