"""Values as they are typed: one line for a scalar, a line an item for a list, else JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from .check import Problem, problems
from .draft import ABSENT
from .field import Field, Kind

_INTEGER = re.compile(r"[+-]?[0-9]{1,300}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,300}(\.[0-9]{0,300})?|\.[0-9]{1,300})([eE][+-]?[0-9]{1,3})?")
_WORDS = {"true": True, "yes": True, "false": False, "no": False}


class BadText(ValueError):
    """A text that is no value of its field; its text is a sentence."""


def is_lines(field: Field) -> bool:
    """Whether a list is typed as a line an item."""
    item = field.item
    return (
        field.kind is Kind.ARRAY
        and item is not None
        and not item.nullable
        and item.kind in {Kind.TEXT, Kind.INTEGER, Kind.NUMBER}
    )


def text_of(field: Field, value: Any) -> str:
    """How a value stands in its field; ABSENT is nothing."""
    if value is ABSENT or (value is None and field.kind is not Kind.JSON):
        return ""
    if field.kind is Kind.TEXT and isinstance(value, str):
        return value
    if is_lines(field) and isinstance(value, list) and field.item is not None:
        lines = [text_of(field.item, item) for item in value]
        if lines and all(map(_is_line, lines)):
            return "\n".join(lines)
    if field.kind in {Kind.INTEGER, Kind.NUMBER} and isinstance(value, str):
        return value  # what somebody typed that is no number yet
    return json.dumps(value, indent=2 if isinstance(value, dict | list) else None)


def _is_line(text: str) -> bool:
    return bool(text) and text.strip() == text and "\n" not in text and not text.startswith("[")


def value_of(field: Field, text: str) -> Any:
    """The value that a text means; ABSENT where nothing is typed and nothing has to be.

    Raises:
        BadText: it means none that the field may hold.
    """
    if not text.strip() and not (field.kind is Kind.TEXT and text):
        if not field.required:
            return ABSENT
        if field.nullable:
            return None
        raise BadText("Is required.")
    value = _read(field, text)
    found = next(problems(field, value), None)
    if found is not None:
        raise BadText(str(found))
    return value


def meant_by(field: Field, text: str) -> Any:
    """The value that a text means, whether the field may hold it or not; the text itself where it
    means none."""
    if not text:
        return ABSENT
    try:
        return _read(field, text)
    except BadText:
        return text


def _read(field: Field, text: str) -> Any:
    stripped = text.strip()
    match field.kind:
        case Kind.TEXT:
            return text
        case Kind.INTEGER if _INTEGER.fullmatch(stripped):
            return int(stripped)
        case Kind.INTEGER | Kind.NUMBER:
            if not _NUMBER.fullmatch(stripped):
                raise BadText(f"Must be a {field.kind}, not {stripped[:40]!r}.")
            return float(stripped) if set(stripped) & set(".eE") else int(stripped)
        case Kind.BOOLEAN if stripped.lower() in _WORDS:
            return _WORDS[stripped.lower()]
        case Kind.ARRAY if is_lines(field) and not stripped.startswith("["):
            return _lines(field, text)
        case _:
            return _json(text)


def _lines(field: Field, text: str) -> list[Any]:
    assert field.item is not None
    found = []
    for number, line in enumerate(each.strip() for each in text.split("\n")):
        if line:
            try:
                found.append(_read(field.item, line))
            except BadText as error:
                raise BadText(str(Problem((number,), str(error)))) from None
    return found


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_such_number)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise BadText(f"Is not JSON: {error.msg} at {place}.") from None
    except RecursionError:
        raise BadText("Is not JSON that can be read: too deep.") from None


def _no_such_number(word: str) -> Any:
    raise BadText(f"Is not JSON: it has no number {word}.")
