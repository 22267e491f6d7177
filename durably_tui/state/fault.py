"""Errors of a port as ``DurablyError``, and which of them may pass by themselves."""

from __future__ import annotations

import logging

from durably_tui.protocol import DurablyError, ServerFault, Unreachable

_log = logging.getLogger(__name__)


def as_fault(error: Exception) -> DurablyError:
    """The error as one of the tree. What a port must not raise is logged with its traceback."""
    if isinstance(error, DurablyError):
        return error
    _log.error("a request raised what it must not", exc_info=error)
    return ServerFault(f"The request failed ({type(error).__name__}: {error}): try again.")


def may_pass(error: DurablyError) -> bool:
    """Whether trying the same again later can help without anybody doing something."""
    return isinstance(error, Unreachable | ServerFault)
