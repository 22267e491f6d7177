"""Failures as groups: those of one job, one step and one kind of message. Pure."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from durably_tui.protocol import RunStatus

from .error_groups_book import Book, Failure, came_through
from .error_groups_mask import masked


class ErrorGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Failures that look alike. Times are seconds since the epoch."""

    key: str
    job_name: str
    step_name: str | None
    """None where the step is not known."""
    message: str
    """What their messages have in common, with the rest masked."""
    failures: tuple[Failure, ...]
    """The newest first; at least one."""
    through: int
    """How many of them came through since: the run itself, or a newer one with the same input."""
    open: tuple[Failure, ...]
    """Those that are still failed and have not come through, the newest first."""

    @property
    def count(self) -> int:
        """How many failures there are."""
        return len(self.failures)

    @property
    def sample(self) -> Failure:
        """The newest."""
        return self.failures[0]

    @property
    def first_at(self) -> float:
        """When the oldest known one failed."""
        return self.failures[-1].at

    @property
    def last_at(self) -> float:
        """When the newest failed."""
        return self.failures[0].at


def grouped(book: Book) -> tuple[ErrorGroup, ...]:
    """The failures by group, the group that failed last first.

    A failure whose step nobody told belongs to the only step with such a message, if there is one.
    """
    kinds: defaultdict[tuple[str, str], dict[str | None, list[Failure]]] = defaultdict(dict)
    for failure in book.failures.values():
        kind = kinds[failure.job_name, masked(failure.error)]
        kind.setdefault(failure.step_name, []).append(failure)
    groups: list[ErrorGroup] = []
    for (job_name, message), steps in kinds.items():
        if None in steps and len(steps) == 2:
            unknown = steps.pop(None)
            (only,) = steps.values()
            only += unknown
        for step_name, failures in steps.items():
            # Where there is one step only its name is not part of the key: it may be told later.
            part = step_name if len(steps) > 1 else ""
            failures.sort(key=lambda failure: (failure.at, failure.run_id), reverse=True)
            through = {f.run_id for f in failures if came_through(book, f)}
            groups.append(
                ErrorGroup(
                    key="\n".join((job_name, part or "", message)),
                    job_name=job_name,
                    step_name=step_name,
                    message=message,
                    failures=tuple(failures),
                    through=len(through),
                    open=tuple(
                        failure
                        for failure in failures
                        if failure.status is RunStatus.FAILED and failure.run_id not in through
                    ),
                )
            )
    return tuple(sorted(groups, key=lambda group: (group.last_at, group.key), reverse=True))
