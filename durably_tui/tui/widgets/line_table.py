"""A table of any length that paints only what changed, drawn by Textual's Line API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.timer import Timer

from durably_tui.text import Align, cells, fit, safe

from .line_view import LineView, Span, Spans, fitted

RowT = TypeVar("RowT")

GLOW_SECONDS = 1.0
"""For how long a row that changed is lit."""

_HEADER = 1
_GUTTER = 3
_GAP = 2


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
    grow: int = 0
    """Its share of the room that is left."""
    limit: int = 10_000
    """The most cells it takes."""
    align: Align = "left"


@dataclass(frozen=True)
class Placed(Generic[RowT]):
    """A column at its place in the line."""

    column: Column[RowT]
    x: int
    width: int


def place_columns(columns: Sequence[Column[RowT]], width: int) -> tuple[Placed[RowT], ...]:
    """Which columns a line of ``width`` cells shows, where, and how wide.

    It depends on nothing but the width, so that no column moves when what it shows changes.
    """
    room = width - _GUTTER
    chosen: list[Column[RowT]] = []
    widths: dict[str, int] = {}
    for column in sorted(columns, key=lambda column: column.priority):
        need = column.width + (_GAP if chosen else 0)
        wanted = sum(max(0, other.want - other.width) for other in chosen) if column.extra else 0
        if chosen and need + wanted > room:
            break
        chosen.append(column)
        widths[column.key] = column.width
        room -= need
    for column in chosen:
        more = min(room, max(0, column.want - column.width))
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
    x = _GUTTER
    for column in columns:
        if column.key in widths:
            shown = max(0, min(widths[column.key], width - x))
            placed.append(Placed(column, x, shown))
            x += widths[column.key] + _GAP
    return tuple(placed)


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that a line shows. Two equal pictures are the same strip."""

    key: str
    gutter: Spans
    cells: tuple[Spans, ...]
    ground: str = ""


_NOTHING = Picture("", (), ())


