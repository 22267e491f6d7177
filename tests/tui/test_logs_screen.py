"""The place Logs on a real server: what it shows, what its keys do, and what it says where not."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from support.bad_servers import html_502
from support.hostile import bundles
from support.monitor import Monitor, monitor
from support.workshop import Workshop, workshop

from durably_tui.client import Pace
from durably_tui.text import TimeStyle
from durably_tui.tui.screens.help import HelpScreen
from durably_tui.tui.screens.logs import LogsScreen
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen

QUICK = Pace(first_delay=0.05, max_delay=0.1)


async def at_logs(shown: Monitor) -> LogsScreen:
    await shown.press("4")
    return await shown.front(LogsScreen)


async def test_lines_of_all_runs_stored_and_live(shop: Workshop) -> None:
    old = await shop.done("chatty", word="old", lines=3)
    async with monitor(shop.url) as shown:
        await at_logs(shown)
        await shown.shows("log of all runs", "old 0", "old 2", '{"number": 2}', "following")
        await shown.shows("the server keeps no earlier lines")
        new = await shop.done("chatty", word="new", lines=3)
        await shown.shows("new 2")
        lines = [line for line in shown.lines if "chatty" in line]
        assert all(f"…{run_id[-4:]}" in shown.text for run_id in (old, new))
        assert len(lines) == 6, "each once"


async def test_the_past_is_fetched_as_one_goes_up(shop: Workshop) -> None:
    await shop.done("chatty", lines=2_300)
    async with monitor(shop.url) as shown:
        screen = await at_logs(shown)
        await shown.shows("line 2299", "1,000 lines")
        assert "line 1299" not in shown.text
        await shown.press("pageup")
        while screen.pane.view.cursor != screen.pane.view.store.first:
            await shown.press("pageup")
        await shown.shows("2,000 lines")
        assert "line 0 " not in shown.text
        await shown.press("g")
        await shown.shows("2,300 lines", "the server keeps no earlier lines", "line 0 ")
        assert screen.logs is not None
        said = [line.message for line in screen.logs.lines]
        assert said == [f"line {n}" for n in range(2_300)]


async def test_what_is_not_here_is_looked_for_in_what_the_server_has(shop: Workshop) -> None:
    await shop.done("chatty", lines=2_300)
    async with monitor(shop.url) as shown:
        await at_logs(shown)
        await shown.shows("line 2299", "1,000 lines")
        await shown.press("slash", *"line 2[0-9]$", "enter")
        await shown.shows("line 29", "/10")
        assert not shown.toasts, "nothing is said to be missing before all was looked through"
        await shown.press("escape", "ampersand", *"no such word", "enter")
        await shown.shows("0 of 2,300 lines", "No line matches the filter.")


async def test_of_a_search_it_is_told_that_the_server_has_more(shop: Workshop) -> None:
    await shop.done("chatty", lines=2_300)
    async with monitor(shop.url) as shown:
        await at_logs(shown)
        await shown.shows("line 2299", "1,000 lines")
        await shown.press("ampersand", *"line 22", "enter")
        await shown.shows("100 of 1,000 lines", "scroll up for earlier lines")


async def test_search_filter_level_and_back(shop: Workshop) -> None:
    await shop.done("chatty", lines=30)
    await shop.done("loud", value="hoot")
    async with monitor(shop.url) as shown:
        await at_logs(shown)
        await shown.shows("33 lines")
        await shown.press("slash", *"line 2", "enter")
        await shown.shows("“line 2”", "/11")
        await shown.press("escape", "ampersand", *"chatty", "enter")
        await shown.shows("30 of 33 lines", "only “chatty”")
        await shown.press("escape", "L")
        await shown.shows("2 of 33 lines", "warn and error")
        await shown.press("escape")
        await shown.hides(" of 33 lines")
        await shown.shows("33 lines")
        await shown.press("escape")
        await shown.front(RunsScreen)


async def test_enter_opens_the_run_of_the_line(shop: Workshop) -> None:
    await shop.done("chatty", word="first", lines=1)
    await shop.done("chatty", word="second", lines=1)
    async with monitor(shop.url) as shown:
        await at_logs(shown)
        await shown.shows("first 0", "second 0")
        await shown.press("k", "enter")
        run = await shown.front(RunScreen)
        assert run.detail.tabs.active == "logs"
        await shown.shows("first 0")
        assert "second 0" not in shown.text
        await shown.press("q")
        await shown.front(LogsScreen)


async def test_the_lines_of_some_runs(shop: Workshop) -> None:
    runs = [await shop.done("chatty", word=word, lines=2) for word in ("one", "two", "three")]
    async with monitor(shop.url) as shown:
        screen = await at_logs(shown)
        await shown.shows("one 1", "two 1", "three 1")
        screen.show_only(f"run:{runs[0]} run:{runs[2]}")
        await shown.shows("log of 2 runs", "one 1", "three 1", "4 lines")
        await shown.hides("two 1")
        assert screen.filter_text == f"run:{runs[0]} run:{runs[2]}"
        screen.show_only(f"run:{runs[0]} \\b1$")  # the id of a run may end with a 1 as well
        await shown.shows("log of 1 run:", "1 of 2 lines")
        await shown.press("escape")
        await shown.hides("1 of 2 lines")
        await shown.shows("log of 1 run:", "2 lines")
        await shown.press("escape")
        await shown.shows("log of all runs", "two 1")


async def test_times_are_the_same_in_every_log(shop: Workshop) -> None:
    run_id = await shop.done("chatty", lines=1)
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press("T", "T")
        logs = shown.runs.detail.logs
        await shown.until(lambda: logs.time_style is TimeStyle.UTC, "the preview in UTC")
        screen = await at_logs(shown)
        await shown.until(lambda: screen.pane.view.time_style is TimeStyle.UTC, "UTC here")
        await shown.press("t")
        await shown.until(lambda: screen.pane.view.time_style is TimeStyle.OFF, "no times")
        await shown.press("1")
        await shown.front(RunsScreen)
        await shown.until(lambda: logs.time_style is TimeStyle.OFF, "no times there either")
        assert shown.runs.view.time_style is TimeStyle.UTC, "but in the table"


async def test_a_run_that_ended_before_anybody_looked_has_its_lines(shop: Workshop) -> None:
    run_id = await shop.done("chatty", lines=1_500)
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press("enter")
        run = await shown.front(RunScreen)
        await shown.press("l")
        await shown.shows("line 1499", "1,000 lines")
        await shown.press("g")
        await shown.shows("1,500 lines")
        assert [e.message for e in run.detail.logs.store] == [f"line {n}" for n in range(1_500)]


async def test_a_server_that_stores_no_lines_says_that_earlier_ones_were_not_seen(
    shop: Workshop,
) -> None:
    await shop.done("chatty", word="before")
    run_id = await shop.start("held")
    async with monitor(shop.url, abilities="0.15") as shown:
        await shown.on(run_id)
        shop.gates["gate"].set()
        await shown.press("enter", "l")
        await shown.front(RunScreen)
        await shown.shows("let go", "earlier lines were not seen")
        await at_logs(shown)
        await shown.shows("let go", "earlier lines were not seen")
        assert "before" not in shown.text


async def test_help_and_palette_tell_of_the_log_while_the_keys_are_in_it(shop: Workshop) -> None:
    run_id = await shop.done("chatty", lines=3)
    async with monitor(shop.url, size=(120, 80)) as shown:
        await shown.on(run_id)
        await shown.press("question_mark")
        await shown.front(HelpScreen)
        assert "Show only the lines that match" not in shown.text
        await shown.press("escape")
        await shown.front(RunsScreen)
        await shown.press("l")
        await shown.until(lambda: shown.runs.detail.logs.has_focus, "the keys in the log")
        await shown.shows("show only")
        await shown.press("question_mark")
        await shown.front(HelpScreen)
        await shown.shows("Show only the lines that match")
        await shown.press("escape")
        await shown.front(RunsScreen)
        await shown.press("w")
        await shown.shows("wrapped")
        await shown.press("slash", *"line 2", "enter")
        await shown.shows("1/1")
        await shown.press("escape", "escape")
        await shown.until(lambda: shown.runs.table.has_focus, "back at the table")


async def test_nothing_yet(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await at_logs(shown)
        await shown.shows("No log lines yet. They appear here as runs write them.")
        for key in ("j", "k", "g", "G", "n", "enter", "space", "y", "Y", "L", "w", "t", "F"):
            await shown.press(key)
        await shop.done("chatty", lines=1)
        await shown.press("escape")
        await shown.shows("line 0")


async def test_what_is_no_durably_server() -> None:
    async with html_502() as server, monitor(server.url, size=(200, 24), pace=QUICK) as shown:
        await at_logs(shown)
        await shown.shows("answered 502", "This server has reported no log lines yet.")


async def test_what_was_missed_is_fetched_when_the_server_is_back(tmp_path: Path) -> None:
    async with AsyncExitStack() as server:
        shop = await server.enter_async_context(workshop(tmp_path))
        await shop.done("chatty", word="before", lines=2)
        async with monitor(shop.url, pace=QUICK) as shown:
            await at_logs(shown)
            await shown.shows("before 1")
            await server.aclose()
            await shown.shows("reconnecting", "before 1")
            async with workshop(tmp_path / ".") as aside:
                await aside.done("chatty", word="missed", lines=2)
            port = int(shop.url.split(":")[2].split("/")[0])
            async with workshop(tmp_path, port=port) as again:
                await shown.shows("● live", "missed 1")
                await again.done("chatty", word="after", lines=1)
                await shown.shows("after 0")
                said = [line for line in shown.lines if "chatty" in line]
                words = [w for line in said for w in ("before", "missed", "after") if w in line]
                assert words == ["before", "before", "missed", "missed", "after"]
                assert not any(line.strip().startswith("log lines from") for line in shown.lines)


async def test_hostile_lines_are_inert(shop: Workshop) -> None:
    for text in bundles():
        await shop.done("loud", value=text)
    async with monitor(shop.url, size=(100, 30)) as shown:
        screen = await at_logs(shown)
        await shown.until(lambda: len(screen.pane.view.store) >= 3 * len(bundles()), "all lines")
        for key in ("k", "space", "w", "k", "k", "space", "k", "pageup", "w", "t", "y"):
            await shown.press(key)
            assert len(shown.lines) == 30, "each line is exactly as wide as the screen"
