"""Where the rows of the place Runs come from."""

from __future__ import annotations

from msgspec.structs import replace
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.filters import parse
from durably_tui.protocol import Phase, RunStatus
from durably_tui.state import (
    AllRuns,
    AllRunsState,
    Runs,
    RunsFilter,
    RunsState,
    create_durably_client,
)
from durably_tui.tui.screens.runs_scope import none_matches, scope
from durably_tui.tui.screens.runs_source import PAGE_SIZE, RunsSource


async def test_the_page_stays_while_it_shows_what_the_server_has_not_granted_yet() -> None:
    port, clock = FakePort(), ManualClock()
    made = port.made()
    async with create_durably_client(port, clock=clock) as hooks:
        source = RunsSource(hooks, clock.time, lambda: None, lambda: None)
        source.start()
        await settle()
        assert isinstance(source.rows, Runs)
        with source.rows.optimistic(made, RunStatus.CANCELLED):
            port.abilities = replace(port.abilities, features=frozenset(("cursor",)))
            source.look()
            await clock.advance(1)
            assert not await source.turn()
            assert [run.status for run in source.get([made])] == [RunStatus.CANCELLED]
            port.cancelled(made)
        await clock.advance(1)
        assert source.ready()
        assert await source.turn()
        assert isinstance(source.rows, AllRuns)
        assert [run.status for run in source.get([made])] == [RunStatus.CANCELLED]
        await source.aclose()


async def test_a_run_that_only_the_page_was_told_of_stays_in_the_table() -> None:
    port, clock = FakePort(), ManualClock()
    port.made()
    async with create_durably_client(port, clock=clock) as hooks:
        source = RunsSource(hooks, clock.time, lambda: None, lambda: None)
        source.start()
        await clock.advance(1)
        port.abilities = replace(port.abilities, features=frozenset(("cursor", "total")))
        source.look()
        await settle()
        assert source.ready()
        came = port.made()
        page = source.rows
        assert isinstance(page, Runs)
        await page.refresh()
        assert await source.turn()
        rows = source.rows
        assert isinstance(rows, AllRuns)
        assert [run.id for run in rows.runs] == [came, "R00001"]
        assert (rows.state.loaded, rows.state.total) == (2, 2)
        await clock.advance(1)
        assert [run.id for run in rows.runs] == [came, "R00001"]
        assert (rows.state.loaded, rows.state.total) == (2, 2)
        await source.aclose()


async def test_where_another_server_answers_that_has_pages_only_there_is_a_page_again() -> None:
    port, clock = FakePort(), ManualClock()
    made = port.made()
    port.abilities = replace(port.abilities, features=frozenset(("cursor",)))
    async with create_durably_client(port, clock=clock) as hooks:
        source = RunsSource(hooks, clock.time, lambda: None, lambda: None)
        source.start()
        await clock.advance(1)
        assert await source.turn()
        before = source.rows
        port.abilities = replace(port.abilities, features=frozenset())
        source.look()
        assert source.ready()
        assert await source.turn()
        assert not source.ready()
        assert isinstance(source.rows, Runs)
        await clock.advance(1)
        assert [run.id for run in source.get([made])] == [made]
        told: list[object] = []
        before.subscribe(told.append)
        port.made()
        await clock.advance(1)
        assert told == [], "rows that nobody sees live no more"
        await source.aclose()


async def test_a_run_of_the_page_that_is_gone_is_not_kept() -> None:
    port, clock = FakePort(), ManualClock()
    port.made()
    gone = port.made()
    async with create_durably_client(port, clock=clock) as hooks:
        source = RunsSource(hooks, clock.time, lambda: None, lambda: None)
        source.start()
        await clock.advance(1)
        port.mute = True
        port.deleted(gone)
        port.abilities = replace(port.abilities, features=frozenset(("cursor",)))
        source.look()
        await settle()
        assert await source.turn()
        rows = source.rows
        assert isinstance(rows, AllRuns)
        await clock.advance(1)
        assert [run.id for run in rows.runs] == ["R00001"]
        await source.aclose()


