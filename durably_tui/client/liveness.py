"""Whether a stream that says nothing is still there, found out by asking the server beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from durably_tui.protocol import DurablyError, Event, Run, ServerFault, Unreachable

from .at_work import AtWork
from .costs import Costs
from .head import Head
from .heartbeat import Heartbeat
from .pace import Pace
from .questions import Newest
from .told_statuses import ToldStatuses

_MOST_SILENCES = 3
"""So often in a row a stream is opened again because it is silent while its runs go on."""
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
        one: the run with an id; None where it is not asked for.
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
        one: Callable[[str], Awaitable[Run | None]],
        is_open: Callable[[], bool],
        is_read: Callable[[], bool],
        answers_at_once: Callable[[], bool],
        keep_alive: Callable[[], float | None],
    ) -> None:
        self._pace = pace
        self._tried = tried
        self._latency = latency
        self._newest = newest
        self._one = one
        self._is_open = is_open
        self._is_read = is_read
        self._answers_at_once = answers_at_once
        self._keep_alive = keep_alive
        self._head = Head()
        self._heartbeat = Heartbeat()
        self._costs = Costs()
        self._told = ToldStatuses()
        self._at_work = AtWork()
        self._heard = float("-inf")
        self._chunks = 0
        self._told_of: Sign | None = None
        self._asked = float("-inf")
        """When the server last answered a question."""
        self._doubted_at = -1
        """How much of the stream had come when a question got no answer though it spoke."""
        self._silences = 0
        """How often in a row the stream was taken to be dead as it was silent."""

    def opens(self) -> None:
        """Another connection is about to be made: what was known of the one before is no use."""
        self._told_of = None
        self._told.opened()
        self._at_work.opened()
        self._costs.opens()
        self._head.opens()
        self._doubted_at = -1

    def answered(self, at: float, *, was_believed: bool) -> None:
        """The head of the stream's answer came; ``was_believed``: it counted as open before."""
        self._head.came(at, was_believed=was_believed)
        self._heartbeat.opened(at)

    def opened_late(self, at: float) -> float | None:
        """When the stream was opened, if that was after it had begun to count as open; told once.
        See ``Head``."""
        return self._head.opened_late(at)

    def hears(self, at: float, events: Sequence[Event], *, is_beat: bool) -> None:
        """The stream brought something: events, or none; ``is_beat``: nothing but a keep-alive."""
        self._told.hears(events)
        self._at_work.hears(events)
        self._heartbeat.hears(at, is_beat=is_beat)
        self._heard = at
        self._chunks += 1
        self._silences = 0
        self._head.followed()

    async def begins(self) -> None:
        """Ask how the newest run is as a stream begins, so that what it tells is held against that:
        a network that broke one connection may break the next before it is asked after."""
        if self._costs.spares_newest:
            return
        try:
            newest = await self._newest()
        except DurablyError as error:
            if isinstance(error, Unreachable):
                self._doubted_at = self._chunks
            return
        self._costs.brought(newest)
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
            newest = None
            if self._costs.newest_will_do and self._is_open():
                newest = await self._newest_alone()
            took_ms = newest.took_ms if newest is not None else None
            if took_ms is None:
                took_ms = self._costs.took(await self._latency())
            if self._is_open() and self._is_read():
                self._believe()
                self._expect_beat()
                await self._compare(newest)
        except DurablyError as error:
            if self._speaks() and isinstance(error, Unreachable | ServerFault):
                if isinstance(error, Unreachable):
                    self._doubted_at = self._chunks
                return None  # slow to answer or not well, but not gone
            raise
        if not self._is_open() and (self._head.comes_alone or self._answers_at_once()):
            # Its connection is dead, and others are not; or something between holds the head back.
            self._give_up("was not answered though the server is there")
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
        if doubted == self._chunks:
            self._give_up("stayed silent since the server did not answer")

    def _expect_beat(self) -> None:
        """Take silence as a sign that this connection is gone, where the server keeps it alive.

        Raises:
            Unreachable: keep-alives are missing, or something between holds them back.
        """
        silent = self._heartbeat.missed(self._pace.clock(), self._keep_alive())
        if silent is not None:
            self._give_up(f"stayed silent for {silent:.0f} s, without a keep-alive")

    def _give_up(self, why: str) -> None:
        """Let this connection be opened again.

        Raises:
            Unreachable: always, but after some attempts that were in vain: then it is believed.
        """
        if self._silences < _MOST_SILENCES:
            self._silences += 1
            raise Unreachable(f"{self._tried} {why}: it reconnects by itself.")

    async def _newest_alone(self) -> Newest | None:
        """The newest run, whose answer tells the latency as well where it was a cheap one; None
        where the server did not tell, which must be seen by another question.

        Raises:
            Unreachable: the server did not answer.
        """
        try:
            newest = await self._newest()
        except DurablyError as error:
            self._costs.opens()
            if self._is_gone(error):
                raise
            return None
        return self._costs.brought_alone(newest)

    async def _compare(self, newest: Newest | None) -> None:
        """Hold the newest run against how it was when it was asked for before, and against what
        came since: a connection that something between dropped without a word tells nothing of it,
        while others still work.

        A server that never tells of its runs here, as one whose worker is another process, is
        believed after some attempts.

        Args:
            newest: what was asked already; None where it was not.

        Raises:
            Unreachable: it has gone on, and not a byte of that came, or not what became of it.
        """
        if newest is None:
            if self._costs.spares_newest:
                self._costs.spared()
                return
            try:
                newest = await self._newest()
            except DurablyError as error:
                self._costs.failed()
                if self._is_gone(error):
                    raise  # the network went since the answer before, and has this one as well
                return  # the server has just shown that it is well
            self._costs.brought_both(newest)
        self._costs.brought(newest)
        before, self._told_of = self._told_of, Sign(newest.run, self._chunks)
        if before is None:
            return
        speaks = before.chunks != self._chunks
        is_left_out = self._told.leaves_out(before.run, newest.run)
        if not (is_left_out if speaks else _went_on(before.run, newest.run)) and (
            speaks or not await self._has_one_ended()
        ):
            return
        await self._pace.sleep(self._pace.closing_grace)  # the answer may have been the quicker
        if self._told_of.chunks != self._chunks:
            return
        if speaks and self._silences < _MOST_SILENCES:
            self._told.denied()
        self._give_up("stayed silent while runs went on")

    async def _has_one_ended(self) -> bool:
        """Whether a run that the stream told to be at work is not any more. One is asked after
        with each question, and only while the stream says nothing."""
        run_id = self._at_work.next()
        if run_id is None:
            return False
        try:
            run = await self._one(run_id)
        except DurablyError:
            return False  # the server has just shown that it is well
        return run is not None and run.is_terminal

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
