"""What became of the runs of every job: counted by the server, or over the runs that were seen."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_port import FakePort
from support.manual_clock import START, ManualClock, settle

from durably_tui.protocol import (
    Event,
    JobFigures,
    JobInfo,
    LogWrite,
    Run,
    RunCancel,
    RunComplete,
    RunDelete,
    RunFail,
    RunRetry,
    RunStart,
    RunStatus,
    RunTrigger,
    ServerFault,
    Stats,
    Unauthorised,
)
from durably_tui.state import DurablyHooks, Source
from durably_tui.state.job_stats import RECENT_RUNS, RUNS_OF_A_JOB, SECONDS_BETWEEN_REQUESTS
from durably_tui.state.job_stats_figures import BUCKETS, percentile, summary, throughput
from durably_tui.state.job_stats_records import (
    MAX_JOBS,
    MAX_RUNS_OF_A_JOB,
    JobRecords,
    Ledger,
    RunRecord,
    met,
    noted,
)

NOW = START + 10_000
PENDING, RUNNING = RunStatus.PENDING, RunStatus.RUNNING
COMPLETED, FAILED, CANCELLED = RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED


def event(kind: type[Event], run_id: str = "a", job: str = "job", **fields: Any) -> Event:
    return kind(run_id=run_id, job_name=job, **fields)


def run(
    run_id: str, status: RunStatus = COMPLETED, *, job: str = "job", at: float = 0, **f: Any
) -> Run:
    """A run that was created ``at`` seconds after NOW, started then and took a second."""
    created = datetime.fromtimestamp(NOW + at, UTC)
    ended = datetime.fromtimestamp(NOW + at + 1, UTC) if status.is_terminal else None
    fields = {"created_at": created, "started_at": created, "completed_at": ended} | f
    return Run(id=run_id, job_name=job, status=status, **fields)


# -- the ledger ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "status", "seconds"),
    [
        ([RunTrigger], PENDING, None),
        ([RunTrigger, RunStart], RUNNING, None),
        ([RunTrigger, RunStart, RunComplete], COMPLETED, 1.0),
        ([RunStart, RunFail], FAILED, 1.0),
        ([RunStart, RunCancel], CANCELLED, 1.0),
        ([RunComplete], COMPLETED, None),
        ([RunStart, RunComplete, RunComplete], COMPLETED, 1.0),  # told twice
        ([RunStart, RunComplete, RunStart], COMPLETED, 1.0),  # told late
        ([RunStart, RunFail, RunRetry], PENDING, None),
        ([RunStart, RunFail, RunRetry, RunStart, RunComplete], COMPLETED, 4.0),
    ],
)
def test_what_the_events_of_a_run_amount_to(
    kinds: list[type[Event]], status: RunStatus, seconds: float | None
) -> None:
    ledger = Ledger()
    for second, kind in enumerate(kinds):
        ledger = noted(ledger, [event(kind)], NOW + second)
    (record,) = ledger.of("job").runs.values()
    assert (record.status, record.seconds) == (status, seconds)
    assert record.at == NOW


def test_a_servers_own_times_and_durations_are_believed() -> None:
    when = datetime.fromtimestamp(NOW - 50, UTC)
    ledger = noted(Ledger(), [event(RunComplete, duration=2_500, timestamp=when)], NOW)
    (record,) = ledger.of("job").runs.values()
    assert (record.ended_at, record.seconds) == (NOW - 50, 2.5)
    # The replay that opens a stream is dated by its opening, and its duration is no duration.
    replayed = event(RunComplete, duration=0, timestamp=when, sequence=0)
    (record,) = noted(Ledger(), [replayed], NOW).of("job").runs.values()
    assert (record.ended_at, record.seconds) == (NOW, None)


def test_what_tells_nothing_of_a_run_changes_nothing() -> None:
    ledger = noted(Ledger(), [event(RunStart)], NOW)
    assert noted(ledger, [], NOW) is ledger
    assert noted(ledger, [event(LogWrite, message="x"), event(RunStart, job="")], NOW) is ledger
    assert not noted(ledger, [event(RunDelete)], NOW).of("job").runs


def test_a_page_brings_inputs_and_order_and_says_from_when_nothing_is_missing() -> None:
    ledger = noted(Ledger(), [event(RunStart, "c")], NOW)
    assert ledger.known_from("job") == math.inf
    page = [run("c", at=3, input={"n": 3}), run("b", at=2), run("x", at=1, job="other")]
    whole = met(ledger, page, NOW, limit=4)
    assert list(whole.of("job").runs) == ["b", "c"]
    assert whole.of("job").runs["c"].input == {"n": 3}
    assert whole.known_from("job") == whole.known_from("never ran") == -math.inf
    # A page that is full says nothing of what is older than its last run.
    assert met(Ledger(), page, NOW, limit=3).known_from("job") == NOW + 1
    # One job that was asked for alone is known further back than the others.
    more = met(met(Ledger(), page, NOW, limit=3), page[:2], NOW, limit=3, job_name="job")
    assert (more.known_from("job"), more.known_from("other")) == (-math.inf, NOW + 1)


def test_after_a_page_without_what_was_known_there_may_be_a_hole_before_it() -> None:
    known = met(Ledger(), [run("a", at=1)], NOW, limit=2)
    newer = [run("z", at=9), run("y", at=8)]
    assert met(known, newer, NOW, limit=2).known_from("job") == NOW + 8
    touching = [run("z", at=9), run("a", at=1)]
    assert met(known, touching, NOW, limit=2).known_from("job") == -math.inf


def test_a_page_keeps_what_only_events_told() -> None:
    """0.8 does not say when a run started or ended."""
    ledger = noted(Ledger(), [event(RunStart)], NOW)
    ledger = noted(ledger, [event(RunComplete)], NOW + 5)
    old = run("a", started_at=None, completed_at=None)
    (record,) = met(ledger, [old], NOW + 9, limit=5).of("job").runs.values()
    assert (record.seconds, record.has_input) == (5.0, True)


def test_a_long_life_stays_within_its_limits() -> None:
    ledger = Ledger()
    for n in range(MAX_RUNS_OF_A_JOB + 50):
        ledger = noted(ledger, [event(RunTrigger, f"r{n}"), event(RunCancel, f"r{n}")], NOW + n)
    assert len(ledger.of("job").runs) == MAX_RUNS_OF_A_JOB
    assert ledger.of("job").forgotten_until == NOW + 49
    assert "r50" in ledger.of("job").runs
    for n in range(MAX_JOBS + 10):
        ledger = noted(ledger, [event(RunTrigger, job=f"job-{n}")], NOW)
    assert len(ledger.jobs) == MAX_JOBS
    assert "job-0" not in ledger.jobs


KINDS = [RunTrigger, RunStart, RunComplete, RunFail, RunCancel, RunRetry, RunDelete]


@given(
    st.lists(
        st.builds(
            event, st.sampled_from(KINDS), st.sampled_from("abc"), st.sampled_from(["x", "y"])
        )
    ),
    st.integers(0, 40),
)
def test_how_events_are_bundled_makes_no_difference(events: list[Event], cut: int) -> None:
    at_once = noted(Ledger(), events, NOW)
    in_two = noted(noted(Ledger(), events[:cut], NOW), events[cut:], NOW)
    runs = {name: dict(job.runs) for name, job in at_once.jobs.items()}
    assert runs == {name: dict(job.runs) for name, job in in_two.jobs.items()}


# -- figures ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "p50", "p95"),
    [([], None, None), ([7], 7, 7), ([1, 2], 1, 2), (list(range(1, 101)), 50, 95)],
)
def test_percentiles(values: list[float], p50: float | None, p95: float | None) -> None:
    assert (percentile(values, 0.5), percentile(values, 0.95)) == (p50, p95)


def ended(at: float) -> RunRecord:
    return RunRecord(run_id=str(at), status=COMPLETED, at=at, ended_at=at)


def test_throughput_has_whole_parts_and_tells_which_are_not_known() -> None:
    now = 2_000.0  # parts of 10 s
    runs = [ended(1_999), ended(1_995), ended(1_991), ended(1_989), ended(1_700), ended(2_001)]
    told = throughput(runs, now - 0.5, window=10.0 * BUCKETS, known_from=1_975)
    assert told[-3:] == (None, 1, 4), "a part that is only half known is not known"
    assert told[: BUCKETS - 2] == (None,) * (BUCKETS - 2)
    assert throughput([], now, window=200, known_from=-math.inf) == (0,) * BUCKETS
    assert throughput([], now, window=200, known_from=math.inf) == (None,) * BUCKETS


def test_figures_over_what_was_seen() -> None:
    page = [run(str(n), at=-n * 60) for n in range(1, 9)]
    page += [run("f", FAILED, at=-30), run("g", FAILED, at=-31), run("r", RUNNING, at=-1)]
    page += [run("old", at=-4_000)]
    records = met(Ledger(), sorted(page, key=lambda r: r.created_at, reverse=True), NOW, limit=99)
    found = summary("job", records.of("job"), NOW, window=3600, known_from=-math.inf)
    assert found.source is Source.SEEN
    assert (found.completed, found.failed, found.cancelled, found.ended) == (8, 2, 0, 10)
    assert found.failure_rate == 0.2
    assert found.counts == {COMPLETED: 9, FAILED: 2, RUNNING: 1}
    assert (found.p50, found.p95) == (1.0, 1.0)
    assert found.last[-4:] == (COMPLETED, FAILED, FAILED, RUNNING)
    assert found.last_run_at == NOW - 1


def test_a_job_without_runs_has_no_rates() -> None:
    found = summary("job", JobRecords(), NOW, window=60, known_from=-math.inf)
    assert (found.failure_rate, found.p50, found.last, found.last_run_at) == (None, None, (), None)


# -- the hook --------------------------------------------------------------------------------


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
