"""Log lines on the command line: which are wanted, and how they are written."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from durably_tui.protocol import LogEntry, LogLevel
from durably_tui.shapes import iso, log_json
from durably_tui.text import compact_json, safe

from .grid import coloured
from .said import has_colours, json_line, json_text, out

_LEVELS = (LogLevel.INFO, LogLevel.WARN, LogLevel.ERROR)
_NEWLINE_INDENT = "\n    "


def levels_from(least: str | None) -> tuple[LogLevel, ...]:
    """The levels that are at least as loud; none for all, those included that nobody knows."""
    return () if least in (None, "info") else _LEVELS[_LEVELS.index(LogLevel(str(least))) :]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are wanted."""

    levels: Sequence[LogLevel] = ()
    """Only these; none for all."""
    since: datetime | None = None
    pattern: re.Pattern[str] | None = None
    """Found in the message, in the data as JSON, or in the name of the step."""

    def __call__(self, entry: LogEntry) -> bool:
        """Whether this line is."""
        if self.levels and entry.level not in self.levels:
            return False
        if self.since is not None and entry.timestamp and entry.timestamp < self.since:
            return False
        return self.pattern is None or (
            self.pattern.search(entry.message) is not None
            or (entry.data is not None and self.pattern.search(_data(entry)) is not None)
            or (entry.step_name is not None and self.pattern.search(entry.step_name) is not None)
        )


class Printer:
    """Prints lines as they come."""

    def __init__(self, kind: str, *, of_many: bool) -> None:
        """As ``text``, ``ndjson``, or ``json``, which is printed at the end; lines of many runs
        begin with the end of the run's id."""
        self._kept: list[LogEntry] | None = [] if kind == "json" else None
        self._line: Callable[[LogEntry], str] = (
            (lambda entry: json_line(log_json(entry))) if kind == "ndjson" else self._text
        )
        self._of_many = of_many
        self._is_terminal = sys.stdout.isatty()
        self._colours = has_colours(sys.stdout)

    def print(self, entries: Iterable[LogEntry]) -> None:
        """Print some."""
        if self._kept is not None:
            self._kept.extend(entries)
        elif lines := [self._line(entry) for entry in entries]:
            out("\n".join(lines))

    def end(self) -> None:
        """Nothing more comes."""
        if self._kept is not None:
            out(json_text([log_json(entry) for entry in self._kept]))

    def _text(self, entry: LogEntry) -> str:
        level = entry.level.value
        word = f"{level:<5}"
        parts = [
            self._time(entry.timestamp),
            coloured(level, word) if self._colours else word,
        ]
        if self._of_many:
            parts.insert(0, entry.run_id[-8:])
        if entry.step_name:
            parts.append(f"[{safe(entry.step_name, limit=200)}]")
        message = safe(entry.message, keep_newlines=True, limit=None)
        parts.append(message.replace("\n", _NEWLINE_INDENT) if "\n" in message else message)
        if entry.data is not None:
            parts.append(_data(entry))
        return " ".join(parts)

    def _time(self, at: datetime | None) -> str:
        if at is None:
            return "-"
        if self._is_terminal:
            with suppress(OverflowError, ValueError):  # of the first or the last day that there is
                at = at.astimezone()
            return at.strftime("%H:%M:%S.") + f"{at.microsecond // 1000:03}"
        return iso(at) or "-"


def _data(entry: LogEntry) -> str:
    return safe(compact_json(entry.data, limit=10_000))
