"""What a log of a million lines costs, and one that gets 20,000 a second while one follows it."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from textual.app import App, ComposeResult
from textual.widgets import Log

from durably_tui.protocol import LogEntry
from durably_tui.state import LogStore
from durably_tui.state.log_pattern import LogPattern
from durably_tui.state.log_pick import LogFinds, LogPick
from durably_tui.tui.widgets.log_pane import LogPane
from tests.bench.measure import heading, paired, row

MILLION = 1_000_000
WEIGHED = 100_000
"""Lines that memory is measured with: it costs much, and a line's share is the same."""
LOT = 1_000
START = datetime(2026, 1, 1, tzinfo=UTC)
SIZE = (120, 42)
PER_SECOND = 20_000
FRAMES_PER_SECOND = 12
FRAMES = 24
TURN = 0.008


def entries(start: int, count: int) -> list[LogEntry]:
    """Lines as a job writes them, each text an object of its own as from the wire."""
    return [
        LogEntry(
            run_id=f"01M8104RXVSJPZTDN0R5{number % 50:06}",
            job_name="import-csv",
            message=f"parsed row {number} of the file customers.csv, and kept it as it is",
            step_name=f"row-{number % 20}",
            timestamp=START + timedelta(milliseconds=number),
        )
        for number in range(start, start + count)
    ]


def text_of(entry: LogEntry) -> str:
    """What a plain list would keep of a line."""
    return f"{entry.level.value}  {entry.step_name}  {entry.message}"


def filled(keep: Callable[[list[LogEntry]], object]) -> tuple[float, int]:
    """Bytes that keeping a line takes, and how many of these are its message."""
    gc.collect()
    tracemalloc.start()
    text = 0
    for start in range(0, WEIGHED, LOT):
        lot = entries(start, LOT)
        text += sum(len(entry.message) for entry in lot)
        keep(lot)
    del lot
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / WEIGHED, text // WEIGHED


def memory() -> None:
    """Bytes for each line beyond its message."""
    store, plain = LogStore(), list[str]()
    ours, text = filled(store.extend)
    theirs, _ = filled(lambda lot: plain.extend(map(text_of, lot)))
    row(
        "bytes a line beyond its text; list of str",
        f"{ours - text:.0f}",
        f"{theirs - text:.0f}",
        (ours - text) / (theirs - text),
        "<= 200 B",
    )


def searching() -> None:
    """Milliseconds for a search through a million lines, in turns; the longest turn."""
    store, plain = LogStore(), list[str]()
    for start in range(0, MILLION, LOT):
        lot = entries(start, LOT)
        store.extend(lot)
        plain.extend(map(text_of, lot))
    longest = 0.0

    def ours(pattern: str) -> float:
        nonlocal longest
        pick = LogPick(store, LogFinds(LogPattern(pattern)))
        started = time.perf_counter()
        done = False
        while not done:
            begun = time.perf_counter()
            done = pick.step(TURN)
            longest = max(longest, time.perf_counter() - begun)
        return time.perf_counter() - started

    def theirs() -> float:
        started = time.perf_counter()
        assert sum("row 777777 " in line for line in plain) == 1
        return time.perf_counter() - started

    for what, pattern in (("a text", "row 777777 "), ("an expression", r"row 7{5,6}\b")):
        mine, other, ratio = paired(lambda p=pattern: ours(p), theirs, rounds=3)  # type: ignore[misc]
        row(
            f"ms to search a million lines for {what}; `in` over a list",
            f"{mine * 1e3:.0f}",
            f"{other * 1e3:.0f}",
            ratio,
            "<= 500 ms",
        )
    print(f"{'longest turn of these, ms':<58} {longest * 1e3:>16.1f}", flush=True)


class OursApp(App[None]):
    """Our log alone."""

    def compose(self) -> ComposeResult:
        """The log."""
        yield LogPane()

    def write(self, lot: list[LogEntry]) -> None:
        """Show new lines."""
        pane = self.query_one(LogPane)
        pane.view.store.extend(lot)
        pane.tick(0.0)


class TheirsApp(App[None]):
    """Textual's log."""

    def compose(self) -> ComposeResult:
        """The log."""
        yield Log(max_lines=MILLION)

    def write(self, lot: list[LogEntry]) -> None:
        """Show new lines."""
        self.query_one(Log).write_lines(map(text_of, lot))


async def frame_cost(make: Callable[[], OursApp | TheirsApp]) -> float:
    """CPU milliseconds of a frame in which the lines of its time came, the picture included."""
    app = make()
    count = PER_SECOND // FRAMES_PER_SECOND
    lots = [entries(at * count, count) for at in range(FRAMES + 4)]
    async with app.run_test(size=SIZE) as pilot:
        for lot in lots[:4]:
            app.write(lot)
            await pilot.pause()
        started = time.process_time()
        for lot in lots[4:]:
            app.write(lot)
            await pilot.pause()
        return (time.process_time() - started) / FRAMES * 1e3


def following() -> None:
    """What following 20,000 lines a second costs."""
    ours, theirs, ratio = paired(
        lambda: asyncio.run(frame_cost(OursApp)),
        lambda: asyncio.run(frame_cost(TheirsApp)),
        rounds=3,
    )
    row(
        "CPU ms a frame, 12 a second, following 20,000 lines/s; Log",
        f"{ours:.1f}",
        f"{theirs:.1f}",
        ratio,
        "<= 1",
    )


def run() -> None:
    """Print the figures."""
    heading("Logs")
    memory()
    searching()
    following()
