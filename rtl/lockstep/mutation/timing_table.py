"""The mistakes: what is right, what is wrong, and the array on which it is built."""

from typing import NamedTuple

WS, WS_SERIAL, IS, OS, OS_SERIAL = (
    *("ws overlapped", "ws serial", "is serial drain"),
    *("os overlapped", "os serial"),
)


class Mistake(NamedTuple):
    """A change of text in one file below ``rtl``."""

    name: str
    case: str
    file: str
    right: str
    wrong: str

    def __str__(self) -> str:
        return f"{self.file}: {self.name} ({self.case})"


def _fifo(name: str, case: str, right: str, wrong: str) -> Mistake:
    return Mistake(name, case, "stream.py", right, wrong)


def _part(file: str, name: str, case: str, right: str, wrong: str) -> Mistake:
    return Mistake(name, case, f"array/{file}.py", right, wrong)


FIFO = (
    _fifo("half rate", WS, "self.input.ready.eq(self.level != 2)",
          "self.input.ready.eq(self.level == 0)"),
    _fifo("valid one word late", OS, "self.output.valid.eq(self.level != 0)",
          "self.output.valid.eq(self.level == 2)"),
    _fifo("word taken while full", WS, "given.eq(self.input.valid & self.input.ready)",
          "given.eq(self.input.valid)"),
    _fifo("word gone without ready", IS, "taken.eq(self.output.valid & self.output.ready)",
          "taken.eq(self.output.valid)"),
    _fifo("entries swapped", OS, "self.first.eq(self.second)", "self.first.eq(self.input.payload)"),
    _fifo("full rate lost", WS, "given & (self.level == taken)", "given & (self.level == 0)"),
    _fifo("second entry at every word", IS, "(self.level == 1) & ~taken", "(self.level == 1)"),
)  # fmt: skip

SKEW = (
    _part("skew", "delay line moves in a stall", WS,
          "with m.If(self.advance):\n                    m.d.sync += register",
          "with m.If(1):\n                    m.d.sync += register"),
    _part("skew", "lane leaves after one stage", OS, "self.output[lane].eq(word)",
          "self.output[lane].eq(line[0] if line else word)"),
    _part("skew", "word enters a place early", IS, "self.delay == j", "self.delay == j + 1"),
    _part("skew", "word enters a place late", OS, "self.delay == j", "self.delay + 1 == j"),
    _part("skew", "variable line moves in a stall", WS,
          "with m.If(self.advance):\n                with m.If(self.enter",
          "with m.If(1):\n                with m.If(self.enter"),
    _part("skew", "last place keeps its word", OS_SERIAL, "[*self.words[1:], 0]",
          "[*self.words[1:], self.words[-1]]"),
)  # fmt: skip

CONTROLLER = (
    _part("controller", "stream ends a beat early", WS, "since.eq(Mux(starts, 0, self.since))",
          "since.eq(Mux(starts, 1, self.since))"),
    _part("controller", "count of beats wraps", OS, "Mux(since.all(), since, since + 1)",
          "since + 1"),
    _part("controller", "stream goes on in a stall", OS,
          "with m.If(self.advance):\n            m.d.sync += [\n                self.streams",
          "with m.If(1):\n            m.d.sync += [\n                self.streams"),
    _part("controller", "stream starts a beat early", WS, "return (since >= length) &",
          "return (since + 1 >= length) &"),
    _part("controller", "stream starts a beat late", WS, "return (since >= length) &",
          "return (since > length) &"),
    _part("controller", "narrower fold does not wait", WS,
          "& (since >= length + fewer + cols)", ""),
    _part("controller", "shorter fold does not wait", WS, "& (since >= length + fewer) &", "&"),
    _part("controller", "capture not awaited", OS,
          "& (since >= captured)\n", "\n"),
    _part("controller", "capture a beat late", OS, '- entering["length"]',
          '- entering["length"] + 1'),
    _part("controller", "drain of smaller fold not awaited", OS,
          "& (since >= captured + rows)\n", "\n"),
    _part("controller", "last result not awaited", IS, "+ cols - 2", "+ cols - 3"),
    _part("controller", "results awaited a beat long", IS, "+ cols - 2", "+ cols - 1"),
    _part("controller", "serial drain cut short", OS_SERIAL, "+ p.latency - 3",
          "+ p.latency - 4"),
    _part("controller", "overlapped load a beat early", WS,
          "since + (p.latency - 1) >= shared", "since + p.latency >= shared"),
    _part("controller", "serial load a beat early", WS_SERIAL,
          "since + p.latency >= self", "since + p.latency + 1 >= self"),
    _part("controller", "load over a waiting block", WS,
          "~self.loads & (~self.loaded | starts) & free", "~self.loads & free"),
    _part("controller", "load ends a word early", WS_SERIAL, "self.word + 1 == self.parameters",
          "self.word + 2 == self.parameters"),
    _part("controller", "waiting block forgotten", WS, "done | (self.loaded & ~starts)", "done"),
    _part("controller", "block loaded twice", WS, "self.take.eq(begins)", "self.take.eq(done)"),
)  # fmt: skip

