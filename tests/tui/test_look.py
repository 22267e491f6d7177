"""How the app looks as a whole: at any size, in ASCII, and with text that tries to break it."""

from __future__ import annotations

import pytest
from support.hostile import HOSTILE, bundles, is_inert
from support.monitor import Monitor, monitor
from support.workshop import Workshop
from textual.command import CommandPalette

from durably_tui.letters import asks_for_ascii
from durably_tui.text import cells, safe
from durably_tui.tui.ascii import to_ascii
from durably_tui.tui.screens.help import HelpScreen
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.screens.trigger import TriggerScreen

TEXTS = bundles(8)


async def tour(shown: Monitor, run_id: str) -> list[str]:
    """Every screen and pane with a run; all lines that were shown, each as wide as the screen."""
    lines: list[str] = []
    await shown.on(run_id)
    for keys, front in (
        ((), RunsScreen),
        (("question_mark",), HelpScreen),
        (("escape", "t"), TriggerScreen),
        (("escape", "enter"), RunScreen),
        (("s",), RunScreen),
        (("l",), RunScreen),
        (("i",), RunScreen),
        (("e",), RunScreen),
        (("q",), RunsScreen),
    ):
        await shown.press(*keys)
        await shown.front(front)
        await shown.pilot.pause()
        lines += shown.lines
    return lines


@pytest.mark.parametrize("size", [(80, 24), (40, 15), (300, 80), (9, 3)])
async def test_every_screen_fits_any_size(shop: Workshop, size: tuple[int, int]) -> None:
    await shop.done("broken")
    run_id = await shop.start("held", {"env": "prod"})
    async with monitor(shop.url, size=size) as shown:
        for line in await tour(shown, run_id):
            assert len(line) == size[0]


async def test_a_screen_that_changes_its_size_keeps_its_place(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url, size=(120, 40)) as shown:
        await shown.on(run_id)
        for size in ((40, 15), (300, 80), (10, 3), (80, 24)):
            await shown.pilot.resize_terminal(*size)
            await shown.until(lambda size=size: shown.app.size == size and shown.is_laid_out)
            assert len(shown.lines) == size[1]
            assert shown.runs.table.cursor_key == run_id
            assert shown.runs.detail.display is (size[1] >= 16)


@pytest.mark.parametrize(
    ("environ", "ascii_only"),
    [
        ({}, False),  # as in containers, whose terminals mostly know UTF-8
        ({"LC_CTYPE": "C.UTF-8"}, False),  # by Python
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
        ({"LC_ALL": "C"}, True),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, True),
        ({"LC_ALL": "", "LANG": "C"}, True),
        ({"LC_ALL": "C", "PYTHONUTF8": "1"}, False),
        ({"LC_ALL": "en_GB.UTF-8", "LANG": "C"}, False),
    ],
)
def test_who_sets_the_locale_c_gets_ascii(environ: dict[str, str], ascii_only: bool) -> None:
    assert asks_for_ascii(environ) is ascii_only


async def test_ascii_draws_no_character_above_127(shop: Workshop) -> None:
    await shop.done("quick")
    await shop.done("broken")
    run_id = await shop.start("held", {"env": "prod"})
    async with monitor(shop.url, size=(120, 40), ascii_only=True) as shown:
        await shown.shows("* running", "x failed", "+ completed")
        strange = {char for line in await tour(shown, run_id) for char in line if ord(char) > 127}
        assert not strange
        await shown.press("D")
        await shown.says("cancel it before you delete it")
        await shown.press("ctrl+p")
        await shown.front(CommandPalette)
        await shown.shows("Trigger  (t)")
        assert shown.text.isascii()


def test_what_stands_in_for_a_character_takes_its_cells() -> None:
    assert to_ascii("●─╭│…▸ über 漢字 e\u0301 ␛[31m") == "*-+|~> uber ???? e ?[31m"
    for text in HOSTILE:
        shown = safe(text)
        assert to_ascii(shown).isascii()
        assert len(to_ascii(shown)) == cells(shown)


async def test_hostile_text_stays_inert_and_in_its_column(shop: Workshop) -> None:
    async with monitor(shop.url, size=(120, 40)) as shown:
        await shown.shows("● live")
        runs = [await shop.done("loud", {"hostile": text[:200]}, value=text) for text in TEXTS]
        await shown.until(lambda: set(shown.ids) == set(runs), "every run")
        await shown.shows(f"{len(TEXTS)} failed")
        for run_id in runs:
            await shown.on(run_id)
            await shown.until(lambda: len(shown.runs.detail.logs.store), "its logs")
            await shown.until(
                lambda: all("✖ failed" in line for line in shown.lines[3 : 3 + len(TEXTS)]),
                "every run as what it is",
            )
            for line in shown.lines:
                assert is_inert(line), ascii(line)
        for run_id in runs[:3]:
            await shown.on(run_id)
            await shown.press("enter")
            await shown.front(RunScreen)
            for key in "slie":
                await shown.press(key)
                await shown.pilot.pause()
                for line in shown.lines:
                    assert is_inert(line), ascii(line)
            await shown.press("q")
            await shown.front(RunsScreen)


async def test_hostile_text_in_toasts_and_questions_is_plain(shop: Workshop) -> None:
    text = "[red]markup[/] \x1b[31m error at [/a/b] \u202e"
    run_id = await shop.done("quick", value=text)
    async with monitor(shop.url, name=text) as shown:
        await shown.on(run_id)
        await shown.press("D")
        await shown.shows("[red]markup[/] ␛[31m error at [/a/b]")
        await shown.press("n")
        await shown.front(RunsScreen)
        shown.runs.say(text)
        await shown.says("[red]markup[/] ␛[31m error at [/a/b] ")
