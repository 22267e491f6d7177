"""Reading the file: where it is, what is in it, and why it cannot be read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .lines import Path, line_of, lines_of_keys
from .mistakes import Problem

_AT_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)$")


def usual_path(environ: Mapping[str, str]) -> str:
    """Where the file is where nobody says: ``DURABLY_CONFIG``, else the platform's place."""
    if chosen := environ.get("DURABLY_CONFIG"):
        return chosen
    from platformdirs import user_config_path

    return str(user_config_path("durably-tui", appauthor=False) / "config.toml")


@dataclass
class Document:
    """What a file says.

    Attributes:
        values: as TOML has them; empty where there is no file, or where it cannot be read.
        broken: why it cannot be read.
    """

    path: str
    exists: bool = True
    values: dict[str, Any] = field(default_factory=dict)
    broken: Problem | None = None
    text: str = field(default="", repr=False)
    _lines: dict[Path, int] | None = field(default=None, repr=False)

    def line(self, *path: str | int) -> int | None:
        """The line on which a key stands, or the table around it."""
        if self._lines is None:
            self._lines = lines_of_keys(self.text)
        return line_of(path, self._lines)

    def problem(self, sentence: str, *path: str | int) -> Problem:
        """A mistake at a key."""
        return Problem(self.path, self.line(*path), sentence)


def read(path: str) -> Document:
    """Read a file; what is wrong with it as a whole is ``broken``."""
    document = Document(path)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        document.exists = False
        return document
    except IsADirectoryError:
        return _broken(document, None, "this is a folder: the configuration has to be a file.")
    except NotADirectoryError:
        return _broken(document, None, "there is a file where its folder should be: move that.")
    except PermissionError:
        if os.path.isdir(path):  # as Windows says it
            return _broken(document, None, "this is a folder: the configuration has to be a file.")
        return _broken(document, None, "it may not be read: give yourself the right to read it.")
    except OSError as error:
        return _broken(document, None, f"it cannot be read: {error.strerror or error}.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _broken(document, None, "it is written in UTF-16: save it as UTF-8.")
    try:
        document.text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _broken(document, line, "this line is not in UTF-8: save the file as UTF-8.")
    import tomllib

    try:
        document.values = tomllib.loads(document.text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return _broken(document, *_where(str(error), document.text))
    return document


def _broken(document: Document, line: int | None, sentence: str) -> Document:
    document.broken = Problem(document.path, line, sentence)
    return document


def _where(said: str, text: str) -> tuple[int, str]:
    at = _AT_LINE.search(said)
    line = int(at[1]) if at else text.count("\n") + 1
    reason = _AT_LINE.sub("", said).removesuffix(" (at end of document)")
    reason = reason[:1].lower() + reason[1:]
    return line, f"this is not TOML ({reason}): correct it, or take the line out."
