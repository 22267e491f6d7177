"""Rows as a table for people, as CSV, and as JSON: one declaration for all of them."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from durably_tui.text import cells, fit, safe

from .said import has_colours, json_lines, json_list, out, width_of

RowT = TypeVar("RowT")

_GAP = "  "
_COLOURS = {
    "running": "36",
    "pending": "33",
    "completed": "32",
    "failed": "31",
    "cancelled": "35",
    "error": "31",
    "warn": "33",
}
"""SGR of the words that a state is told by; the word itself always stands there too."""


@dataclass(frozen=True)
class Col(Generic[RowT]):
    """One column."""

    title: str
    show: Callable[[RowT], str]
    right: bool = False
    least: int | None = None
    """A column that gives way where the terminal is narrow, down to so many cells."""


def table(columns: Sequence[Col[RowT]], rows: Sequence[RowT], *, heading: bool = True) -> None:
    """Print a table. In a terminal a line is never longer than that is wide."""
    shown = [[safe(column.show(row)) for column in columns] for row in rows]
    widths = [
        max([cells(column.title), *(cells(line[at]) for line in shown)])
        for at, column in enumerate(columns)
    ]
    room = width_of(sys.stdout)
    if room is not None:
        widths = _narrowed(widths, columns, room)
    colours = has_colours(sys.stdout)
    if heading:
        print_row(columns, widths, [column.title for column in columns], colours=False)
    for line in shown:
        print_row(columns, widths, line, colours=colours)


def print_row(
    columns: Sequence[Col[RowT]], widths: Sequence[int], line: Sequence[str], *, colours: bool
) -> None:
    """One line of a table."""
    parts = []
    for column, width, text in zip(columns, widths, line, strict=True):
        part = fit(text, width, "right" if column.right else "left")
        parts.append(coloured(text, part) if colours else part)
    out(_GAP.join(parts).rstrip())


def coloured(word: str, text: str | None = None) -> str:
    """``text`` in the colour of a state's word, if it has one."""
    code = _COLOURS.get(word)
    shown = word if text is None else text
    return shown if code is None else f"\x1b[{code}m{shown}\x1b[0m"


def _narrowed(widths: list[int], columns: Sequence[Col[Any]], room: int) -> list[int]:
    """Widths that fit into ``room``: the widest of those that can give way does so first."""
    widths = list(widths)
    least = [
        width if column.least is None else min(width, column.least)
        for width, column in zip(widths, columns, strict=True)
    ]
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - room
    while excess > 0:
        at = max(range(len(widths)), key=lambda n: widths[n] - least[n])
        if widths[at] <= least[at]:
            break
        others = [w for n, w in enumerate(widths) if n != at and w > least[n]]
        step = min(excess, widths[at] - least[at], max(1, widths[at] - max(others, default=0)))
        widths[at] -= step
        excess -= step
    return widths


def csv_lines(columns: Sequence[Col[RowT]], rows: Iterable[RowT], *, heading: bool = True) -> None:
    """Print CSV (RFC 4180, but with line ends of the platform) with a heading."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if heading:
        writer.writerow([column.title.lower() for column in columns])
    for row in rows:
        writer.writerow([_tame(column.show(row)) for column in columns])
    if text.tell():
        out(text.getvalue().removesuffix("\n"))


def _tame(text: str) -> str:
    """A cell that no spreadsheet takes for a formula and no terminal for a command."""
    text = safe(text, limit=None)
    is_number = text[1:].replace(".", "", 1).isdigit()
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") and not is_number else text


def show_as(
    kind: str,
    rows: Sequence[RowT],
    shape: Callable[[RowT], Any],
    columns: Sequence[Col[RowT]],
    exact: Sequence[Col[RowT]] | None = None,
) -> None:
    """Print rows as a table, as JSON, or as CSV, whose columns may be others."""
    match kind:
        case "json":
            json_list(rows, shape)
        case "ndjson":
            json_lines(rows, shape)
        case "csv":
            csv_lines(exact or columns, rows)
        case _:
            table(columns, rows)
