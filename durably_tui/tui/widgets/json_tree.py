"""A JSON value as rows that are made one after the other, only as far as somebody looks."""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

from durably_tui.text import safe

from .line_view import Span, Spans
from .traceback_lines import painted_text

MOST_SHOWN = 100_000
"""Characters of one text that are shown; the rest is counted."""
_DEPTHS = 32
"""Down to this depth containers are known by their depth as well."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Closing:
    """What stands in the place of a value where a container ends."""


_CLOSING = _Closing()


class JsonTree:
    """Rows in the order of a pretty-printed value: a scalar, or where a container begins or ends.

    It has a stack of its own, as a value may be deeper than Python lets functions call. A row
    keeps its number for ever.
    """

    is_text = False

    def __init__(self, value: Any) -> None:
        """Nothing is read yet; ``grow`` does."""
        self.complete = False
        self.containers = array("i")
        """The rows in which a container begins that has something in it."""
        self._values: list[Any] = []
        self._keys: list[Any] = []
        self._depths = array("i")
        self._parents = array("i")
        self._ends = array("i")
        self._at: list[tuple[array[int], array[int]]] = []
        """For each of the first depths the containers that have ended, and their lines less."""
        self._open: list[tuple[Iterator[tuple[Any, Any]], int]] = [(iter(((None, value),)), -1)]

    def __len__(self) -> int:
        return len(self._values)

    def grow(self, count: int) -> None:
        """Make up to ``count`` rows more."""
        values, open_ones = self._values, self._open
        stop = len(values) + count
        while len(values) < stop:
            if not open_ones:
                self.complete = True
                return
            members, opener = open_ones[-1]
            child = next(members, None)
            row, depth = len(values), len(open_ones) - 1
            if child is None:
                open_ones.pop()
                if opener >= 0:
                    self._ends[opener] = row
                    if depth <= _DEPTHS:
                        self._ended(opener, row, depth - 1)
                    self._add(None, _CLOSING, depth - 1, opener)
                continue
            key, inside = child
            self._add(key, inside, depth, opener)
            if inside and isinstance(inside, (dict, list, tuple)):
                self.containers.append(row)
                pairs = inside.items() if isinstance(inside, dict) else enumerate(inside)
                open_ones.append((iter(pairs), row))

    def _ended(self, row: int, end: int, depth: int) -> None:
        while len(self._at) <= depth:
            self._at.append((array("i"), array("i")))
        rows, less = self._at[depth]
        rows.append(row)
        less.append(row - end)

    def _add(self, key: Any, value: Any, depth: int, parent: int) -> None:
        self._values.append(value)
        self._keys.append(key)
        self._depths.append(depth)
        self._parents.append(parent)
        self._ends.append(0)

    # -- what a row is ---------------------------------------------------------------------

    def depth(self, row: int) -> int:
        """How deep a row stands; 0 for the value itself."""
        return self._depths[row]

    def parent(self, row: int) -> int:
        """The row in which the container of a row begins, -1 for the value itself."""
        if self._values[row] is _CLOSING:
            return self._parents[self._parents[row]]
        return self._parents[row]

    def opener(self, row: int) -> int:
        """The row in which what ends here begins; any other row is its own."""
        return self._parents[row] if self._values[row] is _CLOSING else row

    def is_container(self, row: int) -> bool:
        """Whether something begins here that can be folded."""
        return bool(self._values[row]) and isinstance(self._values[row], (dict, list, tuple))

    def end(self, row: int) -> int:
        """The row in which a container ends, 0 as long as that is not known."""
        return self._ends[row]

    def containers_at(
        self, depth: int, first: int, end: int
    ) -> tuple[Sequence[int], Sequence[int]] | None:
        """The containers at a depth from row ``first`` to before ``end``, all of whose rows are
        made, and for each how many lines it has less when it is folded; None where it is too deep
        for them to be known so quickly."""
        if depth >= _DEPTHS:
            return None
        if depth >= len(self._at):
            return (), ()
        rows, less = self._at[depth]
        here = slice(bisect_left(rows, first), bisect_left(rows, end))
        return rows[here], less[here]

    def value(self, row: int) -> Any:
        """The value that begins, stands or ends here."""
        return self._values[self.opener(row)]

    def text(self, row: int) -> str | None:
        """The text that stands here, where it is one."""
        value = self._values[row]
        return value if isinstance(value, str) else None

    def path(self, row: int) -> str:
        """Where a row is, as jq writes it: ``.rows[3]["odd key"]``."""
        row = self.opener(row)
        parts: list[str] = []
        while self._parents[row] >= 0:
            key, row = self._keys[row], self._parents[row]
            if not isinstance(self._values[row], dict):
                parts.append(f"[{key}]")
            elif _NAME.fullmatch(str(key)):
                parts.append(f".{key}")
            else:
                parts.append(f"[{json.dumps(str(key), ensure_ascii=False)}]")
        joined = "".join(reversed(parts))
        return joined if joined.startswith(".") else "." + joined

    def found(self, row: int, pattern: re.Pattern[str]) -> bool:
        """Whether a pattern is in the key or in the scalar of a row, or in both as JSON."""
        key, value = self._keys[row], self._values[row]
        if isinstance(key, str):
            if pattern.search(key):
                return True
            # Only what can tell of where they meet: of a large value there are a million rows.
            if ('"' in pattern.pattern or ":" in pattern.pattern) and pattern.search(
                "".join(text for text, _ in self.spans(row))
            ):
                return True
        if isinstance(value, str):
            return pattern.search(value) is not None
        if value is _CLOSING or (value and isinstance(value, (dict, list, tuple))):
            return False
        return pattern.search(_written(value)) is not None

    # -- how it looks ----------------------------------------------------------------------

    def spans(self, row: int, *, folded: bool = False, room: int | None = None) -> Spans:
        """A row on one line, without its indent.

        Args:
            row: Which.
            folded: The container that begins here is shown in this line alone.
            room: How many characters of a text are needed at most; None shows it over many lines.
        """
        value = self._values[row]
        comma: Span = ("," if self._has_next(row) else "", "muted")
        if value is _CLOSING:
            return ((_brackets(self.value(row))[1], "muted"), comma)
        before: Spans = ()
        if self._keys[row] is not None and isinstance(self._values[self._parents[row]], dict):
            name = safe(json.dumps(str(self._keys[row]), ensure_ascii=False))
            before = ((name, "key"), (": ", "muted"))
        if self.is_container(row):
            first, last = _brackets(value)
            if not folded:
                return (*before, (first, "muted"))
            size = f" {len(value):,} {'key' if isinstance(value, dict) else 'item'}"
            size += "s " if len(value) != 1 else " "
            return (*before, (first, "muted"), (size, "faint"), (last, "muted"), comma)
        if isinstance(value, str):
            return (*before, *_text_spans(value, room), comma)
        return (*before, (safe(_written(value)), _style(value)), comma)

    def _has_next(self, row: int) -> bool:
        row = self.opener(row)
        if self._parents[row] < 0:
            return False
        after = (self._ends[row] or row) + 1
        return after >= len(self._values) or self._values[after] is not _CLOSING


def _text_spans(text: str, room: int | None) -> Spans:
    if room is not None:
        shown = json.dumps(text[: room + 1], ensure_ascii=False)[1:-1]
        return (('"', "string"), (safe(shown, limit=None), "string"), ('"', "string"))
    spans = painted_text(text[:MOST_SHOWN], "string")
    if len(text) > MOST_SHOWN:
        spans = (*spans, (f"\n… {len(text) - MOST_SHOWN:,} characters more", "muted"))
    return (('"', "string"), *spans, ('"', "string"))


def _brackets(value: Any) -> tuple[str, str]:
    return ("{", "}") if isinstance(value, dict) else ("[", "]")


def _style(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "literal"
    if isinstance(value, (int, float)):
        return "number"
    return "muted" if isinstance(value, (dict, list, tuple)) else "text"


def _written(value: Any) -> str:
    try:
        return json.dumps(value)
    except ValueError:  # more digits than Python turns into text
        return hex(value) if isinstance(value, int) else repr(value)
    except TypeError:
        return str(value)
