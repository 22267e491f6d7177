"""A form of many fields, made from a JSON Schema."""

from __future__ import annotations

from typing import Any

from textual import events, on
from textual.containers import VerticalScroll

from durably_tui.tui.forms import (
    BadText,
    Field,
    Leaf,
    Problem,
    assembled,
    completed,
    leaves,
    problems,
    value_at,
    with_item,
    without_item,
)

from .schema_field import FieldRow
from .schema_list import ItemRow, ListRow

Row = FieldRow | ListRow


class SchemaForm(VerticalScroll, can_focus=False):
    """The fields of an object, one below the other. What no field knows of a value stays in it."""

    DEFAULT_CSS = """
    SchemaForm { height: auto; max-height: 100%; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._field = Field()
        self._base: Any = None
        self._has_other_items = False

    @property
    def rows(self) -> list[Row]:
        """The fields from the top, with lists and their items."""
        return [row for row in self.children if isinstance(row, FieldRow | ListRow)]

    @property
    def fields(self) -> list[FieldRow]:
        """The fields in which something is typed, from the top."""
        return list(self.query(FieldRow))

    @property
    def is_touched(self) -> bool:
        """Whether something was typed, added or removed since the form was loaded."""
        return self._has_other_items or any(row.is_touched for row in self.fields)

    async def load(self, field: Field, value: Any) -> None:
        """Show the fields of ``field`` with what ``value`` has of them."""
        self._field, self._base, self._has_other_items = field, value, False
        await self.remove_children()
        await self.mount_all(_row(leaf, value) for leaf in leaves(field, value))

    def draft(self) -> Any:
        """The value as far as it is typed; a text that is no value of its field stays a text."""
        return self._assembled() if self.is_touched else self._base

    def collect(self) -> tuple[Any, list[Problem]]:
        """The value, and what of it cannot be sent; each field says what is wrong with it."""
        found: dict[Row, str] = {}
        for field in self.fields:
            try:
                field.value()
            except BadText as error:
                found[field] = str(error)
        value = completed(self._field, self._assembled())
        others: list[Problem] = []
        for problem in problems(self._field, value):
            known = self._row_of(problem)
            if known is None:
                others.append(problem)
            else:
                below = problem.path[len(known.leaf.path) :]
                found.setdefault(known, str(Problem(below, problem.sentence)))
        wrong = []
        for row in self.rows:
            row.complain(said := found.get(row))
            if said is not None:
                wrong.append(Problem(row.leaf.path, said))
        return value, [*wrong, *others]

    def focus_on(self, problem: Problem | None = None) -> None:
        """Put the keys into the field of a problem, else into the first."""
        row = self._row_of(problem) if problem is not None else None
        row = row or next(iter(self.rows), None)
        if row is not None:
            row.editor.focus()

    @on(events.DescendantFocus)
    def _show_whole(self, event: events.DescendantFocus) -> None:
        """Have all of the field in sight that the keys came into: Textual scrolls to where it is
        typed, and leaves its name above the edge."""
        row = next((each for each in event.widget.ancestors if isinstance(each, Row)), None)
        if row is not None:
            self.call_after_refresh(row.scroll_visible, animate=False)

    # -- lists -----------------------------------------------------------------------------

    @on(ListRow.Asked)
    async def _list_changed(self, event: ListRow.Asked) -> None:
        """Add an item to a list, or take it out, and go on there."""
        event.stop()
        leaf, before = event.row.leaf, self.draft()
        if leaf.is_item:
            of = next(row.leaf for row in self.rows if row.leaf.path == leaf.path[:-1])
            keep = of.field.required or bool(of.field.has_default and of.field.default)
            value = without_item(before, leaf.path, needed=keep)
            then = of.path
        else:
            value = with_item(before, leaf.path)
            then = (*leaf.path, leaf.items or 0)
        await self.load(self._field, value)
        self._has_other_items = True
        inside = [row for row in self.rows if row.leaf.path[: len(then)] == then]
        fields = [row for row in inside if not row.leaf.is_item]
        (fields or inside or self.rows)[0].editor.focus()
        self.post_message(FieldRow.Changed())

    # -- inside ----------------------------------------------------------------------------

    def _assembled(self) -> dict[str, Any]:
        touched = {row.leaf.path: row.draft() for row in self.fields if row.is_touched}
        return assembled(self._base, touched)

    def _row_of(self, problem: Problem) -> Row | None:
        """The field that a problem is in; of an object that is missing, its first field."""
        wanted = problem.path
        around = [row for row in self.rows if wanted[: len(row.leaf.path)] == row.leaf.path]
        if around:
            return max(around, key=lambda row: len(row.leaf.path))
        inside = (row for row in self.rows if row.leaf.path[: len(wanted)] == wanted)
        return next(inside, None)


def _row(leaf: Leaf, value: Any) -> Row:
    if leaf.is_item:
        return ItemRow(leaf)
    if leaf.items is not None:
        return ListRow(leaf)
    return FieldRow(leaf, value_at(value, leaf.path))
