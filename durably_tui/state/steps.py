"""Steps as they were seen to start and end, and how they join with those a server still has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from durably_tui.protocol import Step, StepStatus

_LATEST = datetime.max.replace(tzinfo=UTC)


class ObservedStep(Step, frozen=True, kw_only=True, gc=False):
    """A step that passed on a stream.

    Times are the server's where the stream carries them, else when the event was received.
    """

    attempt: int = 1
    """In which lease of the run it ran, from 1 for the first that was seen."""
    interrupted: bool = False
    """The worker was gone before the step ended; its end was never told."""
    duration_ms: float | None = None
    """How long the server says that it took, in ms."""


def merge_steps(*sources: Sequence[Step]) -> tuple[Step, ...]:
    """Every step of a run once, by index, and those of one index in the order of their start.

    Args:
        sources: the most trusted first: what the server still has, the run's own stream, what
            passed on the feed. What a more trusted one does not say is filled in from the others;
            what it threw away, or does not know yet, is added.
    """
    merged: list[Step] = []
    for source in sources:
        if not merged:
            merged.extend(source)
            continue
        merged = _joined(merged, source)
    return tuple(sorted(merged, key=_in_order))


def _joined(trusted: list[Step], others: Iterable[Step]) -> list[Step]:
    """``trusted`` with what only ``others`` know. A name can come once in each attempt."""
    by_name: dict[str, list[int]] = {}
    for at, step in enumerate(trusted):
        by_name.setdefault(step.name, []).append(at)
    joined = list(trusted)
    # One whose end was seen has the first choice: of two attempts it is the one that is stored.
    for other in sorted(
        others, key=lambda step: step.status is StepStatus.RUNNING or _cut_short(step)
    ):
        places = by_name.get(other.name, [])
        place = _match(joined, places, other)
        if place is None:
            joined.append(other)
        else:
            places.remove(place)
            joined[place] = _filled(joined[place], other)
    return joined


def _match(steps: list[Step], places: list[int], other: Step) -> int | None:
    """Which of the steps of that name ``other`` is: the first in the same state, else the one
    that tells the end of what ``other`` saw running, or the other way round."""
    for at in places:
        if steps[at].status is other.status:
            return at
    for at in places:
        step = steps[at]
        if StepStatus.RUNNING in (step.status, other.status) or _cut_short(other):
            running, ended = (step, other) if step.status is StepStatus.RUNNING else (other, step)
            # One that is finished never runs again, however late its start was told.
            if (
                ended.status is StepStatus.COMPLETED
                or ended.completed_at is None
                or running.started_at is None
                or running.started_at <= ended.completed_at
            ):
                return at
    return None


def _cut_short(step: Step) -> bool:
    return isinstance(step, ObservedStep) and step.interrupted


def _filled(step: Step, other: Step) -> Step:
    """``step``, with what only ``other`` says; an end is newer than a beginning."""
    if step.status is StepStatus.RUNNING and other.status is not StepStatus.RUNNING:
        step, other = other, step
    same = other.status is step.status
    filled = replace(
        step,
        id=step.id or other.id,
        output=other.output if step.output is None and same else step.output,
        error=other.error if step.error is None and same else step.error,
        started_at=step.started_at or other.started_at,
        completed_at=step.completed_at or (other.completed_at if same else None),
    )
    if isinstance(other, ObservedStep) and not isinstance(filled, ObservedStep):
        told = {name: getattr(filled, name) for name in Step.__struct_fields__}
        return ObservedStep(**told, attempt=other.attempt, duration_ms=other.duration_ms)
    return filled


def _in_order(step: Step) -> tuple[int, datetime]:
    # By index first: times may come from two clocks, the server's and the monitor's own.
    return step.index, step.started_at or step.completed_at or _LATEST
