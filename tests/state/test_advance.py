"""``advance``: what an event leaves open is asked for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from durably_tui.protocol import Event, Run, RunCancel, RunComplete, RunFail, RunStatus
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