LEAVE = (
    _part("leave", "result leaves a beat late", WS, "row * p.latency + (p.latency - 1)",
          "row * p.latency + p.latency"),
    _part("leave", "result leaves a beat early", WS_SERIAL, "row * p.latency + (p.latency - 1)",
          "row * p.latency + (p.latency - 2)"),
    _part("leave", "drain begins a beat early", OS, "token.row + (p.latency - 1)",
          "token.row + (p.latency - 2)"),
    _part("leave", "drain counts in a stall", OS, "self.advance & line.enter", "line.enter"),
    _part("leave", "row of the fold before", OS, "Mux(begins, row, self.row)", "self.row"),
    _part("leave", "sum complete at its first fold", WS, "token.last.eq(self.fold.last)",
          "token.last.eq(self.fold.first)"),
)  # fmt: skip

GRID = (
    _part("grid", "tokens move in a stall", IS,
          "with m.If(self.advance):\n                    m.d.sync += self.tokens",
          "with m.If(1):\n                    m.d.sync += self.tokens"),
    _part("grid", "load not delayed by column", WS, "load, word = self.loads[c], self.words[c]",
          "word = self.words[c]"),
    _part("grid", "row misses its own word", WS_SERIAL, "word >= r", "word > r"),
    _part("grid", "row shifts a beat long", OS, "token.word < r", "token.word <= r"),
    _part("grid", "skewed flags from the row above", OS, "flags = self.flag_skew.output[r]",
          "flags = self.flag_skew.output[max(r - 1, 0)]"),
    _part("grid", "operand not skewed", IS, "else self.left_skew.output[r]),\n"
          "                    pe.psum_in",
          "else self.left[r]),\n                    pe.psum_in"),
)  # fmt: skip

PE = (
    _part("pe", "swap a beat late", WS, "Mux(self.swap_in,", "Mux(self.swap,"),
    _part("pe", "pipeline stage skipped", WS, "self.psum.eq(self.stages[-1])",
          "self.psum.eq(self.stages[0])"),
    _part("pe", "pipeline moves in a stall", WS,
          "with m.If(self.advance):\n            m.d.sync += [\n                self.operand",
          "with m.If(1):\n            m.d.sync += [\n                self.operand"),
    _part("pe", "shadow taken in a stall", WS,
          "with m.If(self.advance & self.load):\n                m.d.sync += self.shadow",
          "with m.If(self.load):\n                m.d.sync += self.shadow"),
    _part("pe", "flags a stage early", OS, "(lane[-1] for lane in lanes)",
          "(lanes[0][-1], lanes[1][-2], lanes[2][-1])"),
    _part("pe", "capture a beat late", OS, "with m.If(last):", "with m.If(self.last):"),
    _part("pe", "sum kept from the fold before", OS, "Mux(first, 0, self.sum)", "self.sum"),
)  # fmt: skip

PORT = (
    _part("port", "deskew a beat long", WS, "token.edge - (c + 1)", "token.edge - c"),
    _part("port", "last column waits", IS, "self.words[c].eq(Mux(ends, self.tap[c], waiting))",
          "self.words[c].eq(waiting)"),
    _part("port", "accumulators written in a stall", WS, "write.en.eq(self.advance & self.valid",
          "write.en.eq(self.valid"),
    _part("port", "accumulators count in a stall", WS, "m.If(self.advance & self.valid & kept)",
          "m.If(self.valid & kept)"),
    _part("port", "partial sums kept back", WS_SERIAL, "self.valid & (self.leaves.last | ~kept)",
          "self.valid & self.leaves.last"),
    _part("port", "accumulators do not start over", WS, "Mux(self.leaves.ends, 0, self.at + 1)",
          "self.at + 1"),
)  # fmt: skip

SYSTOLIC = (
    _part("systolic", "fold cut in a stall", OS, "self.controller.take & advance",
          "self.controller.take"),
    _part("systolic", "command gone after a fold", IS,
          "void | (self.cutter.step & self.cutter.ends)",
          "void | self.cutter.step"),
    _part("systolic", "stall for partial sums lost", WS_SERIAL,
          '"partial": self.accumulators.wants_partial', '"partial": 0'),
    _part("systolic", "stall for the left edge lost", OS, '{"left": control.stream}',
          '{"left": control.first}'),
    _part("systolic", "result again in a stall", IS, "self.sent.eq(sends & advance)",
          "self.sent.eq(sends)"),
    _part("systolic", "words lost in a stall", WS, "output.ready.eq(wanted & advance)",
          "output.ready.eq(wanted)"),
    _part("systolic", "room for a result not awaited", OS, "ready: ValueLike = ~sends | room",
          "ready: ValueLike = 1"),
    _part("systolic", "flags swapped", OS, "Cat(timed & control.first, timed & control.last,",
          "Cat(timed & control.last, timed & control.first,"),
    _part("systolic", "padding word too many", WS_SERIAL,
          "control.load_fold.rows >= rows", "control.load_fold.rows > rows"),
)  # fmt: skip

MUTANTS = (*FIFO, *SKEW, *CONTROLLER, *LEAVE, *GRID, *PE, *PORT, *SYSTOLIC)
