"""The place Runs without pages, its orders and its preview."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from msgspec.structs import replace
from support.fake_port import FakePort
from support.manual_clock import START
from support.monitor import Monitor, watching

from durably_tui.config import Config
from durably_tui.protocol import Phase, RunStatus
from durably_tui.state import AllRuns, Runs, create_durably_client
from durably_tui.state.all_runs import MARGIN
from durably_tui.state.all_runs_loading import HEAD, PAGE
from durably_tui.tui.session import Session
from durably_tui.tui.world import World


@contextlib.asynccontextmanager
async def shown_runs(
    count: int, *, size: tuple[int, int] = (120, 40), world: World | None = None
) -> AsyncIterator[tuple[FakePort, list[str], Monitor]]:
    """The monitor on a server in memory that can go on in its list, once all of it is known."""
    port = FakePort(retry=True)
    port.abilities = replace(port.abilities, features=frozenset(("cursor", "total")))
    made = [port.made(f"job-{n % 3}") for n in range(count)]
    hooks = create_durably_client(port)
    session = Session(hooks, "https://jobs.example", "prod", clock=lambda: START + 3600)
    async with watching(session, size=size, world=world) as shown:
        await shown.until(lambda: isinstance(shown.runs.rows, AllRuns), "all runs")
        yield port, made, shown


async def test_the_table_goes_down_through_all_runs() -> None:
    async with shown_runs(HEAD + PAGE + 60) as (port, made, shown):
        await shown.shows(f"{HEAD + PAGE:,} of {len(made):,} · scroll for older")
        await shown.press("G")
        assert shown.runs.table.cursor_key == made[-HEAD - PAGE]
        await shown.shows(f"{len(made):,} shown")
        await shown.press("G")
        assert shown.runs.table.cursor_key == made[0]
        new = port.made()
        await shown.until(lambda: len(shown.runs.table.rows) == len(made) + 1, "the new run")
        assert shown.runs.table.cursor_key == made[0]
        port.started(made[0])
        await shown.shows("● running")
        await shown.press("right_square_bracket")
        await shown.says("There are no older runs")
        await shown.press("0")
        assert shown.runs.table.cursor_key == new


async def test_older_runs_come_as_one_goes_down_while_paused_and_new_ones_do_not() -> None:
    async with shown_runs(HEAD + PAGE * 2 + 60) as (port, made, shown):
        await shown.shows(f"{HEAD + PAGE:,} of {len(made):,} · scroll for older")
        table = shown.runs.table
        await shown.press("p")
        await shown.until(lambda: shown.runs.is_held, "the picture is held")
        new = [port.made() for _ in range(MARGIN + 50)]
        await shown.shows(f"PAUSED +{len(new)}")
        await shown.until(lambda: len(shown.runs.rows.runs) == HEAD + PAGE + len(new))
        assert shown.ids[0] == made[-1]
        # As by the wheel; then by a key.
        table.scroll_to(y=table.max_scroll_y, animate=False, force=True)
        await shown.until(lambda: len(table.rows) >= HEAD + PAGE * 2, "older runs")
        await shown.press("G")
        await shown.until(lambda: len(table.rows) == len(made), "the oldest runs")
        await shown.press("G")
        assert table.cursor_key == made[0]
        assert table.find(made[-1]) == 0
        assert table.find(made[PAGE]) == len(made) - 1 - PAGE
        assert table.find(new[0]) is None
        assert shown.ids == made[::-1]
        await shown.shows("PAUSED", f"{len(made):,} shown")
        port.started(made[0])
        port.cancelled(made[1])
        await port.delete_run(made[1])
        await shown.shows(f"PAUSED +{len(new) + 3}")
        assert "● running" not in shown.text
        await shown.press("p")
        await shown.shows("● running")
        assert shown.ids == [*new[::-1], *made[:1:-1], made[0]]


async def test_until_the_runs_of_a_filter_come_the_line_says_that_they_are_those_of_before() -> (
    None
):
    async with shown_runs(30) as (port, made, shown):
        await shown.shows("all runs · live")
        port.gate.clear()
        await shown.press("f")
        await shown.shows("status:failed · still the rows of before · fetching…")
        assert len(shown.ids) == len(made)
        port.gate.set()
        await shown.shows("status:failed · live · 0 shown")


async def test_what_comes_next_is_fetched_also_where_the_wheel_or_the_scrollbar_goes() -> None:
    async with shown_runs(HEAD + PAGE + 60) as (_port, made, shown):
        await shown.shows("scroll for older")
        await shown.app.workers.wait_for_complete()
        await shown.pilot.pause()
        shown.runs.bridge._ticks = False  # else it would be seen at the next look, seconds later
        if shown.runs.bridge._ticker is not None:
            shown.runs.bridge._ticker.cancel()
        table = shown.runs.table
        table.scroll_to(y=table.max_scroll_y, animate=False, force=True)
        await shown.shows(f"{len(made):,} shown")


async def test_that_the_server_still_answers_is_shown_and_has_nothing_counted() -> None:
    async with shown_runs(3) as (port, _made, shown):
        await shown.app.workers.wait_for_complete()
        await shown.until(lambda: shown.runs.seen is not None)
        await shown.runs.inspector.aclose()  # the run in the preview has much to tell by itself
        pokes: list[bool] = []
        poke = shown.runs.bridge.poke

        def counted(*, stirs: bool = True) -> None:
            pokes.append(stirs)
            poke(stirs=stirs)

        shown.runs.bridge.poke = counted  # type: ignore[method-assign]
        (feed,) = port.open_feeds
        feed.turn(Phase.LIVE, latency_ms=43.0)
        await shown.shows("live 43 ms")
        assert pokes == [False]
        port.made()
        await shown.until(lambda: len(shown.ids) == 4)
        assert True in pokes


async def test_a_search_says_over_how_many_runs() -> None:
    async with shown_runs(HEAD + PAGE) as (port, made, shown):
        port.failed(made[-1], "no")
        shown.runs.show_only("-status:pending")
        await shown.shows("1 match of", "searched here")
        assert shown.ids == [made[-1]]
        port.cancelled(made[-2])
        await shown.until(lambda: shown.ids == made[-1:-3:-1], "the cancelled one")


async def test_s_sorts_by_the_next_column_and_the_cursor_stays_on_its_run() -> None:
    async with shown_runs(9) as (port, made, shown):
        port.started(made[4])
        await shown.on(made[3])
        await shown.press("s")
        await shown.shows("STATUS▴", "by status up")
        assert shown.ids[0] == made[4]
        await shown.press("s")
        await shown.shows("JOB▴")
        assert [row.run.job_name for row in shown.runs.table.rows] == [
            f"job-{n}" for n in range(3) for _ in range(3)
        ]
        assert shown.ids[:3] == [made[6], made[3], made[0]]
        assert shown.runs.table.cursor_key == made[3]
        await shown.press("S")
        await shown.shows("JOB▾")
        assert shown.ids[-3:] == [made[6], made[3], made[0]]
        await shown.until(lambda: shown.runs.table.cursor_key == made[3])
        for _ in range(8):
            before = shown.lines[1]
            if "by " not in before:
                break
            await shown.press("s")
            await shown.until(lambda before=before: shown.lines[1] != before)
        assert shown.ids == made[::-1]


async def test_after_a_sort_the_run_under_the_cursor_is_in_sight_and_a_refresh_does_not_jump() -> (
    None
):
    async with shown_runs(297) as (port, made, shown):
        await shown.shows("all runs · live · 297 shown")
        table = shown.runs.table

        def in_sight() -> bool:
            top = table.scroll_offset.y
            return top <= table.cursor_index < top + table.visible_rows

        await shown.on(made[150])
        table.scroll_to(y=0, animate=False, force=True)  # as by the wheel
        assert not in_sight()
        await shown.press("S")
        await shown.shows("by age up")
        assert table.cursor_key == made[150]
        await shown.until(in_sight, "the cursor's run")
        table.scroll_to(y=table.max_scroll_y, animate=False, force=True)
        port.started(made[-1])
        await shown.shows("● running")
        assert table.scroll_offset.y == table.max_scroll_y
        assert not in_sight()
        await shown.press("s", "s")
        await shown.shows("by job up")
        await shown.until(in_sight, "the cursor's run among those of its job")
        table.scroll_to(y=0, animate=False, force=True)
        assert not in_sight()
        shown.runs.show_only("job:job-0")
        await shown.shows("job:job-0 · by job up", "99 shown")
        assert table.cursor_key == made[150]
        await shown.until(in_sight, "the cursor's run among those that match")


async def test_a_click_on_a_heading_sorts_by_it_and_another_the_other_way() -> None:
    async with shown_runs(9) as (_, made, shown):
        await shown.until(lambda: len(shown.ids) == 9)

        async def click(heading: str) -> None:
            table = shown.runs.table
            at = shown.lines[table.region.y].index(heading)
            await shown.pilot.click(table, offset=(at - table.region.x, 0))

        for heading, line in (
            ("JOB", "by job up"),
            ("JOB", "by job down"),
            ("STATUS", "by status up"),
            ("PROGRESS", "by progress down"),
        ):
            await click(heading)
            await shown.shows(line)
        await click("AGE")
        await shown.hides("by progress")
        assert shown.ids == made[::-1]
        await click("AGE")
        await shown.shows("by age up")
        assert shown.ids == made


async def test_where_another_server_answers_the_rows_in_sight_are_those_that_are_acted_on() -> None:
    async with shown_runs(3) as (port, _made, shown):
        port.abilities = replace(port.abilities, features=frozenset())
        port.cut()
        await shown.hides("● live")
        port.restore()
        await shown.until(lambda: isinstance(shown.runs.rows, Runs), "a page")
        await shown.until(lambda: shown.runs.session.rows is shown.runs.rows, "as the session's")
        await shown.shows("page 1 · live · 3 shown")


async def test_columns_are_those_of_the_configuration_in_its_order() -> None:
    world = World(config=replace_columns("id", "status", "message"))
    async with shown_runs(2, world=world) as (_port, _made, shown):
        await shown.shows("ID", "MESSAGE")
        assert shown.runs.table.shown_columns == ("id", "status", "message")


async def test_compact_leaves_the_line_of_keys_out_until_one_wants_it_back() -> None:
    async with shown_runs(2, world=World(config=Config(density="compact"))) as (_p, _m, shown):
        await shown.shows("Overview")
        assert "? help" not in shown.text
        assert shown.runs.panes.region.bottom == shown.app.size.height
        await shown.press("colon", *"density", "space", *"com", "tab", "enter")
        await shown.shows("? help")
        assert shown.runs.panes.region.bottom == shown.app.size.height - 1


def replace_columns(*names: str) -> Config:
    return Config(columns=names)


async def test_the_preview_goes_to_the_side_grows_and_hides_and_that_is_kept() -> None:
    async with shown_runs(3) as (_port, _made, shown):
        table, detail = shown.runs.table, shown.runs.detail
        await shown.shows("Overview")
        assert table.region.width == 120
        high = detail.size.height
        await shown.press("less_than_sign")
        await shown.until(lambda: detail.size.height > high, "a larger preview")
        await shown.press("v")
        await shown.until(lambda: detail.region.x > 0, "the preview beside the table")
        assert table.region.width + detail.region.width == 120
        await shown.press("P")
        await shown.hides("Overview")
        assert table.region.width == 120
        assert shown.runs.view.preview.hidden
        await shown.press("P")
        await shown.shows("Overview")
        assert detail.region.x > 0


async def test_on_a_wide_screen_the_preview_is_beside_the_table() -> None:
    async with shown_runs(3, size=(200, 50)) as (_port, _made, shown):
        await shown.until(lambda: shown.runs.detail.region.x > 0)
        await shown.pilot.resize_terminal(80, 24)
        await shown.until(lambda: shown.runs.detail.region.x == 0)


async def test_a_range_and_all_are_marked_beyond_what_is_in_sight() -> None:
    async with shown_runs(HEAD + 50) as (port, made, shown):
        await shown.shows(f"{HEAD + 50} shown")
        await shown.press("space", "G", "V")
        await shown.shows(f"{HEAD + 50} marked")
        port.started(made[-1])
        await shown.until(lambda: shown.runs.marks[0].status is RunStatus.RUNNING)
