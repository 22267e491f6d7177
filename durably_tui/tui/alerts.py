"""Telling a user who looks elsewhere: the bell, a notice of the desktop, a command of theirs.

Each is off unless it is configured. What comes together is told once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Sequence

from durably_tui.config import Alerts
from durably_tui.protocol import RunCancel, RunComplete, RunFail, StreamBatch
from durably_tui.text import safe

End = RunFail | RunComplete | RunCancel
SETTLE_SECONDS = 1.0
"""How long ends are gathered before they are told."""
COMMAND_SECONDS = 30.0
"""How long the user's command may take."""
_WORDS = {RunFail: "failed", RunComplete: "completed", RunCancel: "cancelled"}

log = logging.getLogger(__name__)


def sentence(ends: Sequence[End]) -> str:
    """What happened, for one line of a notice."""
    first = ends[0]
    text = f"{first.job_name or first.run_id} {_WORDS[type(first)]}"
    if isinstance(first, RunFail) and first.error:
        text += f": {first.error}"
    if len(ends) > 1:
        text += f" (and {len(ends) - 1} more)"
    return safe(text, limit=200)


def notice(title: str, text: str, *, tmux: bool) -> str:
    """The bytes of a desktop notice: OSC 9 and OSC 777, of which a terminal takes the one that it
    knows. Through tmux they need ``set -g allow-passthrough on``."""
    plain = [safe(each, limit=200).replace(";", ",") for each in (title, text)]
    sequences = f"\x1b]9;{plain[0]}: {plain[1]}\x07\x1b]777;notify;{plain[0]};{plain[1]}\x07"
    if not tmux:
        return sequences
    doubled = sequences.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"


class Alarm:
    """Tells of failures, and of the end of runs that are watched for it."""

    def __init__(
        self,
        alerts: Alerts,
        *,
        title: str,
        write: Callable[[str], None],
        watched: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """Make an alarm.

        Args:
            alerts: what is wished.
            title: the server, for people.
            write: writes to the terminal.
            watched: the ids of the runs whose end is told, whatever it is.
        """
        self._alerts = alerts
        self._title = title
        self._write = write
        self._watched = watched
        self._ends: dict[str, End] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._commands: set[asyncio.Task[None]] = set()

    @property
    def is_wanted(self) -> bool:
        """Whether anything is wished at all."""
        return self._alerts.bell or self._alerts.notice or bool(self._alerts.command)

    def take(self, batch: StreamBatch) -> None:
        """Look through what the stream brought."""
        watched: set[str] | None = None
        for event in batch.events:
            if isinstance(event, RunComplete | RunCancel):
                watched = set(self._watched()) if watched is None else watched
                if event.run_id not in watched:
                    continue
            elif not isinstance(event, RunFail):
                continue
            self._ends[event.run_id] = event
        if self._ends and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SETTLE_SECONDS, self._tell)

    def _tell(self) -> None:
        self._timer = None
        ends, self._ends = list(self._ends.values()), {}
        text = sentence(ends)
        if self._alerts.bell:
            self._write("\a")
        if self._alerts.notice:
            self._write(notice(self._title, text, tmux="TMUX" in os.environ))
        if self._alerts.command:
            task = asyncio.create_task(self._run(ends[0], len(ends), text), name="alert-command")
            self._commands.add(task)
            task.add_done_callback(self._commands.discard)

    async def _run(self, end: End, number: int, text: str) -> None:
        told: dict[str, str | None] = {
            "DURABLY_SERVER": self._title,
            "DURABLY_RUN_ID": end.run_id,
            "DURABLY_JOB": end.job_name,
            "DURABLY_STATUS": _WORDS[type(end)],
            "DURABLY_ERROR": end.error if isinstance(end, RunFail) else "",
            "DURABLY_COUNT": str(number),
            "DURABLY_TEXT": text,
        }
        # A variable with a NUL cannot be passed, and its text is a server's.
        fit = {name: (value or "").replace("\0", "") for name, value in told.items()}
        # The monitor's own token is none of the command's business.
        ours = {name: value for name, value in os.environ.items() if name != "DURABLY_TOKEN"}
        try:
            process = await asyncio.create_subprocess_exec(
                *self._alerts.command,
                env=ours | fit,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            log.warning("the alert command cannot be run: %s", error)
            return
        try:
            await asyncio.wait_for(process.wait(), COMMAND_SECONDS)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def aclose(self) -> None:
        """Tell no more, and end what is still running."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._commands:
            task.cancel()
        await asyncio.gather(*self._commands, return_exceptions=True)
