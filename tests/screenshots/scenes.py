"""What the pictures show: each scene leads the app from its first place to a sight."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from support.monitor import Monitor

from durably_tui.protocol import RunStatus
from durably_tui.tui.screens.errors import ErrorsScreen
from durably_tui.tui.screens.help import HelpScreen
from durably_tui.tui.screens.jobs import JobsScreen
from durably_tui.tui.screens.logs import LogsScreen
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.servers import ServersScreen
from durably_tui.tui.screens.trigger import TriggerScreen

Scene = Callable[[Monitor], Awaitable[None]]


async def runs(monitor: Monitor) -> None:
    """The table with a running run under the cursor, its logs below."""
    await on_a_run(monitor, RunStatus.RUNNING, "import-csv")


async def run(monitor: Monitor) -> None:
    """A run in full, on its steps."""
    await on_a_run(monitor, RunStatus.RUNNING, "import-csv")
    await monitor.press("enter")
    await at(monitor, RunScreen)
    await monitor.press("s")
    await monitor.shows("row-")


async def failed(monitor: Monitor) -> None:
    """A failed run in full, on its overview."""
    await on_a_run(monitor, RunStatus.FAILED)
    await monitor.press("enter")
    await at(monitor, RunScreen)


async def trigger(monitor: Monitor) -> None:
    """The dialog that makes a new run."""
    await on_a_run(monitor, RunStatus.COMPLETED, "import-csv")
    await monitor.press("ctrl+t")
    await at(monitor, TriggerScreen)


async def keys(monitor: Monitor) -> None:
    """The keys of the place."""
    await on_a_run(monitor, RunStatus.RUNNING)
    await monitor.press("question_mark")
    await at(monitor, HelpScreen)


async def jobs(monitor: Monitor) -> None:
    """The jobs, with figures and a plot."""
    await monitor.press("2")
    await at(monitor, JobsScreen)
    await monitor.shows("import-csv", "counted by")


async def errors(monitor: Monitor) -> None:
    """What fails, and why."""
    await monitor.press("3")
    await at(monitor, ErrorsScreen)
    await monitor.shows("render-report")


async def logs(monitor: Monitor) -> None:
    """The lines of all runs in one log."""
    await monitor.press("4")
    await at(monitor, LogsScreen)
    await monitor.shows("following", "info")


async def servers(monitor: Monitor) -> None:
    """Servers side by side."""
    await monitor.press("5")
    await at(monitor, ServersScreen)
    await monitor.shows("staging", "prod")


SCENES: dict[str, Scene] = {
    "runs": runs,
    "run": run,
    "failed": failed,
    "trigger": trigger,
    "jobs": jobs,
    "errors": errors,
    "logs": logs,
    "servers": servers,
    "help": keys,
}


async def at(monitor: Monitor, screen: type[object]) -> None:
    """Wait until a screen is in front."""
    await monitor.until(lambda: isinstance(monitor.app.screen, screen))


async def on_a_run(monitor: Monitor, status: RunStatus, job: str = "") -> None:
    """Put the cursor on the newest run of a status."""

    def found() -> str | None:
        return next(
            (
                row.run.id
                for row in monitor.runs.table.rows
                if row.run.status is status and job in ("", row.run.job_name)
            ),
            None,
        )

    await monitor.until(found)
    run_id = found()
    assert run_id is not None
    monitor.runs.table.move_cursor(run_id)
