"""What one searches for in a log: a text or a regular expression, quick over many lines."""

from __future__ import annotations

import re
import warnings
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from .log_block import LEVELS, LogBlock, bytes_of, text_of

_MEANT = re.compile(r"\\.")
_SPECIAL = re.compile(r"[.^$*+?{}\[\]|()\\]")
_WHOLE_TEXT = re.compile(r"\\[AZ]|\(\?")
"""What means something else where many lines are one text."""
_LEAST_OF_A_LEVEL = 3
"""Letters that a level is known by: ``err`` is one, ``in`` is not."""


class LogPattern:
    """A search as people type it: a regular expression, else the text itself.

    Case matters only where the pattern has a capital. Found is what the message, the data as JSON,
    or the name of the step has in it, and what is of a level that the pattern names: ``err``, or
    ``warn|error``.
    """

    def __init__(self, pattern: str, *, in_source: bool = False) -> None:
        """Search for ``pattern``; ``in_source`` also in the name of the job and the run's id."""
        self.pattern = pattern
        self.in_source = in_source
        # \S is no capital that somebody typed for its own sake.
        self.levels = frozenset(
            level
            for level in LEVELS
            for word in pattern.split("|")
            if len(word) >= _LEAST_OF_A_LEVEL and level.value.startswith(word)
        )
        """The levels that are found by their name."""
        self._any_case = not any(char.isupper() for char in _MEANT.sub("", pattern))
        flags = re.MULTILINE | (re.IGNORECASE if self._any_case else 0)
        is_text = not _SPECIAL.search(pattern)
        try:
            self.regex = _compiled(pattern, flags)
        except (re.error, OverflowError, RecursionError):
            is_text = True
            self.regex = re.compile(re.escape(pattern), flags)
        # Where only ASCII is looked for, capitals can be made small in bulk beforehand.
        self._lowers = self._any_case and pattern.isascii()
        is_needle = is_text and (self._lowers or not self._any_case)
        self._needle = bytes_of(pattern) if is_needle else None
        self._bulk = _compiled(pattern, re.MULTILINE) if self._lowers and not is_text else None
        self._by_line = bool(_WHOLE_TEXT.search(pattern)) and not is_text

    def __bool__(self) -> bool:
        return bool(self.pattern)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LogPattern) and (self.pattern, self.in_source) == (
            other.pattern,
            other.in_source,
        )

    def __hash__(self) -> int:
        return hash((self.pattern, self.in_source))

    def found(self, block: LogBlock, first: int = 0) -> Sequence[int]:
        """The indices of the lines from ``first`` on in which it is found, in order."""
        if first >= len(block):
            return ()
        raw, starts = block.raw(first, lowered=self._lowers)
        if self._needle is not None:
            hits = _with_text(self._needle, raw, starts)
        elif self._by_line:
            hits = _line_by_line(self.regex, raw, starts)
        else:
            hits = _in_bulk(self._bulk or self.regex, raw, starts)
        indices = [first + hit for hit in hits]
        named = self._named(block, first)
        return sorted({*indices, *named}) if named else indices

    def _named(self, block: LogBlock, first: int) -> list[int]:
        """The lines whose level or step, or whose job or run, is called so."""
        search = self.regex.search
        levels = {at for at, level in enumerate(LEVELS) if level in self.levels}
        found = _those_of(levels, block.levels, first)
        steps = {at for at, step in enumerate(block.steps) if step and search(step)}
        found += _those_of(steps, block.step_of, first)
        if self.in_source:
            sources = {
                at
                for at, source in enumerate(block.sources)
                if search(source.job_name) or search(source.run_id)
            }
            found += _those_of(sources, block.source_of, first)
        return found


def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what may mean something else in years to come
        return re.compile(pattern, flags)


def _those_of(wanted: set[int], column: Sequence[int], first: int) -> list[int]:
    if not wanted:
        return []
    return [at for at in range(first, len(column)) if column[at] in wanted]


def _with_text(needle: bytes, raw: bytes, starts: list[int]) -> list[int]:
    hits: list[int] = []
    line = -1
    place = raw.find(needle)
    while place >= 0:
        after = starts[line + 2] if line + 2 < len(starts) else 0
        line = line + 1 if place < after else bisect_right(starts, place, line + 1) - 1
        hits.append(line)
        place = raw.find(needle, starts[line + 1])
    return hits


def _line_by_line(regex: re.Pattern[str], raw: bytes, starts: list[int]) -> list[int]:
    lines = enumerate(pairwise(starts))
    return [line for line, (start, end) in lines if regex.search(text_of(raw[start : end - 1]))]


def _in_bulk(regex: re.Pattern[str], raw: bytes, starts: list[int]) -> list[int]:
    """The same, but the engine runs over lines without a match by itself.

    What begins in a line and ends in another is no match; then that line is looked at alone.
    """
    hits: list[int] = []
    text = text_of(raw)
    place = _Place(raw, text)
    end = len(text) - 1
    while place.char <= end and (match := regex.search(text, place.char, end)) is not None:
        line = bisect_right(starts, place.to_char(match.start())) - 1
        start, after = starts[line], starts[line + 1]
        if match.end() < place.to_byte(after) or regex.search(text_of(raw[start : after - 1])):
            hits.append(line)
    return hits


class _Place:
    """A place that goes on through a text and its UTF-8 alike."""

    __slots__ = ("_is_ascii", "_raw", "_text", "byte", "char")

    def __init__(self, raw: bytes, text: str) -> None:
        self._raw = raw
        self._text = text
        self._is_ascii = len(raw) == len(text)
        self.char = self.byte = 0

    def to_char(self, char: int) -> int:
        """Go on to a character. Answers the byte."""
        passed = char - self.char
        self.byte += passed if self._is_ascii else len(bytes_of(self._text[self.char : char]))
        self.char = char
        return self.byte

    def to_byte(self, byte: int) -> int:
        """Go on to a byte. Answers the character."""
        passed = byte - self.byte
        self.char += passed if self._is_ascii else len(text_of(self._raw[self.byte : byte]))
        self.byte = byte
        return self.char
