"""What of a frame the terminal has not got yet: only the cells that differ, in few escape codes.

Textual writes each dirty region of a line from its left end, and every piece of it in full colour.
Over a slow line that is what a person waits for. Here the cells of a frame are compared with those
that were written last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Size
from textual.strip import Strip

from .few_colors import shown_as

_UNKNOWN = -1
_GAP = 8
"""Cells that are the same are written again where fewer of them are between two that are not: to
pass over them costs as much."""
_MOST_STYLES = 4096
_RESET = "\x1b[0m"
_SGR = {
    "bold": ("1", "22"),
    "dim": ("2", "22"),
    "italic": ("3", "23"),
    "underline": ("4", "24"),
    "blink": ("5", "25"),
    "blink2": ("6", "25"),
    "reverse": ("7", "27"),
    "conceal": ("8", "28"),
    "strike": ("9", "29"),
    "underline2": ("21", "24"),
    "frame": ("51", "54"),
    "encircle": ("52", "54"),
    "overline": ("53", "55"),
}
"""The codes that turn an attribute of a style on and off."""
_SEEN_ON_BLANKS = frozenset({"4", "21", "7", "9", "51", "52", "53"})


class Look(NamedTuple):
    """How a cell looks: codes of its attributes, its colours, its link."""

    attributes: frozenset[str] = frozenset()
    color: str | None = "39"
    """None where it cannot be seen, as on a blank."""
    ground: str = "49"
    link: str = ""


_PLAIN = Look()


def _width(character: str) -> int:
    width = _WIDTHS.get(character)
    if width is None:
        if len(_WIDTHS) > 4096:
            _WIDTHS.clear()
        width = _WIDTHS[character] = get_character_cell_size(character)
    return width


_WIDTHS: dict[str, int] = {}


class Frames:
    """The cells that the terminal shows, as far as they were written by this."""

    def __init__(self) -> None:
        self._size = Size(0, 0)
        self._texts: list[list[str]] = []
        self._looks: list[list[int]] = []
        self._ids: dict[Look, int] = {}
        self._kinds: list[Look] = []
        self._styles: dict[Style | None, tuple[int, int]] = {}

    def forget(self) -> None:
        """The terminal may show anything: all of the next full frame is written."""
        self._size = Size(0, 0)

    def changes(self, update: object, size: Size, colors: ColorSystem) -> str | None:
        """What to write so that the terminal shows an update; empty where it does already.

        Args:
            update: what Textual's compositor made.
            size: of the terminal, in cells.
            colors: what the terminal can show.

        Returns:
            Escape codes and text, from any place of the cursor and plain style back to plain
            style. None where this update cannot be compared: write it as it is.
        """
        if not isinstance(update, LayoutUpdate | ChopsUpdate):
            return None
        if size != self._size:
            self._start_over(size)
        if len(self._styles) > _MOST_STYLES:
            self._start_over(size)
        writer = _Writer(self._kinds)
        for x, y, strip in _pieces(update):
            if not 0 <= y < size.height:
                continue
            made = self._cells(strip, colors)
            if made is None:
                self.forget()
                return None
            self._write(writer, x, y, *made)
        return writer.done()

    def _start_over(self, size: Size) -> None:
        self._size = size
        self._styles.clear()
        self._ids.clear()
        self._kinds.clear()
        self._texts = [[""] * size.width for _ in range(size.height)]
        self._looks = [[_UNKNOWN] * size.width for _ in range(size.height)]

    # -- cells -----------------------------------------------------------------------------

    def _cells(self, strip: Strip, colors: ColorSystem) -> tuple[list[str], list[int]] | None:
        """What is in each cell of a strip, and how it looks. The second cell of a wide character
        has no text; None where the strip has something in it that is no cell."""
        texts: list[str] = []
        looks: list[int] = []
        for text, style, control in strip:
            if control:
                return None
            pair = self._styles.get(style)
            if pair is None:
                pair = self._styles[style] = self._identify(style, colors)
            look, blank = pair
            if text.isascii() or all(_width(character) == 1 for character in text):
                texts += text
            else:
                for character in text:
                    width = _width(character)
                    if width == 0 and texts:
                        texts[-1 if texts[-1] else -2] += character
                    elif width:
                        texts.append(character)
                        texts += [""] * (width - 1)
            room = len(texts) - len(looks)
            if look == blank or " " not in text:
                looks += [look] * room
            else:
                looks += [blank if cell == " " else look for cell in texts[len(looks) :]]
        return texts, looks

    def _identify(self, style: Style | None, colors: ColorSystem) -> tuple[int, int]:
        """The numbers of a style for what is written in it and for blanks in it."""
        if style is None:
            return self._id(_PLAIN), self._id(_PLAIN._replace(color=None))
        attributes = frozenset(on for name, (on, _) in _SGR.items() if getattr(style, name))
        color, ground = style.color, style.bgcolor
        look = Look(
            attributes,
            ";".join(shown_as(color, colors).get_ansi_codes()) if color else "39",
            ";".join(shown_as(ground, colors).get_ansi_codes(foreground=False)) if ground else "49",
            f"id={style.link_id};{style.link}" if style.link else "",
        )
        seen = attributes & _SEEN_ON_BLANKS
        blank = look if seen or look.link else Look(frozenset(), None, look.ground)
        return self._id(look), self._id(blank)

    def _id(self, look: Look) -> int:
        number = self._ids.get(look)
        if number is None:
            number = self._ids[look] = len(self._kinds)
            self._kinds.append(look)
        return number

    # -- comparing -------------------------------------------------------------------------

    def _write(self, writer: _Writer, x: int, y: int, texts: list[str], looks: list[int]) -> None:
        """Write what differs of a piece of a line, and remember it."""
        old_texts, old_looks = self._texts[y], self._looks[y]
        if not 0 <= x < len(old_texts):
            return  # made for a terminal that was wider
        end = min(x + len(texts), len(old_texts))
        texts, looks = texts[: end - x], looks[: end - x]
        before, before_looks = old_texts[x:end], old_looks[x:end]
        if before == texts and before_looks == looks:
            return
        for start, stop in _differences(before, before_looks, texts, looks):
            writer.write(x + start, y, texts[start:stop], looks[start:stop])
            if x + stop == self._size.width:
                writer.lost()  # the cursor may stand on the last cell or behind it
        old_texts[x:end] = texts
        old_looks[x:end] = looks


def _differences(
    before: list[str], before_looks: list[int], texts: list[str], looks: list[int]
) -> Iterator[tuple[int, int]]:
    """The stretches of a line that differ, each from the first half of a character to the end of
    another's second."""
    at, count = 0, len(texts)
    while at < count:
        if texts[at] == before[at] and looks[at] == before_looks[at]:
            at += 1
            continue
        start = at
        while start and not (texts[start] and before[start]):
            start -= 1
        stop = same = at + 1
        while same < count and same - stop < _GAP:
            differs = texts[same] != before[same] or looks[same] != before_looks[same]
            same += 1
            if differs or not (texts[same - 1] and before[same - 1]):
                stop = same
        yield start, stop
        at = stop


