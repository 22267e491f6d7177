"""Toasts and dialogs: neither hides the other."""

from __future__ import annotations

from support.monitor import monitor
from support.workshop import Workshop

from durably_tui.tui.screens.confirm import ConfirmScreen
from durably_tui.tui.screens.runs import RunsScreen


async def test_toasts_do_not_cover_a_question(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url, size=(40, 15), toasts=True) as shown:
        await shown.on(run_id)
        await shown.press("c", "r")
        await shown.shows("cancel", "retriggered")
        await shown.press("D")
        await shown.front(ConfirmScreen)
        assert "Delete (y)" in shown.text
        assert "No (n)" in shown.text


async def test_ctrl_c_tells_what_leaves_from_every_place(shop: Workshop) -> None:
    await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.shows("● live")
        await shown.press("2", "ctrl+c")
        await shown.says("ctrl+q leaves the monitor.")
        assert shown.app.is_running
        await shown.press("ctrl+q")
        await shown.until(lambda: not shown.app.is_running, "the end")


async def test_what_is_said_while_a_question_is_asked_is_seen_after_it(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url, size=(80, 24), toasts=True) as shown:
        await shown.on(run_id)
        await shown.press("D")
        await shown.front(ConfirmScreen)
        shown.runs.say("Something came through.")
        await shown.pilot.pause()
        assert shown.toasts == []
        await shown.press("n")
        await shown.front(RunsScreen)
        await shown.shows("Something came through.")


async def test_a_toast_is_no_larger_than_what_it_says(shop: Workshop) -> None:
    await shop.done("quick")
    async with monitor(shop.url, size=(80, 24), toasts=True) as shown:
        await shown.shows("✔ completed")
        await shown.press("T")
        await shown.shows("Times are local.")
        assert sum("▌" in line for line in shown.lines) == 1
