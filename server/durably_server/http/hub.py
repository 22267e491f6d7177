"""Spreads the engine's events over open streams: encoded once, queued per client, never waiting.

What is pending for a client goes out in one write. Events that somebody could come back for are
kept in a journal; where it does not reach far enough, the stream begins with a ``gap`` event.
"""

import asyncio
from collections.abc import Iterable
from typing import Literal

from durably_server.engine.clock import iso, wall_clock
from durably_server.engine.engine import Engine
from durably_server.engine.events import ENDS_A_RUN, Event
from durably_server.http.audience import Audience, Beat
from durably_server.http.journal import Journal
from durably_server.http.subscriber import Interest, Published, Subscriber
from durably_server.http.wire import Words, frame

KEEP_ALIVE_INTERVAL = 15.0
"""Seconds of silence after which a comment is sent, so that a dead line can be told."""
PROGRESS_INTERVAL = 0.1
"""Seconds between two progress events of one run; the last one is always delivered."""
LINGER = 300.0
"""Seconds for which events are still kept after the last listener has gone."""
_KEEP_ALIVE = b": keep-alive\n"
_MANY_AUDIENCES = 1024

GapReason = Literal["slow", "expired", "unknown"]
"""Why events are missing: the client did not read them, the journal has moved on, or the id that
it came back with is not of this process life."""


class _Throttle:
    """When the last progress of a run went out, and the one that waits."""

    __slots__ = ("sent_at", "timer", "waiting")

    def __init__(self) -> None:
        self.sent_at = float("-inf")
        self.waiting: Event | None = None
        self.timer: asyncio.TimerHandle | None = None


