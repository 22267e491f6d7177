"""Times as the wire writes them."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any

import msgspec

_FAR_YEARS = (MINYEAR, MAXYEAR)
DAWN = datetime.min.replace(tzinfo=UTC)
"""Before any other time: stands for one that nobody told, where times are put in order."""


def seconds(at: datetime) -> float:
    """Seconds since the epoch; a time without a zone is taken as UTC."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def is_far(at: datetime) -> bool:
    """Whether another zone or a duration could lead out of the years that a datetime can have."""
    return at.year in _FAR_YEARS


def when(value: Any, name: str, extra: dict[str, Any]) -> datetime | None:
    """A time of the wire (ISO 8601, UTC where it names no zone), or None, kept in ``extra``."""
    if value is None:
        return None
    try:
        at: datetime = msgspec.convert(value, datetime)
        if is_far(at):
            raise ValueError(value)
    except (msgspec.MsgspecError, ValueError):
        extra[name] = value
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def moment(value: Any) -> datetime | None:
    """The same where nobody asks what was written instead of a time."""
    return when(value, "", {})
