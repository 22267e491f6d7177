"""The place Runs on a real server: rows, cursor, pages, filter, and what it shows of each run."""

from __future__ import annotations

import asyncio

import pytest
from support.bad_servers import silent
from support.monitor import monitor
from support.workshop import WORKERS, Workshop

from durably_tui.text import TimeStyle, short_id
from durably_tui.tui.places import PLACES
from durably_tui.tui.screens.copy_run import CopyScreen
from durably_tui.tui.screens.runs import PAGE_SIZE, RunsScreen


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
        arrows = ("j", "down", "k", "up", "G", "g", "end", "home")
        for key in (*arrows, "pagedown", "pageup", "ctrl+f", "ctrl+b"):
            await shown.press(key)
            at.append(shown.runs.table.cursor_index)
        assert at == [1, 2, 1, 0, 3, 0, 3, 0, 3, 0, 3, 0]


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
        for key, place in zip("2345", PLACES[1:], strict=True):
            await shown.press(key)
            await shown.front(place.load())
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
        await shown.shows("No run matches. Esc clears the filter.", "No run is selected.")
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
