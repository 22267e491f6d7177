"""The runs before and after a run among those of its job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from durably_tui.protocol import Run, RunsQuery
from durably_tui.state import DurablyPort

PAGE = 100
FARTHEST = 2_000
"""Runs of a job, from its newest, among which one is looked for."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A run next to another."""

    run: Run | None
    """None where there is none: at an end, or too far back to be found."""
    place: int
    """Which of its job's runs it is, 1 for the newest; 0 where that is not known."""
    beyond: bool = False
    """The run itself was not found among the newest of its job."""


async def neighbour(port: DurablyPort, run: Run, by: int) -> Neighbour:
    """The next older (1) or newer (-1) run of the same job.

    Raises:
        DurablyError: the server did not answer.
    """
    seen: list[Run] = []
    known: set[str] = set()
    offset = 0
    while offset < FARTHEST:
        page = await port.get_runs(RunsQuery(job_names=(run.job_name,), limit=PAGE, offset=offset))
        # Runs that are made meanwhile move the others down: none is counted twice.
        seen += [each for each in page if each.id not in known]
        known.update(each.id for each in page)
        offset += len(page)
        at = _index(seen, run.id)
        if at is not None and (at + by < len(seen) or len(page) < PAGE):
            there = at + by
            found = seen[there] if 0 <= there < len(seen) else None
            return Neighbour(found, there + 1 if found else 0)
        if len(page) < PAGE:
            break
    return Neighbour(None, 0, beyond=True)


def _index(runs: Sequence[Run], run_id: str) -> int | None:
    return next((at for at, run in enumerate(runs) if run.id == run_id), None)
