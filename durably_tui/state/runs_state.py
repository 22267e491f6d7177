"""What a page of runs is, as frozen data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Generic

import msgspec

from durably_tui.protocol import Connection, DurablyError, Event, Run, RunsQuery, RunStatus
from durably_tui.protocol.times import DAWN

from .jobs import I, O


class RunsFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs are wanted. Several names or statuses mean any of them; all labels must match."""

    job_names: tuple[str, ...] = ()
    statuses: tuple[RunStatus, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    """Sorted pairs."""

    @classmethod
    def of(
        cls,
        job_name: str | Iterable[str] | None = None,
        status: str | Iterable[str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> RunsFilter:
        """The filter for options as the hooks take them.

        Raises:
            ValueError: a status that no run can have.
        """
        return cls(
            job_names=_names(job_name),
            statuses=tuple(RunStatus(word) for word in _names(status)),
            labels=tuple(sorted((labels or {}).items())),
        )

    def query(self, limit: int, offset: int) -> RunsQuery:
        """The request for one page of them."""
        return RunsQuery(
            job_names=self.job_names,
            statuses=self.statuses,
            labels=self.labels,
            limit=limit,
            offset=offset,
        )

    def covers(self, other: RunsFilter) -> bool:
        """Whether the stream of this filter brings every event that ``other`` wants."""
        jobs = not self.job_names or (
            bool(other.job_names) and set(other.job_names) <= set(self.job_names)
        )
        return jobs and set(self.labels) <= set(other.labels)

    def may_match(self, event: Event) -> bool:
        """Whether an event's run can be one of these by job and labels.

        0.8 leaves ``job_name`` out of some events and has no labels: what is not said may match.
        """
        if self.job_names and event.job_name and event.job_name not in self.job_names:
            return False
        labels = event.labels
        return all(labels.get(key) == value for key, value in self.labels)

    def matches(self, run: Run) -> bool:
        """Whether a run is one of these, its status included."""
        if self.job_names and run.job_name not in self.job_names:
            return False
        if self.statuses and run.status not in self.statuses:
            return False
        return all(run.labels.get(key) == value for key, value in self.labels)


class RunActivity(msgspec.Struct, frozen=True, gc=False):
    """What the stream told about a row beyond the run itself. Times: seconds since the epoch."""

    step_name: str | None = None
    """The step that is running, or None between steps and after the end."""
    changed_at: float = 0.0
    """When the row last changed, so that a table can make it glow."""
    started_at: float | None = None
    """When the run was seen to start; for servers that do not tell ``startedAt``."""


class WatchedState(msgspec.Struct, frozen=True, kw_only=True):
    """What every live list of runs tells of itself."""

    filter: RunsFilter = RunsFilter()
    """What is asked for. Until the answer is there, ``runs`` are those of the filter before."""
    is_loading: bool = False
    """A request for the first runs is under way. Old rows stay meanwhile."""
    error: DurablyError | None = None
    """Why the last request failed; the rows are those of the last one that did not."""
    fetched_at: float | None = None
    """When the rows were last answered whole, in seconds since the epoch; None: never yet."""
    stale_since: float | None = None
    """Since when the stream is not live, in seconds since the epoch; None while it is."""
    connection: Connection | None = None
    """How the stream of events is doing; None where there is none."""
    has_more: bool = False
    """Whether the server has older runs than these."""


class RunsState(WatchedState, Generic[I, O], frozen=True, kw_only=True):
    """One page of runs, newest first: by ``created_at``, then by ``id``."""

    page: int = 0
    """From 0. Page 0 is live, the others stand still."""
    page_size: int = 10
    base: tuple[Run[I, O], ...] = ()
    """The rows as the server and its events have them, without optimistic changes."""
    activity: dict[str, RunActivity] = {}
    """By run id, for rows that changed while they were watched."""
    overlay: dict[str, RunStatus | None] = {}
    """Optimistic changes by run id that the server has not answered yet; None: deleted."""
    index: dict[str, int] = {}
    """Where in ``base`` a run is."""
    needs_fetch: bool = False
    """Something happened that only an answer of the server can tell whole."""
    unseen: frozenset[str] = frozenset()
    """Runs that events spoke of and no answer had; they are not asked for again."""

    @property
    def runs(self) -> tuple[Run[I, O], ...]:
        """The rows to show: ``base`` with the optimistic changes over it."""
        if not self.overlay:
            return self.base
        rows: list[Run[I, O]] = []
        for run in self.base:
            status = self.overlay.get(run.id, run.status)
            if status is not None:
                same = status is run.status
                rows.append(run if same else msgspec.structs.replace(run, status=status))
        return tuple(rows)

    def get(self, run_id: str) -> Run[I, O] | None:
        """The row of a run, optimistic changes included, or None where it is not on this page."""
        at = self.index.get(run_id)
        if at is None:
            return None
        run = self.base[at]
        status = self.overlay.get(run_id, run.status)
        if status is None:
            return None
        return run if status is run.status else msgspec.structs.replace(run, status=status)


def newest_first(run: Run) -> tuple[datetime, str]:
    """The key of the total order, for ``sorted(runs, key=newest_first, reverse=True)``."""
    return run.created_at or DAWN, run.id


def _names(words: str | Iterable[str] | None) -> tuple[str, ...]:
    if words is None:
        return ()
    return (words,) if isinstance(words, str) else tuple(dict.fromkeys(words))
