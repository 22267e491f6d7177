"""`p` holds the picture: what happens is counted, and shown when it goes on."""

from __future__ import annotations

from support.monitor import monitor
from support.workshop import Workshop


async def test_a_paused_picture_counts_what_waits_and_catches_up(shop: Workshop) -> None:
    first = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(first)
        await shown.press("p")
        await shown.shows("PAUSED +0")
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
        await shown.press("p")
        await shown.on(older)
        await shown.shows("stored row 0", "PAUSED")


async def test_a_pane_that_comes_to_the_front_while_paused_is_not_empty(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press("enter")
        await shown.shows("steps done", "not while it ran")
        await shown.press("p", "s")
        await shown.shows("PAUSED", "Watched not while it ran")
        await shown.press("E")
        await shown.shows("PAUSED", "it was not watched yet", "Enter unfold")
