"""Whether a stream that says nothing is still there, found out by asking the server beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from durably_tui.protocol import DurablyError, Event, Run, ServerFault, Unreachable

from .heartbeat import Heartbeat
from .pace import Pace
from .questions import Newest
from .told import Told

_MOST_SILENCES = 3
"""So often in a row a stream is opened again because it is silent while its runs go on."""
_ALONE = 0.1
"""Seconds for which a head has to be there before the first event, to have come without it."""
_SURE, _ALONE_FOR = 2, 5
"""So often in a row the newest run must have come as quickly as what is cheapest, for so many
questions to be for it alone: a server may have been busy with something else."""
_NOISE_MS = 5.0
"""By which two answers that cost the same may differ, beside their double."""
_HEAVY_EVERY = 6
"""A newest run that is large is asked for with each so manieth question."""
_SELDOM = 3
"""With so many times the usual time between two questions they go on while keep-alives come."""


class Sign(NamedTuple):
    """What the server said when it was last asked, and how much of the stream had come by then."""

    run: Run | None
    chunks: int


class Liveness:
    """What is known of one stream, over all its connections.

    Args:
        pace: how often and how long.
        tried: the request that opens the stream, as a person may see it.
        latency: ask for something cheap; how long it took, in ms.
        newest: the newest run of the stream's.
        is_open: whether the stream counts as open.
        is_read: whether it is read; it is not while its listener has much to take.
        answers_at_once: whether the server is known to send the head of its answer at once.
        keep_alive: how often the server is known to send a keep-alive on a quiet stream, in
            seconds; None: that is not known, and learned where it sends some.
    """

    def __init__(
        self,
        pace: Pace,
        tried: str,
        *,
        latency: Callable[[], Awaitable[float]],
        newest: Callable[[], Awaitable[Newest]],
        is_open: Callable[[], bool],
        is_read: Callable[[], bool],
        answers_at_once: Callable[[], bool],
        keep_alive: Callable[[], float | None],
    ) -> None:
        self._pace = pace
        self._tried = tried
        self._latency = latency
        self._newest = newest
        self._is_open = is_open
        self._is_read = is_read
        self._answers_at_once = answers_at_once
        self._keep_alive = keep_alive
        self._heartbeat = Heartbeat()
        self._told = Told()
        self._heard = float("-inf")
        self._chunks = 0
        self._told_of: Sign | None = None
        self._alone = 0
        """With how many questions more to ask for the newest run only: it is known to be as cheap
        as what is cheapest, so that this tells the latency too."""
        self._compared = 0
        """How often in a row the two were seen to cost the same."""
        self._quick_ms = 0.0
        """How long what is cheapest took when it was asked last."""
        self._asked = float("-inf")
        """When the server last answered a question."""
        self._spared = 0
        """With how many questions more not to ask for the newest run, which is large."""
        self._doubted_at = -1
        """How much of the stream had come when a question got no answer though it spoke."""
        self._silences = 0
        self._headed_at: float | None = None
        """When the head of the answer came, as long as nothing came after it."""
        self._was_believed = False
        """Whether the stream counted as open before its head came."""
        self._heads_come_alone = False
        """Whether the server was seen to send the head of its answer before any event."""

    def opens(self) -> None:
        """Another connection is about to be made: what was known of the one before is no use."""
        self._told_of = None
        self._told.opened()
        self._alone = self._compared = 0
        self._doubted_at = -1
        self._headed_at = None
        self._was_believed = False

    def answered(self, at: float, *, was_believed: bool) -> None:
        """The head of the stream's answer came; ``was_believed``: it counted as open before."""
        self._headed_at = at
        self._was_believed = was_believed
        self._heartbeat.opened(at)

    def opened_late(self, at: float) -> float | None:
        """When the stream was opened, if that was after it had begun to count as open: what was
        published between the two is not on it. Told once; looked for at the first thing that comes
        and when the server was asked.

        A head that comes with the first event was held back, and the stream was open before.
        """
        if self._headed_at is None or at - self._headed_at < _ALONE:
            return None
        self._heads_come_alone = True
        was_believed, self._was_believed = self._was_believed, False
        return self._headed_at if was_believed else None

    def hears(self, at: float, events: Sequence[Event], *, is_beat: bool) -> None:
        """The stream brought something: events, or none; ``is_beat``: nothing but a keep-alive."""
        self._told.hears(events)
        self._heartbeat.hears(at, is_beat=is_beat)
        self._heard = at
        self._chunks += 1
        self._silences = 0
        self._headed_at = None

    async def begins(self) -> None:
        """Ask how the newest run is as a stream begins, so that what it tells is held against that:
        a network that broke one connection may break the next before it is asked after."""
        if self._spared:
            return
        try:
            newest = await self._newest()
        except DurablyError as error:
            if isinstance(error, Unreachable):
                self._doubted_at = self._chunks
            return
        self._spared = _HEAVY_EVERY - 1 if newest.is_heavy else 0
        if self._told_of is None:
            self._told_of = Sign(newest.run, self._chunks)

    def rest(self) -> float:
        """For how many seconds there is nothing to ask: the server has just said by a keep-alive
        that it is there, and that nothing happens. How long an answer takes is asked all the same,
        only less often."""
        now = self._pace.clock()
        longest = _SELDOM * self._pace.probe_every
        rests = min(
            self._heartbeat.vouches_until(self._keep_alive()) - now, self._asked + longest - now
        )
        return rests if 0 < rests <= longest else 0.0

    async def look(self) -> float | None:
        """Ask the server. How long it took, in ms; None where it did not answer well, and the
        stream is believed all the same, as it speaks.

        Raises:
            DurablyError: this connection of the stream is dead.
        """
        try:
            newest = await self._newest_alone() if self._alone and self._is_open() else None
            took_ms = newest.took_ms if newest is not None else None
            if took_ms is None:
                took_ms = self._quick_ms = await self._latency()
            if self._is_open() and self._is_read():
                self._believe()
                self._expect_beat()
                if await self._is_deaf(newest):
                    raise Unreachable(
                        f"{self._tried} stayed silent while runs went on: it is opened again by "
                        "itself."
                    )
        except DurablyError as error:
            if self._speaks() and isinstance(error, Unreachable | ServerFault):
                if isinstance(error, Unreachable):
                    self._doubted_at = self._chunks
                return None  # slow to answer or not well, but not gone
            raise
        at_once = self._heads_come_alone or self._answers_at_once()
        if not self._is_open() and at_once and self._silences < _MOST_SILENCES:
            # Its connection is dead, and others are not. After some attempts it is believed, as
            # something between may hold the head back.
            self._silences += 1
            raise Unreachable(
                f"{self._tried} was not answered though the server is there: it is opened again "
                "by itself."
            )
        self._asked = self._pace.clock()
        return took_ms

    def _speaks(self) -> bool:
        """Whether the stream itself brought something since the question before."""
        return 0 <= self._pace.clock() - self._heard < self._pace.probe_every

    def _believe(self) -> None:
        """Take an answer as a sign that this connection is there as well.

        Raises:
            Unreachable: a question before got none, and the stream has said nothing since: what
                became of the one may have become of the other.
        """
        doubted, self._doubted_at = self._doubted_at, -1
        if doubted == self._chunks and self._silences < _MOST_SILENCES:
            self._silences += 1
            raise Unreachable(
                f"{self._tried} stayed silent since the server did not answer: it is opened again "
                "by itself."
            )

    def _expect_beat(self) -> None:
        """Take silence as a sign that this connection is gone, where the server keeps it alive.

        Raises:
            Unreachable: keep-alives are missing. After some attempts something between is taken
                to hold them back.
        """
        silent = self._heartbeat.missed(self._pace.clock(), self._keep_alive())
        if silent is not None and self._silences < _MOST_SILENCES:
            self._silences += 1
            raise Unreachable(
                f"{self._tried} stayed silent for {silent:.0f} s, without a keep-alive: it is "
                "opened again by itself."
            )

    async def _newest_alone(self) -> Newest | None:
        """The newest run, whose answer tells the latency as well where it was a cheap one; None
        where the server did not tell, which must be seen by another question.

        Raises:
            Unreachable: the server did not answer.
        """
        self._alone -= 1
        try:
            newest = await self._newest()
        except DurablyError as error:
            self._alone = self._compared = 0
            if self._is_gone(error):
                raise
            return None
        if self._tells_latency(newest):
            return newest
        self._alone = self._compared = 0
        return newest._replace(took_ms=None)

    def _tells_latency(self, newest: Newest) -> bool:
        """Whether the newest run came about as quickly as what is cheapest. A server without an
        index takes 20 times as long to find it among many."""
        quick = 2 * self._quick_ms + _NOISE_MS
        return newest.took_ms is not None and newest.took_ms <= quick and not newest.is_heavy

    async def _is_deaf(self, newest: Newest | None) -> bool:
        """Whether the newest run has gone on since it was asked for before, and not a byte of that
        came, or not what became of it: a connection that something between dropped without a word,
        while others still work.

        A server that never tells of its runs here, as one whose worker is another process, is
        believed after some attempts.

        Args:
            newest: what was asked already; None where it was not.
        """
        if newest is None:
            if self._spared:
                self._spared -= 1
                return False
            try:
                newest = await self._newest()
            except DurablyError as error:
                self._compared, self._spared = 0, _HEAVY_EVERY - 1
                if self._is_gone(error):
                    raise  # the network went since the answer before, and has this one as well
                return False  # the server has just shown that it is well
            self._compared = self._compared + 1 if self._tells_latency(newest) else 0
            self._alone = _ALONE_FOR if self._compared >= _SURE else 0
        self._spared = _HEAVY_EVERY - 1 if newest.is_heavy else 0
        before, self._told_of = self._told_of, Sign(newest.run, self._chunks)
        if before is None:
            return False
        speaks = before.chunks != self._chunks
        is_left_out = self._told.leaves_out(before.run, newest.run)
        if not (is_left_out if speaks else _went_on(before.run, newest.run)):
            return False
        await self._pace.sleep(self._pace.closing_grace)  # the answer may have been the quicker
        if self._told_of.chunks != self._chunks or self._silences >= _MOST_SILENCES:
            return False
        self._silences += 1
        if speaks:
            self._told.denied()
        return True

    def _is_gone(self, error: DurablyError) -> bool:
        """Whether a newest run that did not come means that this connection is dead. After some
        attempts it does not."""
        if not isinstance(error, Unreachable) or self._silences >= _MOST_SILENCES:
            return False
        if not self._speaks():
            self._silences += 1
        return True


def _went_on(before: Run | None, now: Run | None) -> bool:
    """Whether the newest run did something, or is another one."""
    return _told(before) != _told(now)


def _told(run: Run | None) -> object:
    """What of a run cannot change without an event. (0.8 does not tell that a run was deleted: to
    open its stream again and to fetch is right then as well.)"""
    return None if run is None else (run.id, run.status, run.current_step_index)
