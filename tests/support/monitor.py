"""The monitor on a server, driven by keys and looked at as a person would."""

from __future__ import annotations

import asyncio
import contextlib
import time
import unicodedata
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from support.screens import Painted
from textual.events import Key
from textual.keys import _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip

from durably_tui.client import DurablyClient, Pace
from durably_tui.state import create_durably_client
from durably_tui.tui.app import MonitorApp
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.session import Session
from durably_tui.tui.world import World

PATIENCE = 40.0
"""Seconds until a screen that never shows what is waited for fails the test."""
_LOOK_AGAIN = 0.02

_HOPS = 20
"""Turns of the loop in which a key comes up from one widget to the next."""
_ROUNDS = 4
"""How often, after that, every widget works off what waits for it."""

_running: list[MonitorApp] = []

ScreenT = TypeVar("ScreenT", bound=Screen[object])


def _key(name: str) -> Key:
    """A key as the driver sends it."""
    if len(name) == 1:
        return Key(_character_to_key(name), name)
    try:
        return Key(name, unicodedata.lookup(_get_unicode_name_from_key(name)))
    except KeyError:
        return Key(name, None)


class Monitor:
    """A running monitor. ``until`` and ``shows`` wait; nothing here sleeps for a fixed time."""

    def __init__(self, app: MonitorApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot
        self._painted = Painted(app)

    @property
    def strips(self) -> list[Strip]:
        """The screen as it was painted last, a line each."""
        return self._painted.strips

    @property
    def lines(self) -> list[str]:
        """The text of each line of the screen, each exactly as wide as the screen; empty lines
        while it is not laid out."""
        width, height = self.app.size
        if not self.is_laid_out:
            return [""] * height
        assert len(self.strips) == height
        assert all(strip.cell_length == width for strip in self.strips)
        return [strip.text for strip in self.strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def is_laid_out(self) -> bool:
        """Whether the screen in front has been laid out; a new one has not yet."""
        return self.app.screen._compositor.size == self.app.size

    @property
    def runs(self) -> RunsScreen:
        """The place Runs, wherever it is in the stack."""
        return next(s for s in self.app.screen_stack if isinstance(s, RunsScreen))

    @property
    def run(self) -> RunScreen:
        """The run in full that is in front."""
        return self.at(RunScreen)

    def at(self, kind: type[ScreenT]) -> ScreenT:
        """The screen in front, which must be of this kind."""
        assert isinstance(self.app.screen, kind), self.app.screen
        return self.app.screen

    @property
    def ids(self) -> list[str]:
        """The runs of the table, from its top."""
        return [row.run.id for row in self.runs.table.rows]

    @property
    def toasts(self) -> list[str]:
        """What is said in toasts by now, the newest last."""
        return [toast.message for toast in self.app._notifications]

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait until ``condition()`` is true."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if self.app._exception is not None:
                raise self.app._exception
            if time.monotonic() > deadline:
                said = "\n".join(self.toasts)
                raise AssertionError(f"{what or condition} never came:\n{self.text}\n{said}")
            await asyncio.sleep(_LOOK_AGAIN)

    async def shows(self, *wanted: str) -> None:
        """Wait until the screen shows all of ``wanted``."""
        await self.until(lambda: all(each in self.text for each in wanted), repr(wanted))

    async def hides(self, unwanted: str) -> None:
        """Wait until the screen does not show it."""
        await self.until(lambda: self.is_laid_out and unwanted not in self.text, f"no {unwanted!r}")

    async def says(self, *wanted: str) -> None:
        """Wait for a toast with all of ``wanted`` in it."""
        await self.until(
            lambda: any(all(each in toast for each in wanted) for toast in self.toasts),
            f"a toast with {wanted!r}",
        )

    async def press(self, *keys: str) -> None:
        """Press keys, each once what the one before set going has settled.

        The pilot's own waits until the process is idle, a second for each key where it never is:
        the server works in it as well.
        """
        driver = self.app._driver
        assert driver is not None
        for key in keys:
            driver.send_message(_key(key))
            for _ in range(_ROUNDS):
                for _ in range(_HOPS):
                    await asyncio.sleep(0)
                await self.pilot.pause(0.0)

    async def on(self, run_id: str) -> None:
        """Put the cursor on a run, once it is in the table, and wait until it is looked at."""
        await self.until(lambda: run_id in self.ids, f"run {run_id}")
        self.runs.table.move_cursor(run_id)
        await self.until(lambda: self.runs.seen is not None and self.runs.seen.run_id == run_id)

    async def front(self, kind: type[ScreenT]) -> ScreenT:
        """Wait until a screen of this kind is in front, mounted and painted."""
        await self.until(
            lambda: isinstance(self.app.screen, kind) and self.is_laid_out, kind.__name__
        )
        return self.at(kind)


@contextlib.asynccontextmanager
async def watching(
    session: Session,
    *,
    size: tuple[int, int] = (120, 40),
    ascii_only: bool = False,
    world: World | None = None,
    toasts: bool = False,
) -> AsyncIterator[Monitor]:
    """The monitor on any session, with a configuration where one is given."""
    # The terminal of a test run may know less than UTF-8; what is drawn must not depend on it.
    app = MonitorApp(session, ascii_only=ascii_only, world=(lambda: world) if world else None)
    app.plain = ascii_only
    async with app.run_test(size=size, notifications=toasts) as pilot:
        _running.append(app)
        shown = Monitor(app, pilot)
        try:
            await shown.front(RunsScreen)
            yield shown
        finally:
            _running.remove(app)


@contextlib.asynccontextmanager
async def monitor(
    url: str,
    *,
    size: tuple[int, int] = (120, 40),
    name: str = "",
    read_only: bool = False,
    ascii_only: bool = False,
    pace: Pace | None = None,
    token: str | None = None,
    abilities: str | None = None,
    toasts: bool = False,
    world: World | None = None,
) -> AsyncIterator[Monitor]:
    """The monitor on the server at ``url``; once it is left, nothing of it goes on.

    Toasts can be asked for by ``says``, and are drawn only where ``toasts`` says so.
    """
    client = DurablyClient(url, read_only=read_only, pace=pace, token=token, abilities=abilities)
    session = Session(
        create_durably_client(client), client.url, name, read_only=read_only, close=client.aclose
    )
    async with watching(
        session, size=size, ascii_only=ascii_only, toasts=toasts, world=world
    ) as shown:
        yield shown
    left = [task for task in asyncio.all_tasks() if _is_of_the_monitor(task)]
    # With a second monitor in the same loop nobody can tell whose they are.
    assert not left or _running, left


def _is_of_the_monitor(task: asyncio.Task[object]) -> bool:
    """Whether a task runs the monitor's own code; the server may live in the same loop."""
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and "durably_tui" in code.co_filename
