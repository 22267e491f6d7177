"""What became of the runs of every job: counted by the server, or over the runs that were seen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import JobFigures, JobInfo, RunStatus, ServerFault, Stats, Unauthorised
from durably_tui.state import DurablyHooks, Source
from durably_tui.state.job_stats import RECENT_RUNS, RUNS_OF_A_JOB, SECONDS_BETWEEN_REQUESTS
from durably_tui.state.job_stats_figures import BUCKETS

COMPLETED, FAILED = RunStatus.COMPLETED, RunStatus.FAILED


def figures(job: str, **fields: Any) -> JobFigures:
    return JobFigures(job_name=job, **fields)


async def test_a_server_that_counts_is_believed(port: FakePort, hooks: DurablyHooks) -> None:
    port.stats = Stats(
        window=3600,
        jobs=(figures("job", completed=90, failed=10, p50_ms=1500, counts={FAILED: 99}),),
    )
    port.jobs = [JobInfo(name="job", description="Does it."), JobInfo(name="never ran")]
    port.completed(port.made("job", input={"n": 1}))
    async with hooks.use_job_stats() as stats:
        await settle()
        job, never = stats.summaries()
        assert stats.source is job.source is Source.SERVER
        assert (job.failure_rate, job.p50, job.counts) == (0.1, 1.5, {FAILED: 99})
        assert (job.description, job.last) == ("Does it.", (COMPLETED,))
        assert (never.job_name, never.last_run_at, never.ended) == ("never ran", None, 0)
        last = stats.last_input("job")
        assert last is not None
        assert last.input == {"n": 1}
        assert stats.last_input("never ran") is None


async def test_a_server_that_counts_is_asked_again_after_events_but_seldom(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.stats, port.jobs = Stats(window=3600), []
    async with hooks.use_job_stats() as stats:
        await clock.advance(2 * SECONDS_BETWEEN_REQUESTS)
        port.requests.clear()
        for n in range(50):
            run_id = port.made("job")
            port.started(run_id)
            port.logged(run_id, "x")
            port.completed(run_id)
            await clock.advance(SECONDS_BETWEEN_REQUESTS / 10)
            assert [job.job_name for job in stats.summaries()] == ["job"], n
        assert 4 <= port.requests["get_stats"] <= 6
        assert (port.requests["get_runs"], port.requests["get_jobs"]) == (0, 0)

        stats.watch(False)
        await clock.advance(2 * SECONDS_BETWEEN_REQUESTS)
        port.requests.clear()
        port.made("job")
        await clock.advance(60)
        assert not port.requests
        stats.watch(True)
        await clock.advance(0)
        assert port.requests["get_stats"] == 1


async def test_a_server_that_does_not_count_is_not_asked_after_events(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.failed(port.made("job"), "old")
    async with hooks.use_job_stats() as stats:
        await clock.advance(10)
        port.requests.clear()
        run_id = port.made("job")
        port.started(run_id)
        await settle()
        port.completed(run_id)
        await clock.advance(10)
        assert not port.requests
        (job,) = stats.summaries()
        assert (job.source, job.completed, job.failed) == (Source.SEEN, 1, 1)
        assert job.last == (FAILED, COMPLETED)
        assert job.throughput == (0,) * (BUCKETS - 1) + (2,)


async def test_what_was_seen_before_is_there_at_once(port: FakePort, hooks: DurablyHooks) -> None:
    hooks.feed.open()
    await settle()
    port.completed(port.made("job"))
    await settle()
    port.errors["get_runs"] = ServerFault("down")
    async with hooks.use_job_stats() as stats:
        (job,) = stats.summaries()
        assert (job.completed, job.throughput[-1]) == (1, None)


async def test_what_happens_while_a_page_is_under_way_is_newer_than_the_page(
    port: FakePort, hooks: DurablyHooks
) -> None:
    run_id = port.made("job")
    port.started(run_id)
    async with hooks.use_job_stats() as stats:
        port.gate.clear()
        await settle()
        port.completed(run_id)
        await settle()
        port.gate.set()
        await settle()
        assert [r.status for r in stats.records("job").runs.values()] == [COMPLETED]


async def test_after_a_lost_connection_runs_and_jobs_are_fetched_again(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.stats, port.jobs = Stats(window=3600), []
    async with hooks.use_job_stats() as stats:
        await clock.advance(10)
        port.cut()
        port.completed(port.made("job"))
        port.jobs = [JobInfo(name="new")]
        await settle()
        port.restore()
        await clock.advance(0)
        assert [job.job_name for job in stats.summaries()] == ["job", "new"]
        assert port.queries[-1].limit == RECENT_RUNS


async def test_the_job_in_focus_is_asked_for_its_own_runs(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    for _ in range(3):
        port.completed(port.made("rare"))
    for _ in range(RECENT_RUNS):
        port.made("often")
    async with hooks.use_job_stats() as stats:
        await clock.advance(1)
        assert not stats.records("rare").runs
        stats.focus("rare")
        await clock.advance(1)
        assert len(stats.records("rare").runs) == 3
        assert (port.queries[-1].job_names, port.queries[-1].limit) == (("rare",), RUNS_OF_A_JOB)
        asked = port.requests["get_runs"]
        stats.focus(None)
        stats.focus("rare")  # is whole by now
        stats.focus("often")  # enough of it is there
        await clock.advance(1)
        assert port.requests["get_runs"] == asked


async def test_another_window_is_asked_for_and_told_once_it_is_answered(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.stats = Stats(window=3600)
    async with hooks.use_job_stats() as stats:
        await clock.advance(10)
        port.gate.clear()
        stats.set_window(60)
        await settle()
        assert (stats.state.window, stats.state.counted_window) == (60, 3600)
        port.stats = Stats(window=60)
        stats.set_window(86_400)
        stats.set_window(60)
        port.gate.set()
        await clock.advance(10)
        assert (stats.state.counted_window, port.windows[-1]) == (60, 60)
        with pytest.raises(ValueError, match="longer than 0 s"):
            stats.set_window(0)


async def test_a_window_chosen_during_the_first_request_does_not_cost_the_runs(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.stats = Stats(window=3600)
    port.completed(port.made("job"))
    async with hooks.use_job_stats() as stats:
        await clock.advance(10)
        port.gate.clear()
        port.requests.clear()
        refreshing = asyncio.create_task(stats.refresh())
        await settle()
        assert port.requests["get_runs"] == 1
        stats.set_window(60)  # gives that request up
        port.gate.set()
        await refreshing
        assert port.requests["get_runs"] == 2
        assert (stats.error, port.windows[-1]) == (None, 60)


async def test_a_token_for_some_runs_only_counts_those(port: FakePort, hooks: DurablyHooks) -> None:
    port.errors["get_stats"] = Unauthorised("not all runs", status=403)
    port.completed(port.made("job"))
    async with hooks.use_job_stats() as stats:
        await settle()
        assert (stats.error, stats.source) == (None, Source.SEEN)
        assert stats.summaries()[0].completed == 1


async def test_a_server_that_fails_is_told_and_asked_again(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.stats = Stats(window=3600, jobs=(figures("job", completed=1),))
    port.errors["get_stats"] = ServerFault("down")
    async with hooks.use_job_stats() as stats:
        await settle()
        assert str(stats.error) == "down"
        assert not stats.is_loading
        del port.errors["get_stats"]
        await clock.advance(5)
        assert stats.error is None
        assert [job.completed for job in stats.summaries()] == [1]


async def test_summaries_of_jobs_where_nothing_changed_are_the_same(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.completed(port.made("a"))
    port.completed(port.made("b"))
    async with hooks.use_job_stats() as stats:
        await clock.advance(1)
        a, b = stats.summaries()
        port.made("b")
        await clock.advance(1)
        after_a, after_b = stats.summaries()
        assert after_a is a
        assert after_b is not b
        later, _ = stats.summaries(clock.time() + 3600 / BUCKETS)
        assert later is not a


async def test_it_ends_without_a_trace(port: FakePort, hooks: DurablyHooks) -> None:
    port.gate.clear()
    stats = hooks.use_job_stats().start()
    await settle()
    await stats.aclose()
    assert all(feed.closed for feed in port.feeds)
    stats.focus("x")
    stats.watch(True)
    port.gate.set()


async def test_two_requests_under_way_each_keep_what_happened_since_they_began(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    old = port.made("job")
    stats = hooks.use_job_stats()
    stats.focus("job")
    first, second = asyncio.Event(), asyncio.Event()
    gates = [first, second]

    async def get_runs(query: Any = None) -> list[Any]:
        gate = gates.pop(0) if gates else None
        found = port.listed(query)
        if gate is not None:
            await gate.wait()
        return found

    port.get_runs = get_runs  # type: ignore[method-assign]
    async with stats:
        await settle()
        assert not gates  # of all jobs and of the one in focus
        second.set()
        await settle()
        port.started(old)
        port.completed(old)
        await settle()
        first.set()
        await settle()
        assert stats.error is None
        assert [run.status for run in stats.records("job").runs.values()] == [COMPLETED]
