"""SCALE-Sim configurations (.cfg) as machines."""

import configparser
from difflib import get_close_matches
from math import lcm
from pathlib import Path
from typing import Any

from arch.array import Array
from arch.buffer import Buffer, Dma, Scratchpad
from arch.errors import InputError
from arch.machine import Machine
from arch.memory import Memory, OperandBandwidth
from traces.reading import build, read_text, shown

KNOWN = {
    "general": ("run_name",),
    "architecture_presets": (
        "arrayheight",
        "arraywidth",
        "ifmapsramszkb",
        "filtersramszkb",
        "ofmapsramszkb",
        "ifmapoffset",
        "filteroffset",
        "ofmapoffset",
        "dataflow",
        "bandwidth",
        "memorybanks",
        "onchipmemorybanks",
        "onchipmemorybankports",
        "readrequestbuffer",
        "writerequestbuffer",
    ),
    "layout": (
        "ifmapcustomlayout",
        "ifmapsrambankbandwidth",
        "ifmapsrambanknum",
        "ifmapsrambankport",
        "filtercustomlayout",
        "filtersrambankbandwidth",
        "filtersrambanknum",
        "filtersrambankport",
    ),
    "sparsity": (
        "sparsitysupport",
        "sparserep",
        "optimizedmapping",
        "blocksize",
        "randomnumbergeneratorseed",
    ),
    "run_presets": ("interfacebandwidth", "useramulatortrace"),
    "network_presets": ("topologycsvloc",),
}
"""Keys by section. Those not read below do not change what SCALE-Sim counts."""

UNSUPPORTED = {
    ("layout", "IfmapCustomLayout"): "data layouts and their bank conflicts",
    ("layout", "FilterCustomLayout"): "data layouts and their bank conflicts",
    ("sparsity", "SparsitySupport"): "N:M sparsity",
    ("run_presets", "UseRamulatorTrace"): "Ramulator traces",
}
"""Switches that must be off."""

ASSUMED = (
    "clocks.core",
    "array.operand_format",
    "array.accumulator_format",
    "array.output_format",
    "buffer.scratchpads.*.banks",
    "buffer.scratchpads.*.ports",
    "buffer.dma",
)
"""What a .cfg does not say. SCALE-Sim counts words of one byte, whose ports never conflict."""


class _Config:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = read_text(path)
        self.parser = configparser.ConfigParser(interpolation=None, strict=True)
        try:
            self.parser.read_string(self.text)
        except configparser.Error as error:
            line = getattr(error, "lineno", None) or next(
                (number for number, _ in getattr(error, "errors", ())), 1
            )
            raise InputError(
                f"{path}: line {line}: not a .cfg: {error.message.splitlines()[0]}"
            ) from None
        self._refuse_unknown()

    def _refuse_unknown(self) -> None:
        for section in self.parser.sections():
            if section not in KNOWN:
                raise InputError(
                    f"{self.where(section)}: is no section of SCALE-Sim ({', '.join(KNOWN)})"
                )
            for key in self.parser.options(section):
                if key not in KNOWN[section]:
                    near = get_close_matches(key, KNOWN[section], n=1)
                    hint = f"did you mean {near[0]}?" if near else "remove it"
                    raise InputError(f"{self.where(section, key)}: is no key of SCALE-Sim; {hint}")

    def where(self, section: str, key: str = "") -> str:
        """File, line and place of a key, for messages."""
        inside = False
        line = 0
        for number, raw in enumerate(self.text.splitlines(), 1):
            words = raw.strip()
            if words.startswith("["):
                inside = words == f"[{section}]"
                line = number if inside and not key else line
            elif inside and key and words.replace("=", ":").split(":")[0].strip().lower() == key:
                line = number
        place = f"[{section}] {key}".strip()
        return f"{self.path}: line {line}: {place}" if line else f"{self.path}: {place}"

    def get(self, section: str, key: str, fallback: str | None = None) -> str:
        if self.parser.has_option(section, key):
            return self.parser.get(section, key).strip()
        if fallback is None:
            raise InputError(f"{self.path}: [{section}] {key} is missing")
        return fallback

    def integer(self, section: str, key: str, fallback: str | None = None) -> int:
        """A whole number of at least 1."""
        text = self.get(section, key, fallback)
        if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) >= 1):
            raise InputError(
                f"{self.where(section, key.lower())}: must be a whole number of at least 1, "
                f"not {shown(text)}"
            )
        return int(text)

    def choice(self, section: str, key: str, choices: tuple[str, ...]) -> str:
        text = self.get(section, key)
        if text not in choices:
            raise InputError(
                f"{self.where(section, key.lower())}: must be {' or '.join(choices)}, "
                f"not {shown(text)}"
            )
        return text


