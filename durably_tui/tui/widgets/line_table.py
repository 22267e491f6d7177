"""A table of any length that paints only what changed, drawn by Textual's Line API."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, overload

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import var

from .line_table_columns import Column, RowT, place_columns
from .line_table_painting import GLOW, GLOW_SECONDS, HEADER, PaintedTable
from .line_view import Spans

__all__ = ["GLOW_SECONDS", "Column", "KeyedRows", "LineTable", "place_columns"]


class KeyedRows(Sequence[RowT]):
    """Rows that know where a key is, so that nobody has to look through them."""

    @overload
    def __getitem__(self, index: int) -> RowT: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RowT]: ...
    def __getitem__(self, index: int | slice) -> RowT | Sequence[RowT]:
        if isinstance(index, slice):
            return [self.at(at) for at in range(*index.indices(len(self)))]
        at = index if index >= 0 else len(self) + index
        if not 0 <= at < len(self):
            raise IndexError(index)
        return self.at(at)

    def at(self, index: int) -> RowT:
        """The row with this index, which there is."""
        raise NotImplementedError

    def find(self, key: str) -> int | None:
        """The index of the row with this key, or None."""
        raise NotImplementedError


class LineTable(PaintedTable[RowT]):
    """A virtual table with a cursor that stays on its key, marks, and rows that glow."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "cursor_move(1)", "Down", show=False),
        Binding("up,k", "cursor_move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "cursor_page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "cursor_page(-1)", "Page up", show=False),
        Binding("home,g", "cursor_first", "First", show=False),
        Binding("end,G", "cursor_last", "Last", show=False),
        Binding("enter", "select_row", "Open", show=False),
    ]

    marked: var[frozenset[str]] = var(frozenset[str]())
    """The keys of the rows that are marked."""

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

    class HeaderClicked(Message):
        """The heading of a column was clicked."""

        def __init__(self, table: LineTable[Any], column: str) -> None:
            super().__init__()
            self.table = table
            self.column = column

        @property
        def control(self) -> LineTable[Any]:
            """The table, for ``@on`` with a selector."""
            return self.table

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
        super().__init__(
            columns,
            row_key=row_key,
            clock=clock,
            empty=empty,
            plain=plain,
            name=name,
            id=id,
            classes=classes,
        )
        self._cursor_key: str | None = None
        self._cursor_index = 0
        self._seeks = False
        self.opens: Callable[[], object] | None = None
        """What Enter does at once, in the place of ``RowSelected``. For what leads to another
        place: keys that follow closely are meant for there."""

    def tell_enter(self, name: str, label: str, help: str) -> None:
        """Have the footer tell what Enter does here.

        Args:
            name: of the command, by which the user may have given it another key.
            label: for the footer.
            help: for whoever points at it.
        """
        (binding,) = self._bindings.key_to_bindings["enter"]
        told = replace(binding, description=label, tooltip=help, id=name, show=True)
        self._bindings.key_to_bindings["enter"] = [replace(told, key_display="Enter")]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where there is no row, none can be opened."""
        return None if action == "select_row" and not self._rows else True

    # ---------------------------------------------------------------- rows

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

    def set_rows(self, rows: Sequence[RowT]) -> None:
        """Show these rows. The table keeps the sequence: give a new one rather than change it.

        The cursor stays on its key. Where that is gone, it stays on its line. The cost does not
        depend on how many rows there are, but for a search when the cursor's row moved far in rows
        that are not ``KeyedRows``.
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
            elif line < self.visible_rows:
                self._scroll_to_cursor()
            if self._seeks:
                self._scroll_to_cursor()
                self._seeks = False
        if was_empty != (not rows):
            self._all_changed()
        self._repaint()
        if self._cursor_key is not None and self._cursor_key != followed:
            self._announce()

    def seek_cursor(self) -> None:
        """With the next rows, have the cursor in sight wherever it is among them: for rows that
        somebody asked for, as those of another order. Where rows only come in, what is read
        stays."""
        self._seeks = True

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
        if isinstance(rows, KeyedRows):
            return rows.find(key)
        last = len(rows) - 1
        for distance in range(max(near, last - near) + 1):
            below, above = near + distance, near - distance
            if below <= last and row_key(rows[below]) == key:
                return below
            if 0 <= above <= last and row_key(rows[above]) == key:
                return above
        return None

    def find(self, key: str) -> int | None:
        """The index of the row with this key, or None where there is none."""
        return self._search(key, self._cursor_index) if self._rows else None

    def _resize_virtual(self) -> None:
        size = Size(0, len(self._rows) + HEADER)
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
        self.move_cursor(self._cursor_index + pages * max(1, self.visible_rows))

    def action_cursor_first(self) -> None:
        """Move the cursor to the first row."""
        self.move_cursor(0)

    def action_cursor_last(self) -> None:
        """Move the cursor to the last row."""
        self.move_cursor(len(self._rows) - 1)

    def action_select_row(self) -> None:
        """Open the row under the cursor."""
        if self.opens is not None:
            self.opens()
        elif (row := self.cursor_row) is not None and self._cursor_key is not None:
            self.post_message(self.RowSelected(self, self._cursor_key, row, self._cursor_index))

    def _announce(self) -> None:
        if (row := self.cursor_row) is not None and self._cursor_key is not None:
            self.post_message(self.RowHighlighted(self, self._cursor_key, row, self._cursor_index))

    def _scroll_to_cursor(self) -> None:
        top, visible = self.scroll_offset.y, self.visible_rows
        if visible and self._cursor_index < top:
            self._jump(self._cursor_index)
        elif visible and self._cursor_index >= top + visible:
            self._jump(self._cursor_index - visible + 1)

    def _jump(self, top: int) -> None:
        self.scroll_to(y=top, animate=False, force=True)

    async def _on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < HEADER:
            for placed in self._placed:
                if placed.x <= offset.x < placed.x + placed.width:
                    event.stop()
                    self.post_message(self.HeaderClicked(self, placed.column.key))
            return
        index = offset.y - HEADER + self.scroll_offset.y
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

    def row_ground(self, row: RowT, key: str) -> str:
        """The cursor, else the glow of a change, else a mark."""
        if key == self._cursor_key:
            return "cursor" if self.has_focus else "blurred"
        if self.is_lit(row):
            return GLOW
        return "marked" if key in self.marked else ""

    def watch_marked(self) -> None:
        """Repaint the rows whose mark changed."""
        self._repaint()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show the cursor as active or at rest."""
        super().watch_has_focus(has_focus)
        self._repaint()

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._scroll_to_cursor()
