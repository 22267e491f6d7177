"""A replay as the screens see it: where it is, and what moves it. Knows no file and no widget."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from .session import Session

JUMP = 10.0
"""Seconds of the recording that a jump goes."""
SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 1000.0)
"""What slower and quicker go through."""

_OFFSET = re.compile(r"(?:(\d+(?:\.\d+)?)\s*(s|m|h)?|(\d+):([0-5]?\d(?:\.\d+)?))")
_DAYTIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d):([0-5]\d)")
_UNITS = {"s": 1, "m": 60, "h": 3600}


class Replay(Protocol):
    """What plays a recording. Positions are seconds since its beginning."""

    speed: float
    """Seconds of the recording in a second."""
    held: bool
    """Whether it stands still."""

    @property
    def position(self) -> float:
        """Where it is."""

    @property
    def duration(self) -> float:
        """Where it ends."""

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to play."""

    def go(self) -> None:
        """Play on from here."""

    def hold(self) -> None:
        """Stand still."""

    def set_speed(self, speed: float) -> None:
        """Play at this speed from here on."""

    async def seek(self, to: float) -> None:
        """Go forward to a position; backwards it cannot go."""

    async def step(self) -> bool:
        """Pause, and step on to the next thing that came; False where none is left."""

    def before(self) -> float:
        """Where something came last before this position."""


@dataclass(frozen=True, slots=True)
class Replaying:
    """What a session that is a replay has besides the hooks."""

    replay: Replay
    again: Callable[[float], Session]
    """Makes the same anew, held at a position that is not after the given one."""
    began: float
    """When the recording began, in seconds since the epoch."""
    at: float = 0.0
    """Where to begin."""
    notice: str = ""
    """What the user should know of the recording."""


def next_speed(speed: float, by: int) -> float:
    """The next of ``SPEEDS`` that is quicker (1) or slower (-1); the last ones stay."""
    if by > 0:
        return next((each for each in SPEEDS if each > speed * 1.001), SPEEDS[-1])
    return next((each for each in reversed(SPEEDS) if each < speed * 0.999), SPEEDS[0])


def clock(seconds: float) -> str:
    """A position: ``01:05``, ``1:01:05``."""
    whole = max(0, int(seconds + 0.0005))
    hours, rest = divmod(whole, 3600)
    short = f"{rest // 60:02}:{rest % 60:02}"
    return f"{hours}:{short}" if hours else short


def position_of(text: str, began: float, duration: float) -> float:
    """The position that a person means.

    Args:
        text: ``90``, ``90s``, ``5m`` or ``1:30`` after the beginning; ``14:05:30`` of the zone
            here; or a date and time as ISO 8601 has it, of the zone here where it names none.
        began: when the recording began, in seconds since the epoch.
        duration: of the recording, in seconds.

    Raises:
        ValueError: it is none, or not in the recording; the text is one sentence.
    """
    text = text.strip()
    if found := _OFFSET.fullmatch(text):
        number, unit, minutes, seconds = found.groups()
        if number is not None:
            at = float(number) * _UNITS[unit or "s"]
        else:
            at = int(minutes) * 60 + float(seconds)
    else:
        at = _moment(text, began) - began
    if not 0 <= at <= max(duration, 0.0) + 0.5:
        raise ValueError(
            f"{text!r} is not in the recording, which is {clock(duration)} long and goes from "
            f"{_local(began)} to {_local(began + duration)}."
        )
    return min(at, duration)


def _moment(text: str, began: float) -> float:
    """Seconds since the epoch."""
    start = datetime.fromtimestamp(began, UTC).astimezone()
    if found := _DAYTIME.fullmatch(text):
        hour, minute, second = map(int, found.groups())
        then = start.replace(hour=hour, minute=minute, second=second, microsecond=0)
        if then < start.replace(microsecond=0):
            then += timedelta(days=1)
        return max(then.timestamp(), began)
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError:
        raise ValueError(
            f"{text!r} is not a time: write 90s, 1:30, 14:05:30 or 2026-01-31T14:05:30Z."
        ) from None


def _local(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%H:%M:%S}"
