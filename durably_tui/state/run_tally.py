"""Runs by status, counted on as events tell of them.

It changes in place: a flood of events must not copy what is known of thousands of runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice

from durably_tui.protocol import (
    Event,
    Run,
    RunComplete,
    RunDelete,
    RunFail,
    RunRetry,
    RunStart,
    RunStatus,
    RunTrigger,
)

from .advance import BECOMES

MOST_KNOWN = 20_000
"""Runs of which the status is remembered; of the oldest beyond them only the number stays."""

_LIKELY: Mapping[type[Event], RunStatus] = {
    RunRetry: RunStatus.FAILED,
    RunStart: RunStatus.PENDING,
    RunComplete: RunStatus.RUNNING,
    RunFail: RunStatus.RUNNING,
}
"""What a run was before the event, where a server counted it and nobody here knew of it."""


class Tally:
    """How many runs there are of each status, as far as it is told."""

    def __init__(self) -> None:
        self._counts: Counter[RunStatus] = Counter()
        self._known: dict[str, RunStatus] = {}
        self._room = MOST_KNOWN
        self._is_counted = False
        """Whether runs are in the counts that are not known by their id."""

    @property
    def counts(self) -> Mapping[RunStatus, int]:
        """By status, those above zero."""
        return +self._counts

    def counted(self, counts: Mapping[RunStatus, int]) -> None:
        """Take what a server counted."""
        self._counts = Counter(counts)
        self._is_counted = True

    def met(self, runs: Iterable[Run], *, whole: bool) -> None:
        """Take runs as a server listed them just now: its newest and all that are under way.

        ``whole``: it has no others. Else those that ended before, and are known, stay.
        """
        known: dict[str, RunStatus] = {}
        if not whole and not self._is_counted:
            known = {run_id: status for run_id, status in self._known.items() if status.is_terminal}
        known |= {run.id: run.status for run in runs}
        self._known = known
        self._is_counted = False
        self._counts = Counter(known.values())

    def take(self, events: Iterable[Event]) -> bool:
        """Count on; whether anything was told that counts."""
        changed = False
        for event in events:
            kind = type(event)
            if kind is RunDelete:
                changed = self._lose(event.run_id) or changed
            elif (status := BECOMES.get(kind)) is not None:
                changed = self._become(event.run_id, kind, status) or changed
        if len(self._known) > self._room:
            self._forget()
        return changed

    def _lose(self, run_id: str) -> bool:
        status = self._known.pop(run_id, None)
        if status is not None:
            self._counts[status] -= 1
        return status is not None or self._is_counted

    def _become(self, run_id: str, kind: type[Event], status: RunStatus) -> bool:
        before = self._known.get(run_id)
        if before is status:
            return False
        if before is not None and (kind is RunTrigger or (kind is RunStart and before.is_terminal)):
            return False  # told late
        self._known.pop(run_id, None)  # to the end: it was heard of last
        self._known[run_id] = status
        if before is None and self._is_counted:
            before = _LIKELY.get(kind)
        if before is not None:
            self._counts[before] -= 1
        self._counts[status] += 1
        return True

    def _forget(self) -> None:
        over = (run_id for run_id, status in self._known.items() if status.is_terminal)
        for run_id in list(islice(over, len(self._known) - MOST_KNOWN // 2)):
            del self._known[run_id]
        self._room = max(MOST_KNOWN, 2 * len(self._known))  # where most of them are not over
