"""The monitor in a real terminal under load: 100,000 runs, 5,000 events a second."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from types import TracebackType
from typing import Self

from durably_tui.protocol import Progress
from durably_tui.state.run_list import RunList
from durably_tui.tui.widgets.run_rows import Made, RunRows
from tests.bench.measure import heading, row
from tests.bench.paint import OursApp, make_rows, nothing
from tests.bench.replayer import RUNS
from tests.bench.watched import COLUMNS, LINES, Watched, figures, keys_of, share

RATE = 5_000
SECONDS = 60
LOADING = 30
"""Seconds after which what has come by then is enough, so that the suite ends in 5 minutes."""
SETTLES, AT_REST = 30, 60
"""Seconds until ages are looked at and the server is asked as seldom as they will be, and for which
a monitor at rest is watched: it asks every thirty how quick the server is."""


class Replay:
    """The replayer as a process."""

    def __init__(self, runs: int = RUNS) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.replayer", str(runs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{self._process.stdout.readline().strip()}/api/durably"

    def say(self, word: object) -> None:
        """A rate, or ``one``."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate()


def load_all(watched: Watched) -> float:
    """Go to the end until all runs are there; the seconds it took."""
    began = time.perf_counter()
    full = b"100,000 shown", b"no more are kept"
    seen = b""
    while not any(sign in seen for sign in full) and time.perf_counter() - began < LOADING:
        watched.send("G")
        seen = seen[-40:]
        for _ in range(3):
            seen += watched.read(0.05)
    return time.perf_counter() - began


def in_terminal(replay: Replay) -> None:
    """Everything that a person would feel."""
    with Watched(replay.url) as watched:
        watched.until("import-csv")
        watched.until("scroll for older")
        watched.pump(3)
        watched.quiet()
        few = bytes_of_one(watched, replay)
        took = load_all(watched)
        print(f"runs loaded for {took:.0f} s, {LOADING} s at most; {watched.megabytes:.0f} MB")
        watched.quiet()
        held(watched)
        watched.send("g")
        watched.quiet()
        many = bytes_of_one(watched, replay)
        row("one changed row of 100,000; of 600", f"{many:.0f} bytes", f"{few:.0f} bytes",
            many / few, "<= 600 bytes")  # fmt: skip
        watched.pump(SETTLES)
        idle = share(watched, AT_REST)
        replay.say(10)
        few_events = share(watched, 5)
        print(f"CPU at rest: over {AT_REST} s, {SETTLES} s after the last key and event")
        row("CPU at rest, a quiet live stream; 10 events/s", f"{idle:.2%} of a core",
            f"{few_events:.1%}", idle / few_events, "< 1 %")  # fmt: skip
        replay.say(0)
        watched.quiet()
        watched.send("j" * 201 + "k" * 4)  # off the last line, where the cursor would stay
        watched.quiet()
        still = keys_of(watched, 4)
        replay.say(RATE)
        watched.pump(3)
        memory, frames, began = watched.megabytes, watched.frames, time.perf_counter()
        cpu = watched.cpu
        busy = keys_of(watched, SECONDS)
        passed = time.perf_counter() - began
        figures(f"key answer, {RATE:,} events/s; none", busy, "p95 <= 50 ms", still)
        painted = (watched.frames - frames - len(busy)) / passed
        row("paints a second besides those for keys", f"{painted:.1f}", "20", painted / 20, "<= 1")
        grown = watched.megabytes - memory
        row(f"memory after {passed * RATE:,.0f} events", f"{grown:+.1f} MB",
            f"{memory:.0f} MB", grown / memory, "bounded")  # fmt: skip
        print(f"CPU of the monitor meanwhile: {(watched.cpu - cpu) / passed:.0%} of a core")
        watched.per_second = 100_000
        watched.pump(2)
        slow = keys_of(watched, 8, pause=0.3)
        figures("the same over 100 kB/s; none, at full speed", slow, "p95 <= 600 ms", still)
        replay.say(0)


def bytes_of_one(watched: Watched, replay: Replay) -> float:
    """Bytes that reach the terminal for one event of a visible run, until it glows no more,
    beyond those that go there in that time anyway."""
    each = []
    for _ in range(3):
        before = watched.bytes
        watched.pump(1.6)
        between = watched.bytes
        replay.say("one")
        watched.pump(1.6)
        each.append(watched.bytes - between - (between - before))
    return median(each)


def held(watched: Watched) -> None:
    """A key held down, 30 times a second, from the top on: how far the picture is behind."""
    watched.send("g")
    watched.quiet()
    for _ in range(150):
        watched.send("\x1b[6~")
        watched.pump(1 / 30)
    behind = watched.answer("k")
    watched.quiet()
    calm = watched.answer("j")
    row("behind a page key held for 5 s; one key alone", f"{behind * 1e3:.0f} ms",
        f"{calm * 1e3:.0f} ms", behind / calm, "<= 50 ms")  # fmt: skip


class AllApp(OursApp):
    """The table over a list of all runs."""

    def __init__(self, count: int) -> None:
        super().__init__(0)
        self.list = RunList()
        self.list.put_older([each.run for each in make_rows(count)])
        self.made = Made(1024)

    def fill(self) -> None:
        """Show what there is."""
        from durably_tui.tui.widgets.run_table import RunTable

        rows = RunRows(self.list.view(), self.made, lambda _run: None)
        self.query_one(RunTable).set_rows(rows)

    def change(self, number: int) -> None:
        """One visible row has gone on."""
        from msgspec.structs import replace

        entry = self.list.view().entry(5 + number % 20)
        self.list.put(replace(entry.run, progress=Progress(current=number % 100, total=100)))
        self.fill()


def one_row() -> None:
    """CPU of one changed row in many and in few."""

    async def cost(app: AllApp) -> float:
        async with app.run_test(size=(COLUMNS, LINES)) as pilot:
            app.fill()
            await pilot.pause()
            began = time.process_time()
            for number in range(60):
                app.change(number)
                await pilot.pause()
            return (time.process_time() - began) / 60 * 1e3

    def net(count: int) -> float:
        make: Callable[[], AllApp] = lambda: AllApp(count)  # noqa: E731
        return max(0.01, asyncio.run(cost(make())) - asyncio.run(nothing(make)))

    net(500)
    pairs = [(net(RUNS), net(500)) for _ in range(3)]
    many, few = median(a for a, _ in pairs), median(b for _, b in pairs)
    ratio = median(a / b for a, b in pairs)
    row("one changed row of 100,000; of 500", f"{many:.2f} ms", f"{few:.2f} ms", ratio, "<= 1.3")


def run() -> None:
    """Print the figures."""
    heading("Monitor in a terminal")
    one_row()
    with Replay() as replay:
        in_terminal(replay)
