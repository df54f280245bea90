"""The outside of a co-processor in a Verilog simulator: cocotbext-axi's masters run programs.

The job is a JSON file named by ``COPROCESSOR_JOB``: streams, and programs, each a list of steps;
the outcome, what each program saw, goes to the file beside it. All judging is the test's.
"""

import json
import os
from pathlib import Path
from random import Random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

PERIOD_NS = 2
PATIENCE_NS = 16_000


def fill(channel):
    """Bytes without a strobe are ones: nobody is to look at them."""
    plain = channel.send

    async def send(word):
        for i in range(4):
            if not int(word.wstrb) >> i & 1:
                word.wdata = int(word.wdata) | 0xFF << 8 * i
        await plain(word)

    channel.send = send


class Outside:
    """The masters around one co-processor, and what they have seen."""

    def __init__(self, dut, streams):
        self.dut = dut
        self.lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        self.sources = {
            name: AxiStreamSource(AxiStreamBus.from_prefix(dut, f"s_axis_{name}"), dut.clk, dut.rst)
            for name in streams
        }
        bus = AxiStreamBus.from_prefix(dut, "m_axis_result")
        self.sink = AxiStreamSink(bus, dut.clk, dut.rst)
        lite = self.lite
        self.pausable = {
            **self.sources,
            "result": self.sink,
            "aw": lite.write_if.aw_channel,
            "w": lite.write_if.w_channel,
            "b": lite.write_if.b_channel,
            "ar": lite.read_if.ar_channel,
            "r": lite.read_if.r_channel,
        }
        self.seen = []
        fill(lite.write_if.w_channel)

    async def cycles(self, count):
        for _ in range(count):
            await RisingEdge(self.dut.clk)

    async def reset(self):
        self.dut.rst.value = 1
        await self.cycles(2)
        self.dut.rst.value = 0
        await self.cycles(1)

    async def write(self, address, data):
        answer = await self.lite.write(address, bytes.fromhex(data))
        self.seen.append(int(answer.resp))

    async def read(self, address, length=4):
        answer = await self.lite.read(address, length)
        self.seen.append([int(answer.resp), int.from_bytes(answer.data, "little")])

    async def read_until(self, address, mask, value):
        while True:
            answer = await self.lite.read(address, 4)
            if int.from_bytes(answer.data, "little") & mask == value:
                return

    async def send(self, stream, frame, keep=None):
        self.sources[stream].send_nowait(AxiStreamFrame(bytes.fromhex(frame), tkeep=keep))

    async def receive(self):
        frame = await self.sink.recv(compact=False)
        user = frame.tuser if isinstance(frame.tuser, list) else None
        self.seen.append([bytes(frame.tdata).hex(), all(frame.tkeep), user])

    async def pending(self):
        """Frames that have come and nobody asked for."""
        self.seen.append(self.sink.count())

    async def pause(self, name, seed, often):
        """A stream pauses in ``often`` of 16 cycles."""
        random = Random(seed)
        self.pausable[name].set_pause_generator(iter(lambda: random.randrange(16) < often, None))

    async def irq(self):
        await RisingEdge(self.dut.clk)
        self.seen.append(int(self.dut.irq.value))


async def watch(dut):
    """What proofs assume of the array holds in each cycle."""
    while True:
        await FallingEdge(dut.clk)
        assert int(dut.rst.value) or int(dut.assumed.value), "an assumption does not hold"


@cocotb.test()
async def programs(dut):
    """Run each program from a reset on."""
    path = Path(os.environ["COPROCESSOR_JOB"])
    job = json.loads(path.read_text())
    if "mutant" in job:
        dut.mutant.value = job["mutant"]
    dut.rst.value = 1
    dut.s_axil_awprot.value = 0
    dut.s_axil_arprot.value = 0
    Clock(dut.clk, PERIOD_NS, "ns").start()
    outside = Outside(dut, job["streams"])
    if hasattr(dut, "assumed") and not job.get("mutant"):
        cocotb.start_soon(watch(dut))
    found = []
    for program in job["programs"]:
        for each in outside.pausable.values():
            each.clear_pause_generator()
            each.pause = False
        await outside.reset()
        for each in (*outside.sources.values(), outside.sink):
            each.clear()
        outside.seen = []
        for name, *given in program:
            step = getattr(outside, name)(*given)
            await with_timeout(cocotb.start_soon(step), PATIENCE_NS, "ns")
        found.append(outside.seen)
    path.with_suffix(".outcome").write_text(json.dumps(found))
