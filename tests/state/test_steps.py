"""``merge_steps``: what the server has, what its stream told, what passed on the feed."""

from __future__ import annotations

from typing import Any

from durably_tui.protocol import Step, StepStatus
from durably_tui.state import ObservedStep, merge_steps
from durably_tui.state.burst import as_datetime

DONE, FAILED, RUNNING = StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.RUNNING


def told(name: str, status: StepStatus, index: int = 0, **more: Any) -> Step:
    return Step(name=name, index=index, status=status, **more)


def seen(name: str, status: StepStatus, index: int = 0, **more: Any) -> ObservedStep:
    return ObservedStep(name=name, index=index, status=status, **more)


def test_the_servers_word_wins_and_the_rest_is_filled_in() -> None:
    server = told("a", DONE, output=1, id="x", completed_at=as_datetime(5))
    merged = merge_steps(
        [server],
        [seen("a", DONE, started_at=as_datetime(4), completed_at=as_datetime(6), attempt=2)],
    )
    assert merged == (
        seen(
            "a",
            DONE,
            output=1,
            id="x",
            started_at=as_datetime(4),
            completed_at=as_datetime(5),
            attempt=2,
        ),
    )


def test_what_the_server_threw_away_stays() -> None:
    steps = [seen("a", DONE, 0), seen("b", FAILED, 1)]
    assert merge_steps([], steps) == tuple(steps)
    assert merge_steps([], [], steps) == tuple(steps)


def test_a_step_that_was_seen_running_is_the_one_that_ended() -> None:
    merged = merge_steps(
        [told("a", DONE, completed_at=as_datetime(5))],
        [seen("a", RUNNING, started_at=as_datetime(4))],
    )
    assert [step.status for step in merged] == [DONE]
    assert merged[0].started_at == as_datetime(4)
    later = merge_steps([seen("a", RUNNING)], [seen("a", DONE, completed_at=as_datetime(9))])
    assert [step.status for step in later] == [DONE]


def test_attempts_of_one_name_stay_apart() -> None:
    merged = merge_steps(
        [told("a", FAILED, completed_at=as_datetime(5))],
        [
            seen("a", FAILED, started_at=as_datetime(4), completed_at=as_datetime(5)),
            seen("a", RUNNING, started_at=as_datetime(9), attempt=2),
        ],
    )
    assert [step.status for step in merged] == [FAILED, RUNNING]


def test_a_running_step_of_a_later_attempt_is_not_the_one_that_ended_before() -> None:
    merged = merge_steps(
        [told("a", FAILED, completed_at=as_datetime(5))],
        [seen("a", RUNNING, started_at=as_datetime(9))],
    )
    assert [step.status for step in merged] == [FAILED, RUNNING]


def test_they_come_in_the_order_of_their_start() -> None:
    merged = merge_steps(
        [
            told("b", DONE, 1, started_at=as_datetime(2)),
            told("a", DONE, 0, started_at=as_datetime(1)),
        ],
        [seen("c", RUNNING, 2, started_at=as_datetime(3))],
    )
    assert [step.name for step in merged] == ["a", "b", "c"]
    assert merge_steps() == ()


def test_a_start_that_was_told_after_the_end_is_no_other_step() -> None:
    """A stream that brings no times is dated by when it came, and it may come late."""
    merged = merge_steps(
        [told("a", DONE, started_at=as_datetime(3), completed_at=as_datetime(5))],
        [seen("a", RUNNING, started_at=as_datetime(9))],
    )
    assert [(step.status, step.started_at) for step in merged] == [(DONE, as_datetime(3))]


def test_an_attempt_that_was_cut_short_stays_apart_from_the_one_that_ended() -> None:
    server = told("a", DONE, started_at=as_datetime(7), completed_at=as_datetime(8))
    cut = seen("a", StepStatus.CANCELLED, started_at=as_datetime(4), interrupted=True)
    again = seen("a", DONE, started_at=as_datetime(7), completed_at=as_datetime(9), attempt=2)
    for passed in ([cut, again], [again, cut]):
        merged = merge_steps([server], passed)
        assert [(step.started_at, step.completed_at) for step in merged] == [
            (as_datetime(4), None),
            (as_datetime(7), as_datetime(8)),
        ]
