"""Marks, and what is done to all that are marked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from support.monitor import Monitor, monitor
from support.typing_ahead import type_ahead
from support.workshop import Workshop

from durably_tui.protocol import Run, ServerFault
from durably_tui.state import Action
from durably_tui.text import short_id
from durably_tui.tui import typed_ahead
from durably_tui.tui.screens.bulk import in_words
from durably_tui.tui.screens.confirm import ConfirmScreen
from durably_tui.tui.screens.logs import LogsScreen
from durably_tui.tui.screens.runs import PAGE_SIZE, RunsScreen


def marked(shown: Monitor) -> set[str]:
    return set(shown.runs.table.marked)


async def test_space_marks_goes_on_and_takes_the_mark_away(shop: Workshop) -> None:
    older, newer = await shop.done("quick"), await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(newer)
        await shown.press("space")
        await shown.shows("1 marked", "◆")
        assert marked(shown) == {newer}
        assert shown.runs.table.cursor_key == older
        await shown.on(newer)
        await shown.press("space")
        await shown.hides("marked")
        assert marked(shown) == set()


async def test_a_range_is_marked_from_the_last_mark_to_the_cursor(shop: Workshop) -> None:
    ids = [await shop.done("quick") for _ in range(5)]
    async with monitor(shop.url) as shown:
        await shown.on(ids[3])
        await shown.press("V")
        await shown.says("Mark the first run of the range with Space")
        await shown.press("space")
        await shown.on(ids[1])
        await shown.press("V")
        assert marked(shown) == set(ids[1:4])
        await shown.press("escape")
        assert marked(shown) == set()


async def test_all_that_match_are_marked_on_every_page_and_deleted(shop: Workshop) -> None:
    kept = await shop.done("broken")
    gone = [(await shop.durably.trigger("quick", {})).id for _ in range(PAGE_SIZE + 10)]
    for run_id in gone:
        await shop.durably.wait_for_run(run_id, timeout=20)
    async with monitor(shop.url) as shown:
        await shown.shows("all runs", f"{PAGE_SIZE + 11} shown")
        shown.runs.show_only("job:qui*")
        await shown.shows("job:qui*")
        await shown.press("asterisk")
        await shown.says(f"{len(gone)} runs are marked")
        assert marked(shown) == set(gone)
        await shown.press("D")
        await shown.front(ConfirmScreen)
        await shown.shows(f"Delete {len(gone)} runs on {shop.url}?", "cannot be undone")
        await shown.press("y")
        await shown.says(f"{len(gone)} deleted.")
        await shown.front(RunsScreen)
        await shown.shows("No run matches")
        assert marked(shown) == set()
        assert [run.id for run in await shop.durably.get_runs()] == [kept]


async def test_what_is_typed_at_once_behind_all_is_meant_for_all(shop: Workshop) -> None:
    ids = {await shop.done("broken") for _ in range(3)}
    async with monitor(shop.url) as shown:
        await shown.until(lambda: len(shown.ids) == 3, "the runs")
        await type_ahead(shown, "*r")
        await shown.front(ConfirmScreen)
        await shown.shows(f"Retry 3 runs on {shop.url}?")
        assert marked(shown) == ids


async def test_while_all_are_looked_for_their_number_grows_and_nothing_is_done_to_one(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typed_ahead, "PATIENCE", 0.5)
    run_id = await shop.done("quick")
    more = asyncio.Event()
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        found = shown.runs.current_run()

        async def slowly(self: RunsScreen) -> AsyncIterator[list[Run]]:
            yield [found]
            await more.wait()

        monkeypatch.setattr(RunsScreen, "matching", slowly)
        await type_ahead(shown, "*D")
        await shown.shows("marking 1…")
        await shown.says("All that match are being marked: Esc stops that.")
        await shown.press("escape")
        await shown.hides("marking")
        assert marked(shown) == set()
        more.set()
        await shown.press("asterisk")
        await shown.says("1 run is marked")
        assert marked(shown) == {run_id}


async def test_where_not_all_could_be_marked_the_marks_of_before_stay_and_it_can_be_tried_again(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [await shop.done("quick") for _ in range(3)]
    async with monitor(shop.url) as shown:
        await shown.on(ids[0])
        await shown.press("space")
        await shown.on(ids[1])
        found = shown.runs.current_run()

        async def breaks_off(self: RunsScreen) -> AsyncIterator[list[Run]]:
            yield [found]
            raise ServerFault("it stumbled")

        with monkeypatch.context() as patch:
            patch.setattr(RunsScreen, "matching", breaks_off)
            await shown.press("asterisk")
            await shown.says("Not all could be marked: it stumbled")
        await shown.hides("marking")
        assert marked(shown) == {ids[0], ids[1]}
        assert not any("runs are marked" in toast for toast in shown.toasts)
        await shown.press("asterisk")
        await shown.says("3 runs are marked")
        assert marked(shown) == set(ids)


async def test_a_few_marks_do_not_keep_all_from_being_marked(shop: Workshop) -> None:
    ids = [await shop.done("quick") for _ in range(4)]
    async with monitor(shop.url) as shown:
        await shown.on(ids[1])
        await shown.press("space")
        assert marked(shown) == {ids[1]}
        await shown.press("asterisk")
        await shown.says("4 runs are marked")
        assert marked(shown) == set(ids)
        await shown.press("asterisk")
        await shown.says("No run is marked now")
        assert marked(shown) == set()
        await shown.press("asterisk")
        await shown.until(lambda: marked(shown) == set(ids))
        await shown.on(ids[2])
        await shown.press("space")
        assert marked(shown) == set(ids) - {ids[2]}
        await shown.press("asterisk")
        await shown.until(lambda: marked(shown) == set(ids))


async def test_what_cannot_be_done_to_any_marked_run_says_why(shop: Workshop) -> None:
    ids = [await shop.done("quick") for _ in range(2)]
    async with monitor(shop.url) as shown:
        for run_id in ids:
            await shown.on(run_id)
            await shown.press("space")
        await shown.press("c")
        await shown.says("None of the 2 marked runs: run is completed: nothing to cancel.")


async def test_a_refusal_is_listed_with_its_reason_and_keeps_its_mark(shop: Workshop) -> None:
    ids = [await shop.done("broken") for _ in range(2)]
    async with monitor(shop.url) as shown:
        for run_id in ids:
            await shown.on(run_id)
            await shown.press("space")
        await shop.durably.delete_run(ids[0])
        await shown.press("D")
        await shown.front(ConfirmScreen)
        await shown.press("y")
        await shown.shows("1 deleted, 1 failed.", "not found", "Enter closes")
        await shown.press("enter")
        await shown.front(RunsScreen)
        await shown.until(lambda: marked(shown) == {ids[0]}, "the mark of what was refused")


@pytest.mark.parametrize("size", [(80, 24), (60, 16)])
async def test_a_long_list_of_refusals_leaves_room_for_what_closes_it(
    shop: Workshop, size: tuple[int, int]
) -> None:
    for _ in range(8):
        await shop.done("broken")
    async with monitor(shop.url, size=size) as shown:
        await shown.until(lambda: len(shown.ids) == 8)
        await shown.press("asterisk", "D")
        await shown.front(ConfirmScreen)
        for run in await shop.durably.get_runs():
            await shop.durably.delete_run(run.id)
        await shown.press("y")
        await shown.shows("8 failed", "Enter closes")


async def test_keeping_changes_nothing(shop: Workshop) -> None:
    run_id = await shop.done("broken")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press("space")
        await shown.press("r")
        await shown.front(ConfirmScreen)
        await shown.shows("Retry 1 run on")
        await shown.press("n")
        await shown.front(RunsScreen)
        assert marked(shown) == {run_id}
        assert [run.id for run in await shop.durably.get_runs()] == [run_id]


async def test_l_merges_the_logs_of_the_marked_runs(shop: Workshop) -> None:
    older, newer, other = [await shop.done("quick") for _ in range(3)]
    async with monitor(shop.url) as shown:
        for run_id in (older, newer):
            await shown.on(run_id)
            await shown.press("space")
        await shown.press("l")
        await shown.front(LogsScreen)
        await shown.shows("log of 2 runs: ", short_id(older), short_id(newer))
        assert short_id(other) not in shown.text
        await shown.press("minus")
        await shown.front(RunsScreen)
        await shown.shows("2 marked")


def test_what_is_asked_of_thousands_tells_their_number_so_that_it_can_be_read() -> None:
    assert in_words(Action.DELETE, 5027) == "Delete 5,027 runs"
    assert in_words(Action.RETRIGGER, 1) == "Start 1 run anew"
