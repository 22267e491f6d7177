"""``observe``: what passed on the streams, kept and bounded."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.recordings import WIRE

from durably_tui.protocol import (
    Decoder,
    Event,
    LogWrite,
    RunCancel,
    RunComplete,
    RunFail,
    RunRetry,
    RunStart,
    RunStatus,
    RunTrigger,
    SseDecoder,
    StepComplete,
    StepFail,
    StepStart,
    StepStatus,
)
from durably_tui.state import History, HistoryLimits, RunHistory
from durably_tui.state.burst import as_datetime
from durably_tui.state.observe import closed, observe
from durably_tui.state.weigh import weigh, weigh_data, weigh_events

R = "R1"


def seen(*events: Event, history: History | None = None, epoch: int = 1) -> RunHistory:
    """The history of R1 after these events, one second apart."""
    history = history or History()
    for at, event in enumerate(events):
        history = observe(history, [event], 100.0 + at, epoch)
    run = history.get(R)
    assert run is not None
    return run


def test_steps_and_lines_of_a_whole_run() -> None:
    run = seen(
        RunTrigger(run_id=R, job_name="job"),
        RunStart(run_id=R),
        StepStart(run_id=R, step_name="a"),
        LogWrite(run_id=R, message="hello", step_name="a"),
        StepComplete(run_id=R, step_name="a"),
        StepStart(run_id=R, step_name="b", step_index=1),
        StepFail(run_id=R, step_name="b", step_index=1, error="boom"),
        RunFail(run_id=R),
    )
    assert run.from_start
    assert run.job_name == "job"
    assert run.status is RunStatus.FAILED
    a, b = run.steps
    assert (a.name, a.status, a.started_at, a.completed_at) == (
        "a",
        StepStatus.COMPLETED,
        as_datetime(102),
        as_datetime(104),
    )
    assert (b.index, b.status, b.error) == (1, StepStatus.FAILED, "boom")
    assert [line.message for line in run.logs] == ["hello"]
    assert run.logs[0].timestamp == as_datetime(103)
    assert [item.event.type for item in run.events][:2] == ["run:trigger", "run:leased"]


def test_what_is_told_twice_is_kept_once() -> None:
    run = seen(
        RunTrigger(run_id=R),
        RunStart(run_id=R),
        RunStart(run_id=R),
        StepStart(run_id=R, step_name="a"),
        StepStart(run_id=R, step_name="a"),
        StepComplete(run_id=R, step_name="a"),
        StepComplete(run_id=R, step_name="a"),
    )
    assert run.attempt == 1
    assert len(run.steps) == 1


def test_attempts_are_told_apart_and_what_was_cut_short_says_so() -> None:
    run = seen(
        RunStart(run_id=R),
        StepStart(run_id=R, step_name="a"),
        RunStart(run_id=R),  # another worker took it: the first is gone
        StepStart(run_id=R, step_name="a"),
        RunCancel(run_id=R),
        RunRetry(run_id=R),
        RunStart(run_id=R),
        StepStart(run_id=R, step_name="a"),
        StepComplete(run_id=R, step_name="a"),
        RunComplete(run_id=R),
    )
    assert [(step.attempt, step.status, step.interrupted) for step in run.steps] == [
        (1, StepStatus.CANCELLED, True),
        (2, StepStatus.CANCELLED, False),
        (3, StepStatus.COMPLETED, False),
    ]
    assert not run.from_start


def test_a_lost_step_end_is_known_from_the_end_of_the_run() -> None:
    run = seen(RunStart(run_id=R), StepStart(run_id=R, step_name="a"), RunComplete(run_id=R))
    assert run.steps[0].status is StepStatus.COMPLETED
    assert run.steps[0].completed_at == as_datetime(102)


def test_the_server_says_when_where_it_does() -> None:
    told = as_datetime(50)
    run = seen(
        RunStart(run_id=R, sequence=0, timestamp=told),
        StepComplete(run_id=R, step_name="a", duration=2_000, timestamp=told, sequence=7),
    )
    assert run.attempt == 1
    assert run.steps[0].completed_at == told
    assert run.steps[0].started_at == as_datetime(48)


def test_a_new_connection_is_a_gap_for_what_was_going_on() -> None:
    history = observe(History(), [RunTrigger(run_id=R), RunTrigger(run_id="R2")], 1.0, 1)
    history = observe(history, [RunComplete(run_id="R2")], 2.0, 1)
    assert history.is_complete(R)
    history = observe(history, [], 10.0, 2)
    assert not history.is_complete(R), "something may have happened meanwhile"
    assert history.is_complete("R2"), "it was over"
    history = observe(history, [RunStart(run_id=R)], 11.0, 2)
    run = history.get(R)
    assert run is not None
    assert run.gaps == ((1.0, 11.0),)
    assert not history.is_complete(R)
    assert not history.is_complete("nobody")


def test_a_connection_that_goes_on_where_the_one_before_ended_leaves_no_gap() -> None:
    history = observe(History(), [RunTrigger(run_id=R), RunTrigger(run_id="R2")], 1.0, 1)
    history = observe(history, [], 10.0, 2, resumed=True)
    assert history.is_complete(R)
    history = observe(history, [RunStart(run_id=R)], 11.0, 2, resumed=True)
    assert history.is_complete(R)
    assert history.runs[R].gaps == ()
    history = observe(history, [RunStart(run_id="R2")], 20.0, 3)
    assert not history.is_complete(R), "this one did not"
    assert history.runs["R2"].gaps == ((1.0, 20.0),)


def test_two_streams_that_bring_the_same_run_are_not_counted_twice() -> None:
    line = LogWrite(run_id=R, message="hello")
    history = observe(History(), [], 1.0, 1, "wide")
    history = observe(history, [], 1.0, 1, "narrow")
    history = observe(history, [RunTrigger(run_id=R), line], 1.0, 1, "wide")
    history = observe(history, [RunTrigger(run_id=R), line], 1.0, 1, "narrow")
    assert len(history.runs[R].logs) == 1
    history = closed(history, "wide")
    history = observe(history, [line], 2.0, 1, "narrow")
    assert len(history.runs[R].logs) == 2
    assert closed(history, "nobody") is history


def test_nothing_new_is_the_same_history() -> None:
    history = observe(History(), [RunTrigger(run_id=R)], 1.0, 1)
    assert observe(history, [], 2.0, 1) is history


def test_runs_that_ended_are_forgotten_first() -> None:
    history = History(limits=HistoryLimits(runs=10))
    history = observe(history, [RunTrigger(run_id="active")], 1.0, 1)
    for n in range(30):
        run_id = f"R{n:02}"
        history = observe(history, [RunTrigger(run_id=run_id), RunComplete(run_id=run_id)], 1.0, 1)
    assert len(history.runs) <= 10
    assert history.get("active") is not None
    assert history.get("R29") is not None
    assert history.forgotten == 31 - len(history.runs)


def test_bytes_are_bounded_for_a_run_and_for_all() -> None:
    limits = HistoryLimits(run_bytes=20_000, bytes=50_000)
    history = History(limits=limits)
    for n in range(10):
        for _ in range(20):
            event = LogWrite(run_id=f"R{n}", message="x" * 1_000, data={"a": "y" * 500})
            history = observe(history, [event], 1.0, 1)
    assert history.size <= 50_000
    assert all(run.size <= 20_000 for run in history.runs.values())
    huge = StepComplete(run_id=R, step_name="a", output="z" * 10_000_000)
    assert observe(history, [huge], 1.0, 1).size <= 50_000


def test_large_events_are_weighed() -> None:
    large = [RunCancel(run_id=R), LogWrite(run_id=R, message="x" * 100_000)]
    assert 100_000 < weigh_events(large) < 102_000
    assert 100_000 < weigh_data(b"{}\n" + b"x" * 100_000) < 102_000


@pytest.mark.parametrize("together", [1, 5, 40])
def test_what_is_kept_as_it_came_tells_the_same(together: int) -> None:
    frames = SseDecoder().feed((WIRE / "v0.15" / "runs-subscribe.sse").read_bytes())
    events = Decoder().events(frames)
    limits = HistoryLimits(events=20)
    as_text, as_events = History(limits=limits), History(limits=limits)
    for at in range(0, len(events), together):
        some = slice(at, at + together)
        as_text = observe(as_text, events[some], 1.0 + at, 1, "", frames[some])
        as_events = observe(as_events, events[some], 1.0 + at, 1)
    assert list(as_text.runs) == list(as_events.runs)
    for text, other in zip(as_text.runs.values(), as_events.runs.values(), strict=True):
        assert text.account == other.account
        assert text.events == other.events
        assert text.size < other.size


def test_what_nobody_looked_at_is_told_before_it_is_forgotten() -> None:
    limits = HistoryLimits(events=8, lines=50, steps=30)
    looked = unlooked = History(limits=limits)
    for n in range(40):
        batch: list[Event] = [
            StepStart(run_id=R, step_name=f"s{n}", step_index=n),
            LogWrite(run_id=R, message=f"line {n}"),
            LogWrite(run_id=R, message="more"),
            StepComplete(run_id=R, step_name=f"s{n}", step_index=n),
        ]
        unlooked = observe(unlooked, batch, 1.0 + n, 1)
        looked = observe(looked, batch, 1.0 + n, 1)
        assert looked.runs[R].logs[-1].message == "more"
    for run in (looked.runs[R], unlooked.runs[R]):
        assert [step.name for step in run.steps] == [f"s{n}" for n in range(10, 40)]
        assert [line.message for line in run.logs[-2:]] == ["line 39", "more"]
        assert (len(run.logs), run.logs.total) == (50, 80)
        assert len(run.events) <= 8
        assert run.events[-1].at == 40.0
    assert looked.runs[R].account == unlooked.runs[R].account


def test_a_burst_larger_than_what_is_kept_leaves_its_lines() -> None:
    limits = HistoryLimits(events=10, lines=100)
    burst = [LogWrite(run_id=R, message=str(n)) for n in range(64)]
    run = observe(History(limits=limits), burst, 1.0, 1).runs[R]
    assert [line.message for line in run.logs] == [str(n) for n in range(64)]
    assert 8 <= len(run.events) <= 10
    assert run.events[-1].event is burst[-1]


def test_an_estimate_is_near_enough() -> None:
    assert weigh(None) == 0
    assert 1_000 <= weigh("x" * 1_000) <= 1_100
    assert 1_000 <= weigh({"a": ["x" * 1_000, 1, None, True]}) <= 1_500
    nested: object = "x"
    for _ in range(10_000):
        nested = [nested]
    assert weigh(nested) > 10_000


def test_a_real_recording_is_taken_whole() -> None:
    frames = SseDecoder().feed((WIRE / "v0.15" / "runs-subscribe.sse").read_bytes())
    events = Decoder().events(frames)
    history = observe(History(), events, 1.0, 1)
    ended = [run for run in history.runs.values() if run.ended]
    assert len(history.runs) == 8
    assert len(ended) == 8
    assert sum(len(run.logs) for run in history.runs.values()) == 12
    assert sum(len(run.events) for run in history.runs.values()) == len(events)
    assert not any(run.open_steps for run in history.runs.values())
    again = observe(history, [replace(events[0], run_id="other")], 2.0, 1)
    assert history.get("other") is None
    assert again.get("other") is not None


def test_a_duration_that_no_calendar_has_is_no_start() -> None:
    run = seen(StepComplete(run_id=R, step_name="a", duration=1e300))
    assert [step.started_at for step in run.steps] == [None]


def test_a_run_that_just_ended_is_kept_though_many_others_wait() -> None:
    history = History(limits=HistoryLimits(runs=10))
    for n in range(30):
        history = observe(history, [RunTrigger(run_id=f"waiting {n}")], 1.0 + n, 1)
    for event in (RunStart(run_id=R), LogWrite(run_id=R, message="done"), RunComplete(run_id=R)):
        history = observe(history, [event], 50.0, 1)
    for n in range(3):
        history = observe(history, [RunTrigger(run_id=f"new {n}")], 51.0, 1)
    assert [line.message for line in history.runs[R].logs] == ["done"]
    assert len(history.runs) <= 10
