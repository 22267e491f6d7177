"""Texts that may be the traceback of Python or the stack of Node, made readable.

Frames step back, and what went wrong stands out: in Python the last line, in Node the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from durably_tui.text import safe

from .line_view import Spans

_PYTHON = re.compile(r"^[ |+]*Traceback \(most recent call last\):", re.MULTILINE)
_PYTHON_FRAME = re.compile(r'^[ |+]*File ".*", line \d+', re.MULTILINE)
_NODE_FRAME = re.compile(r"^\s+at \S.*", re.MULTILINE)
_BETWEEN = re.compile(
    r"^[ |+]*(Traceback \(most recent|The above exception was|During handling of the above)"
)
_LOOKED_AT = 20_000
"""Characters from the start in which a frame tells what kind of text it is."""


def is_traceback(text: str) -> bool:
    """Whether a text has frames of a call stack in it, of Python or of Node."""
    start = text[:_LOOKED_AT]
    return any(kind.search(start) for kind in (_PYTHON, _PYTHON_FRAME, _NODE_FRAME))


def line_style(line: str, usual: str) -> str:
    """The style of one line of a traceback: a name of the palette."""
    if not line.strip():
        return usual
    if _PYTHON_FRAME.match(line) or _NODE_FRAME.match(line) or _BETWEEN.match(line):
        return "muted"
    # Lines of source, and the marks under them.
    return "faint" if line[0] in " \t" else "failed"


def painted_text(text: str, usual: str) -> Spans:
    """A text with its line ends, safe; ``usual`` is the style of what is no traceback."""
    if not is_traceback(text):
        return ((safe(text, keep_newlines=True, limit=None), usual),)
    return tuple(_painted_lines(text, usual))


def _painted_lines(text: str, usual: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.split("\n")):
        shown = safe(line.removesuffix("\r"), limit=None)
        yield ("\n" if number else "") + shown, line_style(line, usual)


def headline(text: str) -> str:
    """What went wrong, in one line: the last line of Python's traceback, the first of any other."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return text
    start = text[:_LOOKED_AT]
    if _PYTHON.search(start) or _PYTHON_FRAME.search(start):
        last = [line for line in text.splitlines() if line_style(line, "") == "failed"]
        return last[-1].strip() if last else lines[-1]
    return lines[0] if is_traceback(text) else text