class Hub:
    """All open streams of one handler. Everything happens on the event loop's thread.

    Attributes:
        closed: whether it was told to stop; the handler refuses new streams then.
        delivered: frames that were queued for clients.
        gaps: how often a client was told that events are missing.
    """

    def __init__(self, engine: Engine, words: Words, journal: Journal | None = None) -> None:
        self._words = words
        self._journal = journal or Journal()
        self._runs: Audience | None = None
        self._of_run: dict[str, Audience] = {}
        self._many = _MANY_AUDIENCES
        self._beat = Beat()
        self._open = 0
        self._throttles: dict[str, _Throttle] = {}
        self._keep_alive: asyncio.TimerHandle | None = None
        self._unsubscribe = engine.on(None, self._publish)
        self.closed = False
        self.delivered = 0
        self._gaps = 0

    # --- who listens ---

    def subscribe_runs(self, interest: Interest, after: str | None = None) -> Subscriber:
        """A stream about all runs that fit; it never ends.

        With ``after``, the id of an event, it begins with what came since, or with a ``gap``.
        """
        self._runs, missed = self._audience(self._runs, after)
        subscriber = Subscriber(interest, _slow)
        self._join(self._runs, subscriber)
        if isinstance(missed, str):
            subscriber.tell_gap(gap_frame(missed))
        else:
            subscriber.prepend(
                entry.for_runs for entry in missed if entry.for_runs and interest.takes(entry)
            )
        return subscriber

    def subscribe_run(
        self, run_id: str, interest: Interest, after: str | None = None
    ) -> tuple[Subscriber, bool]:
        """A stream about one run, which ends with it; and whether it goes on without a gap.

        If it does, it begins with what came since the event with the id ``after``.
        """
        audience, missed = self._audience(self._of_run.get(run_id), after)
        self._of_run[run_id] = audience
        subscriber = Subscriber(interest, _slow)
        self._join(audience, subscriber)
        if isinstance(missed, str):
            subscriber.tell_gap(gap_frame(missed))
            return subscriber, False
        of_run = [entry for entry in missed if entry.run_id == run_id]
        frames = [each.for_run for each in of_run if each.for_run and interest.takes(each)]
        subscriber.prepend(frames)
        if frames and of_run[-1].ends:
            subscriber.end()
        return subscriber, bool(frames)

    def remove(
        self, subscriber: Subscriber, run_id: str | None = None, *, forget: bool = False
    ) -> None:
        """A stream is over; with ``forget`` it was refused, so nobody comes back to it."""
        audience = self._runs if run_id is None else self._of_run.get(run_id)
        if audience is None or not audience.leave(subscriber):
            return
        self._open -= 1
        self._beat.set_streams(self._open)
        self._gaps += subscriber.gaps
        now = asyncio.get_running_loop().time()
        if not audience.is_attended:
            fresh = audience.until == float("inf")
            audience.until = now + LINGER
            self._drop_audiences(now, run_id if forget and fresh else None)

    def _drop_audiences(self, now: float, run_id: str | None) -> None:
        """Forget one that nobody comes back to, and from time to time all of that kind."""
        if run_id is not None:
            del self._of_run[run_id]
        if len(self._of_run) > self._many:
            self._of_run = {key: one for key, one in self._of_run.items() if one.expects(now)}
            self._many = max(_MANY_AUDIENCES, 2 * len(self._of_run))

    @property
    def size(self) -> int:
        """Open streams."""
        return self._open

    @property
    def gaps(self) -> int:
        """How often a client was told that events are missing."""
        return self._gaps + sum(each.gaps for each in self._all())

    def close(self) -> None:
        """End all streams, for a server that stops; new ones are refused by the handler."""
        self.closed = True
        self._unsubscribe()
        if self._keep_alive is not None:
            self._keep_alive.cancel()
            self._keep_alive = None
        for throttle in self._throttles.values():
            if throttle.timer is not None:
                throttle.timer.cancel()
        self._throttles.clear()
        for audience in self._audiences():
            audience.end()
        self._beat.close()

    def _audiences(self) -> list[Audience]:
        return [*self._of_run.values(), *(() if self._runs is None else (self._runs,))]

    def _all(self) -> list[Subscriber]:
        return [subscriber for audience in self._audiences() for subscriber in audience]

    def _join(self, audience: Audience, subscriber: Subscriber) -> None:
        audience.join(subscriber)
        self._open += 1
        self._beat.set_streams(self._open)
        if self.closed:  # since it was asked whether it may be opened: nobody else would end it
            subscriber.end()
        elif self._keep_alive is None:
            loop = asyncio.get_running_loop()
            self._keep_alive = loop.call_later(KEEP_ALIVE_INTERVAL, self._send_keep_alive)

    def _audience(
        self, known: Audience | None, after: str | None
    ) -> tuple[Audience, Iterable[Published] | GapReason]:
        """The audience, new if its events were not kept, and what a member has missed."""
        journal = self._journal
        if known is None or not known.expects(asyncio.get_running_loop().time()):
            known = Audience(journal.last, self._beat)
        if after is None:
            return known, ()
        number = journal.number_of(after)
        if number is None:
            return known, "unknown"
        if number < max(known.since, journal.forgotten):
            return known, "expired"
        return known, journal.since(number)

    # --- events ---

    def _publish(self, event: Event) -> None:
        now = asyncio.get_running_loop().time()
        over = event.type in ENDS_A_RUN
        if over:
            self._forget_progress(event.run_id)
        of_run = self._of_run.get(event.run_id)
        for_run = of_run is not None and of_run.expects(now)
        for_runs = self._runs is not None and self._runs.expects(now)
        if not for_run and not for_runs:
            self._journal.next_number()
            if of_run is not None:
                del self._of_run[event.run_id]
        elif event.type == "run:progress":
            self._throttled(event, now)
        else:
            self._spread(event, for_runs, of_run if for_run else None)

    def _throttled(self, event: Event, now: float) -> None:
        throttle = self._throttles.setdefault(event.run_id, _Throttle())
        due = throttle.sent_at + PROGRESS_INTERVAL
        if throttle.timer is None and now >= due:
            throttle.sent_at = now
            self._spread_progress(event, now)
            return
        throttle.waiting = event
        if throttle.timer is None:
            loop = asyncio.get_running_loop()
            throttle.timer = loop.call_at(due, self._progress_due, throttle)

    def _progress_due(self, throttle: _Throttle) -> None:
        throttle.timer = None
        event, throttle.waiting = throttle.waiting, None
        if event is not None:
            throttle.sent_at = asyncio.get_running_loop().time()
            self._spread_progress(event, throttle.sent_at)

    def _forget_progress(self, run_id: str) -> None:
        """A run ends: its last progress goes out before the end does."""
        throttle = self._throttles.pop(run_id, None)
        if throttle is not None and throttle.timer is not None:
            throttle.timer.cancel()
            self._progress_due(throttle)

    def _spread_progress(self, event: Event, now: float) -> None:
        of_run = self._of_run.get(event.run_id)
        if of_run is not None and not of_run.expects(now):
            of_run = None
        self._spread(event, self._runs is not None and self._runs.expects(now), of_run)

    def _spread(self, event: Event, for_runs: bool, of_run: Audience | None) -> None:
        words = self._words
        number = self._journal.next_number()
        event_id = self._journal.id_of(number)
        published = Published(
            number,
            words.event_type(event),
            event.run_id,
            words.job_of(event),
            event.labels,
            _encoded(words.runs_event(event), event_id) if for_runs else None,
            _encoded(words.run_event(event), event_id) if of_run is not None else None,
            words.ends(event),
        )
        if not published.for_runs and not published.for_run:
            return
        self._journal.keep(published)
        progress_of = event.run_id if event.type == "run:progress" else None
        if published.for_runs and self._runs is not None:
            self.delivered += self._runs.deliver(published, published.for_runs, progress_of)
        if of_run is not None:
            if published.for_run:
                self.delivered += of_run.deliver(published, published.for_run, progress_of)
            if published.ends:
                of_run.end()

    # --- where a stream is ---

    def mark(self) -> bytes:
        """The id of the newest event, without an event: a client that has got all so far comes
        back with it, and one that knows nothing of ids has nothing to do."""
        return b"id: %b\n\n" % self._journal.id_of(self._journal.last).encode()

    def _send_keep_alive(self) -> None:
        self._keep_alive = None
        for audience in self._audiences():
            audience.tell()
        frame = _KEEP_ALIVE + self.mark()  # what came since was for others: it may be forgotten
        subscribers = self._all()
        for subscriber in subscribers:
            if subscriber.quiet:
                subscriber.push(frame)
            subscriber.quiet = True
        if subscribers:
            loop = asyncio.get_running_loop()
            self._keep_alive = loop.call_later(KEEP_ALIVE_INTERVAL, self._send_keep_alive)


def gap_frame(reason: GapReason) -> bytes:
    """``{"type": "gap"}``: events are missing here, so whoever keeps a picture has to fetch again.

    It has no id: a client that leaves now and comes back asks for what it has not got.
    """
    return frame({"type": "gap", "reason": reason, "timestamp": iso(wall_clock())})


def _slow() -> bytes:
    return gap_frame("slow")


def _encoded(body: dict[str, object] | None, event_id: str) -> bytes:
    return b"" if body is None else frame(body, event_id)
