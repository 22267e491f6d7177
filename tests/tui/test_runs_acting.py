"""What the keys do to the run under the cursor: cancel, retry, delete, and why not."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from support.monitor import monitor
from support.workshop import Workshop
from textual import events

from durably_server import ConflictError, RunFailedError
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen


async def test_c_cancels_at_once(shop: Workshop) -> None:
    run_id = await shop.start("held")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.shows("● running")
        await shown.press("c")
        await shown.shows("⊘ cancelled")
        await shown.says("Cancelled.")
        run = await shop.durably.get_run(run_id)
        assert run is not None
        assert run.status == "cancelled"


async def test_r_makes_a_failed_run_go_again_and_o_opens_a_new_one(shop: Workshop) -> None:
    run_id = await shop.done("broken")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press("o")
        await shown.says("No run has been started from here yet.")
        first = shown.runs.table.rows[0].run.completed_at
        await shown.press("r")
        await shown.says("The same")
        with contextlib.suppress(RunFailedError):
            await shop.durably.wait_for_run(run_id, timeout=10)
        await shown.until(
            lambda: shown.runs.table.rows[0].run.completed_at not in (None, first),
            "the end of its second attempt",
        )
        await shown.press("R")
        await shown.says("(o opens it)")
        await shown.until(lambda: run_id in shown.ids and len(shown.ids) >= 2, "the new run")
        await shown.press("o")
        await shown.front(RunScreen)
        run = shown.run.current_run()
        assert run is not None
        assert run.id != run_id


async def test_delete_asks_first(shop: Workshop) -> None:
    gone, kept = await shop.done("quick"), await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(gone)
        await shown.press("D")
        await shown.shows("Delete this completed run of quick?", gone, "This cannot be")
        await shown.press("y")
        await shown.until(lambda: shown.ids == [kept], "the row gone")
        await shown.says("Deleted.")
        assert await shop.durably.get_run(gone) is None


async def test_keys_that_do_not_apply_say_why(shop: Workshop) -> None:
    done, held = await shop.done("quick"), await shop.start("held")
    async with monitor(shop.url) as shown:
        await shown.on(done)
        for key, reason in (
            ("c", "run is completed: nothing to cancel"),
            ("r", "run is completed: nothing to retry"),
        ):
            await shown.press(key)
            await shown.says(reason)
        await shown.on(held)
        await shown.shows("● running")
        await shown.press("D")
        await shown.says("run is running: cancel it before you delete it")
        assert isinstance(shown.app.screen, RunsScreen)


async def test_keys_that_are_typed_ahead_mean_the_run_that_they_lead_to(shop: Workshop) -> None:
    """The bytes of `gc` may come at once, as over a slow line: `c` is judged where `g` led."""
    done, held = await shop.done("quick"), await shop.start("held")
    async with monitor(shop.url) as shown:
        await shown.on(done)
        await shown.shows("● running")
        driver = shown.app._driver
        assert driver is not None
        for key in "gc":
            driver.send_message(events.Key(key, key))
        await shown.shows("⊘ cancelled")
        assert shown.runs.table.cursor_key == held
        assert "run is completed: nothing to cancel" not in shown.toasts


async def test_keys_on_an_empty_table_say_that_there_is_no_run(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("No runs yet")
        for key in ("c", "r", "R", "D", "y", "ctrl+t", "enter"):
            shown.app.clear_notifications()
            await shown.press(key)
            assert shown.toasts == ["There is no run here."], key
        assert isinstance(shown.app.screen, RunsScreen)


@pytest.mark.parametrize("keys", [(), ("enter",)], ids=["in the table", "in full"])
async def test_what_the_server_refuses_is_taken_back_with_its_reason(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...]
) -> None:
    run_id = await shop.start("held")
    asked, answer = asyncio.Event(), asyncio.Event()

    async def refuse(run_id: str) -> None:
        asked.set()
        await answer.wait()
        raise ConflictError("Cannot cancel run: it is closing the books")

    monkeypatch.setattr(shop.durably, "cancel", refuse)
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press(*keys)
        await shown.front(RunScreen if keys else RunsScreen)
        await shown.shows("● running")
        await shown.press("c")
        await asked.wait()
        await shown.shows("⊘ cancelled")
        answer.set()
        await shown.says(
            "answered 409", "it is closing the books", "check which state the run is in"
        )
        await shown.shows("● running")
