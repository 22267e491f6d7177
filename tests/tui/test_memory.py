"""What the monitor holds does not grow with how long it was used."""

from __future__ import annotations

import gc
from collections import Counter

from support.monitor import Monitor, monitor
from support.workshop import Workshop
from textual._styles_cache import StylesCache
from textual.dom import DOMNode
from textual.widget import Widget

from durably_tui.tui.screens.help import HelpScreen
from durably_tui.tui.screens.jobs import JobsScreen
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen


def drawn_of_the_gone() -> int:
    """How many widgets are gone of which what was drawn is still there."""
    gc.collect()
    everything = gc.get_objects()
    kept = {id(each) for each in everything if isinstance(each, StylesCache)}
    return len(kept - {id(each._styles_cache) for each in everything if isinstance(each, Widget)})


def nodes() -> Counter[str]:
    """How many of each kind of widget are in memory, seen or not."""
    gc.collect()
    return Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, DOMNode))


async def look_around(shown: Monitor) -> None:
    """The help, another place, a run in full, and back; twice from one row to the other."""
    for key, screen in [
        ("question_mark", HelpScreen),
        ("escape", RunsScreen),
        ("2", JobsScreen),
        ("1", RunsScreen),
        ("enter", RunScreen),
        ("escape", RunsScreen),
    ]:
        await shown.press(key)
        await shown.front(screen)
    for key, at in [("j", 1), ("k", 0)] * 2:
        await shown.press(key)
        await shown.until(lambda at=at: shown.runs.table.cursor_index == at)


async def test_looking_around_leaves_nothing_behind(shop: Workshop) -> None:
    for job in ("quick", "broken"):
        await shop.done(job)
    async with monitor(shop.url) as shown:
        await shown.shows("● live", "quick", "broken")
        await look_around(shown)
        before = nodes()
        for _ in range(3):
            await look_around(shown)
        await shown.until(lambda: (nodes() - before).total() <= 4, "no more widgets than before")


async def test_what_was_drawn_goes_with_its_widget(shop: Workshop) -> None:
    for job in ("quick", "broken"):
        await shop.done(job)
    before = drawn_of_the_gone()
    async with monitor(shop.url) as shown:
        await shown.shows("● live", "quick", "broken")
        await look_around(shown)
        await shown.until(lambda: drawn_of_the_gone() <= before, "nothing of widgets that are gone")
