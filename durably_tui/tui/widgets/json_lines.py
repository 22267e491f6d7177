"""A JSON value or a text as lines that are made one after the other, only as far as needed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from durably_tui.text import cells, clip, safe

from .line_view import Span, Spans

_INDENT = "  "
_PIECE = 4_000
"""How much of a text is made safe at once, so that a huge one costs no more than what is seen."""


def text_lines(text: str, width: int) -> Iterator[Spans]:
    """A text line by line, long lines folded into ``width`` cells."""
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        if end < 0:
            end = len(text)
        stop = end - 1 if text[start:end].endswith("\r") else end
        yield from _folded(_pieces(text, start, stop, "text"), "", width)
        start = end + 1


def json_lines(value: Any, width: int) -> Iterator[Spans]:
    """A JSON value pretty-printed line by line, folded into ``width`` cells; any depth and size."""
    for depth, spans in _pretty(value):
        indent = (_INDENT * depth)[: max(0, width - 16)]
        yield from _folded(spans, indent, width)


_Child = tuple[Spans, Any, str]
"""What stands before a value, the value, and what stands after it."""


def _pretty(value: Any) -> Iterator[tuple[int, Iterable[Span]]]:
    """The lines of a value with their depth.

    It has a stack of its own, as a value may be deeper than Python lets functions call.
    """
    open_ones: list[tuple[Iterator[_Child], str]] = [(iter((((), value, ""),)), "")]
    while open_ones:
        children, closing = open_ones[-1]
        child = next(children, None)
        if child is None:
            open_ones.pop()
            if open_ones:
                yield len(open_ones) - 1, ((closing, "muted"),)
            continue
        before, inside, after = child
        depth = len(open_ones) - 1
        if isinstance(inside, dict) and inside:
            yield depth, (*before, ("{", "muted"))
            open_ones.append((_members(inside), "}" + after))
        elif isinstance(inside, (list, tuple)) and inside:
            yield depth, (*before, ("[", "muted"))
            open_ones.append((_elements(inside), "]" + after))
        else:
            yield depth, chain(before, _scalar(inside), ((after, "muted"),))


def _members(value: dict[Any, Any]) -> Iterator[_Child]:
    last = len(value) - 1
    for at, (key, inside) in enumerate(value.items()):
        name = safe(json.dumps(str(key), ensure_ascii=False))
        yield ((name, "key"), (": ", "muted")), inside, "," if at < last else ""


def _elements(value: list[Any] | tuple[Any, ...]) -> Iterator[_Child]:
    last = len(value) - 1
    for at, inside in enumerate(value):
        yield (), inside, "," if at < last else ""


def _scalar(value: Any) -> Iterable[Span]:
    if isinstance(value, str):
        quote: Span = ('"', "string")
        inside = (
            (safe(json.dumps(value[at : at + _PIECE], ensure_ascii=False)[1:-1], limit=None))
            for at in range(0, len(value), _PIECE)
        )
        return chain((quote,), ((text, "string") for text in inside), (quote,))
    if value is None or isinstance(value, bool):
        return ((json.dumps(value), "literal"),)
    if isinstance(value, (int, float)):
        return ((_number(value), "number"),)
    if isinstance(value, (dict, list, tuple)):
        return (("{}" if isinstance(value, dict) else "[]", "muted"),)
    return ((safe(str(value)), "text"),)


def _number(value: float) -> str:
    try:
        return json.dumps(value)
    except ValueError:  # more digits than Python turns into text
        return hex(value) if isinstance(value, int) else repr(value)


def _pieces(text: str, start: int, end: int, style: str) -> Iterator[Span]:
    for at in range(start, end, _PIECE):
        yield safe(text[at : min(end, at + _PIECE)], limit=None), style


def _folded(spans: Iterable[Span], indent: str, width: int) -> Iterator[Spans]:
    """Spans over as many lines as they need, each after the indent."""
    start: list[Span] = [(indent, "text")] if indent else []
    line, room = list(start), max(2, width - len(indent))
    left = room
    for text, style in spans:
        at = 0
        while at < len(text):
            # Two marks may stand on each character.
            piece = clip(text[at : at + 3 * left + 3], left)
            if not piece:
                yield tuple(line)
                line, left = list(start), room
                continue
            line.append((piece, style))
            at += len(piece)
            left -= cells(piece)
    yield tuple(line)
