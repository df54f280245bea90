"""A GPT that generates token by token on a PIM and the chip beside it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from arch.errors import InputError
from arch.pim.system import Pim
from sim.pim.operators import Operators
from sim.pim.run import LogSink, PimRun, Simulation
from traces.mapping.pim.decode import generation
from traces.mapping.pim.model_layout import ModelLayout, place_model
from traces.transformer import models

Progress = Callable[[int], None]
"""Told how many tokens are done."""


@dataclass(frozen=True)
class Generation:
    """Tokens that have been generated, one after the other."""

    layout: ModelLayout
    """Where the model lies."""
    first: int
    """Context of the first one, itself counted; the others follow."""
    run: PimRun
    operators: Operators

    @property
    def tokens(self) -> int:
        return len(self.operators.ends)

    @property
    def last(self) -> int:
        """Context of the last one."""
        return self.first + self.tokens - 1

    @property
    def seconds(self) -> float:
        """Simulated."""
        return self.run.cycles * 1e-3 / self.run.pim.device().device.clock_khz

    @property
    def token_cycles(self) -> list[int]:
        """Of each token, cycles of the memory."""
        period = int(self.run.tables.config["period"][0])
        ends = [0, *(end // period for end in self.operators.ends)]
        return [end - begin for begin, end in pairwise(ends)]


def contexts(name: str, options: Mapping[str, int]) -> tuple[int, int]:
    """First and last context of ``generate=N``, contexts 1 to N, or of ``decode=N``, N alone.

    Raises InputError for other options.
    """
    if len(options) != 1 or not {"generate", "decode"} & set(options):
        given = ", ".join(f"{key}={value}" for key, value in options.items()) or "none"
        raise InputError(
            f"{name}: options are {given}; on a PIM they must be generate=TOKENS, or "
            "decode=CONTEXT for one token"
        )
    last = next(iter(options.values()))
    if last < 1:
        raise InputError(f"{name}: {next(iter(options))} is {last}; must be 1 at least")
    return (1 if "generate" in options else last), last


def place(pim: Pim, name: str, tokens_max: int) -> ModelLayout:
    """A model by name, with room for so many tokens.

    Raises InputError for what the PIM cannot run or hold.
    """
    known = models()
    if name not in known:
        decoders = ", ".join(sorted(n for n, m in known.items() if m.kind == "decoder"))
        raise InputError(f"{name!r} is no model that generates on a PIM; are: {decoders}")
    return place_model(name, known[name], pim, tokens_max)


def generated(
    pim: Pim,
    layout: ModelLayout,
    first: int,
    last: int,
    *,
    every: bool = False,
    log: LogSink | None = None,
) -> Iterator[Generation]:
    """Generate tokens with contexts ``first`` to ``last``; after each, all that has come so far,
    always in the same object.

    Raises InputError for contexts for which there is no room.
    """
    if not 1 <= first <= last <= layout.tokens_max:
        raise InputError(
            f"{layout.name}: contexts {first} to {last}; must be within 1 to {layout.tokens_max}, "
            "for which the caches have room"
        )
    simulation = Simulation(pim, every=every, log=log)
    done = Generation(layout, first, simulation.run, Operators(pim))
    period = int(simulation.run.tables.config["period"][0])
    for trace in generation(layout, first, last):
        done.operators(trace, simulation.feed(trace, more=True), period)
        yield done


def generate(
    pim: Pim,
    layout: ModelLayout,
    first: int,
    last: int,
    *,
    every: bool = False,
    progress: Progress | None = None,
    log: LogSink | None = None,
) -> Generation:
    """Generate tokens with contexts ``first`` to ``last``, one at least.

    Raises InputError for contexts for which there is no room.
    """
    for done in generated(pim, layout, first, last, every=every, log=log):
        if progress is not None:
            progress(done.tokens)
    return done