class _Writer:
    """Cells as escape codes, each only where it changes something."""

    def __init__(self, kinds: list[Look]) -> None:
        self._kinds = kinds
        self._out: list[str] = []
        self._x = self._y = -1
        self._attributes: frozenset[str] = frozenset()
        self._color = "39"
        self._ground = "49"

    def lost(self) -> None:
        """Nobody knows where the cursor is in its line."""
        self._x = -1

    def write(self, x: int, y: int, texts: list[str], looks: list[int]) -> None:
        """Write cells from a place on."""
        out = self._out
        if (x, y) != (self._x, self._y):
            out.append(f"\x1b[{y + 1};{x + 1}H")
        start, count = 0, len(texts)
        while start < count:
            look = looks[start]
            stop = start + 1
            while stop < count and looks[stop] == look:
                stop += 1
            kind = self._kinds[look]
            self._turn(kind)
            text = "".join(texts[start:stop])
            out.append(f"\x1b]8;{kind.link}\x1b\\{text}\x1b]8;;\x1b\\" if kind.link else text)
            start = stop
        # Where the terminal has its own idea of how wide something is, the next place is told.
        self._x = x + count if all(len(text) == 1 for text in texts) else -1
        self._y = y

    def _turn(self, look: Look) -> None:
        """Go over to a look."""
        attributes, color, ground = look.attributes, look.color, look.ground
        if color is None:
            # A blank: what is on now is as good, unless it can be seen.
            if not self._attributes & _SEEN_ON_BLANKS:
                attributes = self._attributes
            color = self._color
        codes: list[str] = []
        if attributes != self._attributes:
            gone = self._attributes - attributes
            codes += sorted({off for on, off in _SGR.values() if on in gone})
            # One code turns two attributes off: what stays is turned on again.
            codes += sorted(attributes if codes else attributes - self._attributes)
            self._attributes = attributes
        if color != self._color:
            codes.append(color)
            self._color = color
        if ground != self._ground:
            codes.append(ground)
            self._ground = ground
        if codes:
            self._out.append(f"\x1b[{';'.join(codes)}m")

    def done(self) -> str:
        """What was written, ended in plain style."""
        if self._attributes or self._color != "39" or self._ground != "49":
            self._out.append(_RESET)
        return "".join(self._out)


def _pieces(update: CompositorUpdate) -> Iterable[tuple[int, int, Strip]]:
    """The pieces of lines in an update, each with its place: as Textual would write them."""
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in line:
                yield x, y, strip
                x += strip.cell_length
    elif isinstance(update, ChopsUpdate):
        for y, first, last in update.spans:
            for end, (x, chop) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if chop is None or x > last or end <= first:
                    continue
                inside = first <= x < last and end <= last
                yield x, y, chop if inside else chop.crop(0, min(end, last) - x)
