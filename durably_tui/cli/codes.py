"""What the exit code of a command says. The one place where it is decided."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durably_tui.protocol import DurablyError


class Code(IntEnum):
    """An exit code of ``durably-tui``."""

    DONE = 0
    RUN_FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_FOUND = 4
    REFUSED = 5
    NOT_AUTHORISED = 6
    UNFORESEEN = 70
    TIMED_OUT = 124
    INTERRUPTED = 130


MEANING: dict[Code, str] = {
    Code.DONE: "done",
    Code.RUN_FAILED: "a run failed or was cancelled (--wait, wait, watch); serve could not begin",
    Code.USAGE: "the command line or the configuration is wrong",
    Code.UNREACHABLE: "the server cannot be reached, or gives no usable answer",
    Code.NOT_FOUND: "there is no such run or job",
    Code.REFUSED: "the server refused it, or the server was opened read-only",
    Code.NOT_AUTHORISED: "the server did not accept the credentials",
    Code.TIMED_OUT: "the time given by --timeout is up",
    Code.INTERRUPTED: "interrupted by Ctrl-C",
}
"""Every code that a script can count on, for the help and the reference."""


def code_of(error: DurablyError) -> Code:
    """The exit code that says what went wrong with a server."""
    from durably_tui import protocol

    match error:
        case protocol.Unauthorised():
            return Code.NOT_AUTHORISED
        case protocol.NotFound():
            return Code.NOT_FOUND
        case protocol.Conflict() | protocol.RefusedInput() | protocol.ReadOnly():
            return Code.REFUSED
        case protocol.Unreachable() | protocol.NotADurablyServer() | protocol.ServerFault():
            return Code.UNREACHABLE
        case _:
            return Code.USAGE  # an address, a header or a token that cannot be
