"""How the history grows: ``observe(history, events, now, epoch)``, pure and quick.

Events are taken into a draft for each run that they touch, and each draft becomes one frozen
``RunHistory``: thousands of events a second cost microseconds each, whatever is already kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from durably_tui.protocol import Event, RunTrigger

from .history import History, HistoryLimits, RunHistory, as_datetime
from .run_draft import RunDraft

_KEEP = 0.95  # what is left after forgetting, so that not every new run forgets one


def observe(
    history: History, events: Sequence[Event], now: float, epoch: int, source: str = ""
) -> History:
    """The history after a batch of one stream.

    Args:
        history: what was seen before.
        events: in the order in which they came.
        now: when they were received, in seconds since the epoch.
        epoch: the number of the stream's connection; a higher one than before means that what was
            published in between was lost.
        source: which stream. Where several bring the same run, the first that did is believed as
            long as it is open (``closed``), so that nothing is recorded twice.
    """
    epochs = history.epochs
    if epochs.get(source) != epoch:
        epochs = {**epochs, source: epoch}
    if not events:
        return history if epochs is history.epochs else replace(history, epochs=epochs)
    drafts: dict[str, RunDraft | None] = {}
    received = as_datetime(now)
    for event in events:
        run_id = event.run_id
        try:
            draft = drafts[run_id]
        except KeyError:
            draft = drafts[run_id] = _draft(history, event, now, epoch, source)
        if draft is not None:
            draft.take(event, now, received)
    runs = dict(history.runs)
    size = history.size
    for run_id, draft in drafts.items():
        if draft is None:
            continue
        before = runs.pop(run_id, None)
        after = runs[run_id] = draft.freeze(now, history.limits)
        size += after.size - (before.size if before else 0)
    forgotten = history.forgotten
    limits = history.limits
    if len(runs) > limits.runs or size > limits.bytes:
        size, lost = _forget(runs, size, limits)
        forgotten += lost
    return History(limits=limits, runs=runs, size=size, forgotten=forgotten, epochs=epochs)


def closed(history: History, source: str) -> History:
    """A stream was closed by us: other streams may go on with its runs."""
    if source not in history.epochs:
        return history
    epochs = {name: epoch for name, epoch in history.epochs.items() if name != source}
    return replace(history, epochs=epochs)


def observe_run(
    run: RunHistory, events: Sequence[Event], now: float, epoch: int, limits: HistoryLimits
) -> RunHistory:
    """The same for one run on a stream of its own."""
    if not events:
        return run
    received = as_datetime(now)
    draft = RunDraft(run, epoch, run.source, now)
    for event in events:
        draft.take(event, now, received)
    return draft.freeze(now, limits)


def _draft(history: History, event: Event, now: float, epoch: int, source: str) -> RunDraft | None:
    known = history.runs.get(event.run_id)
    if known is None:
        fresh = RunHistory(
            run_id=event.run_id,
            first_seen=now,
            last_seen=now,
            from_start=type(event) is RunTrigger,
            epoch=epoch,
            source=source,
        )
        return RunDraft(fresh, epoch, source)
    if known.source != source and known.source in history.epochs:
        return None  # another open stream tells of this run
    return RunDraft(known, epoch, source, now)


def _forget(runs: dict[str, RunHistory], size: int, limits: HistoryLimits) -> tuple[int, int]:
    """Forget runs, those that ended and were silent longest first; the newest always stays."""
    most, heaviest = int(limits.runs * _KEEP) or 1, int(limits.bytes * _KEEP)
    lost = 0
    silent = list(runs.values())[:-1]
    for run in sorted(silent, key=lambda run: not run.ended):
        if len(runs) <= most and size <= heaviest:
            break
        del runs[run.run_id]
        size -= run.size
        lost += 1
    return size, lost
