"""The multiplier of 2-bit ones: equal to plain products, whole and in lanes."""

import json
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Cat, Value
from mac_cases import small_forms
from mac_multipliers import EIGHT, SIXTEEN, XR_NPE, Modes, differing, random_factors
from mac_properties import Composes, Identity, Multiplies

from rtl.formal import ProofError, inputs, prove
from rtl.mac import Rmmec, rmmec


@pytest.mark.compiled
def test_every_pair_of_eight_bits_in_every_mode() -> None:
    x, y = np.divmod(np.arange(1 << 16), 1 << 8)
    assert differing(8, EIGHT, x, y) == 0


@pytest.mark.parametrize(("bits", "modes"), [(14, XR_NPE), (16, SIXTEEN)])
def test_random_pairs_of_more_bits(bits: int, modes: Modes) -> None:
    assert differing(bits, modes, *random_factors(bits, 20_000, bits)) == 0


def test_four_bits_are_proven() -> None:
    unit = Rmmec(4, ((2, 2), (1, 4)), 1)
    prove(Multiplies(unit), 1, "bmc", inputs(unit))


def test_a_wide_product_is_made_of_proven_rows() -> None:
    unit = Rmmec(14, XR_NPE, 2)
    prove(Composes(unit), 1, "bmc", inputs(unit))


def wrong_carry(x: Value, y: Value) -> Value:
    low, high = x & y[0].replicate(2), x & y[1].replicate(2)
    return Cat(low[0], low[1] ^ high[0], high[1], high[1] & low[1] & high[0])


class Crosstalk(Rmmec):
    """A multiplier off the diagonal stays on in the mode of two lanes."""

    def merges(self, mode: int, i: int, j: int) -> bool:
        return super().merges(mode, i, j) or (mode == 0 and (i, j) == (1, 0))


def test_wrong_multipliers_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for proof in (Multiplies, Composes):
        unit = Crosstalk(4, ((2, 2), (1, 4)), 1)
        with pytest.raises(ProofError):
            prove(proof(unit), 1, "bmc", inputs(unit))
    monkeypatch.setattr(rmmec, "two_bit_product", wrong_carry)
    unit = Rmmec(4, ((1, 4),), 0)
    with pytest.raises(ProofError):
        prove(Multiplies(unit), 1, "bmc", inputs(unit))
    x, y = np.divmod(np.arange(1 << 8), 1 << 4)
    assert differing(4, ((1, 4), (2, 2)), x, y) > 0


IDENTITIES = {form.name: form for form in small_forms()}
SOME = ("int16", "nvint4_element", "fp8_e5m2", "fp8_e4m3_fnuz", "bf16", "e8m0", "posit4_2",
        "posit8_0", "posit16_1")  # fmt: skip


@pytest.mark.parametrize("name", SOME)
def test_decode_then_encode_is_proven_the_identity(name: str) -> None:
    unit = Identity(IDENTITIES[name])
    prove(unit, 1, "bmc", inputs(unit.converter))


def test_an_encoder_that_is_wrong_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_short(bits: Value, width: int) -> Value:
        return bits[len(bits) - width :] & ~(1 << 2)

    monkeypatch.setattr("rtl.mac.encoder.narrowed", one_short)
    unit = Identity(IDENTITIES["posit8_0"])
    with pytest.raises(ProofError):
        prove(unit, 1, "bmc", inputs(unit.converter))


def test_the_recorded_proofs() -> None:
    """Of ``python -m tests.mac_proofs``: every format of 16 bits or fewer, and wide products."""
    path = Path(__file__).parents[2] / "docs" / "validation" / "mac_proofs.json"
    record = json.loads(path.read_text())
    assert {*record["decode_then_encode"]} == {*IDENTITIES}
    assert all(each["proven"] for each in record["decode_then_encode"].values())
    assert {(each["bits"], each["proven"]) for each in record["multiplier"]} == {
        (bits, True) for bits in (4, 8, 14, 16)
    }
    for each in record["multiplier_random"]:
        assert each["pairs_each_mode"] >= 10**7
        assert each["mismatches"] == 0
