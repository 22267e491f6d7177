"""What is typed into a form, and what of it is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.order_form import Address, Order, Street, order, part

from durably_tui.tui.forms import (
    ABSENT,
    BadText,
    Field,
    Kind,
    leaves,
    problems,
    read_schema,
    text_of,
    value_at,
    value_of,
)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("rows", " 12 ", 12),
        ("rows", "12.0", 12.0),
        ("rows", "", ABSENT),
        ("name", "  as typed ", "  as typed "),
        ("name", "null", "null"),
        ("ratio", "0.5", 0.5),
        ("ratio", "5e-1", 0.5),
        ("sure", "yes", True),
        ("sure", "False", False),
        ("tags", "one\n two, with comma \n\n", ["one", "two, with comma"]),
        ("tags", '["a\\nb", ""]', ["a\nb", ""]),
        ("sizes", "1\n2", [1, 2]),
        ("streets", '[{"name": "High St"}]', [{"name": "High St"}]),
        ("counts", '{"a": 1}', {"a": 1}),
        ("either", "7", 7),
        ("colour", '"red"', "red"),
    ],
)
def test_what_is_typed(name: str, text: str, value: Any) -> None:
    found = value_of(part(name), text)
    assert found == value or found is value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("rows", "many", "Must be a whole number, not 'many'."),
        ("rows", "1.5", "Must be a whole number, not 1.5."),
        ("rows", "1_000", "Must be a whole number, not '1_000'."),
        ("rows", "0", "Must be at least 1."),
        ("rows", "1000", "Must be at most 200."),
        ("name", "", "Is required."),
        ("ratio", "0", "Must be more than 0."),
        ("ratio", "1", "Must be less than 1."),
        ("ratio", "nan", "Must be a number, not 'nan'."),
        ("ratio", "1e999", "Must be a number that JSON has."),
        ("speed", '"medium"', "Must be one of 'slow', 'fast'."),
        ("sure", "perhaps", "Is not JSON: Expecting value at line 1, column 1."),
        ("sizes", "1\nx", "item 2: must be a whole number, not 'x'."),
        ("sizes", "1\n2\n3\n4", "Must have at most 3 items."),
        ("sizes", "[]", "Must have at least 1 item."),
        ("streets", "[{}]", "item 1, name: is required."),
        ("streets", '[{"name": 7}]', "item 1, name: must be text, not 7."),
        ("streets", '{"name": 7}', "Must be a list, not an object."),
        ("counts", "{", "Is not JSON: Expecting property name enclosed in double quotes at"),
        ("either", "NaN", "Is not JSON: it has no number NaN."),
        ("streets", "[" * 100_000, "Is not JSON that can be read: too deep."),
    ],
)
def test_what_is_refused_as_it_is_typed(name: str, text: str, sentence: str) -> None:
    with pytest.raises(BadText) as told:
        value_of(part(name), text)
    assert str(told.value).startswith(sentence)


def test_a_required_field_that_may_be_null_is_null_when_empty() -> None:
    assert value_of(Field(kind=Kind.INTEGER, required=True, nullable=True), " ") is None


@pytest.mark.parametrize(
    ("schema", "text", "sentence"),
    [
        ({"pattern": "^[a-z]{3}$"}, "ab", "Must match ^[a-z]{3}$."),
        ({"pattern": "^[a-z]{3}$"}, "abc", None),
        ({"pattern": "^(?<year>\\d+)$"}, "x", None),  # JavaScript's
        ({"pattern": "(a+)+$"}, "a" * 40 + "b", None),  # would run for years
        ({"pattern": "a*a*a*a*a*a*b"}, "a" * 200, None),
        ({"pattern": "(a|a)*(a|a)*$"}, "a" * 40 + "b", None),
        ({"minLength": 2}, "a", "Must have at least 2 characters."),
        ({"maxLength": 1}, "ab", "Must have at most 1 character."),
    ],
)
def test_texts_with_limits_and_patterns_of_strangers(
    schema: dict[str, Any], text: str, sentence: str | None
) -> None:
    found = read_schema({"type": "object", "properties": {"a": {"type": "string"} | schema}})
    assert found is not None
    began = time.monotonic()
    try:
        value_of(found.fields[0], text)
        said = None
    except BadText as error:
        said = str(error)
    assert said == sentence
    assert time.monotonic() - began < 1


def test_problems_of_a_whole_input() -> None:
    wrong = {"rows": 0, "address": {"city": None}, "more": 1, "sure": 1, "tags": "a"}
    assert [str(problem) for problem in problems(order(), wrong)] == [
        "rows: must be at least 1.",
        "name: is required.",
        "sure: must be true or false, not 1.",
        "tags: must be a list, not 'a'.",
        "address, city: must be text, not null.",
        "more: there is no such field: remove it.",
    ]
    assert [str(problem) for problem in problems(order(), [])] == ["Must be an object, not a list."]
    assert [str(problem) for problem in problems(order(), None)] == ["Must be an object, not null."]


@given(
    st.builds(
        Order,
        rows=st.integers(1, 200),
        name=st.text(min_size=1),
        note=st.none() | st.text(min_size=1),
        ratio=st.none() | st.floats(0, 1, exclude_min=True, exclude_max=True),
        tags=st.lists(st.text()),
        sizes=st.lists(st.integers(), min_size=1, max_size=3),
        streets=st.lists(st.builds(Street, name=st.text()), max_size=3),
        counts=st.dictionaries(st.text(), st.integers()),
        either=st.integers() | st.text(min_size=1),
        address=st.builds(
            Address, city=st.text(min_size=1), street=st.none() | st.builds(Street, name=st.text())
        ),
        second=st.none(),
    )
)
def test_what_pydantic_takes_is_taken_and_reads_back_as_it_was(order_in: Order) -> None:
    value = json.loads(order_in.model_dump_json())
    assert list(problems(order(), value)) == []
    for leaf in leaves(order(), value):
        there = value_at(value, leaf.path)
        text = text_of(leaf.field, there)
        if there is not ABSENT and there is not None and there != "":
            assert value_of(leaf.field, text) == there
