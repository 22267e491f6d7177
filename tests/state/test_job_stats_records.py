"""What is kept of the runs that were seen, and the figures over them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.manual_clock import START

from durably_tui.protocol import (
    Event,
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
)
from durably_tui.state import Source
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