def machine_from_cfg(path: str | Path) -> Machine:
    """The machine that a SCALE-Sim configuration describes, with that simulator's accounting.

    ``InterfaceBandwidth: CALC`` gives no memory: everything is in the scratchpads. ``USER``
    gives three interfaces without latency: ``IfmapSRAMBankBandwidth`` for the ifmap,
    ``FilterSRAMBankBandwidth`` for the filter and ``Bandwidth`` for the ofmap (the keys that
    reach each of them in SCALE-Sim 3); without a section ``layout``, ``Bandwidth`` for all.

    Raises InputError with file, line and key, also for what is not modelled here: custom
    layouts, sparsity and Ramulator traces must be off.
    """
    config = _Config(Path(path))
    for (section, key), what in UNSUPPORTED.items():
        if config.get(section, key, "false").lower() != "false":
            raise InputError(
                f"{config.where(section, key.lower())}: {what} cannot be simulated; set it to False"
            )
    presets = "architecture_presets"
    rows, cols = config.integer(presets, "ArrayHeight"), config.integer(presets, "ArrayWidth")
    user = config.choice("run_presets", "InterfaceBandwidth", ("CALC", "USER")) == "USER"
    bandwidth = _bandwidth(config) if user else None
    fields: dict[str, Any] = {
        "name": config.get("general", "run_name", config.path.stem) or config.path.stem,
        "source": f"SCALE-Sim configuration {config.path.name}",
        "sources": _sources(config) if user else {},
        "assumed": ASSUMED,
        "clocks": {"core": 1_000_000},
        "array": build(
            Array,
            str(config.path),
            rows=rows,
            cols=cols,
            dataflow=config.choice(presets, "Dataflow", ("os", "ws", "is")),
            convention="scalesim",
            weight_load="serial",
            drain="serial",
            edge_folds="full",
            operand_format="int8",
            accumulator_format="int8",
            output_format="int8",
        ),
        "buffer": _buffer(config, rows + cols, bandwidth),
        "memory": bandwidth
        and Memory(clock="core", latency_cycles=0, operand_bytes_per_cycle=bandwidth),
    }
    return build(Machine, str(config.path), **fields)


def _bandwidth(config: _Config) -> OperandBandwidth:
    section = "architecture_presets"
    given = [part.strip() for part in config.get(section, "Bandwidth").split(",")]
    if len(set(given)) > 1:
        raise InputError(
            f"{config.where(section, 'bandwidth')}: gives several bandwidths, of which SCALE-Sim "
            f"uses the first; write {given[0]} alone"
        )
    config.parser.set(section, "bandwidth", given[0])
    shared = str(config.integer(section, "Bandwidth"))
    fallback = None if config.parser.has_section("layout") else shared
    return build(
        OperandBandwidth,
        str(config.path),
        ifmap=config.integer("layout", "IfmapSRAMBankBandwidth", fallback),
        filter=config.integer("layout", "FilterSRAMBankBandwidth", fallback),
        ofmap=int(shared),
    )


def _sources(config: _Config) -> dict[str, str]:
    layout = config.parser.has_section("layout")
    return {
        "memory.operand_bytes_per_cycle.ifmap": (
            "[layout] IfmapSRAMBankBandwidth" if layout else "[architecture_presets] Bandwidth"
        ),
        "memory.operand_bytes_per_cycle.filter": (
            "[layout] FilterSRAMBankBandwidth" if layout else "[architecture_presets] Bandwidth"
        ),
        "memory.operand_bytes_per_cycle.ofmap": "[architecture_presets] Bandwidth",
    }


def _buffer(config: _Config, edge: int, bandwidth: OperandBandwidth | None) -> Buffer:
    """Scratchpads so wide that no access ever waits for another.

    ``edge`` is the number of words that the array takes or gives a cycle, at most.
    """
    widths = [bandwidth.ifmap, bandwidth.filter, bandwidth.ofmap] if bandwidth else [1]
    banks = max(edge, min(max(widths), 2**20))
    pads = {
        operand: build(
            Scratchpad,
            f"{config.path}: {operand}",
            operands=(operand,),
            capacity_kib=config.integer("architecture_presets", f"{operand.title()}SramSzkB"),
            banks=banks,
            bank_width_bytes=1,
            ports=4,
        )
        for operand in ("ifmap", "filter", "ofmap")
    }
    # A request that is a whole number of cycles on each interface wastes no part of one.
    step = lcm(*widths)
    wanted = max(256, 16 * max(widths))
    request = -(-wanted // step) * step
    dma = Dma(request_bytes=min(request if request <= 2**20 else wanted, 2**30), outstanding=4096)
    return Buffer(scratchpads=pads, dma=dma)
