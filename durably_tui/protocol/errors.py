"""Everything that can go wrong with a server, as one tree.

::

    DurablyError
    ├── Unreachable          no answer: refused, no such host, timed out, TLS
    ├── NotADurablyServer    an answer, but not one of Durably's
    ├── Unauthorised         401 or 403
    ├── NotFound             the run or the job is not there
    ├── Conflict             the server will not do that to a run in this state
    ├── RefusedInput         what was sent is not acceptable
    ├── ReadOnly             this client was told not to change anything
    └── ServerFault          5xx, or an answer that cannot be read

``str(error)`` is one sentence for a person: what happened, and what to do.
"""

from __future__ import annotations


class DurablyError(Exception):
    """The root. ``reason`` is the server's own words, ``status`` its HTTP status, if any."""

    def __init__(
        self, message: str, *, reason: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status


class Unreachable(DurablyError):
    """Nobody answered at this address. Trying again may help."""


class NotADurablyServer(DurablyError):
    """Somebody answered, but not with what a Durably server says."""


class Unauthorised(DurablyError):
    """The server wants other credentials (401) or forbids this to them (403)."""


class NotFound(DurablyError):
    """The server has no such run or job."""


class Conflict(DurablyError):
    """The run is in a state in which the server refuses this."""


class RefusedInput(DurablyError):
    """The server refuses what was sent; ``reason`` says where."""


class ReadOnly(DurablyError):
    """This client was opened read-only: nothing was sent."""


class ServerFault(DurablyError):
    """The server failed, or answered what cannot be read. Trying again may help."""
