"""What MACs cost in gates: ``PYTHONPATH=. python benchmarks/mac_synthesis.py [--liberty FILE]``.

Yosys maps plain MACs, the SIMD engine, and its parts; docs/mac_synthesis.md is what came of it, and
docs/mac_synthesis.json has its numbers. Some ten minutes. With ``--liberty`` all are mapped to its
standard cells too, and the page goes to the screen: areas of a library that cannot be shipped are
not written into the clone.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from mac_synthesis_page import Row, page

from arch import __version__
from arch.load import load_machine
from arch.mac.engine import Engine, Mode
from arch.mac.formats import scalar_named
from arch.mac.kinds import Scalar
from arch.mac.ranges import magnitude_exponent, unit_exponent
from rtl.lockstep.record import write_json
from rtl.mac import Decoder, Encoder, LaneDot, Reader, Rmmec, SimdMac
from rtl.mac.encoder import scale_shape, significand_needed
from rtl.mac.parameters import lane_width, mode_bits
from rtl.plain_mac import PlainMac
from rtl.synth import LUT4S, TARGETS, synthesise

PAGE = Path(__file__).resolve().parents[1] / "docs" / "mac_synthesis.md"
RECORD = PAGE.with_suffix(".json")
GATES = next(target for target in TARGETS if target.name == "gates")
PLAIN = (("int8", "int32"), ("fp16", "fp16"), ("fp16", "fp32"), ("bf16", "fp32"), ("fp32", "fp32"))
ENGINE = load_machine("xr_npe").array.engine
"""XR-NPE's four formats in words of 16 bits; what its abstract leaves open is assumed."""
assert ENGINE is not None


class EngineMac(wiring.Component):
    """A SIMD engine as a plain MAC is built: registers at the operands, and the sum."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        super().__init__(
            {
                "left": In(engine.word_bits),
                "top": In(engine.word_bits),
                "mode": In(mode_bits(engine)),
                "first": In(1),
                "total": Out(engine.sum_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.mac = mac = SimdMac(self.engine)
        for name in ("left", "top", "mode", "first"):
            port = getattr(self, name)
            held = Signal.like(port, name=f"held_{name}")
            m.d.sync += held.eq(port)
            m.d.comb += getattr(mac, name).eq(held)
        m.d.comb += [mac.advance.eq(1), self.total.eq(mac.sum)]
        return m


class PlainMultiplier(wiring.Component):
    """One product, as synthesis makes it."""

    def __init__(self, bits: int) -> None:
        super().__init__({"x": In(bits), "y": In(bits), "product": Out(2 * bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.product.eq(self.x * self.y)
        return m


def multiplier(engine: Engine) -> Rmmec:
    """The engine's own."""
    modes = tuple((engine.lanes(mode), lane_width(engine, mode)) for mode in engine.modes)
    return Rmmec(engine.multiplier_bits, modes, mode_bits(engine))


def encoder(form: Scalar) -> Encoder:
    """For what products of the format can be."""
    scale = scale_shape(2 * unit_exponent(form), 2 * magnitude_exponent(form))
    return Encoder(form, significand_needed(form), scale)


def only(mode: Mode) -> Engine:
    """An engine of one mode."""
    return ENGINE.model_copy(update={"modes": (mode,)})


def chained(chain_format: str) -> Engine:
    """The engine with a sum that is rounded after each word."""
    changes = {"accumulation": "chained", "chain_format": chain_format}
    return ENGINE.model_copy(update=changes)


Designs = dict[str, Callable[[], Elaboratable]]


def designs() -> dict[str, Designs]:
    """All, by the tables that they are in."""
    forms = tuple(dict.fromkeys(form for mode in ENGINE.modes for form in mode.forms))
    single = {f"only {mode.name}": only(mode) for mode in ENGINE.modes}
    without = {
        f"without {mode.name}": ENGINE.model_copy(
            update={"modes": tuple(m for m in ENGINE.modes if m != mode)}
        )
        for mode in ENGINE.modes
    }
    return {
        "plain": {
            f"{operand}, sum {total}": lambda o=operand, t=total: PlainMac(o, t)  # type: ignore[misc]
            for operand, total in PLAIN
        },
        "engine": {
            "all four modes": lambda: EngineMac(ENGINE),
            **{
                name: lambda e=engine: EngineMac(e)  # type: ignore[misc]
                for name, engine in (single | without).items()
            },
            "chained in posit16_1": lambda: EngineMac(chained("posit16_1")),
            "chained in fp32": lambda: EngineMac(chained("fp32")),
        },
        "parts": {
            "lanes: decoders, multiplier, alignment": lambda: LaneDot(ENGINE),
            f"multiplier, {ENGINE.multiplier_bits} bits, that merges": lambda: multiplier(ENGINE),
            f"plain multiplier, {ENGINE.multiplier_bits} bits": lambda: PlainMultiplier(
                ENGINE.multiplier_bits
            ),
            "reader: quire to a code": lambda: Reader(ENGINE),
        },
        "codecs": {
            f"{form.name} {kind}": lambda f=form, k=kind: (  # type: ignore[misc]
                Decoder(f) if k == "decoder" else encoder(f)
            )
            for form in (*forms, *map(scalar_named, ("fp8_e4m3", "fp8_e5m2", "bf16", "fp16")))
            for kind in ("decoder", "encoder")
        },
    }


def measured(liberty: Path | None) -> dict[str, list[Row]]:
    """Synthesise all."""
    found: dict[str, list[Row]] = {}
    for table, rows in designs().items():
        found[table] = []
        for name, design in rows.items():
            sys.stderr.write(f"{table}: {name}\n")
            sizes = synthesise(design, targets=(GATES, LUT4S), liberty=liberty)
            found[table].append(Row(name, sizes))
    return found


def main() -> int:
    """Write the page."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--liberty", type=Path, help="a file of standard cells")
    given = parser.parse_args()
    found = measured(given.liberty)
    text = page(ENGINE, found)
    if given.liberty is None:
        PAGE.write_text(text)
        designs = {kind: {row.name: row.record() for row in rows} for kind, rows in found.items()}
        engine = ENGINE.model_dump(mode="json")
        write_json(RECORD, {"lockstep": __version__, "engine": engine, "designs": designs})
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
