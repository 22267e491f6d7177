"""The few parts of Markdown that the pages are made of."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence

_MADE = "<!-- Made by `make docs` from {source}; a change belongs there. -->"
_ROLE = re.compile(r":[a-z]+:`~?([^`]+)`")


def document(title: str, source: str, *parts: str) -> str:
    """A page: its title, a remark for who would edit it, and its parts."""
    return "\n\n".join((f"# {title}", _MADE.format(source=source), *parts)) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; empty text where there are no rows."""
    lines = [_row(row) for row in rows]
    return "\n".join([_row(heads), _row(["---"] * len(heads)), *lines]) if lines else ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def code(text: str) -> str:
    """A word as it is typed; empty stays empty."""
    return f"`{text}`" if text else ""


def block(text: str, language: str = "") -> str:
    """Lines as they are."""
    return f"```{language}\n{text}\n```"


def first_paragraph(thing: object) -> str:
    """What a docstring begins with, as Markdown, on one line."""
    text = inspect.getdoc(thing) or ""
    return prose(text.partition("\n\n")[0])


def prose(text: str) -> str:
    """reStructuredText's code marks as those of Markdown, on one line."""
    return " ".join(_ROLE.sub(r"``\1``", text).replace("``", "`").split())
