"""The place Errors, driven by keys against real servers."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from support.bad_servers import html_502
from support.hostile import bundles, is_inert
from support.monitor import Monitor, monitor
from support.replay08 import replay08
from support.workshop import Workshop, workshop

from durably_server import RunFailedError
from durably_tui.client import Pace
from durably_tui.tui.screens.errors import ErrorsScreen
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.widgets.error_table import ErrorTable

QUICK = Pace(first_delay=0.05, max_delay=0.1)


async def errors_of(shown: Monitor) -> ErrorsScreen:
    """Go to the errors."""
    await shown.press("3")
    return await shown.front(ErrorsScreen)


def messages(screen: ErrorsScreen) -> list[str]:
    return [group.message for group in screen.table.rows]


async def test_failures_are_grouped_with_their_step(shop: Workshop) -> None:
    for message in ("row 1 is bad", "row 22 is bad", "the disk is full"):
        await shop.done("broken", message=message)
    async with monitor(shop.url) as shown:
        screen = await errors_of(shown)
        await shown.shows("2 kinds", "3 failures", "over all failed runs", "burn")
        assert messages(screen) == ["the disk is full", "row <n> is bad"]
        await shown.press("j")
        await shown.shows("2 times: 2 still failed; first", "row 22 is bad", '"row 22 is bad"')


async def test_what_fails_now_is_seen_at_once(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        screen = await errors_of(shown)
        await shown.shows("No run has failed. Sleep well.")
        await shop.done("broken", message="row 3 is bad")
        await shown.until(lambda: messages(screen) == ["row <n> is bad"])
        await shown.shows("in step burn")


async def test_enter_shows_the_runs_of_the_group_and_d_the_last(shop: Workshop) -> None:
    bad = [await shop.done("broken", message=f"row {n} is bad") for n in (1, 2)]
    await shop.done("broken", message="other")
    async with monitor(shop.url) as shown:
        screen = await errors_of(shown)
        await shown.until(lambda: len(messages(screen)) == 2)
        await shown.press("j", "enter")
        await shown.front(RunsScreen)
        await shown.shows('status:failed job:broken error:"is bad"')
        await shown.until(lambda: shown.ids == bad[::-1])
        await shown.press("minus")
        await shown.front(ErrorsScreen)
        await shown.press("d")
        run = await shown.front(RunScreen)
        assert run.current_run().id == bad[1]
        await shown.press("escape")
        await shown.front(ErrorsScreen)


async def test_r_retries_all_of_a_group(shop: Workshop) -> None:
    bad = [await shop.done("broken", message=f"row {n} is bad") for n in (1, 2)]
    await shop.done("broken", message="other")
    async with monitor(shop.url) as shown:
        screen = await errors_of(shown)
        await shown.until(lambda: len(messages(screen)) == 2)
        await shown.press("j", "r")
        await shown.shows("Retry 2 runs on", "Each goes again as the same run")
        await shown.press("y")
        await shown.until(lambda: shown.app.screen is screen)
        for each in bad:
            with pytest.raises(RunFailedError):
                await shop.durably.wait_for_run(each, timeout=10)
            assert (await shop.durably.get_run(each)).lease_generation == 2
        await shown.shows("2 times: 2 still failed; first")


async def test_errors_are_sorted_and_filtered(shop: Workshop) -> None:
    for message in ("often", "often", "seldom"):
        await shop.done("broken", message=message)
    async with monitor(shop.url) as shown:
        screen = await errors_of(shown)
        await shown.until(lambda: messages(screen) == ["seldom", "often"])
        await shown.shows("by last seen down", "▾LAST")
        await shown.pilot.click(ErrorTable, offset=(5, 0))
        await shown.shows("by count down", "▾COUNT")
        await shown.until(lambda: messages(screen) == ["often", "seldom"])
        await shown.press("S")
        await shown.shows("by count up", "▴COUNT")
        await shown.until(lambda: messages(screen) == ["seldom", "often"])
        await shown.press("slash", *"error:sel", "enter")
        await shown.shows("1 of 2 kinds")
        await shown.until(lambda: messages(screen) == ["seldom"])
        await shown.press("slash", *"nothing", "enter")
        await shown.shows("No error matches. Esc clears the filter.")
        await shown.press("y")
        await shown.says("There is no error here.")
        await shown.press("escape")
        await shown.until(lambda: len(messages(screen)) == 2, "both kinds")
        await shown.press("y")
        await shown.says("Copied the error.")
        await shown.press("question_mark")
        await shown.shows("Keys · Errors", "Retry all of the group")


async def test_after_a_sort_the_error_under_the_cursor_is_in_sight(shop: Workshop) -> None:
    for word in "abcdefghijklmn":
        await shop.done("broken", message=f"{word} is bad")
    async with monitor(shop.url, size=(80, 8)) as shown:
        screen = await errors_of(shown)
        await shown.until(lambda: len(messages(screen)) == 14)
        table = screen.table
        assert table.visible_rows <= 5
        table.move_cursor(7)
        key = table.cursor_key
        table.scroll_to(y=1, animate=False, force=True)  # as by the wheel
        await shown.press("S")
        await shown.shows("▴LAST")
        assert (table.cursor_key, table.cursor_index) == (key, 6)
        assert 0 <= table.cursor_index - table.scroll_offset.y < table.visible_rows


async def test_what_a_retry_does_is_told_by_what_the_server_can(shop: Workshop) -> None:
    await shop.done("broken")
    async with monitor(shop.url, abilities="0.15") as shown:
        screen = await errors_of(shown)
        await shown.until(lambda: len(messages(screen)) == 1)
        await shown.press("r")
        await shown.shows("Retry 1 run on", "This server resumes no run: each becomes a new run")
        await shown.press("n", "R")
        await shown.shows("Start 1 run anew on", "Each becomes a new run with the same input")


async def test_an_old_server() -> None:
    async with replay08() as old, monitor(old.url) as shown:
        screen = await errors_of(shown)
        failed = [run for run in old.durably.runs.values() if run["status"] == "failed"]
        assert failed
        await shown.until(
            lambda: sum(group.count for group in screen.table.rows) == len(failed), "its failures"
        )


async def test_a_server_that_fails_is_told_of() -> None:
    async with html_502() as bad, monitor(bad.url, pace=QUICK) as shown:
        await errors_of(shown)
        await shown.shows("answered 502", "This server has reported no failures yet.")


async def test_the_errors_stay_while_the_server_is_gone(tmp_path: Path) -> None:
    async with AsyncExitStack() as server:
        shop = await server.enter_async_context(workshop(tmp_path))
        await shop.done("broken")
        async with monitor(shop.url, pace=QUICK) as shown:
            screen = await errors_of(shown)
            await shown.until(lambda: messages(screen) == ["the disk is full"])
            await server.aclose()
            await shown.shows("reconnecting", "refused")
            assert messages(screen) == ["the disk is full"]


async def test_read_only_retries_nothing(shop: Workshop) -> None:
    await shop.done("broken")
    async with monitor(shop.url, read_only=True) as shown:
        screen = await errors_of(shown)
        await shown.until(lambda: messages(screen))
        await shown.press("r")
        assert shown.app.screen is screen
        assert "retry" not in shown.lines[-1]


@pytest.mark.parametrize("size", [(40, 15), (80, 24), (200, 60), (120, 12)])
async def test_it_fits_every_size_and_hostile_errors_are_inert(
    shop: Workshop, size: tuple[int, int]
) -> None:
    texts = [text.replace("\0", "") for text in bundles()]
    for text in texts:
        await shop.done("broken", message=text)
    async with monitor(shop.url, size=size) as shown:
        screen = await errors_of(shown)
        await shown.until(lambda: len(messages(screen)) >= len(texts) - 1)
        assert screen.detail.display is (size[1] >= 16)
        for key in ("g", *"j" * len(texts)):
            await shown.press(key)
            await shown.pilot.pause()
            assert all(is_inert(line) for line in shown.lines)
