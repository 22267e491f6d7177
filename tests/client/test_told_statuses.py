"""What a stream told of its runs, and what the server says of the newest of them."""

from datetime import UTC, datetime

import pytest

from durably_tui.client.told_statuses import ToldStatuses
from durably_tui.protocol import (
    Event,
    Run,
    RunCancel,
    RunComplete,
    RunDelete,
    RunStart,
    RunStatus,
    RunTrigger,
    StepStart,
)


def run(run_id: str, status: RunStatus, second: int = 0) -> Run:
    made = datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
    return Run(id=run_id, job_name="echo", status=status, created_at=made)


PENDING = run("a", RunStatus.PENDING)
RUNNING = run("a", RunStatus.RUNNING)
DONE = run("a", RunStatus.COMPLETED)
NEWER = run("b", RunStatus.RUNNING, second=1)
SAME_MOMENT = run("c", RunStatus.RUNNING)


STEP = StepStart(run_id="a", job_name="echo", step_name="parse", step_index=0)


def of(cls: type[Event], run_id: str = "a") -> Event:
    return cls(run_id=run_id, job_name="echo")


@pytest.mark.parametrize(
    ("before", "told", "now", "left_out"),
    [
        (RUNNING, [of(RunComplete)], DONE, False),
        (RUNNING, [STEP], DONE, True),
        (PENDING, [of(RunStart)], DONE, True),
        (PENDING, [of(RunStart), of(RunCancel)], DONE, True),
        (RUNNING, [STEP], RUNNING, False),
        (RUNNING, [of(RunComplete)], RUNNING, False),  # the answer may be the older one
        (RUNNING, [of(RunTrigger, "b"), of(RunStart, "b")], NEWER, False),
        (RUNNING, [of(RunTrigger, "b")], NEWER, True),
        (RUNNING, [of(RunComplete)], NEWER, True),
        (NEWER, [of(RunDelete, "b")], DONE, False),  # of what became the newest nothing was told
        (NEWER, [of(RunComplete, "b")], DONE, True),
        (DONE, [of(RunDelete)], None, False),
        (DONE, [of(RunTrigger, "b")], None, True),
        (None, [of(RunTrigger)], PENDING, False),
        (None, [of(RunTrigger, "b")], PENDING, True),
        (None, [of(RunTrigger), of(RunDelete)], None, False),
        (RUNNING, [], SAME_MOMENT, False),  # no server says which of them is the newest
    ],
)
def test_what_became_of_the_newest_run_was_told_or_not(
    before: Run | None, told: list[Event], now: Run | None, left_out: bool
) -> None:
    stream = ToldStatuses()
    stream.hears(told)
    assert stream.leaves_out(before, now) is left_out


def test_an_answer_that_was_older_than_what_was_told_is_no_sign() -> None:
    stream = ToldStatuses()
    stream.hears([of(RunComplete)])
    assert not stream.leaves_out(RUNNING, RUNNING)
    assert not stream.leaves_out(RUNNING, DONE)


def test_what_another_connection_told_is_no_use() -> None:
    stream = ToldStatuses()
    stream.hears([of(RunComplete)])
    stream.opened()
    assert stream.leaves_out(RUNNING, DONE)


def test_a_server_that_tells_only_what_it_does_itself_is_believed_in_the_end() -> None:
    """Two of them share the work, and a stream is open to one."""
    stream = ToldStatuses()
    denials = 0
    for number in range(100):
        mine, other = run(f"m{number}", RunStatus.RUNNING), run(f"o{number}", RunStatus.RUNNING)
        stream.hears([of(RunTrigger, mine.id), of(RunStart, mine.id)])
        assert not stream.leaves_out(None, mine)
        for _ in range(2):
            if stream.leaves_out(None, other):
                stream.denied()
                denials += 1
    assert denials == 4


def test_a_server_that_tells_all_is_doubted_again_after_many_broken_connections() -> None:
    stream = ToldStatuses()
    for _ in range(10):
        assert stream.leaves_out(RUNNING, DONE)
        stream.denied()
        stream.hears([of(RunComplete)])
        assert not stream.leaves_out(RUNNING, DONE)
        stream.opened()


def test_so_many_runs_at_once_are_not_held_against_it() -> None:
    stream = ToldStatuses()
    stream.hears([of(RunTrigger, f"r{number}") for number in range(5_000)])
    stream.hears([of(RunTrigger, f"s{number}") for number in range(5_000)])
    assert not stream.leaves_out(RUNNING, DONE)
