"""What is kept of each failure, and the groups that they come to."""

from __future__ import annotations

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
    StepFail,
)
from durably_tui.state.error_groups_book import (
    MAX_FAILURES,
    NO_MESSAGE,
    Book,
    came_through,
    input_key,
    met,
    noted,
    with_steps,
)
from durably_tui.state.error_groups_fold import grouped

NOW = START + 10_000


COMPLETED, FAILED = RunStatus.COMPLETED, RunStatus.FAILED


def event(kind: type[Event], run_id: str = "a", job: str = "job", **fields: Any) -> Event:
    return kind(run_id=run_id, job_name=job, **fields)


def run(run_id: str, status: RunStatus = FAILED, *, at: float = 0, **fields: Any) -> Run:
    """A run that was created ``at`` seconds after NOW and took a second."""
    given: dict[str, Any] = {
        "job_name": "job",
        "error": "boom 1" if status is FAILED else None,
        "created_at": datetime.fromtimestamp(NOW + at, UTC),
        "completed_at": datetime.fromtimestamp(NOW + at + 1, UTC),
    }
    return Run(id=run_id, status=status, **(given | fields))


def test_a_failure_is_told_by_its_step_and_its_run() -> None:
    events = [event(StepFail, step_name="burn", error="disk is full"), event(RunFail)]
    (failure,) = noted(Book(), events, NOW).failures.values()
    assert (failure.error, failure.step_name, failure.at) == ("disk is full", "burn", NOW)
    told = event(RunFail, error="whole", failed_step_name="other")
    (failure,) = noted(noted(Book(), events, NOW), [told], NOW + 1).failures.values()
    assert (failure.error, failure.step_name, failure.at) == ("whole", "other", NOW + 1)
    (failure,) = noted(Book(), [event(RunFail)], NOW).failures.values()
    assert (failure.error, failure.step_name) == (NO_MESSAGE, None)


def test_what_says_nothing_of_failures_changes_nothing() -> None:
    book = met(Book(), [run("a")], NOW)
    for each in (event(LogWrite, message="x"), event(RunStart, "b"), event(RunDelete, "b")):
        assert noted(book, [each], NOW) is book
    assert noted(book, [event(RunFail, "b", job="")], NOW).failures == book.failures


@pytest.mark.parametrize(
    ("kinds", "status", "through"),
    [
        ([RunRetry], RunStatus.PENDING, False),
        ([RunRetry, RunStart], RunStatus.RUNNING, False),
        ([RunRetry, RunStart, RunComplete], COMPLETED, True),
        ([RunRetry, RunCancel], RunStatus.CANCELLED, False),
        ([RunRetry, RunStart, RunFail], FAILED, False),
    ],
)
def test_a_run_that_goes_on(kinds: list[type[Event]], status: RunStatus, through: bool) -> None:
    book = noted(met(Book(), [run("a")], NOW), [event(kind) for kind in kinds], NOW + 5)
    (failure,) = book.failures.values()
    assert (failure.status, came_through(book, failure)) == (status, through)
    assert not noted(book, [event(RunDelete)], NOW).failures


def test_a_newer_run_with_the_same_input_came_through() -> None:
    failures = [run("a", at=10, input={"x": 1, "y": [2]}), run("b", at=10, input={"x": 2})]
    done = [run("c", COMPLETED, at=20, input={"y": [2], "x": 1})]
    book = met(Book(), [*failures, *done], NOW)
    assert [came_through(book, each) for each in book.failures.values()] == [True, False]
    older = [run("c", COMPLETED, at=5, input={"y": [2], "x": 1})]
    book = met(Book(), [*failures, *older], NOW)
    assert not any(came_through(book, each) for each in book.failures.values())
    other = [run("c", COMPLETED, at=20, input={"y": [2], "x": 1}, job_name="other")]
    book = met(Book(), [*failures, *other], NOW)
    assert not any(came_through(book, each) for each in book.failures.values())


def test_inputs_are_the_same_as_json() -> None:
    assert input_key({"a": 1, "b": None}) == input_key({"b": None, "a": 1})
    assert len({input_key(value) for value in (None, {}, [], "", 0, False, "0", {"a": None})}) == 8
    input_key({1, 2})
    input_key(object())


def test_an_answer_keeps_the_step_that_events_told() -> None:
    events = [event(StepFail, step_name="burn", error="boom 1"), event(RunFail)]
    book = met(noted(Book(), events, NOW), [run("a", input=7)], NOW)
    (failure,) = book.failures.values()
    assert (failure.step_name, failure.input, failure.error) == ("burn", 7, "boom 1")
    later = met(met(Book(), [run("a")], NOW), [run("a", RunStatus.RUNNING)], NOW)
    assert [each.status for each in later.failures.values()] == [RunStatus.RUNNING]


def test_the_book_stays_within_its_limits() -> None:
    book = Book()
    for number in range(MAX_FAILURES + 10):
        book = noted(book, [event(RunFail, f"r{number}")], NOW + number)
    assert len(book.failures) == MAX_FAILURES
    assert "r9" not in book.failures


def test_failures_of_one_kind_are_one_group() -> None:
    runs = [
        run("a", at=1, error="row 1 is bad"),
        run("b", at=5, error="row 22 is bad"),
        run("c", at=3, error="row 3 is bad", job_name="other"),
        run("d", at=2, error="disk is full"),
    ]
    groups = grouped(met(Book(), runs, NOW))
    assert [(group.job_name, group.message, group.count) for group in groups] == [
        ("job", "row <n> is bad", 2),
        ("other", "row <n> is bad", 1),
        ("job", "disk is full", 1),
    ]
    first = groups[0]
    assert (first.first_at, first.last_at) == (NOW + 2, NOW + 6)
    assert (first.sample.run_id, first.through, len(first.open)) == ("b", 0, 2)


def test_a_failure_whose_step_is_not_known_joins_the_only_one() -> None:
    book = met(Book(), [run("a", at=1), run("b", at=2), run("c", at=3)], NOW)
    (group,) = grouped(book)
    assert group.step_name is None
    key = group.key
    (group,) = grouped(with_steps(book, {"a": "burn", "gone": "x"}))
    assert (group.step_name, group.count, group.key) == ("burn", 3, key)
    groups = grouped(with_steps(book, {"a": "burn", "b": "cool"}))
    assert {(group.step_name, group.count) for group in groups} == {
        ("burn", 1),
        ("cool", 1),
        (None, 1),
    }
    assert len({group.key for group in groups}) == 3


def test_what_came_through_is_counted_and_no_longer_open() -> None:
    runs = [
        run("a", at=1, input=1),
        run("b", at=2, input=2),
        run("c", at=3, input=3),
        run("d", COMPLETED, at=9, input=1),
    ]
    book = noted(met(Book(), runs, NOW), [event(RunRetry, "b")], NOW)
    (group,) = grouped(book)
    assert (group.count, group.through) == (3, 1)
    assert [failure.run_id for failure in group.open] == ["c"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, "s", "t"])), max_size=20))
def test_every_failure_is_in_one_group(kinds: list[tuple[str, str | None]]) -> None:
    book = met(Book(), [run(str(n), error=kind) for n, (kind, _) in enumerate(kinds)], NOW)
    names = {str(n): step for n, (_, step) in enumerate(kinds) if step is not None}
    groups = grouped(with_steps(book, names))
    found = [failure.run_id for group in groups for failure in group.failures]
    assert sorted(found) == sorted(str(n) for n in range(len(kinds)))
    assert len({group.key for group in groups}) == len(groups)
