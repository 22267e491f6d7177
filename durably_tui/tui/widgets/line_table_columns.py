"""The columns of a table: which appear at a width, where, and how wide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from durably_tui.text import Align, fit

from .line_view import Span, Spans

RowT = TypeVar("RowT")

GUTTER = 3
"""The cells left of the first column."""
GAP = 2
"""The cells between two columns."""


def always(row: object) -> bool:
    """Of every row."""
    del row
    return True


def never(row: object) -> bool:
    """Of no row."""
    del row
    return False


@dataclass(frozen=True)
class Column(Generic[RowT]):
    """One column: how wide it is, when it appears, and what it shows of a row."""

    key: str
    title: str | Callable[[int], str]
    """Its heading, or what makes one for a number of cells."""
    width: int
    """The least cells it needs."""
    render: Callable[[RowT, int], Spans]
    """Safe spans for a row, given the cells that there are. They are padded or cut to fit."""
    priority: int = 0
    """Columns appear from the lowest number on, as long as there is room."""
    want: int = 0
    """The cells that it gets before any extra column appears."""
    extra: bool = False
    """Whether it appears only once every column before it has what it wants."""
    need: int = 0
    """The cells that it gets before the room that is left is shared."""
    grow: int = 0
    """Its share of the room that is left."""
    limit: int = 10_000
    """The most cells it takes."""
    align: Align = "left"
    still: Callable[[RowT], bool] = never
    """Whether it shows the same as long as the row is the same, whatever the time."""


@dataclass(frozen=True)
class Placed(Generic[RowT]):
    """A column at its place in the line."""

    column: Column[RowT]
    x: int
    width: int


def place_columns(columns: Sequence[Column[RowT]], width: int) -> tuple[Placed[RowT], ...]:
    """Which columns a line of ``width`` cells shows, where, and how wide.

    It depends on nothing but the columns and the width, so that none moves when what it shows
    changes.
    """
    room = width - GUTTER
    chosen: list[Column[RowT]] = []
    widths: dict[str, int] = {}
    for column in sorted(columns, key=lambda column: column.priority):
        need = column.width + (GAP if chosen else 0)
        wanted = sum(max(0, other.want - other.width) for other in chosen) if column.extra else 0
        if chosen and need + wanted > room:
            break
        chosen.append(column)
        widths[column.key] = column.width
        room -= need
    wishes = [*((each, each.want) for each in chosen), *((each, each.need) for each in chosen)]
    for column, wish in wishes:
        more = min(room, max(0, wish - widths[column.key]))
        widths[column.key] += more
        room -= more
    while room > 0:
        growing = [c for c in chosen if c.grow and widths[c.key] < c.limit]
        if not growing:
            break
        shares = sum(column.grow for column in growing)
        spare = room
        for column in growing:
            more = max(1, spare * column.grow // shares)
            more = min(more, column.limit - widths[column.key], room)
            widths[column.key] += more
            room -= more
    placed: list[Placed[RowT]] = []
    x = GUTTER
    for column in columns:
        if column.key in widths:
            shown = max(0, min(widths[column.key], width - x))
            placed.append(Placed(column, x, shown))
            x += widths[column.key] + GAP
    return tuple(placed)


def header_spans(placed: Sequence[Placed[Any]], sorted_by: str = "", mark: str = "") -> Spans:
    """The headings, each over its column; that of the column ``sorted_by`` has a ``mark``, on the
    side where there is room: to the right of words, to the left of figures."""
    spans: list[Span] = []
    for number, at in enumerate(placed):
        title = at.column.title
        if not isinstance(title, str):
            title = title(at.width)
        is_sorted = at.column.key == sorted_by
        if is_sorted and at.column.align == "left":
            title += mark
        text = " " * (GAP if number else GUTTER) + fit(title, at.width, at.column.align)
        if is_sorted and at.column.align == "right":
            blank = len(text) - len(text.lstrip()) - 1
            text = text[:blank] + mark + text[blank + 1 :]
        spans.append((text, "header"))
    return tuple(spans)


def skeleton_spans(placed: Sequence[Placed[Any]], y: int, *, plain: bool) -> Spans:
    """Where row ``y`` will be, in lengths that look like words and never move."""
    spans: list[Span] = [(" " * GUTTER, "text")]
    for number, at in enumerate(placed):
        length = 1 + at.width * (4 + (y * 7 + number * 3) % 5) // 10
        bar = ("-" if plain else "─") * min(length, at.width)
        spans.append((fit(bar, at.width), "rail"))
        spans.append((" " * GAP, "text"))
    return tuple(spans)
