"""What of a log is looked at: which lines are shown, and which of these are searched for."""

from __future__ import annotations

from durably_tui.protocol import LogLevel

from .log_pattern import LogPattern
from .log_pick import AllLines, LogFinds, LogPick, LogWants, Shown
from .log_store import LogStore


class LogLooking:
    """A filter and a search over a store, looked up as ``step`` is given time."""

    def __init__(self, store: LogStore) -> None:
        self.store = store
        self.wants = LogWants()
        """What is shown."""
        self.pattern: LogPattern | None = None
        """What is searched for."""
        self.shown: Shown = AllLines(store)
        self.found: LogPick | None = None

    def show(self, level: LogLevel | None, only: LogPattern | None) -> None:
        """Show only such lines; all of them for None and None."""
        self.wants = LogWants(level, only or None)
        self.shown = LogPick(self.store, self.wants) if self.wants else AllLines(self.store)
        self.search(self.pattern)

    def search(self, pattern: LogPattern | None) -> None:
        """Search for a pattern among the lines that are shown; for nothing with None."""
        self.pattern = pattern or None
        self.found = (
            None
            if self.pattern is None
            else LogPick(self.store, LogFinds(self.pattern, self.wants))
        )

    @property
    def is_complete(self) -> bool:
        """Whether every line was looked at for both."""
        return self.shown.is_complete and (self.found is None or self.found.is_complete)

    def step(self, seconds: float) -> bool:
        """Look at more lines for about so long; answers ``is_complete``."""
        if not self.shown.step(seconds):
            return False
        return self.found is None or self.found.step(seconds)

    def match_after(self, number: int) -> int | None:
        """The first match after a line, round the end. None where nothing is found by now."""
        found = self.found
        if not found:
            return None
        at = found.index(number + 1)
        return found[at if at < len(found) else 0]

    def match_before(self, number: int) -> int | None:
        """The last match before a line, round the start."""
        found = self.found
        if not found:
            return None
        return found[(found.index(number) or len(found)) - 1]

    def nearest_match(self, number: int) -> int | None:
        """The match at a line or after it, else the one before: where a new search goes to."""
        found = self.found
        if not found:
            return None
        return found[min(found.index(number), len(found) - 1)]

    def rank(self, number: int) -> int:
        """Which of the matches a line is, from 1; 0 where it is none."""
        found = self.found
        if not found:
            return 0
        at = found.index(number)
        return at + 1 if at < len(found) and found[at] == number else 0
