"""Every key of every place, with runs and without any, where no server answers: none breaks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from support.bad_servers import closed_port
from support.monitor import Monitor, monitor
from support.workshop import workshop
from textual.screen import Screen
from textual.widgets import Input

from durably_tui.client import Pace
from durably_tui.tui.screens.base import UNFORESEEN, CommandScreen
from durably_tui.tui.screens.errors import ErrorsScreen
from durably_tui.tui.screens.jobs import JobsScreen
from durably_tui.tui.screens.logs import LogsScreen
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.screens.servers import ServersScreen
from durably_tui.tui.widgets.run_detail import PANES

QUICK = Pace(first_delay=0.05, max_delay=0.2)
PLACES: dict[str, type[CommandScreen]] = {
    "1": RunsScreen,
    "2": JobsScreen,
    "3": ErrorsScreen,
    "4": LogsScreen,
    "5": ServersScreen,
}
_LEAVES = frozenset({"quit", "back"})
"""Actions that end what is tried here."""


@pytest.fixture(params=["runs", "gone"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a server with some runs, and one where nobody answers and no run is known."""
    if request.param == "gone":
        with closed_port() as nobody:
            yield nobody.url
        return
    async with workshop(tmp_path) as shop:
        for job in ("quick", "broken", "broken", "chatty"):
            await shop.done(job, {"env": "prod"})
        await shop.start("held")
        yield shop.url


async def back_to(shown: Monitor, screen: Screen[Any]) -> bool:
    """Leave what a key opened over a screen; whether the screen is still there."""
    for _ in range(5):
        if shown.app.screen is screen and not isinstance(shown.app.focused, Input):
            return True
        if screen not in shown.app.screen_stack:
            return False
        await shown.press("escape")
    return shown.app.screen is screen


async def press_all(shown: Monitor, screen: CommandScreen) -> set[str]:
    """Press each key of a screen that is in front; answers those that were pressed."""
    pressed: set[str] = set()
    place = type(screen)
    for command in screen.offered():
        if command.action in _LEAVES:
            continue
        for key in command.key_names:
            await shown.press(key)
            pressed.add(key)
            if command.action == "pause":
                await shown.press(key)
            if not await back_to(shown, screen):
                # It led elsewhere: back by the digit.
                digit = next(at for at, kind in PLACES.items() if kind is place)
                await shown.press(digit)
                screen = await shown.front(place)
            assert shown.app._exception is None
            assert not any(UNFORESEEN in toast for toast in shown.toasts), shown.toasts
    return pressed


@pytest.mark.parametrize("digit", PLACES)
async def test_every_key_of_a_place(server: str, digit: str) -> None:
    async with monitor(server, pace=QUICK, size=(100, 30)) as shown:
        await shown.until(lambda: shown.runs.table.rows or shown.app.screen.query("#trouble"))
        await shown.press(digit)
        screen = await shown.front(PLACES[digit])
        pressed = await press_all(shown, screen)
        assert len(pressed) > 15
        assert {"question_mark", "colon", "ctrl+p"} <= pressed
        await shown.press(digit)
        await shown.front(PLACES[digit])
        await shown.shows("? help")


@pytest.mark.parametrize("pane", PANES)
async def test_every_key_of_a_run(tmp_path: Path, pane: str) -> None:
    async with workshop(tmp_path) as shop:
        await shop.done("chatty", {"env": "prod"})
        run_id = await shop.done("broken", {"env": "prod"})
        async with monitor(shop.url, pace=QUICK, size=(100, 30)) as shown:
            await shown.on(run_id)
            run = shown.runs.current_run()
            assert run is not None
            shown.runs.open_run(run, pane=pane)
            screen = await shown.front(RunScreen)
            for command in screen.offered():
                # What changes the run, or the place, has its own tests.
                if command.action in _LEAVES or command.mutates or command.group == "Places":
                    continue
                if "escape" in command.key_names:
                    continue  # a pane's own: where it has nothing to clear, it leaves
                for key in command.key_names:
                    await shown.press(key)
                    assert await back_to(shown, screen), key
                    screen.detail.show_pane(pane)
                    assert shown.app._exception is None
            assert not any(UNFORESEEN in toast for toast in shown.toasts), shown.toasts
            await shown.shows("? help", "broken")


async def test_a_run_in_full_stays_to_be_read_where_its_server_goes(tmp_path: Path) -> None:
    async with AsyncExitStack() as before:
        shop = await before.enter_async_context(workshop(tmp_path))
        run_id = await shop.done("broken")
        async with monitor(shop.url, pace=QUICK, size=(120, 30)) as shown:
            await shown.on(run_id)
            await shown.press("enter")
            await shown.front(RunScreen)
            await shown.shows("✖ failed", "the disk is full")
            await before.aclose()
            await shown.shows("Not connected since", "✖ failed", "the disk is full")
            await shown.press("s", "l", "e")
            await shown.until(lambda: shown.run.pane == "output", "its error in full")
            await shown.shows("the disk is full")
            await shown.press("R")
            await shown.says("nothing listens there")
