"""On which line a key of a TOML file stands, which ``tomllib`` does not tell."""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(
    r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_LONG = re.compile(r'"""|' + "'''")


def lines_of_keys(text: str) -> dict[Path, int]:
    """Each table and each key that begins a line, with its line counted from 1.

    An entry of an array of tables has its number in the path: ``("servers", 0, "url")``. What is
    inside an inline table has no line of its own.
    """
    found: dict[Path, int] = {}
    counted: dict[Path, int] = {}
    table: Path = ()
    closing = ""
    for number, whole in enumerate(text.splitlines(), 1):
        line = whole
        if closing:
            if closing not in whole:
                continue
            line, closing = whole.partition(closing)[2], ""
        elif header := _HEADER.match(line):
            table = _parts(header[2])
            if header[1] == "[[":
                index = counted.get(table, -1) + 1
                counted[table] = index
                table = (*table, index)
            else:
                table = _within(table, counted)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            path = (*table, *_parts(key[1]))
            for end in range(len(table) + 1, len(path) + 1):
                found.setdefault(path[:end], number)
        for mark in _LONG.findall(line):
            closing = "" if mark == closing else closing or mark
    return found


def line_of(path: Path, lines: dict[Path, int]) -> int | None:
    """The line of a key, else of the nearest table around it."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _within(table: Path, counted: dict[Path, int]) -> Path:
    """A table below an entry of an array belongs to the last entry."""
    path: Path = ()
    for part in table:
        path = (*path, part)
        if path in counted and path != table:
            path = (*path, counted[path])
    return path
