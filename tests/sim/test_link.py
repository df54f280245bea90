"""The link's collectives, counted device by device and as published."""

from fractions import Fraction

import pytest
from hybrid_cases import plain_machine, trace_of

from arch.commands import LINK_SEND, OP_LINK, link_queue
from sim import engine
from sim.counts import counts
from sim.system import System


@pytest.mark.parametrize("topology", ["ring", "fully_connected"])
@pytest.mark.parametrize("devices", [2, 3, 8])
def test_a_collective_takes_its_steps(topology: str, devices: int) -> None:
    """Counted device by device: who has which parts of the sum after each step."""
    link = {"devices": devices, "topology": topology, "bytes_per_cycle": 16, "latency_cycles": 9}
    machine = plain_machine({"clock": "core", "latency_cycles": 1, "bytes_per_cycle": 8}, link=link)
    size = 1000
    part = -(-size // devices)
    # Addends that each device has of each part: all of its own at first.
    have = [[{device} for _ in range(devices)] for device in range(devices)]
    everyone = set(range(devices))
    steps = 0
    while any(each != everyone for own in have for each in own):
        before = [[set(each) for each in own] for own in have]
        for device in range(devices):
            if topology == "ring":
                other = (device + 1) % devices
                sent = [(other, (device - steps) % devices)]
            elif steps == 0:
                sent = [(other, other) for other in range(devices) if other != device]
            else:
                sent = [(other, device) for other in range(devices) if other != device]
            for other, index in sent:
                have[other][index] |= before[device][index]
        steps += 1
        assert steps < 100
    command = {"opcode": OP_LINK, "queue": link_queue(1, 0), "bytes": size}
    system = System(machine)
    system.load(trace_of([(command, [], []), ({**command, "m": LINK_SEND}, [], [])]))
    assert system.advance() == engine.DONE
    whole = steps * (-(-part // 16) + 9)
    assert system.state.runtime["end"].tolist() == [whole, whole + -(-size // 16) + 9]
    assert counts(system)["link_bytes"] == 2 * (devices - 1) * part + size


@pytest.mark.validates(
    "link.devices", "link.topology=ring", "link.bytes_per_cycle", "link.latency_cycles",
    by="Patarasuk and Yuan (JPDC 2009)",
)  # fmt: skip
@pytest.mark.parametrize("devices", [2, 4, 8, 64])
@pytest.mark.parametrize("latency_cycles", [0, 500])
@pytest.mark.parametrize("bytes_per_cycle", [1, 32])
def test_a_ring_is_the_published_one(
    devices: int, latency_cycles: int, bytes_per_cycle: int
) -> None:
    """2 (p - 1) latencies and 2 (p - 1) / p of the bytes, where the parts are equal."""
    size = 64 * 32 * 9
    link = {
        "devices": devices, "topology": "ring", "bytes_per_cycle": bytes_per_cycle,
        "latency_cycles": latency_cycles,
    }  # fmt: skip
    machine = plain_machine({"clock": "core", "latency_cycles": 1, "bytes_per_cycle": 8}, link=link)
    system = System(machine)
    system.load(trace_of([({"opcode": OP_LINK, "queue": link_queue(1, 0), "bytes": size}, [], [])]))
    assert system.advance() == engine.DONE
    published = 2 * (devices - 1) * (latency_cycles + Fraction(size, devices * bytes_per_cycle))
    assert system.state.runtime["end"].tolist() == [published]
