"""Text from a server, made fit to be shown: never a control code, and always as wide as it says.

Everything that a server says may hold escape sequences, bidirectional overrides, invisible
characters, or characters that terminals disagree about. ``safe`` turns any text into text that is
inert on every terminal and whose width every terminal, tmux and Rich agree on; ``cells`` and
``fit`` measure and cut what ``safe`` gave. What a character becomes:

- C0 controls and DEL: their control picture (``␛``, ``␀``); C1 controls and lone surrogates: ``�``.
- Line ends, including U+2028 and U+2029: ``↵``, or a newline where those are kept. Tabs: spaces.
- Bidirectional controls, zero-width characters, joiners, variation selectors and tags: dropped. So
  an emoji sequence is drawn as its parts, two cells each; skin tones go, a flag is its letters.
- Characters whose width terminals disagree about (spacing vowel signs, loose Hangul vowels,
  hexagrams): dropped or ``�``. Combining marks stay, at most two on a base.
"""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

Align = Literal["left", "right"]

_ELLIPSIS = "…"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_MARKS_ON_A_BASE = 2
_TAB = "    "

_CONTESTED = (
    (0x2630, 0x2637),  # trigrams: one cell before Unicode 16, two since
    (0x268A, 0x268F),  # monograms and digrams, the same
    (0x3248, 0x324F),  # circled numbers on black squares
    (0x4DC0, 0x4DFF),  # hexagrams
    (0x1D300, 0x1D356),  # Tai Xuan Jing symbols
    (0x1D360, 0x1D376),  # counting rods
)
_DROPPED = (
    (0x115F, 0x11FF),  # Hangul vowels and finals that did not compose, and the filler
    (0x3164, 0x3164),  # Hangul filler: an invisible letter
    (0xD7B0, 0xD7FB),  # more Hangul vowels and finals
    (0xFFA0, 0xFFA0),  # half-width Hangul filler
    (0x1F3FB, 0x1F3FF),  # skin tones: part of the emoji before, or a block of colour
)
_REGIONAL = (0x1F1E6, 0x1F1FF)


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


_MOST_MET = 20_000
"""Characters that are remembered; more than any language has, and far fewer than Unicode."""


class _Shown(dict[str, str]):
    """What one character becomes. Filled as characters are met."""

    def __missing__(self, char: str) -> str:
        if len(self) >= _MOST_MET:
            self.clear()
        shown = self[char] = _shown(char)
        return shown