class LineTable(LineView, Generic[RowT]):
    """A virtual table with a fixed header, a cursor that stays on its key, and rows that glow.

    Rows are frozen values in a sequence that the table keeps and never changes. Whatever happens
    (new rows, a tick of the clock, a mark, the cursor), the pictures of the visible lines are
    compared with what was painted, and only the columns that differ are refreshed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "cursor_move(1)", "Down", show=False),
        Binding("up,k", "cursor_move(-1)", "Up", show=False),
        Binding("pagedown", "cursor_page(1)", "Page down", show=False),
        Binding("pageup", "cursor_page(-1)", "Page up", show=False),
        Binding("home,g", "cursor_first", "First", show=False),
        Binding("end,G", "cursor_last", "Last", show=False),
        Binding("enter", "select_row", "Open", show=False),
    ]

    marked: var[frozenset[str]] = var(frozenset[str]())
    """The keys of the rows that are marked."""
    empty: var[str] = var("Nothing here yet.")
    """What is said where there are no rows."""
    waiting: var[bool] = var(False)
    """Whether the first rows are still to come: a skeleton is shown as long as there are none."""
    plain: var[bool] = var(False)
    """Show ASCII only."""

    class RowMessage(Message):
        """Something about one row."""

        def __init__(self, table: LineTable[Any], key: str, row: Any, index: int) -> None:
            super().__init__()
            self.table = table
            self.key = key
            self.row = row
            self.index = index

        @property
        def control(self) -> LineTable[Any]:
            """The table, for ``@on`` with a selector."""
            return self.table

    class RowHighlighted(RowMessage):
        """The cursor is on another row."""

    class RowSelected(RowMessage):
        """A row was opened, by Enter or a double click."""

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
        """Make a table.

        Args:
            columns: In the order in which they are shown.
            row_key: The identity of a row, unique among the rows.
            clock: Seconds since the epoch, for the glow.
            empty: What is said where there are no rows.
            plain: Show ASCII only.
            name: The name of the widget.
            id: The id of the widget.
            classes: The CSS classes of the widget.
        """
        super().__init__(name=name, id=id, classes=classes)
        self._columns = tuple(columns)
        self._row_key = row_key
        self._clock = clock
        self._rows: Sequence[RowT] = ()
        self._cursor_key: str | None = None
        self._cursor_index = 0
        self._placed: tuple[Placed[RowT], ...] = ()
        self._placed_width = -1
        self._painted: dict[int, Picture] = {}
        self._strips: LRUCache[tuple[Picture, int], Strip] = LRUCache(1024)
        self._made: LRUCache[str, tuple[RowT, tuple[Spans, ...]]] = LRUCache(512)
        self._glow_timer: Timer | None = None
        self.set_reactive(LineTable.plain, plain)
        if empty is not None:
            self.set_reactive(LineTable.empty, empty)

    def set_columns(self, columns: Sequence[Column[RowT]]) -> None:
        """Show other columns."""
        self._columns = tuple(columns)
        self._placed_width = -1
        self._all_changed()

    # ---------------------------------------------------------------- rows

    @property
    def rows(self) -> Sequence[RowT]:
        """The rows, in the order shown."""
        return self._rows

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._cursor_key

    @property
    def cursor_index(self) -> int:
        """The index of the row under the cursor; 0 where there are none."""
        return self._cursor_index

    @property
    def cursor_row(self) -> RowT | None:
        """The row under the cursor."""
        return self._rows[self._cursor_index] if self._rows else None

    def changed_at(self, row: RowT) -> float | None:
        """When a row last changed, in seconds of the clock; None if it shall not glow."""
        del row
        return None

    def set_rows(self, rows: Sequence[RowT]) -> None:
        """Show these rows. The table keeps the sequence: give a new one rather than change it.

        The cursor stays on its key. Where that is gone, it stays on its line. The cost does not
        depend on how many rows there are, but for a search when the cursor's row moved far.
        """
        followed = self._cursor_key
        top = self.scroll_offset.y
        line = self._cursor_index - top
        was_empty = not self._rows
        self._rows = rows
        self._cursor_index = self._find_cursor()
        self._cursor_key = self._row_key(rows[self._cursor_index]) if rows else None
        self._resize_virtual()
        if self.is_attached and rows:
            if top:
                # What was being read stays where it is, even while rows come in above.
                self._jump(self._cursor_index - line)
            elif line < self._visible_rows:
                self._scroll_to_cursor()
        if was_empty != (not rows):
            self._all_changed()
        self._repaint()
        if self._cursor_key is not None and self._cursor_key != followed:
            self._announce()

    def _find_cursor(self) -> int:
        if not self._rows:
            return 0
        near = min(self._cursor_index, len(self._rows) - 1)
        if self._cursor_key is None:
            return near
        found = self._search(self._cursor_key, near)
        return near if found is None else found

    def _search(self, key: str, near: int) -> int | None:
        """Where a key is, looked for from ``near`` outward, as rows mostly move a little."""
        rows, row_key = self._rows, self._row_key
        last = len(rows) - 1
        for distance in range(max(near, last - near) + 1):
            below, above = near + distance, near - distance
            if below <= last and row_key(rows[below]) == key:
                return below
            if 0 <= above <= last and row_key(rows[above]) == key:
                return above
        return None

    def _resize_virtual(self) -> None:
        size = Size(0, len(self._rows) + _HEADER)
        if size != self.virtual_size:
            self.virtual_size = size

    # -------------------------------------------------------------- cursor

    def move_cursor(self, to: int | str) -> None:
        """Put the cursor on a row, by index (the nearest there is) or by key (if it is there)."""
        if not self._rows:
            return
        index = self._search(to, self._cursor_index) if isinstance(to, str) else to
        if index is None:
            return
        index = max(0, min(index, len(self._rows) - 1))
        key = self._row_key(self._rows[index])
        moved = key != self._cursor_key
        self._cursor_index, self._cursor_key = index, key
        self._scroll_to_cursor()
        if moved:
            self._repaint()
            self._announce()

    def action_cursor_move(self, rows: int) -> None:
        """Move the cursor by some rows."""
        self.move_cursor(self._cursor_index + rows)

    def action_cursor_page(self, pages: int) -> None:
        """Move the cursor by some pages."""
        self.move_cursor(self._cursor_index + pages * max(1, self._visible_rows))

    def action_cursor_first(self) -> None:
        """Move the cursor to the first row."""
        self.move_cursor(0)

    def action_cursor_last(self) -> None:
        """Move the cursor to the last row."""
        self.move_cursor(len(self._rows) - 1)

    def action_select_row(self) -> None:
        """Open the row under the cursor."""
        if (row := self.cursor_row) is not None and self._cursor_key is not None:
            self.post_message(self.RowSelected(self, self._cursor_key, row, self._cursor_index))

    def _announce(self) -> None:
        if (row := self.cursor_row) is not None and self._cursor_key is not None:
            self.post_message(self.RowHighlighted(self, self._cursor_key, row, self._cursor_index))

    @property
    def _visible_rows(self) -> int:
        return max(0, self.size.height - _HEADER)

    def _scroll_to_cursor(self) -> None:
        top, visible = self.scroll_offset.y, self._visible_rows
        if visible and self._cursor_index < top:
            self._jump(self._cursor_index)
        elif visible and self._cursor_index >= top + visible:
            self._jump(self._cursor_index - visible + 1)

    def _jump(self, top: int) -> None:
        self.scroll_to(y=top, animate=False, force=True)

    async def _on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or offset.y < _HEADER:
            return
        index = offset.y - _HEADER + self.scroll_offset.y
        if index < len(self._rows):
            event.stop()
            self.move_cursor(index)
            if event.chain > 1:
                self.action_select_row()

    # ------------------------------------------------------------- picture

    def row_gutter(self, row: RowT, key: str) -> Spans:
        """What stands left of a row: whether it is marked, and whether the cursor is on it."""
        del row
        mark, pointer = ("*", ">") if self.plain else ("◆", "▸")
        return (
            (mark if key in self.marked else " ", "accent"),
            (pointer if key == self._cursor_key else " ", "accent"),
            (" ", "text"),
        )

    def _ground(self, row: RowT, key: str) -> str:
        if key == self._cursor_key:
            return "cursor" if self.has_focus else "blurred"
        changed = self.changed_at(row)
        if changed is not None and 0 <= self._clock() - changed < GLOW_SECONDS:
            return "glow"
        return "marked" if key in self.marked else ""

    def _picture(self, index: int) -> Picture:
        if not 0 <= index < len(self._rows):
            return _NOTHING
        row = self._rows[index]
        key = self._row_key(row)
        return Picture(
            key, self.row_gutter(row, key), self._cells(key, row), self._ground(row, key)
        )

    def _cells(self, key: str, row: RowT) -> tuple[Spans, ...]:
        """What the columns show of a row, made anew only for another row or after ``repaint``."""
        made = self._made.get(key)
        if made is not None and made[0] is row:
            return made[1]
        shown = tuple(
            fitted(placed.column.render(row, placed.width), placed.width)
            for placed in self._layout()
        )
        self._made[key] = (row, shown)
        return shown

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
        for y in range(_HEADER, self.size.height):
            index = top + y - _HEADER
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
        if old.ground != new.ground or len(old.cells) != len(new.cells):
            end = self.line_width
        elif old.cells != new.cells:
            end = max(
                placed.x + placed.width
                for placed, before, after in zip(self._layout(), old.cells, new.cells, strict=True)
                if before != after
            )
        self.refresh(Region(0, y, end or _GUTTER, 1))

    def _watch_glow(self) -> None:
        """Wake up when the next row stops to glow; no timer runs where none glows."""
        now = self._clock()
        top = self.scroll_offset.y
        ends = [
            changed + GLOW_SECONDS - now
            for row in self._rows[top : top + self._visible_rows]
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

    def refresh_header(self) -> None:
        """Draw the header again, after a heading has changed."""
        if self.is_attached:
            self.refresh(Region(0, 0, self.line_width, _HEADER))

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
            picture = self._painted[y] = self._picture(self.scroll_offset.y + y - _HEADER)
        strip = self._strips.get((picture, width))
        if strip is None:
            strip = self.painter.strip(self._line(picture), width, picture.ground)
            self._strips[picture, width] = strip
        return strip

    def _line(self, picture: Picture) -> Iterable[Span]:
        yield from picture.gutter
        for number, spans in enumerate(picture.cells):
            if number:
                yield " " * _GAP, "text"
            yield from spans

    def _header_strip(self, width: int) -> Strip:
        spans: list[Span] = [(" " * _GUTTER, "header")]
        for number, placed in enumerate(self._layout()):
            if number:
                spans.append((" " * _GAP, "header"))
            title = placed.column.title
            if not isinstance(title, str):
                title = title(placed.width)
            spans.append((fit(title, placed.width, placed.column.align), "header"))
        return self.painter.strip(spans, width)

    def _stand_in(self, y: int, width: int) -> Strip:
        if self.waiting:
            return self._skeleton_strip(y, width)
        lines = safe(self.empty, keep_newlines=True).split("\n")
        first = max(2, (self.size.height - len(lines)) // 3)
        if not first <= y < first + len(lines):
            return self.painter.strip((), width)
        text = lines[y - first]
        return self.painter.strip(
            ((" " * max(0, (width - cells(text)) // 2), "text"), (text, "muted")), width
        )

    def _skeleton_strip(self, y: int, width: int) -> Strip:
        """Where rows will be, in lengths that look like words and never move."""
        spans: list[Span] = [(" " * _GUTTER, "text")]
        if y > 8:
            spans = []
        else:
            for number, placed in enumerate(self._layout()):
                length = 1 + placed.width * (4 + (y * 7 + number * 3) % 5) // 10
                bar = ("-" if self.plain else "─") * min(length, placed.width)
                spans.append((fit(bar, placed.width), "rail"))
                spans.append((" " * _GAP, "text"))
        return self.painter.strip(spans, width)

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

    def watch_marked(self) -> None:
        """Repaint the rows whose mark changed."""
        self._repaint()

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

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show the cursor as active or at rest."""
        super().watch_has_focus(has_focus)
        self._repaint()

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._scroll_to_cursor()
