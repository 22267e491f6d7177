"""A JSON Schema as fields: the part of it that pydantic and zod write for the inputs of jobs.

Understood are types, ``enum``, ``const``, ``properties``, ``required``, ``items``, limits,
``default``, ``title``, ``description``, references within the document, and ``anyOf`` or
``oneOf`` of one schema and null. Whatever says more than that becomes a field of JSON, which takes
everything: the server judges it. A schema is a stranger's, so its depth and its size are bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .field import Field, Kind

MAX_DEPTH = 6
MAX_FIELDS = 200
MAX_CHOICES = 200

_KINDS = {
    "string": Kind.TEXT,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "object": Kind.OBJECT,
    "array": Kind.ARRAY,
}
_NOT_UNDERSTOOD = frozenset(
    ("not", "if", "patternProperties", "propertyNames", "dependentSchemas", "dependentRequired")
) | frozenset(("prefixItems", "contains", "unevaluatedProperties", "minProperties", "$dynamicRef"))

Schema = Mapping[str, Any]


def read_schema(schema: Any) -> Field | None:
    """The input that a schema describes; None where that is no object with fields to fill in."""
    if not isinstance(schema, Mapping):
        return None
    field = _Reader(schema).read(schema, 0)
    return field if field.kind is Kind.OBJECT and field.fields else None


class _Reader:
    """Reads one document."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        self._room = MAX_FIELDS

    def read(self, schema: Any, depth: int, *, name: str = "", required: bool = False) -> Field:
        """The field that a part of the document describes."""
        self._room -= 1
        told = self._resolved(schema)
        common: dict[str, Any] = {"name": name, "required": required}
        if told is None:
            return Field(**common)
        common |= {
            "title": _text(told.get("title")),
            "help": _text(told.get("description")),
            "default": told.get("default"),
            "has_default": "default" in told,
            "nullable": told.get("nullable") is True,
        }
        if depth > MAX_DEPTH or self._room < 0 or _NOT_UNDERSTOOD & told.keys():
            return Field(**common)
        if "enum" in told or "const" in told:
            return self._choice(told, common)
        word = told.get("type")
        if isinstance(word, list):
            others = [each for each in word if each != "null"]
            common["nullable"] = common["nullable"] or "null" in word
            word = others[0] if len(others) == 1 else None
        if word is None and "properties" in told:
            word = "object"
        kind = _KINDS.get(word) if isinstance(word, str) else None
        if kind is Kind.OBJECT:
            return self._object(told, common, depth)
        if kind is Kind.ARRAY:
            item = self.read(told["items"], depth + 1) if "items" in told else None
            common |= {"least": _whole(told.get("minItems")), "most": _whole(told.get("maxItems"))}
            return Field(kind=kind, item=item, **common)
        return Field(**common) if kind is None else _scalar(kind, told, common)

    def _resolved(self, schema: Any) -> dict[str, Any] | None:
        """A schema with its references followed and its optional part taken out of ``anyOf``."""
        if not isinstance(schema, Mapping):
            return None
        told = dict(schema)
        for _ in range(MAX_DEPTH):
            inner: Any = None
            if "$ref" in told:
                inner = self._at(told.pop("$ref"))
            elif isinstance(told.get("allOf"), list):
                parts = told.pop("allOf")
                inner = parts[0] if len(parts) == 1 else None
            elif isinstance(parts := told.get("anyOf", told.get("oneOf")), list):
                told.pop("anyOf", None)
                told.pop("oneOf", None)
                others = [part for part in parts if not _is_null(part)]
                told["nullable"] = told.get("nullable") is True or len(others) < len(parts)
                inner = others[0] if len(others) == 1 else None
            else:
                return told
            if not isinstance(inner, Mapping):
                return {key: told[key] for key in _ABOUT if key in told} | {"not": {}}
            nullable = inner.get("nullable") is True or told.get("nullable") is True
            told = {**inner, **told, "nullable": nullable}
        return None

    def _at(self, reference: Any) -> Any:
        """What a reference within the document leads to; None where it leads out of it."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        found: Any = self._document
        for part in reference[1:].split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or name not in found:
                return None
            found = found[name]
        return found

    def _choice(self, told: dict[str, Any], common: dict[str, Any]) -> Field:
        values = [told["const"]] if "const" in told else told["enum"]
        if not isinstance(values, list) or not 0 < len(values) <= MAX_CHOICES:
            return Field(**common)
        common["nullable"] = common["nullable"] or None in values
        choices = tuple(value for value in values if value is not None)
        return Field(kind=Kind.CHOICE, choices=choices, **common) if choices else Field(**common)

    def _object(self, told: dict[str, Any], common: dict[str, Any], depth: int) -> Field:
        properties = told.get("properties")
        if not isinstance(properties, Mapping):
            properties = {}
        needed = told.get("required")
        names = set(needed) if isinstance(needed, list) else set()
        more = told.get("additionalProperties")
        if isinstance(more, Mapping) and more:
            return Field(**common)  # any name, each with a value of one kind
        fields = tuple(
            self.read(part, depth + 1, name=str(name), required=name in names)
            for name, part in properties.items()
        )
        if self._room < 0:
            return Field(**common)
        return Field(kind=Kind.OBJECT, fields=fields, closed=more is False, **common)


_ABOUT = ("title", "description", "default", "nullable")


def _scalar(kind: Kind, told: Schema, common: dict[str, Any]) -> Field:
    pattern = told.get("pattern")
    return Field(
        kind=kind,
        minimum=_number(told.get("minimum")),
        maximum=_number(told.get("maximum")),
        above=_number(told.get("exclusiveMinimum")),
        below=_number(told.get("exclusiveMaximum")),
        multiple_of=_number(told.get("multipleOf")),
        least=_whole(told.get("minLength")),
        most=_whole(told.get("maxLength")),
        pattern=pattern if isinstance(pattern, str) else None,
        format=_text(told.get("format")),
        **common,
    )


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and (
        schema.get("type") == "null" or ("const" in schema and schema["const"] is None)
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
