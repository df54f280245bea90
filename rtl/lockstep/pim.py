"""The twin of a PIM: the MAC units of a channel with their sequencer."""

from dataclasses import dataclass

import numpy as np

from arch.pim.system import Pim
from rtl.lockstep.batches import Counted, empty
from rtl.lockstep.draws import new_traffic
from rtl.lockstep.pim_traffic import EVENTS, TRAFFIC, drive
from rtl.lockstep.twin import Batch
from rtl.pim import MacChannel
from rtl.pim.parameters import Parameters
from sim.pim import mac_unit, sequencer
from sim.pim.mac_unit import RESULT, RESULTS, THREAD, Words
from sim.pim.sequencer import COLUMNS, FACTORS, GIVEN_THREAD, READY, RESULTS_VALID, ROW_COLUMN


def unit_fields(shape: mac_unit.Shape, first: int, threads: bool) -> list[int]:
    """Registers of a unit, as hardware lists them: that of a thread may have no bits."""
    hidden: list[int] = []
    if not threads:
        tokens = [int(at + n) for at, n in zip(shape.at, shape.sizes, strict=False)]
        hidden = [token + THREAD for token in tokens]
        hidden.append(int(shape.unit[0]["size"]) - RESULTS + mac_unit.READ_THREAD)
    return [first + i for i in range(int(shape.unit[0]["size"])) if i not in hidden]


@dataclass
class PimTraffic(Counted):
    """One run of a channel under random commands, legal and hostile, with resets.

    Useful are cycles with a command, or something in the pipelines.
    """

    event_names = EVENTS
    model: sequencer.Model
    given: Words
    """Fields of a stimulus that hardware has."""
    shown: Words
    """Registers that a response is made of."""
    before: Words

    def next(self, cycles: int) -> Batch:
        """The next cycles."""
        batch = empty(cycles, self.model.stimulus_size, len(self.shown))
        state = self.traffic, self.before, self.shown, self.events
        drive(*self.model.arrays, *state, batch.stim, batch.rst, batch.resp)
        return Batch(batch.stim[:, self.given], batch.rst, batch.resp)

    def can_show(self, event: str) -> bool:
        """With its banks and accumulators."""
        banks, accumulators = EVENTS[event]
        channel, unit = self.model.channel[0], self.model.shape.unit[0]
        return bool(channel["banks"] >= banks and unit["accumulators"] >= accumulators)


class PimTwin:
    """MAC units of a channel as hardware and as model."""

    name = "pim"

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    @property
    def component(self) -> MacChannel:
        """New hardware."""
        return MacChannel(self.parameters)

    def traffic(self, seed: int) -> PimTraffic:
        """The run of a seed."""
        p = self.parameters
        shape = mac_unit.shape(p.lanes, p.operand.name, p.accumulators, p.levels_per_stage)
        model = sequencer.model(shape, p.banks, p.buffer_columns, p.row_columns)
        traffic = new_traffic(TRAFFIC, seed, thread_bits=p.thread_bits)
        before = np.zeros(model.stimulus_size + 1, np.int64)
        given = [i for i in range(model.stimulus_size) if p.thread_bits or i != GIVEN_THREAD]
        return PimTraffic(traffic, model, np.array(given), self._shown(model), before)

    def _shown(self, model: sequencer.Model) -> Words:
        p = self.parameters
        first, size = int(model.channel[0]["first_unit"]), int(model.shape.unit[0]["size"])
        outputs = int(model.channel[0]["outputs"])
        units = [first + bank * size for bank in range(p.banks)]
        results = [unit + size - RESULTS + RESULT for unit in units]
        shown = [outputs + READY, outputs + COLUMNS, ROW_COLUMN, *results, outputs + RESULTS_VALID]
        threads = (sequencer.NEXT_THREAD, sequencer.TOKEN + THREAD)
        shown += [i for i in range(FACTORS + p.lanes) if p.thread_bits or i not in threads]
        for unit in units:
            shown += unit_fields(model.shape, unit, p.thread_bits > 0)
        return np.array(shown)


def pim_twin(pim: Pim) -> PimTwin:
    """The twin of the MAC units of a PIM's channel.

    Raises InputError that says what hardware does not support.
    """
    device = pim.device().device
    commands = pim.command_set()
    return PimTwin(
        Parameters(
            commands.mac,
            device.banks,
            commands.global_buffer_columns,
            device.columns,
            path=f"{pim.commands}: mac",
        )
    )
