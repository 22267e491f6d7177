"""What can go wrong with a job that was waited for.

::

    DurablyError (durably_tui.protocol)
    └── JobEnded          the run that was waited for has no output to give
        ├── JobFailed     it failed; ``reason`` is the job's own error
        └── JobCancelled  somebody cancelled it, or deleted it
"""

from __future__ import annotations

from durably_tui.protocol import DurablyError


class JobEnded(DurablyError):
    """The run ended without output. ``run_id`` names it."""

    def __init__(self, message: str, run_id: str, *, reason: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.run_id = run_id


class JobFailed(JobEnded):
    """The run failed; ``reason`` is the job's own error."""


class JobCancelled(JobEnded):
    """The run was cancelled or deleted while it was waited for."""
