"""Telling a user who looks elsewhere: the bell, a notice of the desktop, a command of theirs.

Each is off unless it is configured. What comes together is told once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence

from msgspec.structs import replace

from durably_tui.config import Alerts
from durably_tui.protocol import RunCancel, RunComplete, RunFail, StreamBatch
from durably_tui.text import safe

End = RunFail | RunComplete | RunCancel
SETTLE_SECONDS = 1.0
"""How long ends are gathered before they are told."""
WHY_SECONDS = 5.0
"""How long the server may take to say why a run failed."""
COMMAND_SECONDS = 30.0
"""How long the user's command may take."""
TOLD = {
    "DURABLY_SERVER": "the server's name here",
    "DURABLY_RUN_ID": "the run",
    "DURABLY_JOB": "its job",
    "DURABLY_STATUS": "`failed`, `completed` or `cancelled`",
    "DURABLY_ERROR": "why it failed",
    "DURABLY_COUNT": "how many runs are told of at once",
    "DURABLY_TEXT": "all that in one line",
}
"""What the user's command finds in its environment, for people."""
_VARIABLE = 10_000
"""Characters of a variable of the command at most; Linux takes 128 kB."""
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


def _variable(text: str) -> str:
    """A server's text as a variable can be: without NUL, of characters that can be encoded, and no
    longer than systems take."""
    return text[:_VARIABLE].replace("\0", "").encode("utf-8", "replace").decode()


class Alarm:
    """Tells of failures, and of the end of runs that are watched for it."""

    def __init__(
        self,
        alerts: Alerts,
        *,
        title: str,
        write: Callable[[str], None],
        watched: Callable[[], Iterable[str]] = tuple,
        why: Callable[[str], Awaitable[str | None]] | None = None,
        complain: Callable[[str], None] = log.warning,
    ) -> None:
        """Make an alarm.

        Args:
            alerts: what is wished.
            title: the server, for people.
            write: writes to the terminal.
            watched: the ids of the runs whose end is told, whatever it is.
            why: asks the server for the error of a run, which streams of all runs leave out.
            complain: is told in a sentence, once, that the command does not do.
        """
        self._alerts = alerts
        self._title = title
        self._write = write
        self._watched = watched
        self._why = why
        self._complain = complain
        self._complained = False
        self._ends: dict[str, End] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

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
        if self._alerts.bell:
            self._write("\a")
        if self._alerts.notice or self._alerts.command:
            task = asyncio.create_task(self._tell_more(ends), name="alert")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _tell_more(self, ends: list[End]) -> None:
        """Tell what takes words."""
        first = ends[0]
        if isinstance(first, RunFail) and first.error is None and self._why is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WHY_SECONDS):
                    ends[0] = replace(first, error=await self._why(first.run_id))
        text = sentence(ends)
        if self._alerts.notice:
            self._write(notice(self._title, text, tmux="TMUX" in os.environ))
        if self._alerts.command:
            await self._run(ends[0], len(ends), text)

    async def _run(self, end: End, number: int, text: str) -> None:
        told = (
            self._title,
            end.run_id,
            end.job_name,
            _WORDS[type(end)],
            end.error if isinstance(end, RunFail) else "",
            str(number),
            text,
        )
        fit = {name: _variable(what or "") for name, what in zip(TOLD, told, strict=True)}
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
            name = safe(self._alerts.command[0], limit=100)
            self._say_once(f"The alert command {name} cannot be run: {error.strerror or error}.")
            return
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                if code := await process.wait():
                    self._say_once(f"The alert command exited with code {code}.")
        except TimeoutError:
            self._say_once(f"The alert command was stopped after {COMMAND_SECONDS:g} s.")
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    def _say_once(self, sentence: str) -> None:
        if not self._complained:
            self._complained = True
            self._complain(sentence)

    async def aclose(self) -> None:
        """Tell no more, and end what is still running."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
