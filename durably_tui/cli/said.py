"""What a command says: results on the standard output, everything else on the standard error."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TextIO, TypeVar

RowT = TypeVar("RowT")

_WORD = re.compile("[a-z]+ ")

_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)
"""What JSON may hold raw, and a terminal obeys or does not show."""


def out(text: str) -> None:
    """One line of the result.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    sys.stdout.write(text + "\n")


def flush() -> None:
    """Hand over what was said so far.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    sys.stdout.flush()


def note(text: str) -> None:
    """Something that is no result, for the person; what a server said in it is made inert."""
    from durably_tui.text import safe

    sys.stdout.flush()
    print(safe(text, keep_newlines=True), file=sys.stderr, flush=True)


def capital(sentence: str) -> str:
    """A sentence with its first letter as a capital, unless it begins with a name, as of a file."""
    return sentence[:1].upper() + sentence[1:] if _WORD.match(sentence) else sentence


def warn(text: str) -> None:
    """Something that the person should know."""
    note(f"Warning: {text}")


def json_line(value: Any) -> str:
    """A value as JSON on one line, with nothing in it that a terminal would obey."""
    import msgspec

    return _UNSEEN.sub(_escaped, msgspec.json.encode(value).decode())


def json_text(value: Any) -> str:
    """A value as JSON for people, with nothing in it that a terminal would obey."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return _UNSEEN.sub(_escaped, text)


def json_list(rows: Iterable[RowT], shape: Callable[[RowT], Any]) -> None:
    """Print one JSON array."""
    out(json_text([shape(row) for row in rows]))


def json_lines(rows: Iterable[RowT], shape: Callable[[RowT], Any]) -> None:
    """Print a JSON object a line."""
    for row in rows:
        out(json_line(shape(row)))


def _escaped(found: re.Match[str]) -> str:
    import json

    return json.dumps(found[0])[1:-1]


def has_colours(stream: TextIO, environ: Mapping[str, str] | None = None) -> bool:
    """Whether to colour what goes there: a terminal that can, of a person who wants it."""
    environ = os.environ if environ is None else environ
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def width_of(stream: TextIO) -> int | None:
    """How many cells a line of the terminal has; None where it is no terminal."""
    if not stream.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns
