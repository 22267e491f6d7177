"""The place Jobs, driven by keys against real servers."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from support.bad_servers import html_502
from support.hostile import bundles
from support.monitor import Monitor, monitor
from support.replay08 import replay08
from support.screens import assert_sound
from support.workshop import Workshop, workshop
from textual.widgets import Input

from durably_tui.client import Pace
from durably_tui.tui.screens.jobs import JobsScreen
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.screens.trigger import TriggerScreen
from durably_tui.tui.widgets.job_table import JobTable

QUICK = Pace(first_delay=0.05, max_delay=0.1)


async def jobs_of(shown: Monitor) -> JobsScreen:
    """Go to the jobs, and wait until they are there."""
    await shown.press("2")
    return await shown.front(JobsScreen)


def names(screen: JobsScreen) -> list[str]:
    return [job.job_name for job in screen.table.rows]


def registered(shop: Workshop) -> list[str]:
    return sorted(job.name for job in shop.durably.jobs)


def idle(known: list[str]) -> list[str]:
    """The jobs that never ran where quick and broken did."""
    return [name for name in known if name not in {"quick", "broken"}]


async def on(shown: Monitor, screen: JobsScreen, name: str) -> None:
    """Put the cursor on a job."""
    await shown.until(lambda: name in names(screen), name)
    screen.table.move_cursor(name)
    await shown.until(lambda: screen.job is not None and screen.job.job_name == name)


async def test_our_server_lists_every_job_and_counts(shop: Workshop) -> None:
    await shop.done("quick")
    await shop.done("broken")
    async with monitor(shop.url) as shown:
        screen = await jobs_of(shown)
        known = registered(shop)
        await shown.shows("counted by the server", f"{len(known)} jobs", "last 1h", "100%")
        assert names(screen) == known
        await on(shown, screen, "held")
        await shown.shows(
            "held  duration of each run", "No run of this job is known to have ended yet"
        )
        await on(shown, screen, "broken")
        await shown.shows("broken  duration of each run  ✖ 1 failed")


async def test_it_begins_on_the_first_job_though_another_was_heard_of_before(
    shop: Workshop,
) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("● live")
        await shown.on(await shop.done("quick"))
        screen = await jobs_of(shown)
        known = registered(shop)
        await shown.until(lambda: names(screen) == known, "every job")
        await shown.until(lambda: screen.table.cursor_key == known[0], "the first of them")


async def test_what_happens_is_seen_at_once(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        screen = await jobs_of(shown)
        await on(shown, screen, "quick")
        await shop.done("quick")
        await shown.until(lambda: screen.job is not None and screen.job.last == ("completed",))
        await shown.until(lambda: screen.job is not None and screen.job.completed == 1)
        await shown.shows("✔ 1 completed")


async def test_enter_shows_the_runs_of_the_job_and_f_its_failed_ones(shop: Workshop) -> None:
    kept = await shop.done("quick")
    failed = await shop.done("broken")
    async with monitor(shop.url) as shown:
        screen = await jobs_of(shown)
        await on(shown, screen, "quick")
        await shown.press("enter")
        await shown.front(RunsScreen)
        await shown.shows("job:quick")
        await shown.until(lambda: shown.ids == [kept])
        await shown.press("minus")
        assert await shown.front(JobsScreen) is screen
        await on(shown, screen, "broken")
        await shown.press("f")
        await shown.front(RunsScreen)
        await shown.shows("status:failed job:broken")
        await shown.until(lambda: shown.ids == [failed])


async def test_t_asks_for_a_run_of_the_job(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        screen = await jobs_of(shown)
        await on(shown, screen, "quick")
        await shown.press("t")
        dialog = await shown.front(TriggerScreen)
        assert dialog.query_one("#job", Input).value == "quick"
        await shown.until(lambda: dialog.input.is_form)
        await shown.press("ctrl+s")
        await shown.says("Triggered run", "(o opens it)")
        await shown.until(lambda: screen.job is not None and screen.job.completed == 1)


async def test_jobs_are_sorted_filtered_and_counted_over_another_time(shop: Workshop) -> None:
    await shop.done("quick")
    await shop.done("broken")
    async with monitor(shop.url) as shown:
        screen = await jobs_of(shown)
        known = registered(shop)
        await shown.shows(f"{len(known)} jobs", "by name up", "JOB▴")
        await shown.press("S")
        await shown.until(lambda: names(screen) == known[::-1], "the other way round")
        await shown.shows("by name down", "JOB▾")
        for heading, words in (
            ("▾RUN", "by running down"),
            ("▾WAIT", "by waiting down"),
            ("▾ENDED", "by runs ended down"),
            ("▾FAILED", "by failed down"),
            ("▾FAIL", "by failure rate down"),
        ):
            await shown.press("s")
            await shown.shows(heading, words)
        assert names(screen) == ["broken", "quick", *idle(known)]
        await shown.press("S")
        await shown.shows("by failure rate up", "▴FAIL")
        assert names(screen) == ["quick", "broken", *idle(known)], "what never ran is last"
        await shown.press("s", "s", "s")
        await shown.shows("by last run down", "▾LAST")
        assert names(screen) == ["broken", "quick", *idle(known)]
        await shown.pilot.click(JobTable, offset=(5, 0))
        await shown.shows("by name up", "JOB▴")
        await shown.pilot.click(JobTable, offset=(5, 0))
        await shown.shows("by name down", "JOB▾")
        await shown.pilot.click(JobTable, offset=(35, 0))
        await shown.shows("by name down")  # the last runs are no order
        await shown.press("w")
        await shown.shows("last 1d ")
        await shown.press("W", "W")
        await shown.shows("last 15m ")
        await shown.press("slash", *"job:q*", "enter")
        await shown.shows(f"1 of {len(known)} jobs", "job:q*")
        assert names(screen) == ["quick"]
        await shown.press("slash", *"x", "enter")
        await shown.shows("No job matches. Esc clears the filter.")
        await shown.press("escape")
        await shown.shows(f"all {len(known)} jobs")
        await shown.press("escape")
        await shown.front(RunsScreen)


async def test_the_time_of_the_last_run_is_told_as_times_are_wanted(shop: Workshop) -> None:
    run = await shop.durably.get_run(await shop.done("broken"))
    async with monitor(shop.url) as shown:
        await jobs_of(shown)
        at = f"{run.created_at[11:19]}Z"
        await shown.shows("broken")
        assert at not in shown.text
        await shown.press("T", "T")
        await shown.shows(at)
        await shown.press("3")
        await shown.shows("the disk is full", f"{at[:-3]}", "Z  broken")


async def test_a_server_that_counts_nothing_is_counted_here() -> None:
    async with replay08() as old, monitor(old.url) as shown:
        screen = await jobs_of(shown)
        await shown.shows("counted here over", "runs seen", "by name up", "5 Servers")
        assert names(screen)
        assert not [asked for asked in old.requests if "/stats" in asked or "/jobs" in asked]


async def test_no_jobs_at_all() -> None:
    async with replay08() as old:
        old.durably.runs.clear()
        async with monitor(old.url) as shown:
            await jobs_of(shown)
            await shown.shows("No run has been seen yet, and this server does not list its jobs.")
            await shown.press("question_mark")
            await shown.shows("Keys · Jobs", "Count over a longer time")
            await shown.press("escape", "y")
            await shown.says("There is no job here.")


async def test_a_server_that_fails_is_told_of() -> None:
    async with html_502() as bad, monitor(bad.url, pace=QUICK) as shown:
        await jobs_of(shown)
        await shown.shows("answered 502", "This server has reported no jobs yet.")


async def test_the_figures_stay_while_the_server_is_gone(tmp_path: Path) -> None:
    async with AsyncExitStack() as server:
        shop = await server.enter_async_context(workshop(tmp_path))
        await shop.done("quick")
        async with monitor(shop.url, pace=QUICK) as shown:
            screen = await jobs_of(shown)
            await shown.until(lambda: names(screen) == registered(shop))
            await server.aclose()
            await shown.shows("reconnecting", "refused")
            assert names(screen) == registered(shop)


async def test_read_only_triggers_nothing(shop: Workshop) -> None:
    async with monitor(shop.url, read_only=True) as shown:
        await jobs_of(shown)
        await shown.shows("READ-ONLY", "quick")
        await shown.press("t")
        assert isinstance(shown.app.screen, JobsScreen)
        assert "trigger" not in shown.lines[-1]


async def test_it_fits_every_size_and_hostile_names_are_inert() -> None:
    async with replay08() as old, monitor(old.url, size=(120, 40)) as shown:
        for number, text in enumerate(bundles()):
            run = {**next(iter(old.durably.runs.values())), "id": f"h{number}", "jobName": text}
            old.durably.runs[run["id"]] = run
        screen = await jobs_of(shown)
        await shown.until(lambda: len(names(screen)) > len(bundles()))
        for size in ((40, 15), (80, 24), (200, 60), (120, 12)):
            await shown.pilot.resize_terminal(*size)
            await shown.pilot.pause()
            assert screen.plot.display is (size[1] >= 16)
            for key in ("g", "j", "j", "j", "G"):
                await shown.press(key)
                assert_sound(screen.table, screen.table.line_width)
                if screen.plot.display:
                    assert_sound(screen.plot, screen.plot.content_size.width)
            assert all(len(line) == size[0] for line in shown.lines if line.isascii())


async def test_ascii_only(shop: Workshop) -> None:
    await shop.done("broken")
    async with monitor(shop.url, ascii_only=True) as shown:
        screen = await jobs_of(shown)
        await on(shown, screen, "broken")
        await shown.shows("x 1 failed", "100%")
