"""Who wants to have what comes from a server as it came, before it is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from durably_tui.protocol import Connection


class Tap(Protocol):
    """Is told by a client, at once and in the order in which things come. Must be quick."""

    def answered(self, path: str, params: Sequence[tuple[str, str]], body: bytes) -> None:
        """A request to look at something was answered with success."""

    def received(self, frames: Sequence[bytes]) -> None:
        """A stream brought the data of these events in one read."""

    def turned(self, connection: Connection) -> None:
        """The connection of a stream has changed."""
