"""`p` holds the picture: what happens is counted, and shown when it goes on."""

from __future__ import annotations

from support.monitor import Monitor, monitor
from support.workshop import Workshop

from durably_tui.text import short_id


async def hold(shown: Monitor) -> None:
    """Pause once all is there: until then a picture is painted, paused or not."""
    await shown.until(lambda: shown.runs.is_filled, "all runs")
    await shown.press("p")
    await shown.until(lambda: shown.runs.is_held, "the picture is held")
    await shown.shows("PAUSED +0")


async def test_a_paused_picture_counts_what_waits_and_catches_up(shop: Workshop) -> None:
    first = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(first)
        await hold(shown)
        second = await shop.done("quick")
        await shown.hides("PAUSED +0")
        assert second not in shown.ids
        await shown.press("p")
        await shown.until(lambda: second in shown.ids, "the run that came meanwhile")
        await shown.hides("PAUSED")


async def test_the_cursor_still_shows_what_it_is_on_while_paused(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        older = await shop.start("held")
        await shown.on(older)
        await shown.shows("stored row 0")
        newer = await shop.done("quick")
        await shown.on(newer)
        await shown.hides("stored row 0")
        await hold(shown)
        await shown.on(older)
        await shown.shows("stored row 0", "PAUSED")


async def test_a_pane_that_comes_to_the_front_while_paused_is_not_empty(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press("enter")
        await shown.shows("steps done", "not while it ran")
        await shown.press("p", "s")
        await shown.shows("PAUSED", "Not watched while it ran")
        await shown.press("E")
        await shown.shows("PAUSED", "it was not watched yet", "Enter unfold")


async def test_a_place_that_one_comes_to_while_paused_is_not_empty(shop: Workshop) -> None:
    for _ in range(2):
        failed = await shop.done("broken")
    chatty = await shop.done("chatty", word="apple")
    async with monitor(shop.url) as shown:
        await shown.on(failed)
        await hold(shown)
        for key, told in (("2", "chatty"), ("3", "THROUGH"), ("4", "apple 9"), ("5", "● live")):
            await shown.press(key)
            await shown.shows("PAUSED", told)
            for lie in ("No jobs yet", "Nothing has failed", "No log lines yet", "No server is"):
                assert lie not in shown.text
        await shown.press("1")
        later = await shop.done("quick")
        await shown.press("enter")
        await shown.shows("PAUSED", f"✖ failed  broken  {short_id(failed)}")
        await shown.press("]")
        await shown.hides(short_id(failed))
        await shown.press("q", "p")
        await shown.until(lambda: {later, chatty} <= set(shown.ids), "what came meanwhile")


async def test_a_filter_that_is_given_while_paused_is_shown_and_held(shop: Workshop) -> None:
    failed, done = await shop.done("broken"), await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(done)
        await hold(shown)
        await shown.press("f")
        await shown.until(lambda: shown.ids == [failed], "what failed")
        await shown.until(lambda: shown.runs.is_held, "the picture is held again")
        await shown.shows("PAUSED +0", "status:failed")
        await shop.done("broken")
        await shown.hides("PAUSED +0")
        assert shown.ids == [failed]


async def test_what_is_shown_on_request_while_paused_waits_no_longer(shop: Workshop) -> None:
    first = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(first)
        await hold(shown)
        second = await shop.done("broken")
        await shown.hides("PAUSED +0")
        assert second not in shown.ids
        await shown.press("f")
        await shown.until(lambda: shown.ids == [second], "what failed meanwhile")
        await shown.shows("PAUSED +0")


async def test_times_are_written_otherwise_while_paused(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press("p", "T")
        await shown.shows("PAUSED", "CREATED")


async def test_marks_are_counted_while_paused(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press("p", "space")
        await shown.shows("PAUSED", "1 marked · all runs")
        await shown.press("escape")
        await shown.hides("1 marked")
