"""How what is known of one run changes. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from durably_tui.protocol import (
    Connection,
    DurablyError,
    Event,
    LogEntry,
    Phase,
    Run,
    RunDelete,
    RunStatus,
    Step,
)

from . import log_join
from .account import HistoryLimits
from .advance import advance
from .history import RunHistory
from .job_run_state import JobRunState
from .observe import observe_run
from .runs_reducer import same_connection
from .trail import Trail

_LOST = frozenset({Phase.RECONNECTING, Phase.OFFLINE})
_OVER = frozenset({Phase.LIVE, Phase.ENDED})
_MAX_LOSSES = 100


def opened(run_id: str, job_name: str = "") -> JobRunState:
    """A run of which nothing is known yet."""
    return JobRunState(
        run_id=run_id,
        current=Run(id=run_id, job_name=job_name, status=RunStatus.PENDING),
        own=RunHistory(run_id=run_id, job_name=job_name),
    )


def reduce(
    state: JobRunState, events: Sequence[Event], now: float, limits: HistoryLimits
) -> JobRunState:
    """The run's own stream brought events."""
    if not events:
        return state
    own = state.own
    if own.is_empty:
        own = replace(own, first_seen=now, last_seen=now)
    own = observe_run(own, events, now, state.connection.epoch, limits)
    fresh = own.logs.total - state.own.logs.total
    lines = state.lines
    if fresh:
        lines = log_join.from_own(lines, own.logs[max(0, len(own.logs) - fresh) :], limits.lines)
    return replace(_applied(state, events), own=own, lines=lines)


def overheard(
    state: JobRunState, seen: RunHistory | None, complete: bool, events: Sequence[Event]
) -> JobRunState:
    """The feed brought something; ``seen`` is all that the history has of this run.

    While the own stream is live it is believed alone, but for what it does not tell.
    """
    if seen is state.seen and complete == state.complete:
        return state
    lines = state.lines if seen is None else log_join.from_feed(state.lines, seen.logs)
    state = replace(state, seen=seen, complete=complete, lines=lines)
    if not state.described and state.own.is_empty and seen is not None and seen.status is not None:
        told = replace(state.current, status=seen.status, progress=seen.progress)
        return replace(state, current=told, needs_fetch=True)
    if state.connection.phase is Phase.LIVE:
        events = tuple(event for event in events if type(event) is RunDelete)
    return _applied(state, events)


def dating(state: JobRunState, limits: HistoryLimits) -> JobRunState:
    """The server dates log lines and stores them."""
    if state.lines.dated is not None:
        return state
    lines = log_join.dating(state.lines, limits.lines)
    if state.seen is not None and state.seen.gaps:
        lines = log_join.lost_dated(lines, earlier=True)
    return replace(state, lines=lines, mending=lines.is_torn)


def feed_lost(state: JobRunState) -> JobRunState:
    """The feed was lost."""
    lines = log_join.lost_dated(state.lines)
    return state if lines is state.lines else replace(state, lines=lines, mending=True)


def opening(state: JobRunState) -> JobRunState:
    """A stream of the run's own is about to be opened, perhaps not the first."""
    own = replace(state.own, epoch=0) if not state.own.is_empty else state.own
    lines = log_join.asking(state.lines, _feed_lines(state))
    return replace(state, connection=Connection(), own=own, lines=lines)


def ended(state: JobRunState) -> JobRunState:
    """The run's own stream has ended."""
    if state.connection.phase is Phase.ENDED:
        return state
    if state.lost_at is not None:
        state = _found_again(state, state.connection, goes_on=False)
    return replace(state, connection=replace(state.connection, phase=Phase.ENDED))


def connected(state: JobRunState, connection: Connection) -> JobRunState:
    """The own stream is doing otherwise than before."""
    if same_connection(state.connection, connection):
        return state
    known = state.connection
    is_another = known.epoch != connection.epoch and known.since != connection.since
    if known.phase is connection.phase is Phase.LIVE and is_another:
        # It was lost and is there again: who is late is told only how it is by then.
        state = connected(state, replace(known, phase=Phase.RECONNECTING))
    own, lines, before = state.own, state.lines, state.before
    feed = _feed_lines(state)
    if connection.phase in _LOST and state.connection.phase is Phase.LIVE:
        lines = log_join.lost_dated(log_join.lost(lines, feed))
        told_until = connection.told_until or state.connection.told_until
        lost_at = told_until or state.connection.last_seen or connection.last_seen or 0.0
        state = replace(state, lost_at=lost_at, mending=lines.is_torn)
    elif connection.phase in _LOST and connection.retry_at is None:
        lines = log_join.asking(lines, feed)
    elif state.lost_at is not None and connection.phase in _OVER:
        state = _found_again(state, connection, goes_on=connection.resumed)
    if connection.epoch != state.connection.epoch:
        # One that had ended, as its run had, was not lost before: the feed may be ahead of it.
        lines = log_join.opened(log_join.lost(lines, feed), feed, resumed=connection.resumed)
        if own.is_empty:
            own = replace(own, epoch=connection.epoch)
            before = () if state.seen is None else tuple(state.seen.events)
    return replace(state, connection=connection, own=own, lines=lines, before=before)


