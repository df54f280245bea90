"""The channel that a controller asks for."""

from arch.dram.controller import Controller
from arch.dram.device import Device
from sim.dram.bank_queues_replay import QueuesReplay
from sim.dram.bank_queues_state import new_queues
from sim.dram.replay import Replay
from sim.dram.state import new_state
from sim.dram.tables import build


def new_replay(device: Device, controller: Controller) -> Replay:
    """A channel at rest. Raises InputError where the device lacks a command that is needed."""
    tables = build(device, controller)
    if controller.scheduler == "bank_queues":
        state, queues = new_queues(device, controller, tables)
        return QueuesReplay(device, tables, state, queues=queues)
    return Replay(device, tables, new_state(tables))
