"""A form of many fields, made from a JSON Schema."""

from __future__ import annotations

from typing import Any

from textual.containers import VerticalScroll

from durably_tui.tui.forms import (
    BadText,
    Field,
    Problem,
    assembled,
    completed,
    leaves,
    problems,
    value_at,
)

from .schema_field import FieldRow


class SchemaForm(VerticalScroll, can_focus=False):
    """The fields of an object, one below the other. What no field knows of a value stays in it."""

    DEFAULT_CSS = """
    SchemaForm { height: auto; max-height: 100%; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._field = Field()
        self._base: Any = None

    @property
    def rows(self) -> list[FieldRow]:
        """The fields, from the top."""
        return list(self.query(FieldRow))

    @property
    def is_touched(self) -> bool:
        """Whether something was typed since the form was loaded."""
        return any(row.is_touched for row in self.rows)

    async def load(self, field: Field, value: Any) -> None:
        """Show the fields of ``field`` with what ``value`` has of them."""
        self._field, self._base = field, value
        await self.remove_children()
        await self.mount_all(FieldRow(leaf, value_at(value, leaf.path)) for leaf in leaves(field))

    def draft(self) -> Any:
        """The value as far as it is typed; a text that is no value of its field stays a text."""
        return self._assembled() if self.is_touched else self._base

    def collect(self) -> tuple[Any, list[Problem]]:
        """The value, and what of it cannot be sent; each field says what is wrong with it."""
        found: dict[FieldRow, str] = {}
        for row in self.rows:
            try:
                row.value()
            except BadText as error:
                found[row] = str(error)
        value = completed(self._field, self._assembled())
        others: list[Problem] = []
        for problem in problems(self._field, value):
            known = self._row_of(problem)
            if known is None:
                others.append(problem)
            else:
                below = problem.path[len(known.leaf.path) :]
                found.setdefault(known, str(Problem(below, problem.sentence)))
        for row in self.rows:
            row.complain(found.get(row))
        return value, [*(Problem(row.leaf.path, said) for row, said in found.items()), *others]

    def focus_on(self, problem: Problem | None = None) -> None:
        """Put the keys into the field of a problem, else into the first."""
        row = self._row_of(problem) if problem is not None else None
        row = row or next(iter(self.rows), None)
        if row is not None:
            row.editor.focus()

    def _assembled(self) -> dict[str, Any]:
        touched = {row.leaf.path: row.draft() for row in self.rows if row.is_touched}
        return assembled(self._base, touched)

    def _row_of(self, problem: Problem) -> FieldRow | None:
        """The field that a problem is in; of an object that is missing, its first field."""
        for row in self.rows:
            path = row.leaf.path
            if problem.path[: len(path)] == path or path[: len(problem.path)] == problem.path:
                return row
        return None
