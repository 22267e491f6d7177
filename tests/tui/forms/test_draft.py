"""What a form's fields come to: an input put together from its parts, and lists that grow."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from support.order_form import Address, Street, json_values, order

from durably_tui.tui.forms import (
    ABSENT,
    assembled,
    completed,
    leaves,
    read_schema,
    value_at,
    with_item,
    without_item,
)


def test_items_are_added_and_removed() -> None:
    none: dict[str, Any] = {"name": "x"}
    one = with_item(none, ("streets",))
    assert one == {"name": "x", "streets": [{}]}
    two = with_item(assembled(one, {("streets", 0, "name"): "a"}), ("streets",))
    assert two == {"name": "x", "streets": [{"name": "a"}, {}]}
    assert without_item(two, ("streets", 0), needed=False) == {"name": "x", "streets": [{}]}
    assert without_item(one, ("streets", 0), needed=False) == none
    assert without_item(one, ("streets", 0), needed=True) == {"name": "x", "streets": []}
    assert none == {"name": "x"}, "what was given is not changed"


class Line(BaseModel):
    sku: str
    at: Address
    parts: list[Street] = []


class Cart(BaseModel):
    lines: list[Line]


def test_a_list_that_has_to_be_there_is_there_and_so_is_what_its_items_need() -> None:
    cart = read_schema(Cart.model_json_schema())
    assert cart is not None
    assert completed(cart, {}) == {"lines": []}
    assert completed(cart, {"lines": [{"sku": "a"}]}) == {"lines": [{"sku": "a", "at": {}}]}
    value = {"lines": [{"sku": "a", "parts": [{"name": "b"}]}]}
    labels = [leaf.label for leaf in leaves(cart, value)]
    assert labels[-4:] == [
        *("lines.1.parts", "lines.1.parts.1"),
        *("lines.1.parts.1.name", "lines.1.parts.1.number"),
    ]


@given(
    json_values,
    st.dictionaries(
        st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple),
        json_values | st.just(ABSENT),
        max_size=3,
    ),
)
def test_a_value_is_put_together_from_its_parts(base: Any, entries: dict[Any, Any]) -> None:
    before = json.dumps(base)
    made = assembled(base, entries)
    assert json.dumps(base) == before, "what was given is not changed"
    last = list(entries)[-1:]
    for path in last:
        there = value_at(made, path)
        assert there == entries[path] or there is entries[path]


def test_nothing_else_is_lost() -> None:
    base = {"known": 1, "unknown": [1, {"x": None}], "inner": {"a": 1, "other": 2}}
    assert assembled(base, {("known",): 2, ("inner", "a"): ABSENT}) == {
        "known": 2,
        "unknown": [1, {"x": None}],
        "inner": {"other": 2},
    }
    assert completed(order(), {"rows": 1}) == {"rows": 1, "address": {}}
    assert assembled(None, {("a", "b"): 1, ("c", "d"): ABSENT}) == {"a": {"b": 1}}
