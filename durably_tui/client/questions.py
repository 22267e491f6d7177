"""What the stream of many runs asks its server, to learn whether it is still there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from durably_tui.protocol import Decoder, Malformed, Run

from .answer import Answer
from .door import Door, Params
from .pace import Pace

ValueT = TypeVar("ValueT")

_NO_JOB = "durably-tui.liveness"
"""A job that no server has: to ask for its runs costs the server a look and the line nothing."""
_HEAVY_BYTES = 64 * 1024
"""From this size on the newest run is seldom asked for: it may have 10 MB of output."""


class Newest(NamedTuple):
    """The newest run of a stream's, whether it is one that is seldom asked for, and how long the
    request for it took, in ms; None where it took none."""

    run: Run | None
    is_heavy: bool = False
    took_ms: float | None = None


class Questions:
    """What a stream of many runs asks its server, cheap and without an effect there."""

    def __init__(self, door: Door, decoder: Decoder, pace: Pace) -> None:
        self._door = door
        self._decoder = decoder
        self._pace = pace

    async def latency(self) -> float:
        """One request, which a server answers out of its database with next to nothing; answers
        how long it took, in ms.

        Raises:
            DurablyError: the server is not there, or not well.
        """
        answer, _ = await self._runs([("jobName", _NO_JOB)])
        return answer.took_ms

    async def newest(self, params: Params) -> Newest:
        """The newest run of those that ``params`` ask for.

        Raises:
            DurablyError: the server does not tell.
        """
        answer, runs = await self._runs(params)
        is_heavy = len(answer.body) > _HEAVY_BYTES
        return Newest(runs[0] if runs else None, is_heavy, answer.took_ms)

    async def one(self, run_id: str) -> Run:
        """One run.

        Raises:
            DurablyError: the server does not tell.
        """
        answer = await self._asked("/run", [("runId", run_id)])
        return self._read(answer, self._decoder.run)

    async def _runs(self, params: Params) -> tuple[Answer, Sequence[Run]]:
        answer = await self._asked("/runs", [*params, ("limit", "1")])
        return answer, self._read(answer, self._decoder.runs)

    async def _asked(self, path: str, params: Params) -> Answer:
        answer = await self._door.ask(
            "GET", path, params, timeout=self._pace.probe_timeout, alone=True
        )
        if (error := answer.error()) is not None:
            raise error
        return answer

    @staticmethod
    def _read(answer: Answer, decode: Callable[[bytes], ValueT]) -> ValueT:
        try:
            return decode(answer.body)
        except Malformed as malformed:
            raise answer.garbled(str(malformed)) from None
