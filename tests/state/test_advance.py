"""``advance``: what an event leaves open is asked for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from durably_tui.protocol import (
    Event,
    Run,
    RunCancel,
    RunComplete,
    RunFail,
    RunStatus,
    StepComplete,
)
from durably_tui.state.advance import advance


@pytest.mark.parametrize("kind", [RunComplete, RunFail, RunCancel])
def test_an_end_is_asked_for_though_it_says_when_it_was(kind: type[Event]) -> None:
    """Our server dates the events of many runs, and tells no output and no error with them."""
    run = Run(id="r", job_name="j", status=RunStatus.RUNNING)
    event = kind(run_id="r", job_name="j", timestamp=datetime(2026, 1, 1, tzinfo=UTC))
    after, ask = advance(run, event)
    assert after.is_terminal
    assert after.completed_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert ask
    assert advance(after, event) == (after, False)


def test_steps_are_counted_on_from_what_the_server_told_of_a_resumed_run() -> None:
    """Node counts the steps again that it skips, in the index: of 310 steps 300 were done."""
    run = Run(
        id="r",
        job_name="j",
        status=RunStatus.RUNNING,
        current_step_index=310,
        completed_step_count=300,
    )
    done = StepComplete(run_id="r", job_name="j", step_name="last", step_index=310)
    after, ask = advance(run, done)
    assert (after.current_step_index, after.completed_step_count, ask) == (311, 301, False)
    assert advance(after, done) == (after, False), "the same once more is no other"
