"""Some thousand log lines in a few flat arrays: small in memory, and quick to look through."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from math import isnan, nan
from typing import Any, NamedTuple

from durably_tui.protocol import LogEntry, LogLevel
from durably_tui.protocol.times import seconds

LEVELS = (LogLevel.INFO, LogLevel.WARN, LogLevel.UNKNOWN, LogLevel.ERROR)
"""By how grave they are; one that nobody knows counts as a warning at least."""
GAP_CODE = len(LEVELS)
"""The code of a line that no run wrote: lines may be missing at its place."""
_CODES = {level: code for code, level in enumerate(LEVELS)}

MOST_LINES = 2_048
"""How many lines a block has at most."""
_MOST_BYTES = 256 * 1024
_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


class Source(NamedTuple):
    """Whose line it is."""

    run_id: str
    job_name: str


class Line(NamedTuple):
    """A log line as it is shown; message and data perhaps cut."""

    source: Source
    step_name: str
    level: LogLevel
    at: float | None
    """Seconds since the epoch."""
    message: str
    data: str
    """JSON on one line; empty where there is none."""
    gap: bool
    """Lines may be missing here, between the two times (seconds since the epoch) in ``data``."""


class LogBlock:
    """Lines that stand next to each other. Grows at its end until it is full.

    What a line says is UTF-8 in one buffer, its message and its data each ended by a newline; the
    rest are columns of numbers: 21 bytes a line besides what it says, and what its run, job and
    step are called is kept once.
    """

    __slots__ = (
        "_sources",
        "_steps",
        "levels",
        "most_lines",
        "source_of",
        "sources",
        "splits",
        "starts",
        "step_of",
        "steps",
        "text",
        "times",
    )

    def __init__(self, most_lines: int = MOST_LINES) -> None:
        """A block for so many lines, or fewer where they are long."""
        self.most_lines = most_lines
        self.text: bytearray | bytes = bytearray()
        self.starts = array("I", (0,))
        """Where each line starts in ``text``, and where the next will."""
        self.splits = array("I")
        """Where each message ends."""
        self.times = array("d")
        """Seconds since the epoch, or not a number."""
        self.levels = bytearray()
        self.sources: list[Source] = []
        self.steps: list[str] = []
        self.source_of = array("H")
        self.step_of = array("H")
        self._sources: dict[tuple[str, str], int] = {}
        self._steps: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.times)

    @property
    def is_full(self) -> bool:
        """Whether the next line belongs into another block."""
        return len(self.times) >= self.most_lines or len(self.text) >= _MOST_BYTES

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        return len(self.text) + 21 * len(self.times) + 200 * (len(self.sources) + len(self.steps))

    def take(self, entries: Iterator[LogEntry]) -> int:
        """Add entries until there are no more or the block is full. Answers how many."""
        before = len(self.times)
        text, splits, starts = self.text, self.splits, self.starts
        assert isinstance(text, bytearray)
        # One line at a time is what a flood of them costs most: so nothing is looked up twice.
        sources, steps = self._sources, self._steps
        for entry in islice(entries, self.most_lines - before):
            text += bytes_of(entry.message)
            splits.append(len(text))
            if entry.data is not None:
                text += b"\n"
                text += bytes_of(_as_json(entry.data))
            text += b"\n"
            starts.append(len(text))
            at = entry.timestamp
            self.times.append(nan if at is None else seconds(at))
            self.levels.append(_CODES[entry.level])
            source = entry.run_id, entry.job_name
            number = sources.get(source)
            if number is None:
                number = sources[source] = len(sources)
                self.sources.append(Source(*source))
            self.source_of.append(number)
            step = entry.step_name or ""
            number = steps.get(step)
            if number is None:
                number = steps[step] = len(steps)
                self.steps.append(step)
            self.step_of.append(number)
            if len(text) >= _MOST_BYTES:
                break
        return len(self.times) - before

    def add_gap(self, since: float, until: float) -> None:
        """Add a line that says that lines between two times may be missing."""
        self.take(iter((LogEntry(run_id="", message="", data=[since, until]),)))
        self.levels[-1] = GAP_CODE
        self.times[-1] = until

    def seal(self) -> None:
        """Say that no more lines come: what is only needed to add some is let go."""
        self.text = bytes(self.text)
        self._sources, self._steps = {}, {}

    # -- one line --------------------------------------------------------------------------

    def line(self, index: int, limit: int) -> Line:
        """A line to show, its message and its data each at most about ``limit`` characters."""
        start, split, end = self.starts[index], self.splits[index], self.starts[index + 1] - 1
        level, at = self.levels[index], self.times[index]
        return Line(
            self.sources[self.source_of[index]],
            self.steps[self.step_of[index]],
            LEVELS[level] if level < GAP_CODE else LogLevel.WARN,
            None if isnan(at) else at,
            self._cut(start, split, limit),
            self._cut(split + 1, end, limit),
            level == GAP_CODE,
        )

    def entry(self, index: int) -> LogEntry:
        """A line as it came. Data is as JSON has it."""
        line = self.line(index, 2**32)
        return LogEntry(
            run_id=line.source.run_id,
            job_name=line.source.job_name,
            message=line.message,
            level=line.level,
            step_name=line.step_name or None,
            data=json.loads(line.data) if line.data else None,
            timestamp=None if line.at is None else datetime.fromtimestamp(line.at, UTC),
        )

    def _cut(self, start: int, end: int, limit: int) -> str:
        """Text between two places, at most about ``limit`` characters of it."""
        if end - start > 4 * limit:
            end = start + 4 * limit
            while end > start and self.text[end] & 0xC0 == 0x80:
                end -= 1  # not within a character
        return text_of(self.text[start:end])

    # -- looking through -------------------------------------------------------------------

    def raw(self, first: int, *, lowered: bool) -> tuple[bytes, list[int]]:
        """What the lines from ``first`` on say, in UTF-8, and where in it each line starts.

        The last number is where the next line would start. ``lowered`` makes small letters of the
        capitals of ASCII.
        """
        start = self.starts[first]
        raw = bytes(memoryview(self.text)[start:])
        starts = self.starts[first:].tolist()
        return raw.lower() if lowered else raw, [at - start for at in starts] if start else starts


def blocks_of(entries: Iterable[LogEntry]) -> list[LogBlock]:
    """Entries in sealed blocks."""
    blocks: list[LogBlock] = []
    rest = iter(entries)
    while True:
        block = LogBlock()
        if not block.take(rest):
            return blocks
        block.seal()
        blocks.append(block)


def _as_json(data: Any) -> str:
    try:
        return _encode(data)
    except (RecursionError, ValueError, TypeError):
        return '"…"'


def bytes_of(text: str) -> bytes:
    """UTF-8. A lone surrogate is possible in JSON, and so in what a server says."""
    return text.encode("utf-8", "surrogatepass")


def text_of(raw: bytes | bytearray) -> str:
    """What was kept as UTF-8, lone surrogates and all."""
    return raw.decode("utf-8", "surrogatepass")
