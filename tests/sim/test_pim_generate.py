"""GPTs that generate on a PIM: the same however it is stepped, legal, and all of it accounted."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import yaml
from numpy.testing import assert_array_equal
from pim_judge import judged
from pim_programs import run, state

from arch.catalog import CONFIGS
from arch.errors import InputError
from arch.pim.system import Pim, load_pim
from arch.vector import VECTOR_OPS
from sim.pim.generate import Generation, generate, generated, place
from sim.pim.generation_report import as_dict, energy_of
from sim.pim.run import PimRun, Simulation
from traces.mapping.pim.decode import generation
from traces.mapping.pim.model_layout import ModelLayout, place_model
from traces.pim.dtype import OPS
from traces.transformer import Transformer

Records = npt.NDArray[np.void]
MODELS = [
    f"{family}{size}"
    for family, sizes in {
        "gpt2": ("", "_medium", "_large", "_xl"), "gpt3": ("_small", "_medium", "_large", "_xl"),
    }.items()
    for size in sizes
]  # fmt: skip


def gpt(hidden: int = 24, heads: int = 3, head_dim: int = 8, ffn: int = 40, layers: int = 3):  # type: ignore[no-untyped-def]
    return Transformer(
        source="made up", kind="decoder", layers=layers, hidden=hidden, heads=heads,
        kv_heads=heads, head_dim=head_dim, ffn=ffn, activation="gelu", norm="layer",
        norm_first=True, rotary=False, positions=64, vocabulary=40, bias="all",
    )  # fmt: skip


def small(*changes: str, tokens: int = 40, **dimensions: int) -> tuple[Pim, ModelLayout]:
    """A model on two channels that refresh often."""
    pim = load_pim("pim_gpt", ("channels=2", "timings.nREFI=1500", *changes))
    return pim, place_model("small", gpt(**dimensions), pim, tokens)


def stepped(
    name: str, first: int, last: int, log: Callable[[Records], None] | None
) -> tuple[PimRun, Iterator[Records]]:
    """A run, and PROGRESS of each token as it goes on."""
    pim = load_pim("pim_gpt")
    simulation = Simulation(pim, log=log)
    traces = generation(place(pim, name, last), first, last)
    return simulation.run, (simulation.feed(trace, more=True) for trace in traces)


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("name", "first", "last"), [("gpt2", 1, 2), ("gpt2", 1007, 1009), ("gpt3_xl", 1024, 1025)]
)
def test_each_column_and_channel_alone_is_the_same_as_together(
    name: str, first: int, last: int
) -> None:
    logged = []
    together, tokens = stepped(name, first, last, None)
    alone, each = stepped(name, first, last, lambda commands: logged.append(len(commands)))
    for one, other in zip(tokens, each, strict=True):
        assert_array_equal(one, other)
    assert sum(logged) == sum(alone.commands.values())
    mine, theirs = state(together), state(alone)
    for field in mine:
        assert_array_equal(mine[field], theirs[field], field)
    assert together.commands["REFab"] > 0


@pytest.mark.parametrize("clock_khz", [1_000_000, 1_300_000])
def test_every_cycle_is_the_same_as_skipping(clock_khz: int) -> None:
    pim, layout = small(f"asic.clock_khz={clock_khz}")
    skipped, progress, log = run(pim, generation(layout, 15, 18), logged=True)
    every, its_progress, its_log = run(pim, generation(layout, 15, 18), every=True, logged=True)
    assert_array_equal(log, its_log)
    assert_array_equal(np.concatenate(progress), np.concatenate(its_progress))
    assert every.cycles == skipped.cycles
    mine, theirs = state(skipped), state(every)
    for field in mine:
        assert_array_equal(mine[field], theirs[field], field)


@pytest.mark.compiled
@pytest.mark.parametrize(("first", "last"), [(1, 3), (1000, 1001)])
def test_the_judge_finds_nothing(first: int, last: int) -> None:
    pim = load_pim("pim_gpt")
    done, _, log = run(pim, generation(place(pim, "gpt2", last), first, last), logged=True)
    assert log is not None
    assert judged(done, log).total == 0
    assert done.commands["REFab"] == 8 * (done.cycles // 6825)


@pytest.mark.compiled
@pytest.mark.parametrize("context", [1, 1024, 8192])
@pytest.mark.parametrize("name", MODELS)
def test_the_judge_finds_nothing_in_any_model_of_the_page(name: str, context: int) -> None:
    pim = load_pim("pim_gpt")
    traces = generation(place(pim, name, 8192), context, context)
    done, _, log = run(pim, traces, logged=True)
    assert log is not None
    found = judged(done, log)
    assert found.commands == sum(done.commands.values())
    assert found.total == 0


@pytest.mark.compiled
@pytest.mark.parametrize("context", [1, 1024, 2048])
def test_as_many_row_hits_as_the_paper_reports(context: int) -> None:
    """About 98 % as recalled."""
    pim = load_pim("pim_gpt")
    found = as_dict(generate(pim, place(pim, "gpt3_xl", 2048), context, context))
    columns = found["row_hits"] + found["row_misses"] + found["row_conflicts"]
    assert columns == sum(found["commands"][name] for name in ("MAC16", "RD", "WR"))
    assert 0.975 < found["row_hits"] / columns < 0.987


def test_operators_share_out_the_time() -> None:
    """Times of operators, worked out again line by line from when instructions are done."""
    pim, layout = small()
    traces = []
    for trace in generation(layout, 20, 22):
        given = trace.instructions.copy()
        traces.append((given, trace.operator_names))
    _, progress, _ = run(pim, generation(layout, 20, 22))
    done = generate(pim, layout, 20, 22)
    moved: dict[str, int] = {}
    spans: dict[str, int] = {}
    vector: dict[str, int] = {}
    frontier = 0
    for (given, names), found in zip(traces, progress, strict=True):
        for number, full in enumerate(names):
            name = full.split(".")[-1]
            own = [i for i in range(len(given)) if given["operator"][i] == number]
            end = max(int(found["done"][i]) for i in own)
            moved[name] = moved.get(name, 0) + max(0, end - frontier)
            frontier = max(frontier, end)
            spans[name] = spans.get(name, 0) + end - min(int(found["start"][i]) for i in own)
            vector[name] = vector.get(name, 0) + sum(
                int(found["done"][i] - found["start"][i])
                for i in own if OPS[given["op"][i]] == "VECTOR"
            )  # fmt: skip
    kinds = done.operators.kinds
    assert {name: kind.ticks for name, kind in kinds.items()} == moved
    assert {name: kind.span_ticks for name, kind in kinds.items()} == spans
    assert {name: kind.vector_ticks for name, kind in kinds.items()} == vector
    assert sum(moved.values()) == done.operators.ends[-1]
    assert sum(done.token_cycles) == done.run.cycles
    assert {kind.operators for kind in kinds.values()} == {3, 9}
    busy = sum(kind.mac_ticks for kind in kinds.values())
    assert busy == 16 * done.run.commands["MAC16"]
    shown = as_dict(done)
    assert sum(kind["cycles"] for kind in shown["operators"].values()) == shown["cycles"]


def test_energy_is_a_sum_over_counts() -> None:
    """From the numbers in the file, by hand."""
    table = yaml.safe_load((CONFIGS / "pims" / "pim_gpt.yaml").read_text())
    each, steps = table["energy"], table["asic"]["operations"]
    pim, layout = small()
    done = generate(pim, layout, 1, 18)
    adds = multiplies = 0
    for trace in generation(layout, 1, 18):
        for line in trace.instructions:
            if OPS[line["op"]] == "VECTOR":
                step = steps[VECTOR_OPS[line["vector_op"]]]
                adds += int(line["elements"]) * step.get("adds", 0)
                multiplies += int(line["elements"]) * step.get("multiplies", 0)
    picojoules = {
        name: count * each["command_pj"][name] for name, count in done.run.commands.items()
    }
    picojoules |= {"adders": adds * each["add_pj"], "multipliers": multiplies * each["multiply_pj"]}
    spent = energy_of(done)
    assert dict(spent.components_mj) == pytest.approx(
        {name: value * 1e-9 for name, value in picojoules.items()}
    )
    assert spent.total_mj == pytest.approx(sum(picojoules.values()) * 1e-9)
    assert spent.unknown == ("background", "asic")


def test_power_at_rest_counts_once_it_is_known() -> None:
    pim, layout = small("energy.background_mw=100", "energy.asic_mw=50")
    done = generate(pim, layout, 1, 2)
    spent = energy_of(done)
    assert spent.unknown == ()
    assert spent.components_mj["background"] == pytest.approx(done.seconds * 2 * 100)
    assert spent.components_mj["asic"] == pytest.approx(done.seconds * 50)
    unknown, _ = small("energy=null")
    assert set(energy_of(generate(unknown, layout, 1, 2)).unknown) == set(spent.components_mj)


def numbers_of(done: Generation) -> tuple[int, float, int]:
    return done.run.cycles, energy_of(done).total_mj, sum(done.run.commands.values())


@pytest.mark.compiled
def test_each_token_adds_to_all_that_is_counted() -> None:
    pim, layout = small()
    before: Any = (0, 0.0, 0)
    for done in generated(pim, layout, 1, 40):
        now = numbers_of(done)
        assert all(more > less for more, less in zip(now, before, strict=True))
        before = now
    assert (done.first, done.last, done.tokens) == (1, 40, 40)


@pytest.mark.compiled
def test_a_longer_context_costs_more() -> None:
    pim = load_pim("pim_gpt")
    layout = place(pim, "gpt2", 1024)
    found = [numbers_of(generate(pim, layout, at - 3, at)) for at in (4, 256, 512, 1024)]
    assert all(list(each) == sorted(set(each)) for each in zip(*found, strict=True))


@pytest.mark.compiled
def test_room_for_more_tokens_is_no_more_work_than_rows() -> None:
    """Commands of products are the same wherever the caches lie."""
    pim = load_pim("pim_gpt")
    layouts = [place(pim, "gpt2", tokens) for tokens in (64, 1024)]
    counts = [generate(pim, layout, 64, 64).run.commands for layout in layouts]
    assert layouts[0].rows < layouts[1].rows
    assert counts[0]["MAC16"] == counts[1]["MAC16"]
    assert counts[0]["WR"] == counts[1]["WR"]


@pytest.mark.parametrize(("first", "last"), [(0, 3), (41, 41), (40, 41), (3, 2)])
def test_contexts_that_do_not_fit(first: int, last: int) -> None:
    pim, layout = small(tokens=40)
    told = f"small: contexts {first} to {last}; must be within 1 to 40, for which the caches"
    with pytest.raises(InputError, match=told):
        generate(pim, layout, first, last)
