"""How a page of runs changes: by events, by answers, by its connection. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from durably_tui.protocol import (
    Connection,
    DurablyError,
    Event,
    LogWrite,
    Phase,
    Run,
    RunCancel,
    RunCoalesced,
    RunComplete,
    RunDelete,
    RunFail,
    RunLeaseRenewed,
    RunStart,
    RunStatus,
    RunTrigger,
    StepCancel,
    StepComplete,
    StepFail,
    StepStart,
    UnknownEvent,
)

from .advance import IMPLIED, advance
from .runs_state import RunActivity, RunsFilter, RunsState, WatchedState, newest_first

_NEVER = frozenset({LogWrite, RunLeaseRenewed, UnknownEvent})
SILENT = _NEVER | {RunTrigger, RunCoalesced}
"""What tells nothing new of a run that is on the page."""
_STEP_ENDS = frozenset({StepComplete, StepFail, StepCancel})
_RUN_ENDS = frozenset({RunComplete, RunFail, RunCancel})
_MAX_UNSEEN = 1_000
_QUIET = RunActivity()
_RUNNING = RunStatus.RUNNING  # looked up in its class it would cost a call for each event

State = RunsState[Any, Any]
WatchedT = TypeVar("WatchedT", bound=WatchedState)


def reduce(state: State, events: Sequence[Event], now: float) -> State:
    """Apply what the events carry; ``needs_fetch`` says whether the rest must be asked for."""
    index, base = state.index, state.base
    rows: dict[int, Run] = {}
    gone: set[int] = set()
    active: dict[str, RunActivity] = {}
    unseen: set[str] = set()
    ask = state.needs_fetch
    statuses = state.filter.statuses
    for event in events:
        run_id = event.run_id
        at = index.get(run_id)
        if at is None or at in gone:
            if not ask and run_id not in unseen and _concerns(state, event):
                unseen.add(run_id)
                ask = True
            continue
        cls = type(event)
        if cls in SILENT:
            continue
        if cls is RunDelete:
            gone.add(at)
            ask = ask or state.has_more
            continue
        before = rows.get(at) or base[at]
        after, unclear = advance(before, event)
        ask = ask or unclear
        if after is not before:
            rows[at] = after
            if statuses and after.status not in statuses:
                gone.add(at)
                ask = ask or state.has_more
                continue
        known = active.get(run_id) or state.activity.get(run_id, _QUIET)
        seen = acted(known, cls, event, after, after is not before, now)
        if seen is not known:
            active[run_id] = seen
    if not (rows or gone or active or unseen) and ask == state.needs_fetch:
        return state
    changed = list(base)
    for at, run in rows.items():
        changed[at] = run
    overlay = state.overlay
    if gone:
        changed = [run for at, run in enumerate(changed) if at not in gone]
        index = {run.id: at for at, run in enumerate(changed)}
    if overlay and rows:
        moved = {base[at].id for at, run in rows.items() if run.status is not base[at].status}
        if moved & overlay.keys():
            overlay = {key: value for key, value in overlay.items() if key not in moved}
    return replace(
        state,
        base=tuple(changed) if rows or gone else base,
        index=index,
        activity={**state.activity, **active} if active else state.activity,
        unseen=state.unseen | unseen if unseen else state.unseen,
        needs_fetch=ask,
        overlay=overlay,
    )


def acted(
    known: RunActivity, cls: type[Event], event: Event, run: Run, changed: bool, now: float
) -> RunActivity:
    """The activity of a row after an event that is not silent."""
    step, started = known.step_name, known.started_at
    if isinstance(event, StepStart):
        if run.status is _RUNNING:
            step = event.step_name
    elif cls in _STEP_ENDS:
        if step == getattr(event, "step_name", None):
            step = None
    elif cls in _RUN_ENDS:
        step = None
    elif cls is RunStart and changed:
        step, started = None, now
    if not changed and step == known.step_name:
        return known
    return RunActivity(step, now, started)


def _concerns(state: State, event: Event) -> bool:
    """Whether an event of a run that is not on the page can mean that it belongs there."""
    if isinstance(event, RunDelete) or not state.filter.may_match(event):
        return False
    statuses = state.filter.statuses
    implied = IMPLIED.get(type(event))
    if implied is None:
        implied = _RUNNING
        certain = False
    else:
        certain = isinstance(event, RunTrigger) or bool(statuses)
    if statuses and implied not in statuses:
        return False
    if certain:
        return True
    # On a page that is not full every run that matches is there: this one was missed. On a full
    # page it is an older one.
    return not state.has_more and event.run_id not in state.unseen


def telling(events: Sequence[Event]) -> tuple[Event, ...]:
    """The events that can change a page, for keeping until an answer is there."""
    return tuple(event for event in events if type(event) not in _NEVER)


def asking(state: State) -> State:
    """A request for this page goes out now."""
    if state.is_loading and not state.needs_fetch:
        return state
    return replace(state, is_loading=True, needs_fetch=False)


def answered(
    state: State, answer: Sequence[Run], events: Iterable[Sequence[Event]], now: float
) -> State:
    """Take the answer to a request for ``page_size + 1`` runs, and apply over it the events that
    came while it was under way: the answer may be older than they are.

    Cut first, then put in order: runs of the same millisecond come in the server's own order, and
    its pages must not overlap.
    """
    page = answer[: state.page_size]
    wanted = {run.id: run for run in page if state.filter.matches(run)}
    rows: list[Run] = []
    active: dict[str, RunActivity] = {}
    for run in sorted(wanted.values(), key=newest_first, reverse=True):
        at = state.index.get(run.id)
        old = None if at is None else state.base[at]
        known = state.activity.get(run.id)
        if old == run:
            rows.append(old)
            if known is not None:
                active[run.id] = known
            continue
        rows.append(run)
        if state.fetched_at is not None:
            step = known.step_name if known and run.status is _RUNNING else None
            active[run.id] = RunActivity(step, now, known.started_at if known else None)
    live = state.connection is None or state.connection.phase is Phase.LIVE
    same = len(rows) == len(state.base) and all(
        a is b for a, b in zip(rows, state.base, strict=True)
    )
    still_unseen = state.unseen.difference(wanted)
    merged = replace(
        state,
        base=state.base if same else tuple(rows),
        index=state.index if same else {run.id: at for at, run in enumerate(rows)},
        activity=active,
        has_more=len(answer) > state.page_size,
        is_loading=False,
        needs_fetch=False,
        error=None,
        fetched_at=now,
        stale_since=None if live else state.stale_since,
        unseen=still_unseen if len(still_unseen) <= _MAX_UNSEEN else frozenset(),
    )
    for batch in events:
        merged = reduce(merged, batch, now)
    return merged


def failed(state: State, error: DurablyError) -> State:
    """A request failed; the rows stay, and so does what made it necessary."""
    return replace(state, is_loading=False, error=error)


def connected(state: WatchedT, connection: Connection | None, now: float) -> WatchedT:
    """The stream is doing otherwise than before."""
    if same_connection(state.connection, connection):
        return state
    stale = state.stale_since
    was_live = state.connection is not None and state.connection.phase is Phase.LIVE
    if connection is None:
        stale = None
    elif connection.phase is not Phase.LIVE and stale is None and was_live:
        stale = connection.last_seen or now
    return replace(state, connection=connection, stale_since=stale)


def same_connection(old: Connection | None, new: Connection | None) -> bool:
    """Whether two differ in nothing but when the server was last heard and how fast."""
    if old is None or new is None or old is new:
        return old is new
    return (
        old.phase is new.phase
        and old.epoch == new.epoch
        and old.attempt == new.attempt
        and old.since == new.since
        and old.retry_at == new.retry_at
        and old.error is new.error
    )


def turned(
    state: State,
    *,
    filter: RunsFilter | None = None,
    page: int | None = None,
    page_size: int | None = None,
) -> State:
    """Ask for another page or other runs; the old rows stay until the answer is there."""
    wanted = replace(
        state,
        filter=state.filter if filter is None else filter,
        page=state.page if page is None else max(0, page),
        page_size=state.page_size if page_size is None else page_size,
    )
    if wanted == state:
        return state
    return replace(wanted, is_loading=True, needs_fetch=True, unseen=frozenset())


def overlaid(state: State, run_id: str, status: RunStatus | None) -> State:
    """Show a run as ``status`` until the server answers."""
    if run_id not in state.index:
        return state
    return replace(state, overlay={**state.overlay, run_id: status})


def reverted(state: State, run_id: str) -> State:
    """Show a run as it is again."""
    if run_id not in state.overlay:
        return state
    return replace(state, overlay={k: v for k, v in state.overlay.items() if k != run_id})


def granted(state: State, run_id: str, status: RunStatus | None, now: float) -> State:
    """The server did what the overlay showed: it becomes the row, and the rest is asked for.

    Where an event told of it first, the overlay is gone already and the row is as it was told.
    """
    told = run_id not in state.overlay
    state = reverted(state, run_id)
    at = state.index.get(run_id)
    if told or at is None:
        return state
    rows = list(state.base)
    active = state.activity
    if status is None:
        del rows[at]
    elif rows[at].status is not status:
        rows[at] = replace(rows[at], status=status)
        active = {**active, run_id: RunActivity(None, now, None)}
    return replace(
        state,
        base=tuple(rows),
        index={run.id: place for place, run in enumerate(rows)},
        activity=active,
        needs_fetch=True,
    )
