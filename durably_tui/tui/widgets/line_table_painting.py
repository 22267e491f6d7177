"""The picture of a table: what each visible line shows, and what of it must be painted anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic

from textual.cache import LRUCache
from textual.geometry import Region
from textual.reactive import var
from textual.strip import Strip
from textual.timer import Timer

from durably_tui.text import cells, safe

from .kept import Kept
from .line_table_columns import (
    GAP,
    GUTTER,
    Column,
    Placed,
    RowT,
    header_spans,
    place_columns,
    skeleton_spans,
)
from .line_view import LineView, Span, Spans, fitted

GLOW_SECONDS = 1.0
"""For how long a row that changed is lit."""
GLOW = "glow"
"""The ground of a row that changed lately."""
HEADER = 1
"""The lines above the first row."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that a line shows. Two equal pictures are the same strip."""

    key: str
    gutter: Spans
    cells: tuple[Spans, ...]
    ground: str = ""
    lit: frozenset[int] | None = None
    """Which cells have the ground of a glow; None: all that is in the line."""


_NOTHING = Picture("", (), ())


class PaintedTable(LineView, Generic[RowT]):
    """Rows under a fixed header, of which only what changed is painted.

    Rows are frozen values in a sequence that the table keeps and never changes. Whatever happens
    (new rows, a tick of the clock, a mark, the cursor), the pictures of the visible lines are
    compared with what was painted, and only the columns that differ are refreshed.
    """

    empty: var[str] = var("Nothing here yet.")
    """What is said where there are no rows."""
    waiting: var[bool] = var(False)
    """Whether the first rows are still to come: a skeleton is shown as long as there are none."""
    plain: var[bool] = var(False)
    """Show ASCII only."""

    def __init__(
        self,
        columns: Sequence[Column[RowT]],
        *,
        row_key: Callable[[RowT], str],
        clock: Callable[[], float] = time.time,
        empty: str | None = None,
        plain: bool = False,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make a table without rows; ``LineTable`` tells what the arguments are."""
        super().__init__(name=name, id=id, classes=classes)
        self._columns = tuple(columns)
        self._row_key = row_key
        self._clock = clock
        self._rows: Sequence[RowT] = ()
        self._cursor_index = 0
        self._placed: tuple[Placed[RowT], ...] = ()
        self._placed_width = -1
        self._sorted = ("", False)
        self._painted: dict[int, Picture] = {}
        self._strips: LRUCache[tuple[Picture, int], Strip] = LRUCache(1024)
        self._made: Kept[str, tuple[RowT, int, tuple[Spans, ...]]] = Kept(512)
        self._tick = 0
        self._lit: Kept[str, frozenset[int]] = Kept(512)
        self._glow_timer: Timer | None = None
        self.set_reactive(PaintedTable.plain, plain)
        if empty is not None:
            self.set_reactive(PaintedTable.empty, empty)

    def set_columns(self, columns: Sequence[Column[RowT]]) -> None:
        """Show other columns."""
        self._columns = tuple(columns)
        self._placed_width = -1
        self._all_changed()

    @property
    def rows(self) -> Sequence[RowT]:
        """The rows, in the order shown."""
        return self._rows

    @property
    def visible_rows(self) -> int:
        """How many rows there is room for."""
        return max(0, self.size.height - HEADER)

    def changed_at(self, row: RowT) -> float | None:
        """When a row last changed, in seconds of the clock; None if it shall not glow."""
        del row
        return None

    def is_lit(self, row: RowT) -> bool:
        """Whether a row changed so lately that it glows."""
        changed = self.changed_at(row)
        return changed is not None and 0 <= self._clock() - changed < GLOW_SECONDS

    def row_gutter(self, row: RowT, key: str) -> Spans:
        """What stands left of a row, in ``GUTTER`` cells."""
        raise NotImplementedError

    def row_ground(self, row: RowT, key: str) -> str:
        """The background of a row: a ``ground-`` of the palette without that word, or none."""
        raise NotImplementedError

    # ------------------------------------------------------------- picture

    def _picture(self, index: int) -> Picture:
        if not 0 <= index < len(self._rows):
            return _NOTHING
        row = self._rows[index]
        key = self._row_key(row)
        cells, ground, lit = self._cells(key, row), self.row_ground(row, key), None
        if ground == GLOW:
            lit = self._lit.get(key)
        else:
            self._lit.pop(key, None)
        return Picture(key, self.row_gutter(row, key), cells, ground, lit)

    def _cells(self, key: str, row: RowT) -> tuple[Spans, ...]:
        """What the columns show of a row, made anew only for another row, after ``repaint``, and
        as far as it depends on the time, after ``let_time_pass``. The columns are placed already.
        """
        made, tick = self._made.get(key), self._tick
        if made is None or made[0] is not row:
            shown = tuple([self._cell(placed, row) for placed in self._placed])
            if made is not None:
                self._light(key, made[2], shown)
        elif made[1] == tick:
            return made[2]
        else:
            before = zip(self._placed, made[2], strict=True)
            shown = tuple([was if p.column.still(row) else self._cell(p, row) for p, was in before])
        self._made[key] = (row, tick, shown)
        return shown

    def _light(self, key: str, before: tuple[Spans, ...], now: tuple[Spans, ...]) -> None:
        """Note which cells of a row glow: those that changed, else the first. A row that comes to
        be glows as a whole."""
        pairs = enumerate(zip(before, now, strict=True))
        changed = {at for at, (was, this) in pairs if was != this}
        self._lit[key] = self._lit.get(key, frozenset()) | (changed or {0})

    @staticmethod
    def _cell(placed: Placed[RowT], row: RowT) -> Spans:
        return fitted(placed.column.render(row, placed.width), placed.width)

    def _layout(self) -> tuple[Placed[RowT], ...]:
        width = self.line_width
        if width != self._placed_width:
            self._placed = place_columns(self._columns, width)
            self._placed_width = width
            self._strips.clear()
            self._painted.clear()
            self._made.clear()
        return self._placed

    @property
    def shown_columns(self) -> tuple[str, ...]:
        """The keys of the columns that have room at this width."""
        return tuple(placed.column.key for placed in self._layout())

    def _repaint(self) -> None:
        """Refresh what differs from what was painted, and nothing else."""
        if not self.is_attached or not self.size or not self._rows:
            return
        self._layout()
        top = self.scroll_offset.y
        for y in range(HEADER, self.size.height):
            index = top + y - HEADER
            new = self._picture(index)
            old = self._painted.get(y)
            if old == new:
                continue
            self._painted[y] = new
            if old is None:
                self.refresh(Region(0, y, self.line_width, 1))
            else:
                self._refresh_difference(y, old, new)
        self._watch_glow()

    def _refresh_difference(self, y: int, old: Picture, new: Picture) -> None:
        """Refresh a line up to the last cell that differs.

        One region, and from the left edge: Textual writes each region of a line from there on.
        """
        end = 0
        grounds = (old.ground, old.lit) == (new.ground, new.lit)
        if not grounds or len(old.cells) != len(new.cells):
            end = self.line_width
        elif old.cells != new.cells:
            end = max(
                placed.x + placed.width
                for placed, before, after in zip(self._layout(), old.cells, new.cells, strict=True)
                if before != after
            )
        self.refresh(Region(0, y, end or GUTTER, 1))

    def _watch_glow(self) -> None:
        """Wake up when the next row stops to glow; no timer runs where none glows."""
        now = self._clock()
        top = self.scroll_offset.y
        ends = [
            changed + GLOW_SECONDS - now
            for row in self._rows[top : top + self.visible_rows]
            if (changed := self.changed_at(row)) is not None and 0 <= now - changed < GLOW_SECONDS
        ]
        if ends and self._glow_timer is None:
            self._glow_timer = self.set_timer(max(0.02, min(ends)), self._glow_ended)

    def _glow_ended(self) -> None:
        self._glow_timer = None
        self._repaint()

    def repaint(self) -> None:
        """Look at every visible row again, after something that it is drawn from has changed."""
        self._made.clear()
        self._repaint()

    def let_time_pass(self) -> None:
        """With the next repaint, look again at what is not ``still`` in every visible row."""
        self._tick += 1

    def show_sort(self, key: str, *, rising: bool) -> None:
        """Say in the header by which column the rows are sorted; none where ``key`` is empty."""
        if (key, rising) != self._sorted:
            self._sorted = key, rising
            self.refresh_header()

    def refresh_header(self) -> None:
        """Draw the header again, after a heading has changed."""
        if self.is_attached:
            self.refresh(Region(0, 0, self.line_width, HEADER))

    def render_line(self, y: int) -> Strip:
        """A line of the widget: the header, a row, or what stands in for rows."""
        width = self.line_width
        if y == 0:
            return self._header_strip(width)
        if not self._rows:
            return self._stand_in(y, width)
        self._layout()
        picture = self._painted.get(y)
        if picture is None:
            picture = self._painted[y] = self._picture(self.scroll_offset.y + y - HEADER)
        strip = self._strips.get((picture, width))
        if strip is None:
            if picture.lit is None:
                strip = self.painter.strip(self._line(picture), width, picture.ground)
            else:
                strip = self._partly_lit(picture, picture.lit, width)
            self._strips[picture, width] = strip
        return strip

    def _line(self, picture: Picture) -> Iterable[Span]:
        yield from picture.gutter
        for number, spans in enumerate(picture.cells):
            if number:
                yield " " * GAP, "text"
            yield from spans

    def _partly_lit(self, picture: Picture, lit: frozenset[int], width: int) -> Strip:
        """A line in which only some cells glow: what changed is seen, and little is written."""
        strip, parts, x = self.painter.strip, [self.painter.strip(picture.gutter, GUTTER)], GUTTER
        for at, (placed, spans) in enumerate(zip(self._layout(), picture.cells, strict=True)):
            parts.append(strip((), placed.x - x))
            parts.append(strip(spans, placed.width, picture.ground if at in lit else ""))
            x = placed.x + placed.width
        return Strip.join([*parts, strip((), width - x)])

    def _header_strip(self, width: int) -> Strip:
        key, rising = self._sorted
        mark = ("^" if rising else "v") if self.plain else ("▴" if rising else "▾")
        return self.painter.strip(header_spans(self._layout(), key, mark), width)

    def _stand_in(self, y: int, width: int) -> Strip:
        if self.waiting:
            spans = skeleton_spans(self._layout(), y, plain=self.plain) if y <= 8 else ()
            return self.painter.strip(spans, width)
        lines = safe(self.empty, keep_newlines=True).split("\n")
        first = max(2, (self.size.height - len(lines)) // 3)
        if not first <= y < first + len(lines):
            return self.painter.strip((), width)
        text = lines[y - first]
        return self.painter.strip(
            ((" " * max(0, (width - cells(text)) // 2), "text"), (text, "muted")), width
        )

    # ------------------------------------------------------------- changes

    def _all_changed(self) -> None:
        self._painted.clear()
        self._strips.clear()
        self._made.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """Forget what was painted in other colours."""
        super().notify_style_update()
        self._strips.clear()
        self._painted.clear()

    def watch_empty(self) -> None:
        """Say the new text."""
        if not self._rows:
            self._all_changed()

    def watch_waiting(self) -> None:
        """Show or hide the skeleton."""
        if not self._rows:
            self._all_changed()

    def watch_plain(self) -> None:
        """Draw everything in the other glyphs."""
        self._all_changed()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Forget what was painted where other rows are now."""
        if round(old_value) != round(new_value):
            self._painted.clear()
            self._watch_glow()
        super().watch_scroll_y(old_value, new_value)
