"""Pictures of the app that stay as they are: a server in memory, and a clock that stands still.

After a change that is meant: ``pytest tests/tui/test_snapshots.py --snapshot-update``, and look at
the pictures in ``__snapshots__``.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from support.fake_port import FakePort
from support.manual_clock import ManualClock
from support.monitor import Monitor
from textual.pilot import Pilot
from textual.widgets import TextArea

from durably_tui.protocol import Phase, RunStatus
from durably_tui.state import create_durably_client
from durably_tui.tui.app import MonitorApp
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.screens.trigger import TriggerScreen
from durably_tui.tui.session import Session

Scene = Callable[["Night", Monitor], Awaitable[None]]
SnapCompare = Callable[..., bool]


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
        app.theme = "textual-dark"
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


async def the_runs(night: Night, shown: Monitor) -> None:
    await night.work(shown)
    await shown.shows("● running", "table 2 is copied")


async def its_steps(night: Night, shown: Monitor) -> None:
    await night.work(shown)
    await shown.press("enter")
    await shown.front(RunScreen)
    await shown.press("s")
    await shown.shows("copy-table-3  ", "● running  ")


async def why_it_failed(night: Night, shown: Monitor) -> None:
    await shown.on(night.failed)
    await shown.press("enter")
    await shown.front(RunScreen)
    await shown.shows("renderer pool-b closed the connection [/revenue]", "watched")


async def a_new_one(night: Night, shown: Monitor) -> None:
    await shown.on(night.running)
    await shown.press("ctrl+t")
    dialog = await shown.front(TriggerScreen)
    dialog.query_one(TextArea).cursor_blink = False
    await shown.shows('"database": "ledger"', "^O older input")


@pytest.mark.parametrize(
    ("scene", "size"),
    [
        (the_runs, (80, 24)),
        (the_runs, (200, 60)),
        (its_steps, (120, 40)),
        (why_it_failed, (120, 40)),
        (a_new_one, (80, 24)),
    ],
    ids=lambda value: value.__name__ if callable(value) else "x".join(map(str, value)),
)
def test_the_picture_is_as_it_was(
    snap_compare: SnapCompare, scene: Scene, size: tuple[int, int]
) -> None:
    night = Night()

    async def play(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, MonitorApp)
        shown = Monitor(app, pilot)
        await shown.front(RunsScreen)
        await shown.shows("● live")
        await scene(night, shown)
        await settled(shown)

    assert snap_compare(night.app(), terminal_size=size, run_before=play)


async def settled(shown: Monitor) -> None:
    """Wait until nothing on the screen changes any more: no glow, no paint that is due."""
    before = ""
    quiet = 0
    while quiet < 3:
        await shown.pilot.pause(0.15)
        now = shown.app.export_screenshot()
        quiet = quiet + 1 if now == before else 0
        before = now


def test_the_night_has_every_kind_of_run() -> None:
    night = Night()
    night.port.started(night.running)
    assert {run.status for run in night.port.runs.values()} == {*RunStatus} - {RunStatus.UNKNOWN}
