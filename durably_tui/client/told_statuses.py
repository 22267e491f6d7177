"""What a stream told of its runs, held against what the server says of the newest when asked.

A stream that broke right after it had told something looks as one on which nothing happens: that
something came since the question before says nothing of what came last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from durably_tui.protocol import (
    Event,
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

_BECOMES: dict[type[Event], RunStatus | None] = {
    RunTrigger: RunStatus.PENDING,
    RunRetry: RunStatus.PENDING,
    RunStart: RunStatus.RUNNING,
    RunComplete: RunStatus.COMPLETED,
    RunFail: RunStatus.FAILED,
    RunCancel: RunStatus.CANCELLED,
    RunDelete: None,
}
"""The status of a run after an event; None where it is no more."""
_MOST_RUNS = 2_000
"""Of so many runs it is known what was told; with more of them nothing is concluded."""
_MOST_DENIALS = 3
"""So often more than not a broken connection is taken for the reason why a run was left out. After
that the server is one that does not tell everything here, as where other processes work as well."""


class ToldStatuses:
    """The statuses that one stream told between one question and the next."""

    def __init__(self) -> None:
        self._since: dict[str, RunStatus | None] = {}
        self._before: dict[str, RunStatus | None] = {}
        """Before the last question: its answer may have been older than these."""
        self._denials = 0

    def opened(self) -> None:
        """Another connection: what the one before told is no use."""
        self._since, self._before = {}, {}

    def hears(self, events: Sequence[Event]) -> None:
        """The stream brought these."""
        since = self._since
        if len(since) > _MOST_RUNS:
            return
        for event in events:
            cls = type(event)
            if cls in _BECOMES:
                since[event.run_id] = _BECOMES[cls]

    def leaves_out(self, before: Run | None, now: Run | None) -> bool:
        """Whether the newest run became another one, or came to another status, untold. The next
        time it is asked, what was told until now counts only where the answer now is older.

        Args:
            before: the newest run when it was asked for before; None: there was none.
            now: as it is now.
        """
        told = self._before | self._since
        is_known = len(told) <= _MOST_RUNS and self._denials < _MOST_DENIALS
        self._before, self._since = self._since, {}
        if not is_known or not _is_left_out(told, before, now):
            if is_known and now is not None and told.get(now.id) not in {None, RunStatus.PENDING}:
                self._denials = max(0, self._denials - 1)  # whoever works tells it here
            return False
        return True

    def denied(self) -> None:
        """A run was left out, and nothing came since."""
        self._denials += 1


def _is_left_out(told: Mapping[str, RunStatus | None], before: Run | None, now: Run | None) -> bool:
    if before is None:
        return now is not None and told.get(now.id) is not now.status
    if now is not None and now.id == before.id:
        return now.status is not before.status and told.get(now.id) is not now.status
    if before.id in told and told[before.id] is None:
        return False  # it was deleted, so an old one is the newest
    if now is None:
        return True
    if now.created_at is None or before.created_at is None or now.created_at == before.created_at:
        return False  # which of them is the newest is anybody's guess
    return now.created_at < before.created_at or told.get(now.id) is not now.status
