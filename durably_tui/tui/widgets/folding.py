"""Styled text over as many lines as it needs, broken between words where there are some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from durably_tui.text import cells, clip

from .line_view import Span, Spans


def fold_spans(spans: Iterable[Span], width: int) -> list[Spans]:
    """Spans as lines of at most ``width`` cells; a newline in their text ends a line.

    A word that does not fit goes on in the next line, unless half of the line would be left empty.
    One blank at which a line ends is left out.
    """
    width = max(2, width)
    lines: list[list[Span]] = [[]]
    room = width
    for text, style in spans:
        for number, part in enumerate(text.split("\n")):
            if number:
                lines.append([])
                room = width
            rest = part
            while rest:
                piece = clip(rest, room)
                if len(piece) < len(rest):
                    piece = _to_a_word(piece, rest[len(piece)], lines[-1], width)
                if piece:
                    lines[-1].append((piece, style))
                    room -= cells(piece)
                    rest = rest[len(piece) :]
                if rest:
                    rest = _without_a_blank(rest) if lines[-1] else rest
                    lines.append([])
                    room = width
    return [tuple(line) for line in lines]


def _to_a_word(piece: str, following: str, line: Sequence[Span], width: int) -> str:
    """How much of a piece stays in a line that it fills, before a character that is too much."""
    if following == " " or piece.endswith(" "):
        return piece
    start = piece.rfind(" ") + 1
    if cells(piece[start:]) > width // 2:
        return piece
    before = piece[:start]
    if before.strip():
        return before
    begun = not start and bool(line) and line[-1][0].endswith(" ")
    return "" if begun and any(text.strip() for text, _ in line) else piece


def _without_a_blank(rest: str) -> str:
    """What goes on in the next line: not the blank between two words."""
    return rest[1:] if rest.startswith(" ") and rest[1:2].strip() else rest
