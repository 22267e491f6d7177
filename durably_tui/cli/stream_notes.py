"""What is told of a stream's connection to whoever reads it from the command line."""

from __future__ import annotations

from durably_tui.protocol import Connection, DurablyError, Phase, ServerFault, Unreachable

from .said import note


class Witness:
    """Tells of a connection that is down, and of what may be lost with it.

    The first connection has to come about: where it does not, that is an error and no patience.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        """What may be lost."""
        self._epoch = 0
        self._is_down = False

    def see(self, connection: Connection) -> None:
        """Look at the connection of a batch.

        Raises:
            DurablyError: the stream could not be opened at all, or has ended with an error.
        """
        error = connection.error
        if error is not None and (self._epoch == 0 or not _may_heal(error)):
            raise error
        if connection.phase is Phase.ENDED:
            return
        if connection.phase is not Phase.LIVE:
            if error is not None and not self._is_down:
                self._is_down = True
                note(f"{error}")
            return
        if 0 < self._epoch < connection.epoch:
            note(f"Connected again: {self._what} of the time between may be lost.")
        self._epoch = max(self._epoch, connection.epoch)
        self._is_down = False


def _may_heal(error: DurablyError) -> bool:
    return isinstance(error, Unreachable | ServerFault)
