"""Pictures of the app that stay as they are: a server in memory, and a clock that stands still.

Each size is one walk through the places, so that the app is started three times for all pictures.
After a change that is meant: ``pytest tests/tui/test_snapshots.py --snapshot-update``, and look at
the pictures in ``__snapshots__``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from pytest_textual_snapshot import SVGImageExtension
from support.fake_port import FakePort
from support.manual_clock import ManualClock
from support.monitor import Monitor
from syrupy.assertion import SnapshotAssertion
from textual.widgets import TextArea

from durably_tui.protocol import Phase, RunStatus
from durably_tui.state import create_durably_client
from durably_tui.tui.app import MonitorApp
from durably_tui.tui.screens.errors import ErrorsScreen
from durably_tui.tui.screens.jobs import JobsScreen
from durably_tui.tui.screens.logs import LogsScreen
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.screens.servers import ServersScreen
from durably_tui.tui.screens.trigger import TriggerScreen
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.line_table import LineTable

DARK, LIGHT = "textual-dark", "textual-light"
_LOOK_AGAIN = 0.04
_QUIET = 5
"""How many looks in a row must see the same screen."""


@pytest.fixture(autouse=True)
def pinned(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local times are those of UTC, and the terminal of the test run says nothing of colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class TimedPort(FakePort):
    """A server whose own times are those of the clock, so that a waterfall has some length."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(preserve_steps=True)
        self._clock = clock

    def _at(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time(), UTC)


