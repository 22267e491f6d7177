"""Text stands out from its ground in every theme, as it is painted."""

from __future__ import annotations

import pytest
from rich.style import Style
from support.monitor import Monitor, monitor
from support.workshop import Workshop
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from durably_tui.tui.dressing import HIGH_CONTRAST
from durably_tui.tui.readable import HIGH, LEAST, LEAST_BOLD, contrast
from durably_tui.tui.screens.errors import ErrorsScreen
from durably_tui.tui.screens.jobs import JobsScreen

ROUNDING = 0.1
"""Colours are mixed in whole numbers."""
THEMES = [
    *(name for name in BUILTIN_THEMES if "ansi" not in name),
    *(t.name for t in HIGH_CONTRAST),
]


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(Color.parse("#fff"), Color.parse("#000")) == 21
    assert contrast(Color.parse("#777"), Color.parse("#fff")) == pytest.approx(4.48, abs=0.01)


def ratio(style: Style) -> float:
    assert style.color is not None
    assert style.bgcolor is not None
    ink, ground = style.color.get_truecolor(), style.bgcolor.get_truecolor()
    return contrast(Color(*ink), Color(*ground))


def least_first(shown: Monitor) -> list[tuple[float, str]]:
    """Every text on the screen with its contrast, those first that stand out least; without what
    steps back on purpose."""
    found = []
    for strip in shown.strips:
        for text, style, _ in strip:
            if any(letter.isalpha() for letter in text) and style and not style.dim:
                found.append((ratio(style), text.strip()))
    return sorted(found)


async def test_text_can_be_read_in_every_theme(shop: Workshop) -> None:
    await shop.done("broken")
    await shop.done("quick")
    async with monitor(shop.url, size=(120, 40)) as shown:
        await shown.press("2")
        await shown.front(JobsScreen)
        await shown.shows("broken", "✖ 1 failed")
        for theme in THEMES:
            shown.app.theme = theme
            await shown.pilot.pause()
            await shown.until(lambda: not shown.app.screen._dirty_widgets, "the picture")
            found = least_first(shown)
            high = theme in {each.name for each in HIGH_CONTRAST}
            assert found[0][0] >= (HIGH if high else LEAST_BOLD) - ROUNDING, (theme, found[:4])
            told = [each for each in found if each[1] in {"Enter", "help", "✖ 1 failed"}]
            assert len(told) == 3
            wanted = HIGH if high else LEAST
            if theme.startswith("solarized"):  # white on their own blue has no more
                wanted = LEAST_BOLD
            assert told[0][0] >= wanted - ROUNDING, (theme, told)


async def test_the_names_of_facts_step_back_behind_what_is_told(shop: Workshop) -> None:
    run_id = await shop.done("broken")
    async with monitor(shop.url, size=(120, 40)) as shown:
        await shown.press("3")
        await shown.front(ErrorsScreen)  # Runs tells the run and its error as well
        await shown.shows(run_id[-8:], "in step burn")
        found = {text: ratio for ratio, text in least_first(shown)}
        assert found["job"] < found["broken  in step burn"] - 3


async def test_what_can_be_copied_can_be_read(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url, size=(120, 40)) as shown:
        await shown.on(run_id)
        await shown.press("y")
        await shown.shows(run_id)
        found = {text: ratio for ratio, text in least_first(shown)}
        assert found[run_id] > LEAST_BOLD
