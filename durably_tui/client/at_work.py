"""Runs that a stream told to be at work, and not to have ended.

A stream that broke without a word looks as one on which nothing happens. What the newest run does
shows that only where it does something; that one of these has ended shows it as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from durably_tui.protocol import (
    Event,
    RunCancel,
    RunComplete,
    RunDelete,
    RunFail,
    RunRetry,
    RunStart,
    StepStart,
)

_AT_WORK: dict[type[Event], bool] = {
    RunStart: True,
    StepStart: True,
    RunComplete: False,
    RunFail: False,
    RunCancel: False,
    RunRetry: False,
    RunDelete: False,
}
"""Whether a run is at work after an event. Late progress would say so of one that has ended."""
_MOST = 1_000


class AtWork:
    """The runs at work, as one connection tells, the one that was asked after longest ago first."""

    def __init__(self) -> None:
        self._runs: dict[str, None] = {}

    def opened(self) -> None:
        """Another connection: what became of these meanwhile was not told."""
        self._runs.clear()

    def hears(self, events: Sequence[Event]) -> None:
        """The stream brought these."""
        runs = self._runs
        for event in events:
            is_at_work = _AT_WORK.get(type(event))
            if is_at_work:
                runs[event.run_id] = None
            elif is_at_work is False:
                runs.pop(event.run_id, None)
        while len(runs) > _MOST:
            del runs[next(iter(runs))]

    def next(self) -> str | None:
        """The run to ask after now; None where none is at work."""
        run_id = next(iter(self._runs), None)
        if run_id is not None:
            del self._runs[run_id]
            self._runs[run_id] = None
        return run_id
