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

from .account import HistoryLimits
from .account_draft import told, told_now
from .burst import put_away
from .history import History, RunHistory

_KEEP = 0.95  # what is left after forgetting, so that not every new run forgets one
_MAX_GAPS = 20
_MANY = 16
"""So many events of a run at once are taken into its account at once: that costs less than to
read them once more, later."""
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
    frames: Sequence[bytes] = (),
    *,
    resumed: bool = False,
) -> History:
    """The history after a batch of one stream.

    Args:
        history: what was seen before.
        events: in the order in which they came.
        now: when they were received, in seconds since the epoch.
        epoch: the number of the stream's connection; a higher one than before means that what was
            published in between was lost, unless ``resumed``.
        source: which stream. Where several bring the same run, the first that did is believed as
            long as it is open (``closed``), so that nothing is recorded twice.
        frames: the data of each of the events as it came; empty where that is not known.
        resumed: whether the connection went on where the one before had ended.
    """
    if resumed and (before_it := history.epochs.get(source)) not in {None, epoch}:
        goes_on = {
            run_id: replace(run, epoch=epoch)
            for run_id, run in history.runs.items()
            if run.source == source and run.epoch == before_it and not run.ended
        }
        history = replace(history, runs={**history.runs, **goes_on})
    epochs = history.epochs
    if epochs.get(source) != epoch:
        epochs = {**epochs, source: epoch}
    if not events:
        return history if epochs is history.epochs else replace(history, epochs=epochs)
    runs, size, limits = dict(history.runs), history.size, history.limits
    for run_id, (group, data) in _by_run(events, frames).items():
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
        after = runs[run_id] = _grown(before, group, data, now, epoch, source, limits)
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
    return _grown(run, events, (), now, epoch, run.source, limits)


def _by_run(
    events: Sequence[Event], frames: Sequence[bytes]
) -> dict[str, tuple[list[Event], list[bytes]]]:
    """The events of each run, and their data where it is known."""
    groups: dict[str, tuple[list[Event], list[bytes]]] = {}
    if len(frames) != len(events):
        for event in events:
            groups.setdefault(event.run_id, ([], []))[0].append(event)
        return groups
    for event, frame in zip(events, frames, strict=True):
        try:
            group = groups[event.run_id]
        except KeyError:
            group = groups[event.run_id] = ([], [])
        group[0].append(event)
        group[1].append(frame)
    return groups


def _grown(
    run: RunHistory,
    events: Sequence[Event],
    frames: Sequence[bytes],
    now: float,
    epoch: int,
    source: str,
    limits: HistoryLimits,
) -> RunHistory:
    """A run's history with more events, within the limits."""
    known, gaps, ended = run.known, run.gaps, run.ended
    if (run.epoch != epoch or run.source != source) and not run.ended:
        gaps = (*gaps, (run.last_seen, now))[-_MAX_GAPS:]
    part = max(1, limits.events // 4)  # a burst is forgotten whole: none is most of what is kept
    if len(events) <= part:
        fresh = [put_away(events, frames, now)]
    else:
        fresh = [
            put_away(events[at : at + part], frames[at : at + part], now)
            for at in range(0, len(events), part)
        ]
    bursts, kept = run.bursts.extended(fresh), run.kept + len(events)
    if len(events) >= _MANY:
        known = told(known, run.bursts, limits)  # mostly nothing: the few that came alone
        known = told_now(known, events, frames, now, bursts.total, limits)
    size = run.size - run.before.size
    for made in fresh:
        size += made.weight
    gone, oldest = 0, iter(bursts)
    while kept > limits.events or size + known.size > limits.run_bytes:
        if bursts.dropped + gone == known.upto < bursts.total:
            known = told(known, bursts, limits)  # the next would be forgotten untold
        elif (burst := next(oldest, None)) is not None:
            gone += 1
            kept -= burst.count
            size -= burst.weight
        else:
            lines = known.lines.shortened(len(known.lines) // 4 + 1)
            known = replace(known, lines=lines)
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
    """Forget runs, those that ended and were silent longest first; the newest always stays.

    The half that was heard last goes last, whatever became of it: where thousands wait for their
    turn, one that has just ended would else be forgotten before anybody could look at it.
    """
    most, heaviest = int(limits.runs * _KEEP) or 1, int(limits.bytes * _KEEP)
    lost = 0
    silent = list(runs.values())[:-1]
    half = len(silent) // 2
    for run in chain.from_iterable(
        [run for run in some if run.ended is ended]
        for some in (silent[:half], silent[half:])
        for ended in (True, False)
    ):
        if len(runs) <= most and size <= heaviest:
            break
        del runs[run.run_id]
        size -= run.size
        lost += 1
    return size, lost