def _feed_lines(state: JobRunState) -> Trail[LogEntry]:
    """What the feed has brought by now."""
    return Trail() if state.seen is None else state.seen.logs


def _found_again(state: JobRunState, connection: Connection, *, goes_on: bool) -> JobRunState:
    """The own stream is lost no longer: it is there again, or there is nothing more to come."""
    losses = state.losses
    if not goes_on and state.lost_at is not None:
        until = max(state.lost_at, connection.told_until or 0.0, connection.last_seen or 0.0)
        losses = (*losses, (state.lost_at, until))[-_MAX_LOSSES:]
    return replace(state, lost_at=None, losses=losses)


def asking(state: JobRunState, *, lines_too: bool = False) -> JobRunState:
    """A request about this run goes out now, and with ``lines_too`` one for missing log lines."""
    if state.is_loading and not state.needs_fetch and not lines_too:
        return state
    lines = log_join.waiting(state.lines) if lines_too else state.lines
    return replace(state, is_loading=True, needs_fetch=False, lines=lines)


def mended(state: JobRunState, stored: Sequence[LogEntry] | None, losses: int) -> JobRunState:
    """The log lines that are missing came.

    Args:
        state: as it is now.
        stored: what the server has stored since they are missing; None where it told none.
        losses: how often streams had been lost when it was asked.
    """
    lines = log_join.mended(state.lines, stored, losses)
    state = replace(state, lines=lines, mending=False)
    return state if lines.is_torn else replace(state, filled=frozenset(state.gaps) | state.filled)


def answered(
    state: JobRunState,
    run: Run | None,
    steps: Sequence[Step] | None,
    events: Iterable[Sequence[Event]],
    now: float,
    fault: DurablyError | None = None,
) -> JobRunState:
    """Take the server's answer, and apply over it the events that came meanwhile.

    Args:
        run: None where the server has no such run.
        steps: None where they could not be had; ``fault`` says why.
    """
    state = replace(state, is_loading=False, needs_fetch=False, fault=fault, fetched_at=now)
    if run is None:
        return replace(state, is_gone=True)
    # A 0.15 server has no steps any more once a run has ended.
    thrown_away = not steps and run.is_terminal
    kept = state.server_steps if steps is None or thrown_away else tuple(steps)
    state = replace(
        state,
        current=run,
        overlay=_still(state, run),
        described=True,
        is_gone=False,
        settled=run.is_terminal,
        server_steps=kept,
    )
    for batch in events:
        state = _applied(state, batch)
    return state


def failed(state: JobRunState, fault: DurablyError) -> JobRunState:
    """A request failed; what was known stays."""
    return replace(state, is_loading=False, fault=fault)


def overlaid(state: JobRunState, status: RunStatus) -> JobRunState:
    """Show the run as ``status`` until the server answers."""
    return replace(state, overlay=status)


def reverted(state: JobRunState) -> JobRunState:
    """Show the run as it is again."""
    return state if state.overlay is None else replace(state, overlay=None)


def granted(state: JobRunState) -> JobRunState:
    """The server did what the overlay showed; the rest is asked for.

    Where an event told of it first, the overlay is gone already and the run is as it was told.
    """
    if state.overlay is None:
        return state
    current = replace(state.current, status=state.overlay)
    return replace(state, current=current, overlay=None, settled=False, needs_fetch=True)


def _still(state: JobRunState, now: Run) -> RunStatus | None:
    """What the run is shown as, unless it changed by itself."""
    same = now.status is state.current.status or not state.described
    return state.overlay if same else None


def _applied(state: JobRunState, events: Sequence[Event]) -> JobRunState:
    current, gone, ask = state.current, state.is_gone, state.needs_fetch
    for event in events:
        if type(event) is RunDelete:
            gone = True
            continue
        if gone and not state.described:
            gone, ask = False, True  # it was asked for before it was there
        current, unclear = advance(current, event)
        ask = ask or unclear
    over = current.is_terminal and not state.current.is_terminal
    settled = state.settled and current is state.current
    return replace(
        state,
        current=current,
        overlay=_still(state, current),
        is_gone=gone,
        settled=settled,
        needs_fetch=ask or over,
    )