async def test_whoever_turns_too_far_comes_back_to_the_last_page() -> None:
    port, clock, told = FakePort(), ManualClock(), []
    for _ in range(2 * PAGE_SIZE + 1):
        port.made()
    async with create_durably_client(port, clock=clock) as hooks:
        source = RunsSource(hooks, clock.time, lambda: None, lambda: told.append(source.rows))
        source.start()
        await clock.advance(1)
        page = source.rows
        assert isinstance(page, Runs)
        for _ in range(5):
            page.next_page()
        assert page.page == 5
        await clock.advance(5)
        # The first page has told that there is a second, and nobody yet of a third.
        assert page.page == 1
        assert len(page.runs) == PAGE_SIZE
        assert told == [page]
        page.next_page()
        await clock.advance(1)
        assert [run.id for run in page.runs] == ["R00001"]
        port.deleted("R00001")
        await page.refresh()
        await clock.advance(1)
        assert page.page == 1
        assert len(page.runs) == PAGE_SIZE
        await source.aclose()


def test_what_of_a_filter_made_no_sense_is_told_with_how_much_more() -> None:
    state = AllRunsState(filter=RunsFilter(), fetched_at=1.0)
    wanted = parse("status:xyz age:<x")
    line = scope(wanted, state, shown=0, marked=0, phase=Phase.LIVE, now=2.0).plain
    assert line.startswith("'xyz' is not a status")
    assert "(and 1 more)" in line


def test_runs_are_counted_once_the_server_has_told_of_them() -> None:
    state = AllRunsState(filter=RunsFilter(), is_loading=True)

    def said(state: AllRunsState, filter: str = "") -> str:
        return scope(parse(filter), state, shown=0, marked=0, phase=Phase.CONNECTING, now=2.0).plain

    assert said(state) == "all runs · not live · fetching…"
    assert said(state, "disk") == "disk · not live · fetching…"
    assert said(replace(state, is_loading=False)) == "all runs · not live · none fetched yet"
    assert said(replace(state, is_loading=False, fetched_at=1.0)) == "all runs · not live · 0 shown"


def test_that_none_matches_is_said_of_what_was_looked_at() -> None:
    def said(filter: str, state: RunsState | AllRunsState) -> str:
        return none_matches(parse(filter), state, "]", "Esc")

    page = RunsState(filter=RunsFilter(), fetched_at=1.0)
    assert said("disk", page) == "No run matches. Esc clears the filter."
    older = "No run on this page matches. ] shows older ones, Esc clears the filter."
    assert said("disk", replace(page, has_more=True)) == older
    assert said("status:failed", replace(page, has_more=True)).startswith("No run matches.")
    last = "No run on this page matches. Esc clears the filter."
    assert said("disk", replace(page, page=2)) == last
    all_runs = AllRunsState(filter=RunsFilter(), loaded=1_000, fetched_at=1.0)
    assert said("disk", all_runs) == "No run matches. Esc clears the filter."
    some = "None of the newest 1,000 matches. ] shows older ones, Esc clears the filter."
    assert said("disk", replace(all_runs, has_more=True)) == some


def test_while_another_order_is_worked_out_the_line_says_so() -> None:
    state = AllRunsState(filter=RunsFilter(), loaded=100_000, fetched_at=1.0, arranging=True)
    said = scope(parse("disk"), state, shown=100_000, marked=0, phase=Phase.LIVE, now=2.0)
    assert "looking through 100,000…" in said.plain
    assert "match of" not in said.plain
    there = replace(state, arranging=False)
    said = scope(parse("disk"), there, shown=7, marked=0, phase=Phase.LIVE, now=2.0)
    assert said.plain.endswith("7 match of 100,000, searched here")
    wanted = parse("status:failed disk")
    said = scope(wanted, there, shown=7, marked=0, phase=Phase.LIVE, now=2.0)
    assert said.plain.endswith("7 match of 100,000, searched here for disk")
