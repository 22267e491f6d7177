"""For terminals that show ASCII only: every line of the screen, cell for cell, in its characters.

Widgets that draw themselves choose characters that suit ASCII; this takes what is left, such as
Textual's borders and scroll bars, and what a server wrote.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from durably_tui.text import cells

_STAND_INS = {
    "-": "─━╌╍┄┅┈┉═╴╶╸╺╼╾▔–—−⊘",
    "|": "│┃║╎╏┆┇┊┋╵╷╹╻▌▐▊▋▎▏▍▕",
    "+": "┌┐└┘├┤┬┴┼╭╮╯╰╔╗╚╝╠╣╦╩╬┏┓┗┛┣┫┳┻╋✔",
    "_": "▁▂",
    "#": "▃▄▅▆▇█▀■▉▖▗▘▙▚▛▜▝▞▟░▒▓",
    "*": "●◆◉•",
    "o": "○◌◯",
    "x": "✖×",
    "^": "▲△↑",
    "v": "▼▽↓",
    ">": "▸▶→›❯",
    "<": "◂◀←‹❮",
    ".": "·",
    "~": "…≈",
    '"': "“”„",
    "'": "‘’‚",
}
_TABLE = str.maketrans({char: plain for plain, chars in _STAND_INS.items() for char in chars})


@lru_cache(4096)
def to_ascii(text: str) -> str:
    """A safe text in ASCII, in as many cells: letters without their accents, ``?`` for others."""
    text = text.translate(_TABLE)
    return text if text.isascii() else "".join(map(_letter, text))


def _letter(char: str) -> str:
    base = unicodedata.normalize("NFD", char)[0]
    return base if base.isascii() else "?" * cells(char)


class AsciiFilter(LineFilter):
    """Writes a line in ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments, cell for cell."""
        return [
            segment
            if segment.text.isascii() or segment.control
            else Segment(to_ascii(segment.text), segment.style)
            for segment in segments
        ]
