"""The search through a document: in turns, over rows that may still be in the making."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right

from .json_document import Document


class JsonSearch:
    """The rows in which a pattern is found, as far as was looked."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self.found = array("i")
        """Rows, in order."""
        self._looked = 0

    def behind(self, document: Document) -> int:
        """How many rows were made and not looked at."""
        return len(document.rows) - self._looked

    def look(self, document: Document, count: int) -> None:
        """Look at up to ``count`` rows more."""
        rows, pattern, append = document.rows, self.pattern, self.found.append
        end = min(len(rows), self._looked + count)
        for row in range(self._looked, end):
            if rows.found(row, pattern):
                append(row)
        self._looked = end

    def after(self, row: int) -> int | None:
        """The first row behind ``row``."""
        at = bisect_right(self.found, row)
        return self.found[at] if at < len(self.found) else None

    def before(self, row: int) -> int | None:
        """The last row before ``row``."""
        at = bisect_left(self.found, row)
        return self.found[at - 1] if at else None

    def rank(self, row: int) -> int | None:
        """Which of those that were found a row is, from 1; None where it is none of them."""
        at = bisect_left(self.found, row)
        return at + 1 if at < len(self.found) and self.found[at] == row else None
