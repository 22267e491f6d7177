"""The stream of one run, which ends when the run is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from durably_tui.protocol import (
    Decoder,
    DurablyError,
    Event,
    Malformed,
    NotFound,
    Run,
    RunCancel,
    RunComplete,
    RunDelete,
    RunFail,
    RunRetry,
    RunStart,
    RunStatus,
)

from .door import Door, Params
from .pace import Pace
from .questions import Newest
from .stream import Stream


class RunStream(Stream):
    """``GET /subscribe``: the events of one run. Fits ``protocol.EventStream``.

    The server ends the stream itself after the run's terminal event; 0.8 does so after
    ``run:complete`` only, since a retry may follow the others, and has nothing to say to whoever
    comes late. So the run itself is what is looked at when the stream is quiet, and at once where
    the server may be of that kind.

    Args:
        looks_at_once: whether the server may stay silent about a run that is over.
        answers_at_once: as for ``Stream``.
        keep_alive: as for ``Stream``.
    """

    _path = "/subscribe"

    def __init__(
        self,
        door: Door,
        decoder: Decoder,
        pace: Pace,
        run_id: str,
        *,
        looks_at_once: Callable[[], bool],
        answers_at_once: Callable[[], bool] = lambda: False,
        keep_alive: Callable[[], float | None] = lambda: None,
        on_close: Callable[[Any], None] = lambda stream: None,
    ) -> None:
        super().__init__(
            door,
            decoder,
            pace,
            params=self._run_params,
            answers_at_once=answers_at_once,
            keep_alive=keep_alive,
            on_close=on_close,
        )
        self.run_id = run_id
        self._may_be_silent = looks_at_once
        self._over = False
        """The run has ended: when this connection goes, no other one is opened."""
        self._completed = False
        self._seen: Run | None = None

    async def _run_params(self) -> Params:
        return [("runId", self.run_id)]

    def _ends_with(self, error: DurablyError) -> bool:
        if self._over:
            self._state.ended(None)
        elif isinstance(error, NotFound):
            self._state.ended(error)
        else:
            return False
        return True

    def _closes_after(self, events: list[Event]) -> bool:
        for event in events:
            match event:
                case RunDelete():
                    self._over = True
                    return True
                case RunComplete() | RunFail() | RunCancel():
                    self._over = True
                case RunRetry() | RunStart():
                    self._over = False
        return False

    def _looks_at_once(self) -> bool:
        return self._may_be_silent()

    def _rest(self) -> float:
        if not self._state.is_live:
            return 0.0
        quiet = self._pace.clock() - (self.connection.last_seen or 0.0)
        return self._pace.quiet_after - quiet if quiet >= 0 else 0.0

    async def _look(self, life: asyncio.Timeout) -> bool:
        if not await super()._look(life):
            return False
        if self._completed:
            await self._pace.sleep(self._pace.closing_grace)
            self._end(life)
            return False
        return True

    async def _ask(self) -> float:
        answer = await self._door.ask(
            "GET", "/run", [("runId", self.run_id)], timeout=self._pace.probe_timeout
        )
        if (error := answer.error()) is not None:
            raise error
        try:
            self._seen = run = self._decoder.run(answer.body)
        except Malformed as malformed:
            raise answer.garbled(str(malformed)) from None
        self._over = self._over or run.is_terminal
        self._completed = run.status is RunStatus.COMPLETED
        return answer.took_ms

    @asynccontextmanager
    async def _compared(self) -> AsyncIterator[None]:
        yield  # it tells itself how its run is, as it begins

    async def _newest(self) -> Newest:
        return Newest(self._seen)

    async def _one(self, run_id: str) -> Run | None:
        return None  # it has just been looked at
