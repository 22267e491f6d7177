"""How the history grows: ``observe(history, events, now, epoch)``, pure and quick.

Thousands of events a second are put away by run, weighed and bounded, and no more: what they
amount to is found out where somebody looks (``RunHistory.account``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from msgspec.structs import replace

from durably_tui.protocol import (
    Event,
    RunCancel,
    RunComplete,
    RunFail,
    RunRetry,
    RunStart,
    RunTrigger,
)

from .account import Burst, HistoryLimits
from .account_draft import told
from .history import History, RunHistory
from .trail import shortened
from .weigh import weigh_events, weigh_line

_KEEP = 0.95  # what is left after forgetting, so that not every new run forgets one
_MAX_GAPS = 20
_ENDS: dict[type[Event], bool] = {
    RunStart: False,
    RunRetry: False,
    RunComplete: True,
    RunFail: True,
    RunCancel: True,
}
"""Events after which a run is ended or is not."""


def observe(
    history: History,
    events: Sequence[Event],
    now: float,
    epoch: int,
    source: str = "",
    largest: int = 0,
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
        largest: how many bytes the largest of the events was on the stream; 0 where that is not
            known, and each has to be weighed.
    """
    epochs = history.epochs
    if epochs.get(source) != epoch:
        epochs = {**epochs, source: epoch}
    if not events:
        return history if epochs is history.epochs else replace(history, epochs=epochs)
    runs, size, limits = dict(history.runs), history.size, history.limits
    for run_id, group in _by_run(events).items():
        before = runs.get(run_id)
        if before is None:
            from_start = type(group[0]) is RunTrigger
            before = RunHistory(
                run_id=run_id, first_seen=now, from_start=from_start, epoch=epoch, source=source
            )
        elif before.source != source and before.source in epochs:
            continue  # another open stream tells of this run
        else:
            del runs[run_id]  # to the end: it was heard last
        after = runs[run_id] = _grown(before, group, now, epoch, source, largest, limits)
        size += after.size - before.size
    forgotten = history.forgotten
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
    return _grown(run, events, now, epoch, run.source, 0, limits)


def _by_run(events: Sequence[Event]) -> dict[str, list[Event]]:
    groups: dict[str, list[Event]] = {}
    for event in events:
        try:
            groups[event.run_id].append(event)
        except KeyError:
            groups[event.run_id] = [event]
    return groups


def _grown(
    run: RunHistory,
    events: Sequence[Event],
    now: float,
    epoch: int,
    source: str,
    largest: int,
    limits: HistoryLimits,
) -> RunHistory:
    """A run's history with more events, within the limits."""
    known, gaps, ended = run.known, run.gaps, run.ended
    if (run.epoch != epoch or run.source != source) and not run.ended:
        gaps = (*gaps, (run.last_seen, now))[-_MAX_GAPS:]
    part = max(1, limits.events // 4)  # a burst is forgotten whole: none is most of what is kept
    # Tuples: what is in them is nothing to the garbage collector, so neither are they.
    lots = [tuple(events[at : at + part]) for at in range(0, len(events), part)]
    fresh = [Burst(some, now, weigh_events(some, largest)) for some in lots]
    bursts, kept = run.bursts.extended(fresh), run.kept + len(events)
    size = run.size - run.before.size
    for made in fresh:
        size += made.weight
    gone, oldest = 0, iter(bursts)
    while kept > limits.events or size + known.size > limits.run_bytes:
        if bursts.dropped + gone == known.upto < bursts.total:
            known = told(known, bursts, limits)  # the next would be forgotten untold
        elif (burst := next(oldest, None)) is not None:
            gone += 1
            kept -= len(burst.events)
            size -= burst.weight
        else:
            logs, freed = shortened(known.logs, len(known.logs) // 4 + 1, weigh_line)
            known = replace(known, logs=logs, size=known.size - freed)
    for event in reversed(events):
        if (is_end := _ENDS.get(type(event))) is not None:
            ended = is_end
            break
    return RunHistory(
        run_id=run.run_id,
        # 0.8 leaves it out of some events.
        job_name=run.job_name or next((e.job_name for e in events if e.job_name), ""),
        first_seen=run.first_seen,
        last_seen=now,
        bursts=bursts.forget(gone),
        kept=kept,
        ended=ended,
        from_start=run.from_start,
        gaps=gaps,
        limits=limits,
        before=known,
        size=size + known.size,
        epoch=epoch,
        source=source,
    )


def _forget(runs: dict[str, RunHistory], size: int, limits: HistoryLimits) -> tuple[int, int]:
    """Forget runs, those that ended and were silent longest first; the newest always stays."""
    most, heaviest = int(limits.runs * _KEEP) or 1, int(limits.bytes * _KEEP)
    lost = 0
    silent = list(runs.values())[:-1]
    for run in chain(
        (run for run in silent if run.ended), (run for run in silent if not run.ended)
    ):
        if len(runs) <= most and size <= heaviest:
            break
        del runs[run.run_id]
        size -= run.size
        lost += 1
    return size, lost
