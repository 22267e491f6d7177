"""What every request of the client shares: the door, what is known, and how answers are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from durably_tui.protocol import Decoder, Malformed

from .answer import Answer
from .door import Door
from .knowledge import Knowledge

ValueT = TypeVar("ValueT")


class Requests:
    """Base of what asks one server."""

    _door: Door
    _knowledge: Knowledge
    _decoder: Decoder

    async def _ask(self, method: str, path: str, run_id: str) -> Answer:
        return checked(await self._door.ask(method, path, [("runId", run_id)]))


def checked(answer: Answer) -> Answer:
    """The answer, if it is a good one.

    Raises:
        DurablyError: it is not, in the server's own words.
    """
    if (error := answer.error()) is not None:
        raise error
    return answer


def read(answer: Answer, decode: Callable[[bytes], ValueT]) -> ValueT:
    """What a good answer says.

    Raises:
        DurablyError: it is not what a Durably server says.
    """
    try:
        return decode(answer.body)
    except Malformed as malformed:
        if "json" in answer.content_type and "not JSON" in str(malformed):
            raise answer.garbled("JSON that is cut off or broken") from None
        raise answer.strange(f"but {malformed}") from None
