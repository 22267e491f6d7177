"""What fails, by kind: messages masked, failures grouped, and whether they came through since."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_port import FakePort
from support.manual_clock import START, ManualClock, settle

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
    ServerFault,
    Step,
    StepFail,
    StepStatus,
)
from durably_tui.state import DurablyHooks, create_durably_client, fragment, masked
from durably_tui.state.error_groups import FIRST_PAGES, PAGE, SECONDS_BETWEEN_REQUESTS
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


# -- masking ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("", ""),
        (" \n ", ""),
        ("disk is full", "disk is full"),
        ("row 67 of 1,000.5 failed", "row <n> of <n> failed"),
        ("row-67", "row-<n>"),
        ("HTTP 503 from https://x-1.example/a", "HTTP <n> from https://x-<n>.example/a"),
        ("connect 10.0.0.1:8080 refused", "connect <address> refused"),
        ("at 0xDEADbeef", "at <hex>"),
        ("no 6ba7b810-9dad-11d1-80b4-00c04fd430c8!", "no <uuid>!"),
        ("run 01M8282KYV17F23NBF8906BXZZ", "run <id>"),
        ("no customer cus_9f8a7b12cd", "no customer cus_<id>"),
        ("since 2026-05-14T12:00:03.412Z", "since <time>"),
        ("since 2026-05-14 12:00:03+02:00, and 2026-05-14", "since <time>, and <time>"),
        ("can't open file '/tmp/a b/x.csv'", "can't open file '<path>'"),
        ('open "C:\\data\\x.csv"', 'open "<path>"'),
        ("'a' / 'b'", "'a' / 'b'"),
        ("error at [/a/b] list[int]", "error at [/a/b] list[int]"),
        ("first\nsecond 2", "first"),
        ("  spread \t out\u00a0here ", "spread out here"),
        ("Traceback (most recent call last):\n  File x\n\nE: bad 3\n", "E: bad <n>"),
        ("administrator internationalization", "administrator internationalization"),
    ],
)  # fmt: skip
def test_what_differs_from_run_to_run_is_masked(message: str, shown: str) -> None:
    assert masked(message) == shown


@given(st.text() | st.text(alphabet="a1'/\\\".:-0x \n<>"))
def test_masking_again_changes_nothing(message: str) -> None:
    shown = masked(message)
    assert masked(shown) == shown
    assert "\n" not in shown


@given(st.text(alphabet="ab1'/\".:-0x \n"))
def test_the_fragment_is_in_the_message(message: str) -> None:
    part = fragment(message)
    assert part.casefold() in message.casefold()
    assert '"' not in part


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ("row 67 of import-csv failed", "of import-csv failed"),
        ('said "no such table" at 3', "no such table"),
        ("spread   out 1", ""),
        ("1 2 3", ""),
    ],
)
def test_what_a_kind_of_message_can_be_searched_by(message: str, part: str) -> None:
    assert fragment(message) == part


@pytest.mark.parametrize("evil", ["'", "'a/", "a1", "1,", "0x", "1.1.1.", "2026-01-01T", "a" * 9])
def test_no_message_takes_long(evil: str) -> None:
    began = time.monotonic()
    masked(evil * 1_000_000)
    masked("'" + evil * 1_000_000)
    assert time.monotonic() - began < 1


# -- the book --------------------------------------------------------------------------------


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


# -- groups ----------------------------------------------------------------------------------


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


# -- the hook --------------------------------------------------------------------------------


def fail(port: FakePort, error: str, *, job: str = "job", input: Any = None) -> str:
    run_id = port.made(job, input=input)
    port.started(run_id)
    port.step_failed(run_id, "burn", 0, error)
    port.failed(run_id, error)
    return run_id


async def test_failures_of_before_and_of_now(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    fail(port, "row 1 is bad", input=1)
    async with hooks.use_error_groups() as errors:
        await clock.advance(10)
        assert errors.state.fetched_at is not None
        (group,) = errors.groups
        assert (group.count, group.step_name) == (1, None)
        fail(port, "row 2 is bad", input=2)
        await settle()
        (group,) = errors.groups
        assert (group.count, group.step_name, group.sample.error) == (2, "burn", "row 2 is bad")
        await clock.advance(2 * SECONDS_BETWEEN_REQUESTS)
        assert errors.groups[0].sample.input == 2
        port.completed(port.made("job", input=2))
        await clock.advance(2 * SECONDS_BETWEEN_REQUESTS)
        (group,) = errors.groups
        assert (group.through, [each.input for each in group.open]) == (1, [1])


async def test_the_server_is_asked_seldom_and_only_after_failures(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with hooks.use_error_groups() as errors:
        await clock.advance(2 * SECONDS_BETWEEN_REQUESTS)
        port.requests.clear()
        for _ in range(20):
            port.completed(port.made("fine"))
            await clock.advance(1)
        assert port.requests["get_runs"] == 0
        for _ in range(30):
            fail(port, "boom")
            await clock.advance(SECONDS_BETWEEN_REQUESTS / 10)
        assert 2 * 3 <= port.requests["get_runs"] <= 2 * 5
        errors.watch(False)
        await clock.advance(2 * SECONDS_BETWEEN_REQUESTS)
        port.requests.clear()
        fail(port, "boom")
        await clock.advance(60)
        assert not port.requests
        assert errors.groups[0].count == 31
        errors.watch(True)
        await clock.advance(0)
        assert port.requests["get_runs"] == 2


async def test_pages_are_bounded(port: FakePort, hooks: DurablyHooks, clock: ManualClock) -> None:
    for _ in range(PAGE * FIRST_PAGES + 5):
        port.failed(port.made("job"), "boom")
    async with hooks.use_error_groups() as errors:
        await clock.advance(1)
        assert errors.groups[0].count == PAGE * FIRST_PAGES
        assert errors.state.has_more


async def test_what_was_seen_before_is_there_at_once(port: FakePort, hooks: DurablyHooks) -> None:
    hooks.feed.open()
    await settle()
    fail(port, "boom")
    await settle()
    port.errors["get_runs"] = ServerFault("down")
    async with hooks.use_error_groups() as errors:
        (group,) = errors.groups
        assert (group.message, group.step_name) == ("boom", "burn")
        await settle()
        assert str(errors.error) == "down"
        assert not errors.is_loading


async def test_a_server_that_keeps_steps_is_asked_in_which_step_it_was(clock: ManualClock) -> None:
    port = FakePort(retry=True, preserve_steps=True)
    run_id = fail(port, "boom")
    fail(port, "boom")
    lost = fail(port, "lost")
    port.errors["get_steps"] = ServerFault("down")
    async with create_durably_client(port, clock=clock) as hooks:
        async with hooks.use_error_groups() as errors:
            await clock.advance(1)
            assert {group.step_name for group in errors.groups} == {None}
            del port.errors["get_steps"]
        for each in (run_id, "R00002"):
            port.steps[each].append(Step(name="melt", index=0, status=StepStatus.FAILED))
        async with hooks.use_error_groups() as errors:
            await clock.advance(1)
            found = {group.message: group.step_name for group in errors.groups}
            assert found == {"boom": "melt", "lost": None}
            port.requests.clear()
            await errors.refresh()
            await clock.advance(10)
            assert port.requests["get_steps"] == 0, "each is asked for once"
            assert lost in errors.state.book.failures


async def test_after_a_lost_connection_all_is_fetched_again(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with hooks.use_error_groups() as errors:
        await clock.advance(1)
        assert errors.groups == ()
        port.cut()
        fail(port, "boom")
        await settle()
        port.restore()
        await clock.advance(0)
        assert errors.groups[0].count == 1


async def test_what_happens_while_a_page_is_under_way_is_newer_than_the_page(
    port: FakePort, hooks: DurablyHooks
) -> None:
    run_id = fail(port, "boom")
    async with hooks.use_error_groups() as errors:
        port.gate.clear()
        await settle()
        port.deleted(run_id)
        await settle()
        port.gate.set()
        await settle()
        assert errors.groups == ()


async def test_a_failure_that_passes_is_asked_again(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    fail(port, "boom")
    port.errors["get_runs"] = ServerFault("down")
    async with hooks.use_error_groups() as errors:
        await settle()
        del port.errors["get_runs"]
        await clock.advance(5)
        assert (errors.error, len(errors.groups)) == (None, 1)


async def test_it_ends_without_a_trace(port: FakePort, hooks: DurablyHooks) -> None:
    port.gate.clear()
    errors = hooks.use_error_groups().start()
    await settle()
    await errors.aclose()
    assert all(feed.closed for feed in port.feeds)
    errors.watch(True)
    port.gate.set()
