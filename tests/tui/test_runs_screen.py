"""The place Runs on a real server: rows, cursor, pages, filter, preview, and what the keys do."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from support.bad_servers import silent
from support.monitor import monitor
from support.typing_ahead import type_ahead
from support.workshop import WORKERS, Workshop
from textual import events
from textual.widgets import TabbedContent

from durably_server import ConflictError, RunFailedError
from durably_tui.text import TimeStyle, short_id
from durably_tui.tui.screens.copy_run import CopyScreen
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import PAGE_SIZE, PREVIEW_LINES, RunsScreen


async def test_the_skeleton_stands_until_the_first_answer() -> None:
    async with silent() as server, monitor(server.url) as shown:
        await shown.shows("STATUS", "connecting")
        assert "─────" in shown.text
        assert "No runs yet" not in shown.text
        assert shown.runs.table.waiting


async def test_a_server_without_runs_says_how_to_make_one(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("No runs yet. Press t to trigger one.", "0 shown", "● live")


async def test_rows_tell_how_each_run_stands(shop: Workshop) -> None:
    done, failed = await shop.done("quick"), await shop.done("broken", {"env": "prod"})
    held = await shop.start("held")
    async with monitor(shop.url, name="night shift") as shown:
        await shown.shows("night shift", "● live", "✔ completed", "✖ failed", "● running")
        assert shown.ids == [held, failed, done]
        await shown.shows("1 running", "0 pending", "1 failed", "env=prod", short_id(done))
        await shown.shows("50%  1/2")


async def test_rows_change_as_the_runs_do(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("No runs yet")
        run_id = await shop.start("held")
        await shown.shows("● running", "wait")
        shop.gates["gate"].set()
        await shown.shows("✔ completed")
        assert shown.ids == [run_id]


async def test_the_cursor_stays_on_its_run_when_rows_arrive(shop: Workshop) -> None:
    first, second = await shop.done("quick"), await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(first)
        for _ in range(3):
            await shop.done("quick")
        await shown.until(lambda: len(shown.ids) == 5, "five rows")
        assert shown.runs.table.cursor_key == first
        await shown.press("k")
        assert shown.runs.table.cursor_key == second


async def test_the_hands_of_vim_less_and_the_arrows_move_the_cursor(shop: Workshop) -> None:
    for _ in range(4):
        await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.until(lambda: len(shown.ids) == 4)
        at = []
        for key in ("j", "down", "k", "up", "G", "g", "end", "home", "pagedown", "pageup"):
            await shown.press(key)
            at.append(shown.runs.table.cursor_index)
        assert at == [1, 2, 1, 0, 3, 0, 3, 0, 3, 0]


async def test_pages_go_back_in_time_and_0_comes_back_to_now(shop: Workshop) -> None:
    made = await shop.durably.batch_trigger("held", [{}] * (PAGE_SIZE + 5))
    async with monitor(shop.url, abilities="0.15") as shown:
        await shown.shows("page 1 · live", f"{PAGE_SIZE} shown", "] older")
        await shown.press("G", "right_square_bracket")
        await shown.shows("page 2", "still (0 goes back to the live page)", "5 shown")
        assert shown.runs.table.cursor_index == 0
        assert set(shown.ids) <= {each.id for each in made}
        await shown.press("right_square_bracket")
        await shown.says("This is the last page")
        await shown.press("left_square_bracket")
        await shown.shows("page 1 · live", f"{PAGE_SIZE} shown", "] older")
        await shown.press("right_square_bracket")
        await shown.shows("page 2")
        await shown.press("0")
        await shown.shows("page 1 · live", f"{PAGE_SIZE} shown")
        assert len(set(shown.ids)) == PAGE_SIZE


async def test_f_shows_failed_runs_only_and_all_again(shop: Workshop) -> None:
    done, failed = await shop.done("quick"), await shop.done("broken")
    async with monitor(shop.url) as shown:
        await shown.until(lambda: shown.ids == [failed, done])
        await shown.press("f")
        await shown.shows("status:failed", "1 shown")
        assert shown.ids == [failed]
        again = await shop.done("broken")
        await shown.until(lambda: shown.ids == [again, failed], "the new failure")
        await shown.press("f")
        await shown.until(lambda: shown.ids == [again, failed, done], "all again")


@pytest.mark.parametrize("abilities", [None, "0.15"], ids=["counted", "seen"])
async def test_the_bar_counts_all_runs_of_the_server_whatever_is_shown_of_them(
    shop: Workshop, abilities: str | None
) -> None:
    await shop.done("broken")
    for _ in range(2):
        await shop.start("held")
    async with monitor(shop.url, abilities=abilities) as shown:
        await shown.shows("2 running  0 pending  1 failed")
        await shown.press("f")
        await shown.shows("status:failed", "1 shown", "2 running  0 pending  1 failed")
        await shop.start("held")
        await shown.shows("status:failed", "3 running  0 pending  1 failed")
        for key in "2345":
            await shown.press(key)
            await shown.shows("3 running  0 pending  1 failed")
        shop.gates["gate"].set()
        await shown.shows("0 running  0 pending  1 failed")


async def test_a_key_too_many_at_the_last_page_is_told_and_shows_no_empty_page(
    shop: Workshop,
) -> None:
    await shop.durably.batch_trigger("held", [{}] * (PAGE_SIZE + 5))
    async with monitor(shop.url, abilities="0.15") as shown:
        await shown.shows("page 1 · live", "] older")
        for _ in range(3):
            shown.runs.action_older()
        await shown.says("This is the last page: there are no older runs.")
        await shown.shows("page 2", "5 shown")
        assert len(shown.ids) == 5


async def test_esc_leaves_the_preview_then_the_filter_and_never_the_monitor(
    shop: Workshop,
) -> None:
    await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.shows("✔ completed")
        await shown.press("f", "l")
        await shown.shows("No run matches. Esc clears the filter.", "No run is chosen.")
        await shown.until(lambda: not shown.runs.table.has_focus, "the keys in the preview")
        await shown.press("escape")
        assert shown.runs.table.has_focus
        await shown.shows("status:failed")
        await shown.press("escape")
        await shown.shows("all runs", "✔ completed")
        await shown.press("escape")
        assert shown.app.is_running
        assert isinstance(shown.app.screen, RunsScreen)


async def test_q_leaves_the_monitor(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("● live")
        await shown.press("q")
        await shown.until(lambda: shown.app._exit, "the end")
        assert shown.app.return_code == 0


async def test_times_are_written_relative_local_and_utc(shop: Workshop) -> None:
    await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.shows("AGE")
        await shown.press("T")
        await shown.shows("CREATED")
        assert shown.runs.table.time_style is TimeStyle.LOCAL
        await shown.press("T")
        await shown.until(lambda: "Z " in shown.lines[3], "the mark of UTC")
        await shown.press("T")
        await shown.shows("AGE")
        assert shown.toasts[-1] == "Times are relative."


async def test_y_copies_the_id(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press("y")
        await shown.front(CopyScreen)
        await shown.press("1")
        assert shown.app.clipboard == run_id
        await shown.says(f"Copied {run_id}.")


async def test_ctrl_r_fetches_what_no_event_told(shop: Workshop) -> None:
    await shop.durably.batch_trigger("held", [{}] * (PAGE_SIZE + 5))
    async with monitor(shop.url, abilities="0.15") as shown:
        await shown.shows("] older")
        await shown.press("right_square_bracket")
        await shown.shows("page 2", "5 shown")
        await shop.start("held")
        await shown.press("ctrl+r")
        await shown.shows("page 2", "6 shown")


async def test_the_preview_follows_the_cursor(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("● live")
        first = await shop.start("loud", value="first words")
        second = await shop.start("loud", value="other words")
        await shown.on(first)
        await shown.shows("first words  {")
        assert "other words  {" not in shown.text
        await shown.on(second)
        await shown.shows("other words  {")
        assert "first words  {" not in shown.text


async def test_the_preview_of_runs_that_have_ended_has_the_lines_of_each(shop: Workshop) -> None:
    first = await shop.done("chatty", word="apple")
    second = await shop.done("chatty", word="pear")
    async with monitor(shop.url) as shown:
        for run_id, word, other in ((second, "pear", "apple"), (first, "apple", "pear")):
            await shown.on(run_id)
            await shown.shows(f"{word} 0  {{", f"{word} 9  {{")
            assert f"{other} 0  {{" not in shown.text


async def test_a_filter_typed_in_a_burst_takes_the_preview_along(shop: Workshop) -> None:
    wanted = await shop.done("chatty", word="apple", labels={"env": "prod"})
    other = await shop.done("chatty", word="pear")
    async with monitor(shop.url) as shown:
        await shown.on(other)
        await shown.shows("pear 9  {")
        await type_ahead(shown, "/label:env=prod\r")
        await shown.until(lambda: shown.ids == [wanted], "the filter's only run")
        await shown.shows("apple 9  {")
        assert "pear 9" not in shown.text
        await type_ahead(shown, "/\x15\r")
        await shown.until(lambda: len(shown.ids) == 2, "all runs again")
        await shown.shows("apple 9  {")
        assert shown.runs.table.cursor_key == wanted


async def test_l_brings_the_logs_to_the_preview_and_the_keys_to_them(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        shown.runs.detail.show_pane("overview")
        await shown.shows("steps done")
        await shown.press("l")
        await shown.until(lambda: shown.runs.detail.logs.has_focus, "the keys in the logs")
        assert shown.runs.query_one(TabbedContent).active == "logs"


async def test_where_there_is_no_preview_l_opens_the_run(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url, size=(80, PREVIEW_LINES - 1)) as shown:
        await shown.on(run_id)
        assert not shown.runs.detail.display
        await shown.press("l")
        await shown.front(RunScreen)


async def test_enter_opens_the_run_under_the_cursor(shop: Workshop) -> None:
    first = await shop.done("quick")
    await shop.done("broken")
    async with monitor(shop.url) as shown:
        await shown.on(first)
        await shown.press("enter")
        await shown.front(RunScreen)
        run = shown.run.current_run()
        assert run is not None
        assert run.id == first


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


async def test_a_filter_begins_with_the_newest_unless_one_is_on_a_run_that_fits(
    shop: Workshop,
) -> None:
    broken = [await shop.done("broken") for _ in range(3)]
    quick = [await shop.done("quick") for _ in range(3)]
    async with monitor(shop.url) as shown:
        await shown.on(quick[0])
        await shown.press("f")
        await shown.until(lambda: shown.ids == broken[::-1])
        assert shown.runs.table.cursor_key == broken[-1]
        await shown.press("j", "f")
        await shown.until(lambda: len(shown.ids) == 6)
        assert shown.runs.table.cursor_key == broken[1]
        await shown.press("f")
        await shown.until(lambda: shown.ids == broken[::-1])
        assert shown.runs.table.cursor_key == broken[1]


async def test_keys_on_an_empty_table_say_that_there_is_no_run(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("No runs yet")
        for key in ("c", "r", "R", "D", "y", "ctrl+t"):
            shown.app.clear_notifications()
            await shown.press(key)
            assert shown.toasts == ["There is no run here."], key
        await shown.press("enter")
        assert isinstance(shown.app.screen, RunsScreen)


async def test_what_the_server_refuses_is_taken_back_with_its_reason(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
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
        await shown.shows("● running")
        await shown.press("c")
        await asked.wait()
        await shown.shows("⊘ cancelled")
        answer.set()
        await shown.says("answered 409", "it is closing the books", "look what state the run is in")
        await shown.shows("● running")


async def test_more_runs_than_workers_wait_their_turn(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("● live")
        await shop.durably.batch_trigger("held", [{}] * (WORKERS + 2))
        await shown.shows(f"{WORKERS} running", "2 pending", "○ pending")
        shop.gates["gate"].set()
        await shown.shows("0 running  0 pending")
        await shown.until(lambda: shown.text.count("✔ completed") == WORKERS + 2, "all completed")


async def test_two_monitors_of_two_servers_live_side_by_side(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with silent() as other, monitor(shop.url) as left, monitor(other.url) as right:
        await asyncio.gather(left.shows("✔ completed"), right.shows("connecting"))
        await left.on(run_id)
        assert right.ids == []
