"""Forms made from JSON Schemas: what is understood, what is typed, what is refused."""

from __future__ import annotations

import json
import time
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Limits

from durably_tui.tui.forms import (
    ABSENT,
    BadText,
    Field,
    Kind,
    assembled,
    completed,
    leaves,
    problems,
    read_schema,
    text_of,
    value_at,
    value_of,
    with_item,
    without_item,
)
from durably_tui.tui.forms.draft import MAX_ITEM_FIELDS


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Street(BaseModel):
    name: str
    number: int | None = None


class Address(BaseModel):
    city: str = Limits(description="Where it is.")
    street: Street | None = None


class Order(BaseModel):
    """What is to be sent."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[int, Limits(ge=1, le=200, description="How many.")] = 40
    name: str
    note: str | None = None
    speed: Literal["slow", "fast"] = "slow"
    colour: Colour = Colour.RED
    ratio: Annotated[float, Limits(gt=0, lt=1)] | None = None
    sure: bool = False
    tags: list[str] = []
    sizes: Annotated[list[int], Limits(min_length=1, max_length=3)] = [1]
    streets: list[Street] = []
    counts: dict[str, int] = {}
    either: int | str = 1
    id: UUID | None = None
    at: datetime | None = None
    address: Address
    second: Address | None = None


def order() -> Field:
    found = read_schema(Order.model_json_schema())
    assert found is not None
    return found


def part(name: str) -> Field:
    return next(field for field in order().fields if field.name == name)


def test_what_pydantic_writes_is_understood() -> None:
    form = order()
    assert (form.help, form.closed) == ("What is to be sent.", True)
    kinds = {field.name: field.kind for field in form.fields}
    assert kinds == {
        "rows": Kind.INTEGER,
        "name": Kind.TEXT,
        "note": Kind.TEXT,
        "speed": Kind.CHOICE,
        "colour": Kind.CHOICE,
        "ratio": Kind.NUMBER,
        "sure": Kind.BOOLEAN,
        "tags": Kind.ARRAY,
        "sizes": Kind.ARRAY,
        "streets": Kind.ARRAY,
        "counts": Kind.JSON,
        "either": Kind.JSON,
        "id": Kind.TEXT,
        "at": Kind.TEXT,
        "address": Kind.OBJECT,
        "second": Kind.OBJECT,
    }
    rows, ratio = part("rows"), part("ratio")
    assert (rows.minimum, rows.maximum, rows.default, rows.help) == (1, 200, 40, "How many.")
    assert (ratio.above, ratio.below, ratio.nullable, ratio.required) == (0, 1, True, False)
    assert part("colour").choices == ("red", "blue")
    assert part("name").required
    assert (part("second").nullable, part("address").nullable) == (True, False)
    streets = part("streets").item
    assert streets is not None
    assert [field.name for field in streets.fields] == ["name", "number"]


def test_fields_of_objects_stand_in_their_place() -> None:
    found = {leaf.label: leaf.needed for leaf in leaves(order())}
    assert list(found)[-6:] == [
        "address.city",
        "address.street.name",
        "address.street.number",
        "second.city",
        "second.street.name",
        "second.street.number",
    ]
    assert found["address.city"]
    assert not found["address.street.name"]  # only with a street
    assert not found["second.city"]


def test_objects_of_a_list_stand_below_it_each_with_its_fields() -> None:
    value = {"streets": [{"name": "a"}, {"name": "b", "number": 2}]}
    found = {leaf.label: leaf for leaf in leaves(order(), value) if leaf.path[0] == "streets"}
    assert list(found) == [
        *("streets", "streets.1", "streets.1.name", "streets.1.number"),
        *("streets.2", "streets.2.name", "streets.2.number"),
    ]
    assert [leaf.items for leaf in found.values()] == [2, None, None, None, None, None, None]
    assert [leaf.label for leaf in found.values() if leaf.is_item] == ["streets.1", "streets.2"]
    assert found["streets.1.name"].needed, "what is there needs its fields"
    assert value_at(value, found["streets.2.number"].path) == 2


@pytest.mark.parametrize(
    "streets", [[{}] * (MAX_ITEM_FIELDS + 1), ["no object"], {"no": "list"}, [{}, None]]
)
def test_what_is_no_list_of_objects_or_too_long_a_one_stands_as_json(streets: Any) -> None:
    found = [leaf for leaf in leaves(order(), {"streets": streets}) if leaf.path[0] == "streets"]
    assert [(leaf.label, leaf.items) for leaf in found] == [("streets", None)]


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


@pytest.mark.parametrize(
    "schema",
    [
        None,
        True,
        [],
        {},
        {"type": "string"},
        {"type": "object"},
        {"type": "object", "properties": {}},
        {"type": "object", "properties": {"a": {}}, "patternProperties": {"^x": {}}},
        {"anyOf": [{"type": "object", "properties": {"a": {}}}, {"type": "string"}]},
        {"$ref": "https://elsewhere.example/schema.json"},
        {"$ref": "#/$defs/nothing"},
        {"$ref": "#"},
        {"type": "object", "properties": {str(n): {} for n in range(1000)}},
    ],
)
def test_what_is_no_form_is_left_to_the_json_editor(schema: Any) -> None:
    assert read_schema(schema) is None


@pytest.mark.parametrize(
    ("schema", "kind", "nullable"),
    [
        ({"type": ["string", "null"]}, Kind.TEXT, True),
        ({"type": ["string", "integer"]}, Kind.JSON, False),
        ({"anyOf": [{"type": "integer"}, {"const": None}]}, Kind.INTEGER, True),
        ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, Kind.INTEGER, True),
        ({"allOf": [{"$ref": "#/$defs/n"}], "default": 3}, Kind.INTEGER, False),
        ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, Kind.JSON, False),
        ({"const": "a"}, Kind.CHOICE, False),
        ({"enum": ["a", None]}, Kind.CHOICE, True),
        ({"enum": [None]}, Kind.JSON, True),
        ({"enum": "abc"}, Kind.JSON, False),
        ({"enum": list(range(1000))}, Kind.JSON, False),
        ({"type": "string", "not": {"const": "x"}}, Kind.JSON, False),
        ({"type": "file"}, Kind.JSON, False),
        ({"type": 7, "title": 8, "description": [], "minimum": "x"}, Kind.JSON, False),
        ({"type": "integer", "minimum": "x", "maximum": True}, Kind.INTEGER, False),
        (True, Kind.JSON, False),
        ({"anyOf": [{"$ref": "#/$defs/maybe"}]}, Kind.INTEGER, True),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, Kind.JSON, False),
        ({"properties": {"a": {"type": "string"}}}, Kind.OBJECT, False),
    ],
)
def test_what_others_write(schema: Any, kind: Kind, nullable: bool) -> None:
    document = {
        "type": "object",
        "properties": {"field": schema},
        "$defs": {
            "n": {"type": "integer"},
            "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
    }
    found = read_schema(document)
    assert found is not None
    assert (found.fields[0].kind, found.fields[0].nullable) == (kind, nullable)


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = {
        "$ref": "#/$defs/tree",
        "$defs": {
            "tree": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "left": {"$ref": "#/$defs/tree"},
                    "right": {"$ref": "#/$defs/tree"},
                },
            },
            "loop": {"$ref": "#/$defs/loop"},
        },
    }
    found = read_schema(tree)
    assert found is None or len(leaves(found)) < 200
    assert read_schema({"$ref": "#/$defs/loop", "$defs": tree["$defs"]}) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "properties", "items", "anyOf", "a"]), inner)
    ),
    max_leaves=8,
)


@given(json_values, json_values)
def test_no_schema_and_no_value_makes_it_raise(schema: Any, value: Any) -> None:
    found = read_schema({"type": "object", "properties": {"a": schema, "b": {"type": "string"}}})
    if found is not None:
        for problem in problems(found, value):
            assert str(problem).endswith(".")
        for leaf in leaves(found):
            text_of(leaf.field, value_at(value, leaf.path))


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
        ("ratio", "1e999", "Must be a number that JSON knows."),
        ("speed", '"medium"', "Must be one of 'slow', 'fast'."),
        ("sure", "perhaps", "Is not JSON: Expecting value at line 1, column 1."),
        ("sizes", "1\nx", "item 2: must be a whole number, not 'x'."),
        ("sizes", "1\n2\n3\n4", "Must have at most 3 items."),
        ("sizes", "[]", "Must have at least 1 item."),
        ("streets", "[{}]", "item 1, name: is required."),
        ("streets", '[{"name": 7}]', "item 1, name: must be a text, not 7."),
        ("streets", '{"name": 7}', "Must be a list, not an object."),
        ("counts", "{", "Is not JSON: Expecting property name enclosed in double quotes at"),
        ("either", "NaN", "Is not JSON: it knows no number NaN."),
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
        "address, city: must be a text, not null.",
        "more: there is no such field: take it out.",
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
