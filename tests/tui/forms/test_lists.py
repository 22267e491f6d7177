"""Lists of objects in the form of the trigger dialog: added, filled in, removed, sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field
from support.monitor import Monitor, monitor
from textual.widgets import Input

from durably_server import Durably, Step, job
from durably_server.http.serving import running_server
from durably_tui.tui.screens.trigger import TriggerScreen
from durably_tui.tui.widgets.schema_field import FieldRow
from durably_tui.tui.widgets.schema_form import SchemaForm
from durably_tui.tui.widgets.schema_list import ItemRow, ListRow, Press


class Line(BaseModel):
    sku: str
    count: Annotated[int, Field(ge=1)] = 1


class Cart(BaseModel):
    lines: Annotated[list[Line], Field(max_length=3)] = []
    note: str = ""


class Shop:
    """A server with the job ``order``, and what its runs were given."""

    def __init__(self, folder: Path) -> None:
        self.url = ""
        self.given: list[dict[str, Any]] = []

        @job("order")
        async def order(step: Step, input: Cart) -> None:
            self.given.append(input.model_dump())

        self.durably = Durably(f"sqlite:///{folder / 'shop.db'}", jobs=[order], stop_grace=0.0)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    made = Shop(tmp_path)
    async with running_server(made.durably) as made.url:
        yield made


async def form_of(shown: Monitor) -> SchemaForm:
    await shown.press("t")
    dialog = await shown.front(TriggerScreen)
    dialog.query_one("#job", Input).value = "order"
    await shown.press("tab")
    await shown.until(lambda: dialog.input.is_form and dialog.input.form.has_focus_within)
    return dialog.input.form


def cart(*lines: dict[str, Any]) -> dict[str, Any]:
    """What the job is given for these lines."""
    return Cart.model_validate({"lines": lines}).model_dump()


def labels(form: SchemaForm) -> list[str]:
    return [row.leaf.label for row in form.rows]


def row(form: SchemaForm, label: str) -> FieldRow | ListRow:
    return next(each for each in form.rows if each.leaf.label == label)


async def test_lines_are_added_filled_in_and_sent(shop: Shop) -> None:
    async with monitor(shop.url) as shown:
        form = await form_of(shown)
        await shown.shows("lines  list: 0 items, at most 3", "+ add")
        assert isinstance(shown.app.focused, Press)
        await shown.press("enter")
        await shown.until(lambda: "lines.1.sku" in labels(form))
        assert labels(form) == ["lines", "lines.1", "lines.1.sku", "lines.1.count", "note"]
        await shown.until(lambda: shown.app.focused is row(form, "lines.1.sku").editor)
        await shown.press(*"nail", "tab", *"12", "shift+tab", "shift+tab", "shift+tab", "space")
        await shown.until(lambda: "lines.2.sku" in labels(form))
        await shown.shows("nail", "12", "lines  list: 2 items")
        await shown.press(*"bolt", "ctrl+s")
        await shown.until(lambda: shop.given)
        assert shop.given == [cart({"sku": "nail", "count": 12}, {"sku": "bolt"})]


async def test_a_line_is_removed_and_the_others_keep_what_was_typed(shop: Shop) -> None:
    async with monitor(shop.url) as shown:
        form = await form_of(shown)
        for word in ("nail", "bolt"):
            row(form, "lines").editor.focus()
            await shown.press("enter")
            await shown.until(lambda: shown.app.focused is form.fields[-2 - 1].editor)
            await shown.press(*word, "tab", *"x")
        assert form.draft()["lines"] == [
            {"sku": "nail", "count": "x"},
            {"sku": "bolt", "count": "x"},
        ]
        await shown.pilot.click(row(form, "lines.1").editor)
        await shown.until(lambda: "lines.2" not in labels(form))
        assert form.draft() == {"lines": [{"sku": "bolt", "count": "x"}]}
        await shown.shows("bolt", "Must be a whole number, not 'x'.")
        first = row(form, "lines.1")
        assert isinstance(first, ItemRow)
        first.editor.focus()
        await shown.press("enter")
        await shown.until(lambda: labels(form) == ["lines", "note"])
        assert form.draft() == {}


async def test_what_is_wrong_stands_where_it_is_and_takes_the_keys(shop: Shop) -> None:
    async with monitor(shop.url) as shown:
        form = await form_of(shown)
        for at in range(1, 5):
            row(form, "lines").editor.focus()
            await shown.press("enter")
            await shown.until(lambda at=at: f"lines.{at}.sku" in labels(form))
        await shown.press("ctrl+s")
        await shown.shows("Must have at most 3 items.", "Is required.", "(4 more)")
        assert shown.app.focused is row(form, "lines").editor
        row(form, "lines.2").editor.focus()
        await shown.press("enter")
        await shown.until(lambda: "lines.4" not in labels(form))
        await shown.press("ctrl+s")
        await shown.shows("lines, item 1, sku: is required. (2 more)")
        assert shown.app.focused is row(form, "lines.1.sku").editor
        assert not shop.given


async def test_json_and_form_show_the_same_lines(shop: Shop) -> None:
    async with monitor(shop.url) as shown:
        form = await form_of(shown)
        await shown.press("enter")
        await shown.until(lambda: "lines.1.sku" in labels(form))
        await shown.press(*"nail", "ctrl+t")
        await shown.shows("Input (JSON)", '"sku": "nail"')
        dialog = shown.at(TriggerScreen)
        dialog.input.editor.load_text('{"lines": [{"sku": "a"}, {"sku": "b"}]}')
        await shown.press("ctrl+t")
        await shown.until(lambda: "lines.2.sku" in labels(form))
        await shown.press("ctrl+s")
        await shown.until(lambda: shop.given)
        assert shop.given == [cart({"sku": "a"}, {"sku": "b"})]


@pytest.mark.parametrize("height", [15, 22, 24, 36, 40])
async def test_every_field_of_the_dialog_is_in_sight_with_a_long_form(
    shop: Shop, height: int
) -> None:
    async with monitor(shop.url, size=(80, height)) as shown:
        form = await form_of(shown)
        for at in range(1, 4):
            row(form, "lines").editor.focus()
            await shown.press("enter")
            await shown.until(lambda at=at: f"lines.{at}.sku" in labels(form))
        dialog = shown.at(TriggerScreen).query_one("#dialog")
        for each in ("#job", "#labels", "#idempotency", "#concurrency"):
            line = dialog.query_one(each)
            assert dialog.content_region.contains_region(line.region), each
