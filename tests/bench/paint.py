"""What a picture costs: one changed row of 500, beside DataTable and a bare list."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import DataTable

from durably_tui.protocol import Progress, Run, RunStatus
from durably_tui.tui.widgets.run_table import RunRow, RunTable
from tests.bench.measure import heading, paired, row

SIZE = (120, 42)
CHANGES = 60
START = datetime(2026, 1, 1, tzinfo=UTC)


def make_rows(count: int) -> list[RunRow]:
    """Running runs, each a second apart."""
    return [
        RunRow(
            Run(
                id=f"01M8104RXVSJPZTDN0R5{i:06}",
                job_name="import-csv",
                status=RunStatus.RUNNING,
                progress=Progress(current=0, total=100),
                labels={"env": "prod"},
                created_at=START + timedelta(seconds=count - i),
                started_at=START + timedelta(seconds=count - i),
            ),
            step_name="row-0",
        )
        for i in range(count)
    ]


class OursApp(App[None]):
    """Our table alone."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.rows = make_rows(count)

    def compose(self) -> ComposeResult:
        """The table."""
        yield RunTable(clock=lambda: START.timestamp() + 1e6)

    def change(self, number: int) -> None:
        """One visible row has gone on."""
        table = self.query_one(RunTable)
        at = 5 + number % 20
        old = self.rows[at]
        progress = Progress(current=number % 100, total=100)
        self.rows = list(self.rows)
        self.rows[at] = RunRow(
            msgspec.structs.replace(old.run, progress=progress), step_name=f"row-{number}"
        )
        table.set_rows(self.rows)

    def fill(self) -> None:
        """Show the rows."""
        self.query_one(RunTable).set_rows(self.rows)


class TheirsApp(App[None]):
    """Textual's table with the same columns."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def compose(self) -> ComposeResult:
        """The table."""
        yield DataTable[str](cursor_type="row")

    def fill(self) -> None:
        """Show the rows."""
        table = self.query_one(DataTable)
        for name in ("status", "job", "progress", "step", "age", "took", "labels", "id"):
            table.add_column(name, key=name)
        for i in range(self.count):
            table.add_row(
                "● running", "import-csv", "━━━━  0%", "row-0", "2m", "1m", "env=prod", f"…{i:06}",
                key=str(i),
            )  # fmt: skip

    def change(self, number: int) -> None:
        """One visible cell has gone on."""
        at = str(5 + number % 20)
        self.query_one(DataTable).update_cell(at, "progress", f"━━━━ {number % 100}%")


class BareLines(ScrollView):
    """The Line API and nothing else: a line of text for each row, made when it is drawn."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.lines = [f"● running  import-csv  ━━━━  0%  row-0  {i:06}" for i in range(count)]

    def render_line(self, y: int) -> Strip:
        """The line of a row, as wide as the screen."""
        text = self.lines[y + self.scroll_offset.y]
        return Strip([Segment(text.ljust(self.size.width))], self.size.width)


class BareApp(App[None]):
    """A list that does nothing for its rows."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def compose(self) -> ComposeResult:
        """The list."""
        yield BareLines(self.count)

    def fill(self) -> None:
        """Say how long it is."""
        lines = self.query_one(BareLines)
        lines.virtual_size = Size(SIZE[0], self.count)

    def change(self, number: int) -> None:
        """One visible row has gone on."""
        lines = self.query_one(BareLines)
        at = 5 + number % 20
        lines.lines[at] = f"● running  import-csv  ━━━━ {number % 100}%  row-{number}  {at:06}"
        lines.refresh(Region(0, at, SIZE[0], 1))


AnyApp = OursApp | TheirsApp | BareApp


async def cost(make: Callable[[], AnyApp]) -> float:
    """CPU milliseconds of one change, its frame included."""
    app = make()
    async with app.run_test(size=SIZE) as pilot:
        app.fill()
        await pilot.pause()
        started = time.process_time()
        for number in range(CHANGES):
            app.change(number)
            await pilot.pause()
        return (time.process_time() - started) / CHANGES * 1e3


async def nothing(make: Callable[[], AnyApp]) -> float:
    """CPU milliseconds of waiting for a frame in which nothing changes: what measuring costs."""
    app = make()
    async with app.run_test(size=SIZE) as pilot:
        app.fill()
        await pilot.pause()
        started = time.process_time()
        for _ in range(CHANGES):
            await pilot.pause()
        return (time.process_time() - started) / CHANGES * 1e3


def net(make: Callable[[], AnyApp]) -> float:
    """The cost of a change without the cost of measuring it."""
    return max(0.01, asyncio.run(cost(make)) - asyncio.run(nothing(make)))


def run() -> None:
    """Print the figures."""
    heading("Paint (CPU ms)")
    ours, theirs, ratio = paired(
        lambda: net(lambda: OursApp(500)), lambda: net(lambda: TheirsApp(500)), rounds=3
    )
    row(
        "one changed row of 500; DataTable.update_cell",
        f"{ours:.2f}",
        f"{theirs:.2f}",
        ratio,
        "<= 0.1",
    )
    ours, theirs, ratio = paired(
        lambda: net(lambda: OursApp(500)), lambda: net(lambda: BareApp(500)), rounds=3
    )
    row(
        "one changed row of 500; a bare list of the Line API",
        f"{ours:.2f}",
        f"{theirs:.2f}",
        ratio,
        "beside it",
    )
