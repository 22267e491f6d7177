"""What is known of a list of all runs, and how events change it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from durably_tui.protocol import (
    Event,
    Run,
    RunCoalesced,
    RunDelete,
    RunStatus,
    RunTrigger,
)

from .advance import IMPLIED, advance
from .run_list import RunList
from .run_placing import Born
from .runs_reducer import SILENT, acted
from .runs_state import RunActivity, RunsFilter, WatchedState, newest_first

MOST_UNSEEN = 1_000
"""How many runs are remembered to be asked for, and as many to be asked for no more."""


class AllRunsState(WatchedState, frozen=True, kw_only=True):
    """How a list of all runs is doing; the runs themselves are in ``AllRuns.runs``."""

    loaded: int = 0
    """How many runs are here."""
    total: int | None = None
    """How many there are on the server, where it counts them."""
    is_full: bool = False
    """No older run is fetched, as so many are not kept."""
    is_loading_older: bool = False
    """A request for older runs is under way."""
    checking: bool = False
    """After an outage: what is further down is still being compared with the server."""
    arranged: bool = False
    """Whether the runs are in another order than by their birth: then older ones are fetched only
    by ``load_older``."""
    searching: bool = False
    """Whether not every run that is here is shown."""
    arranging: bool = False
    """Whether another order, or what is searched for, is being worked out: until then the runs are
    shown as before."""
    version: int = 0
    """Rises with every change of a run."""


class Wanted:
    """What only the server can tell, until it was asked."""

    def __init__(self) -> None:
        self.head = True
        """The newest runs."""
        self.older = False
        """The runs before the oldest one here."""
        self.recheck = False
        """All from the newest to the oldest one here, page by page."""
        self.recheck_from: Born | None = None
        """Where checking goes on; None: at the newest."""
        self.single: dict[str, None] = {}
        """Runs to be asked for by themselves, the longest wanted first."""
        self.unseen: set[str] = set()
        """Runs that events spoke of and no answer had."""

    def one(self, run_id: str) -> None:
        """Ask for a run, unless too many are asked for."""
        if len(self.single) < MOST_UNSEEN:
            self.single.setdefault(run_id)

    @property
    def anything(self) -> bool:
        """Whether there is something to ask."""
        return self.head or self.older or self.recheck or bool(self.single)


def take_events(
    runs: RunList, wanted: Wanted, filter: RunsFilter, whole: bool, events: Iterable[Event],
    now: float,
) -> int:  # fmt: skip
    """Change the runs as the events say, and note what they leave open.

    Args:
        runs: the list; it is changed.
        wanted: what is to be asked for; it is changed.
        filter: which runs are wanted.
        whole: whether every run of the server that is wanted is in the list.
        events: what came.
        now: seconds since the epoch.

    Returns:
        How many runs were changed or went.
    """
    touched = 0
    for event in events:
        cls = type(event)
        entry = runs.by_id.get(event.run_id)
        if entry is None:
            _unknown(wanted, filter, whole, event)
            continue
        if cls in SILENT:
            continue
        if cls is RunDelete:
            touched += runs.remove(event.run_id)
            continue
        before = entry.run
        after, unclear = advance(before, event)
        if unclear:
            wanted.one(event.run_id)
        if filter.statuses and after.status not in filter.statuses:
            touched += runs.remove(event.run_id)
            continue
        seen = acted(entry.activity, cls, event, after, after is not before, now)
        if after is not before or seen is not entry.activity:
            runs.put(after, seen)
            touched += 1
    return touched


def _unknown(wanted: Wanted, filter: RunsFilter, whole: bool, event: Event) -> None:
    """An event of a run that is not in the list: it is new, or it belongs here only now."""
    run_id = event.run_id
    if isinstance(event, RunDelete) or not filter.may_match(event):
        return
    implied = IMPLIED.get(type(event))
    if filter.statuses and implied is not None:
        if implied in filter.statuses and not isinstance(event, RunTrigger | RunCoalesced):
            wanted.one(run_id)
            return
        if implied not in filter.statuses:
            return
    # What no answer had is not asked for again for each of its events.
    if run_id in wanted.unseen or not (whole or isinstance(event, RunTrigger | RunCoalesced)):
        return
    if len(wanted.unseen) >= MOST_UNSEEN:
        wanted.unseen.clear()
    wanted.unseen.add(run_id)
    if isinstance(event, RunTrigger | RunCoalesced):
        wanted.head = True
    else:
        wanted.one(run_id)


def take_answer(
    runs: RunList, filter: RunsFilter, answer: Sequence[Run], after: Born | None, limit: int,
    now: float | None,
) -> int:  # fmt: skip
    """Make the runs from ``after`` on downward what the server answered.

    Args:
        runs: the list; it is changed.
        filter: which runs are wanted.
        answer: what the server has after ``after``, at most ``limit`` of them, newest first.
        after: where the answer begins; None: at the newest.
        limit: how many were asked for: where fewer came there are no older ones.
        now: when; rows that are not as they were glow from then on. None: without a glow.

    Returns:
        How many runs were not here before.
    """
    wanted = [run for run in answer if filter.matches(run)]
    fresh = [run for run in wanted if run.id not in runs]
    last = None if len(answer) < limit or not answer else newest_first(answer[-1])
    named = {run.id for run in wanted}
    for entry in runs.between(after, last):
        if entry.run.id not in named:
            runs.remove(entry.run.id)
    first_here = runs.oldest
    older = first_here is None or bool(fresh and newest_first(fresh[0]) < first_here.born)
    for run in wanted:
        old = runs.by_id.get(run.id)
        if old is None:
            if not older:
                runs.put(run, RunActivity(None, now) if now is not None else None)
        elif old.run != run:
            step = old.activity.step_name if run.status is RunStatus.RUNNING else None
            glow = now if now is not None else old.activity.changed_at
            runs.put(run, RunActivity(step, glow, old.activity.started_at))
    if older:
        runs.put_older(fresh)
    return len(fresh)