class Night:
    """A server in memory with a little of everything, and the monitor on it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.port = port = TimedPort(self.clock)
        done = port.made("import-csv", input={"file": "partners.csv"}, labels={"env": "prod"})
        port.started(done)
        port.progressed(done, 6, 6)
        self.clock.now += 12.5
        port.completed(done, {"imported": 6})
        self.failed = port.made("render-report", labels={"env": "prod", "team": "ops"})
        port.started(self.failed)
        self.clock.now += 3.25
        port.failed(self.failed, "renderer pool-b closed the connection [/revenue]")
        gone = port.made("sync-orders", labels={"region": "eu"})
        port.started(gone)
        port.cancelled(gone)
        self.running = port.made("back-up-database", input={"database": "ledger", "tables": 40})
        self.waiting = port.made("deliver-webhooks", labels={"env": "staging"})
        self.clock.now = 75.0

    def app(self) -> MonitorApp:
        """The monitor, not yet running."""
        hooks = create_durably_client(self.port, clock=self.clock)
        session = Session(hooks, "https://jobs.example/api/durably", "prod", clock=self.clock.time)
        app = MonitorApp(session)
        app.plain = False
        return app

    async def work(self, shown: Monitor) -> None:
        """Let the run under the cursor do something while it is watched."""
        await shown.on(self.running)
        await shown.until(self._is_watched, "the run's own stream")
        port, run_id = self.port, self.running
        port.started(run_id)
        for number in range(3):
            port.step_started(run_id, f"copy-table-{number}", number)
            self.clock.now += 2.5 + number
            port.logged(run_id, f"table {number} is copied")
            port.stepped(run_id, f"copy-table-{number}", number)
            port.progressed(run_id, number + 1, 40)
            await shown.until(lambda number=number: self._has_come(shown, number + 1))
        port.step_started(run_id, "copy-table-3", 3)
        await shown.until(
            lambda: any(
                row.run.id == run_id and row.step_name == "copy-table-3"
                for row in shown.runs.table.rows
            )
        )
        self.clock.now += 4

    def _is_watched(self) -> bool:
        streams = [each for each in self.port.run_streams if each.wants == self.running]
        return any(each.connection.phase is Phase.LIVE for each in streams)

    def _has_come(self, shown: Monitor, number: int) -> bool:
        """Whether the run's own stream and that of all runs have brought so many steps: the clock
        may go on."""
        seen = shown.runs.seen
        told = shown.runs.session.hooks.history.get(self.running)
        return (
            seen is not None
            and told is not None
            and seen.logs.total == number
            and told.ended_steps.total == number
            and told.progress is not None
            and told.progress.current == number
        )


class Walk:
    """The monitor at one size, and how its pictures differ from those that are kept."""

    def __init__(self, shown: Monitor, kept: SnapshotAssertion) -> None:
        self.shown = shown
        self._kept = kept
        self._size = "x".join(map(str, shown.app.size))
        self.differ: list[str] = []

    async def picture(self, what: str, *themes: str) -> None:
        """Compare what is in front, in each theme."""
        for theme in themes:
            self.shown.app.theme = theme
            name = f"{what}-{self._size}-{theme}"
            await settled(self.shown)
            # A dialog is painted over what its place showed when it was opened.
            self.shown.app.screen.refresh()
            await settled(self.shown)
            if self._kept(name=name) != self.shown.app.export_screenshot(title="durably-tui"):
                self.differ.append(name)

    async def places(self, **themes: str) -> None:
        """Every place but the runs, each in the theme that is asked for."""
        for key, screen, text in (
            ("2", JobsScreen, "back-up-database"),
            ("3", ErrorsScreen, "renderer pool-b closed the connection"),
            ("4", LogsScreen, "table 2 is copied"),
            ("5", ServersScreen, "● live"),
        ):
            what = screen.PLACE.lower()
            if what in themes:
                await self.shown.press(key)
                place = await self.shown.front(screen)
                await self.shown.until(lambda place=place: place.is_filled, f"all of {what}")
                await self.shown.shows(text)
                await self.picture(what, themes[what])
                await self.shown.press("1")
                await self.shown.front(RunsScreen)


@asynccontextmanager
async def walk(
    night: Night, kept: SnapshotAssertion, size: tuple[int, int], *, logs: bool = False
) -> AsyncIterator[Walk]:
    """The monitor on ``night``, whose running run has done some work while it was watched, and
    while the place Logs was open, if ``logs``."""
    app = night.app()
    async with app.run_test(size=size) as pilot:
        shown = Monitor(app, pilot)
        await shown.front(RunsScreen)
        await shown.shows("● live")
        if logs:
            # It keeps what is written from when it was first opened.
            await shown.press("4")
            await shown.front(LogsScreen)
            await shown.press("1")
            await shown.front(RunsScreen)
        await night.work(shown)
        walk = Walk(shown, kept.use_extension(SVGImageExtension))
        yield walk
    assert not walk.differ


async def test_in_a_small_terminal(snapshot: SnapshotAssertion) -> None:
    night = Night()
    async with walk(night, snapshot, (80, 24)) as here:
        shown = here.shown
        await shown.shows("● running", "table 2 is copied")
        await here.picture("runs", DARK, LIGHT)
        await here.places(errors=DARK, servers=LIGHT)
        await shown.on(night.running)
        await settled(shown)
        await shown.press("ctrl+t")
        dialog = await shown.front(TriggerScreen)
        dialog.query_one(TextArea).cursor_blink = False
        await shown.shows('"database": "ledger"', "^O older input")
        await here.picture("trigger", DARK)


async def test_in_a_common_one(snapshot: SnapshotAssertion) -> None:
    night = Night()
    async with walk(night, snapshot, (120, 40), logs=True) as here:
        shown = here.shown
        await here.picture("runs", DARK, LIGHT)
        await here.places(jobs=DARK, logs=LIGHT)
        await shown.on(night.running)
        await shown.press("enter")
        await shown.front(RunScreen)
        await shown.press("s")
        await shown.shows("TOOK", "copy-table-3  ", "● running  ")
        await here.picture("steps", DARK)


async def test_in_a_large_one(snapshot: SnapshotAssertion) -> None:
    night = Night()
    async with walk(night, snapshot, (200, 60)) as here:
        shown = here.shown
        await here.picture("runs", DARK, LIGHT)
        await shown.on(night.failed)
        await shown.press("enter")
        await shown.front(RunScreen)
        await shown.shows("renderer pool-b closed the connection [/revenue]", "watched")
        await here.picture("failed", LIGHT)


async def settled(shown: Monitor) -> None:
    """Wait until nothing on the screen changes any more: no glow, no paint that is due."""
    before = None
    quiet = 0
    while quiet < _QUIET:
        await asyncio.sleep(_LOOK_AGAIN)
        glows = any(table._glow_timer for table in shown.app.screen.query(LineTable))
        now = shown.strips if shown.is_laid_out and not glows else None
        quiet = quiet + 1 if now is not None and now == before else 0
        before = now


def test_the_night_has_every_kind_of_run() -> None:
    night = Night()
    night.port.started(night.running)
    assert {run.status for run in night.port.runs.values()} == {*RunStatus} - {RunStatus.UNKNOWN}
