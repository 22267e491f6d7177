"""What the overview says of how well a run is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from durably_tui.protocol import Run, RunStatus, Step, StepStatus
from durably_tui.state import JobRunState, RunHistory
from durably_tui.text import TimeStyle
from durably_tui.tui.widgets.run_facts import facts_content, watched, watched_sentence

AT = datetime(2026, 5, 14, 12, tzinfo=UTC)


def unwatched(status: RunStatus, ended: datetime | None = None) -> JobRunState:
    run = Run(id="r", job_name="j", status=status, created_at=AT, completed_at=ended)
    return JobRunState(run_id="r", current=run, own=RunHistory(run_id="r"))


def test_steps_that_a_resumed_run_skips_are_not_done_twice() -> None:
    state = unwatched(RunStatus.RUNNING)
    run = replace(state.current, completed_step_count=4)
    known = [
        Step(name=name, index=at, status=StepStatus.COMPLETED)
        for at, name in enumerate(("fetch", "parse"))
    ]
    state = replace(state, current=run, server_steps=tuple(known))

    def said(run: Run) -> str:
        at = AT.timestamp()
        return facts_content(run, state, at, width=80, style=TimeStyle.UTC).plain

    assert "steps done  2\n" in said(run)
    assert "steps done  4\n" in said(replace(run, status=RunStatus.COMPLETED)), "as the server says"


@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.RUNNING])
def test_a_run_that_is_not_over_may_be_watched_yet(status: RunStatus) -> None:
    state = unwatched(status)
    assert watched(state, AT.timestamp(), kept=True) == "not yet"
    assert watched_sentence(state, AT.timestamp(), kept=True) == "Not watched yet."


def test_a_run_that_was_over_before_says_so() -> None:
    state = unwatched(RunStatus.FAILED, AT + timedelta(seconds=3))
    said = watched_sentence(state, AT.timestamp() + 9, kept=True)
    assert said == "Not watched while it ran: steps and logs are those that the server kept."
