"""Where the client and the hooks meet: an address becomes hooks."""

from __future__ import annotations

from typing import Any

from .client import DurablyClient
from .state import DurablyHooks, DurablyPort, HistoryLimits, SystemClock
from .state import create_durably_client as _hooks_for


class _OwningHooks(DurablyHooks):
    """Hooks whose client nobody else has: it is closed with them."""

    def __init__(self, client: DurablyClient) -> None:
        super().__init__(client, SystemClock(), HistoryLimits())
        self._client = client

    async def aclose(self) -> None:
        """Close every hook, every stream and every connection."""
        try:
            await super().aclose()
        finally:
            await self._client.aclose()


def create_durably_client(api: str | DurablyPort, **options: Any) -> DurablyHooks:
    """The hooks of one server, as ``createDurably({api})`` of ``@coji/durably-react`` gives them.

    Args:
        api: the base address, such as ``http://127.0.0.1:8080/api/durably``, or a client. A client
            that was given stays open when the hooks are closed.
        options: what ``DurablyClient`` takes (``token``, ``headers``, ``timeout``, …), with an
            address only.
    """
    if isinstance(api, str):
        return _OwningHooks(DurablyClient(api, **options))
    if options:
        raise TypeError("options belong to the client that was given; make it with them instead")
    return _hooks_for(api)
