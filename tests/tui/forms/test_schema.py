"""Forms made from JSON Schemas: which fields a schema is understood to have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from support.order_form import json_values, order, part

from durably_tui.tui.forms import Kind, leaves, problems, read_schema, text_of, value_at
from durably_tui.tui.forms.draft import MAX_ITEM_FIELDS


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


@given(json_values, json_values)
def test_no_schema_and_no_value_makes_it_raise(schema: Any, value: Any) -> None:
    found = read_schema({"type": "object", "properties": {"a": schema, "b": {"type": "string"}}})
    if found is not None:
        for problem in problems(found, value):
            assert str(problem).endswith(".")
        for leaf in leaves(found):
            text_of(leaf.field, value_at(value, leaf.path))