def _shown(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return _TAB if char == "\t" else "↵" if char == "\n" else chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if char in "\u2028\u2029":
        return "↵"
    if _REGIONAL[0] <= code <= _REGIONAL[1]:
        return chr(ord("A") + code - _REGIONAL[0])
    if _within(code, _CONTESTED):
        return _REPLACEMENT
    if _within(code, _DROPPED):
        return ""
    category = unicodedata.category(char)
    if category == "Zs":
        return "  " if code == 0x3000 else " "
    if category in {"Cc", "Cs", "Cn"}:
        return _REPLACEMENT
    if category in {"Cf", "Mc", "Me"}:
        return ""
    if category == "Mn" and _is_invisible_mark(code):
        return ""
    return char


def _is_invisible_mark(code: int) -> bool:
    """Variation selectors, the grapheme joiner and the inherent vowels of Khmer."""
    return (
        0xFE00 <= code <= 0xFE0F
        or 0xE0100 <= code <= 0xE01EF
        or 0x180B <= code <= 0x180F
        or code in {0x034F, 0x17B4, 0x17B5}
    )


class _Widths(dict[str, int]):
    """How many cells one character takes. Filled as characters are met."""

    def __missing__(self, char: str) -> int:
        if unicodedata.category(char) in {"Mn", "Me", "Mc", "Cf", "Cc"}:
            width = 0
        else:
            width = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if len(self) >= _MOST_MET:
            self.clear()
        self[char] = width
        return width


_SHOWN = _Shown()
_WIDTHS = _Widths()


def safe(text: str, *, keep_newlines: bool = False, limit: int | None = 10_000) -> str:
    """Any text as text that is inert in a terminal.

    Args:
        text: What a server said.
        keep_newlines: Keep line ends as ``\\n`` (CR LF counts as one) instead of showing them.
        limit: How many characters of ``text`` are looked at; where it is longer, ``…`` ends the
            result. ``None`` looks at all of it.
    """
    cut = limit is not None and len(text) > limit
    if cut:
        text = text[:limit]
    if not (text.isascii() and text.isprintable()):
        text = _made_safe(text, keep_newlines=keep_newlines)
    return text + _ELLIPSIS if cut else text


def _made_safe(text: str, *, keep_newlines: bool) -> str:
    text = text.replace("\r\n", "\n")
    if keep_newlines:
        text = text.replace("\u2028", "\n").replace("\u2029", "\n")
        return (
            "\n".join(_made_safe(line, keep_newlines=False) for line in text.split("\n"))
            if ("\n" in text)
            else _inert(text)
        )
    return _inert(text)


def _inert(text: str) -> str:
    text = "".join(map(_SHOWN.__getitem__, unicodedata.normalize("NFC", text)))
    if text.isascii():
        return text
    widths = [_WIDTHS[char] for char in text]
    if 0 not in widths:
        return text
    kept: list[str] = []
    room = 0
    for char, width in zip(text, widths, strict=True):
        if width:
            room = _MARKS_ON_A_BASE
        elif room:
            room -= 1
        else:
            continue
        kept.append(char)
    # Without the marks that went, the rest may compose anew, and only then is it stable.
    return unicodedata.normalize("NFC", "".join(kept))


def cells(text: str) -> int:
    """How many terminal cells a text takes that came through ``safe``."""
    return len(text) if text.isascii() else sum(map(_WIDTHS.__getitem__, text))


def clip(text: str, width: int) -> str:
    """The longest start of a safe text that takes at most ``width`` cells."""
    if width <= 0:
        return ""
    if text.isascii():
        return text[:width]
    taken = 0
    for index, char in enumerate(text):
        taken += _WIDTHS[char]
        if taken > width:
            return text[:index]
    return text


def drop_cells(text: str, width: int) -> str:
    """A safe text without its first ``width`` cells; half of a wide character becomes a space."""
    if width <= 0:
        return text
    if text.isascii():
        return text[width:]
    taken = 0
    for index, char in enumerate(text):
        if taken >= width and _WIDTHS[char]:
            return " " * (taken - width) + text[index:]
        taken += _WIDTHS[char]
    return " " * max(0, taken - width)


def fit(text: str, width: int, align: Align = "left") -> str:
    """A safe text in exactly ``width`` cells: padded, or cut with an ellipsis at its end."""
    if width <= 0:
        return ""
    length = cells(text)
    if length > width:
        text = clip(text, width - 1) + _ELLIPSIS
        length = cells(text)
    pad = " " * (width - length)
    return pad + text if align == "right" else text + pad


def short_id(id: str, length: int = 8) -> str:
    """The end of an id, which is where ULIDs differ: ``…R5GRKXM7``."""
    id = safe(id)
    return id if len(id) <= length + 1 else _ELLIPSIS + id[-length:]


def ago(seconds: float) -> str:
    """A span in its largest unit, at most four cells: ``8s``, ``3m``, ``2h``, ``5d``, ``2y``."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86_400:
        return f"{whole // 3600}h"
    if whole < 365 * 86_400:
        return f"{whole // 86_400}d"
    return f"{min(999, whole // (365 * 86_400))}y"


def took(seconds: float) -> str:
    """A duration to two figures, at most six cells: ``340ms``, ``3.4s``, ``1m12s``, ``2h05m``."""
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        return f"{round(seconds * 1000)}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    days = whole // 86_400
    return f"{days}d{whole % 86_400 // 3600:02}h" if days < 100 else f"{min(days, 99_999)}d"


class TimeStyle(StrEnum):
    """How times are written."""

    RELATIVE = "relative"
    LOCAL = "local"
    UTC = "utc"
    OFF = "off"


def moment(at: datetime | None, style: TimeStyle, now: float, *, milliseconds: bool = False) -> str:
    """When something was.

    Args:
        at: The time; one without a zone is taken as UTC. None gives an empty text.
        style: Relative is ``3m ago``; local and UTC are ``12:01:03``, with the day before it where
            the day is not that of ``now``, and ``Z`` after it for UTC.
        now: Seconds since the epoch.
        milliseconds: Write ``12:01:03.412``.
    """
    if at is None or style is TimeStyle.OFF:
        return ""
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    if style is TimeStyle.RELATIVE:
        return f"{ago(now - at.timestamp())} ago"
    zone = UTC if style is TimeStyle.UTC else None
    try:
        there = at.astimezone(zone)
        today = datetime.fromtimestamp(now, UTC).astimezone(zone)
    except (OverflowError, OSError, ValueError):
        there = today = at
    clock = there.strftime("%H:%M:%S")
    if milliseconds:
        clock += f".{there.microsecond // 1000:03}"
    if style is TimeStyle.UTC:
        clock += "Z"
    if there.date() == today.date():
        return clock
    if abs((today - there).days) < 365:
        return f"{there:%m-%d} {clock}"
    return f"{there.year:04}-{there:%m-%d} {clock}"


def compact_json(value: Any, limit: int = 2_000) -> str:
    """A JSON value on one line, safe to show, cut after about ``limit`` characters."""
    return safe(_encoded(value, None, limit), limit=limit)


def pretty_json(value: Any, limit: int = 100_000) -> str:
    """A JSON value over many lines, safe to show, cut after about ``limit`` characters.

    What comes after the limit is not even encoded, so a huge value costs no more than a small one.
    """
    return safe(_encoded(value, 2, limit), keep_newlines=True, limit=limit)


def _encoded(value: Any, indent: int | None, limit: int) -> str:
    encoder = json.JSONEncoder(ensure_ascii=False, indent=indent, default=str)
    parts: list[str] = []
    room = limit + 1
    try:
        for part in encoder.iterencode(value):
            parts.append(part[:room])
            room -= len(part)
            if room <= 0:
                break
    except (RecursionError, ValueError, TypeError):
        parts.append(_ELLIPSIS)
    return "".join(parts)
