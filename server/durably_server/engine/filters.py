"""What may be asked for in a list of runs or of log lines, checked and put in the store's words."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict

from durably_server.engine.clock import iso
from durably_server.engine.errors import InvalidRequestError
from durably_server.engine.model import (
    LEVELS,
    STATUSES,
    Cursor,
    Labels,
    Level,
    LogFilter,
    RunFilter,
    Status,
    check_labels,
)

MAX_TEXT = 1000
"""Characters of a text that is searched for."""


class RunFilters(TypedDict, total=False):
    """Which runs. What is None or empty asks for nothing.

    Attributes:
        job_name: any of these jobs.
        status: any of these statuses.
        labels: all of these labels.
        created_after: ISO 8601 text or a datetime; created then or later.
        created_before: created earlier than that.
        text: part of the id, the job's name, the input, the error or a label; 1000 characters.
        after: the ``(created_at, id)`` of a run; only what is older in the list.
    """

    job_name: str | Sequence[str] | None
    status: Status | Sequence[Status] | None
    labels: Labels | None
    created_after: str | datetime | None
    created_before: str | datetime | None
    text: str | None
    after: Cursor | None


class LogFilters(TypedDict, total=False):
    """Which log lines.

    Attributes:
        job_name: any of these jobs.
        level: any of these levels.
        after: the id of a line; only what was written after it.
        before: the id of a line; only what was written before it.
        newest: from which end the limit counts (the newest, but with ``after`` alone the oldest).
    """

    job_name: str | Sequence[str] | None
    level: Level | Sequence[Level] | None
    after: str | None
    before: str | None
    newest: bool | None


def run_filter(filters: RunFilters, *, limit: int | None = None, offset: int = 0) -> RunFilter:
    """The filter as a store takes it.

    Raises:
        InvalidRequestError: something in it is refused.
    """
    statuses = _many(filters.get("status"))
    for each in statuses:
        if each not in STATUSES:
            raise InvalidRequestError(
                f"Invalid status: {each}. Must be one of: {', '.join(STATUSES)}"
            )
    text = filters.get("text") or None
    if text is not None and (len(text) > MAX_TEXT or "\0" in text):
        raise InvalidRequestError(
            f"Invalid search: must be text of at most {MAX_TEXT} characters, without NUL"
        )
    _check_limit(limit)
    if offset < 0:
        raise InvalidRequestError("Invalid offset: must be a non-negative integer")
    return RunFilter(
        job_names=_many(filters.get("job_name")),
        statuses=statuses,
        labels=check_labels(filters.get("labels")),
        created_after=_moment("createdAfter", filters.get("created_after")),
        created_before=_moment("createdBefore", filters.get("created_before")),
        text=text,
        after=filters.get("after"),
        limit=limit,
        offset=offset,
    )


def log_filter(run_id: str | None, filters: LogFilters, *, limit: int | None = None) -> LogFilter:
    """The filter as a store takes it.

    Raises:
        InvalidRequestError: something in it is refused.
    """
    levels = _many(filters.get("level"))
    for each in levels:
        if each not in LEVELS:
            raise InvalidRequestError(f"Invalid level: {each}. Must be one of: {', '.join(LEVELS)}")
    _check_limit(limit)
    after, before, newest = filters.get("after"), filters.get("before"), filters.get("newest")
    return LogFilter(
        run_id=run_id,
        job_names=_many(filters.get("job_name")),
        levels=levels,
        after=after,
        before=before,
        limit=limit,
        newest=(after is None or before is not None) if newest is None else newest,
    )


def _check_limit(limit: int | None) -> None:
    if limit is not None and limit < 0:
        raise InvalidRequestError("Invalid limit: must be a non-negative integer")


def _moment(name: str, value: str | datetime | None) -> str | None:
    """The time as it is stored; one without a zone is UTC."""
    if value is None or value == "":
        return None
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        since = found.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidRequestError(
            f"Invalid {name}: must be a time such as 2026-11-22T06:47:20.763Z"
        ) from None
    return iso((since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000)


def _many(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
