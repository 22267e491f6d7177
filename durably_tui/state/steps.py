"""Steps as they were seen to start and end, and how they join with those a server still has."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from durably_tui.protocol import Step, StepStatus


class ObservedStep(Step, frozen=True, kw_only=True):
    """A step that passed on a stream.

    Times are the server's where the stream carries them, else when the event was received.
    """

    attempt: int = 1
    """In which lease of the run it ran, from 1 for the first that was seen."""
    interrupted: bool = False
    """The worker was gone before the step ended; its end was never told."""
    duration_ms: float | None = None
    """How long the server says that it took, in ms."""


def merge_steps(server: Sequence[Step], seen: Sequence[ObservedStep]) -> tuple[Step, ...]:
    """Every step of a run once, in the order of their start.

    The server's word wins for what it has: output, error, exact times. What it threw away, and
    what is running now, is taken from what was seen.
    """
    raise NotImplementedError


__all__ = ["ObservedStep", "StepStatus", "merge_steps", "msgspec"]
