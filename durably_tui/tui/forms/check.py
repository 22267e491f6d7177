"""Whether a value is what a field may hold, told in sentences.

What is refused here is refused by every server; whatever is in doubt is left to the server.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .field import Field, Kind

Path = tuple[str | int, ...]

_SAID = 40
_PATTERN_LENGTH = 200
_TEXT_LENGTH = 200
_QUANTIFIER = re.compile(r"(?<!\\)(?:[*+]|\{\d*,?\d*\})")
_QUANTIFIED_GROUP = re.compile(r"\)(?:[*+]|\{)")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that cannot be sent."""

    path: Path
    """Where it is, from the top: names of fields, and numbers of items from 0."""
    sentence: str
    """For the field itself, such as ``Must be at least 1.``"""

    def __str__(self) -> str:
        where = ", ".join(
            f"item {part + 1}" if isinstance(part, int) else part for part in self.path
        )
        if not where:
            return self.sentence
        return f"{where}: {self.sentence[:1].lower()}{self.sentence[1:]}"


def problems(field: Field, value: Any, path: Path = ()) -> Iterator[Problem]:
    """What is wrong with a value, from the outside in."""
    if value is None:
        if not field.nullable and field.kind is not Kind.JSON:
            yield Problem(path, f"Must be {_named(field)}, not null.")
        return
    if field.kind is Kind.OBJECT:
        yield from _object(field, value, path)
    elif field.kind is Kind.ARRAY:
        yield from _array(field, value, path)
    elif sentence := _scalar(field, value):
        yield Problem(path, sentence)


def _object(field: Field, value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, f"Must be an object, not {_said(value)}.")
        return
    for each in field.fields:
        if each.name in value:
            yield from problems(each, value[each.name], (*path, each.name))
        elif each.required:
            yield Problem((*path, each.name), "Is required.")
    if field.closed:
        known = {each.name for each in field.fields}
        for name in value.keys() - known:
            yield Problem((*path, name), "There is no such field: remove it.")


def _array(field: Field, value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield Problem(path, f"Must be a list, not {_said(value)}.")
        return
    if field.least is not None and len(value) < field.least:
        yield Problem(path, f"Must have at least {_counted(field.least, 'item')}.")
    if field.most is not None and len(value) > field.most:
        yield Problem(path, f"Must have at most {_counted(field.most, 'item')}.")
    if field.item is not None:
        for number, item in enumerate(value):
            yield from problems(field.item, item, (*path, number))


def _scalar(field: Field, value: Any) -> str | None:
    match field.kind:
        case Kind.CHOICE:
            if not any(_is_same(value, choice) for choice in field.choices):
                choices = ", ".join(_said(choice) for choice in field.choices[:8])
                more = ", …" if len(field.choices) > 8 else ""
                return f"Must be one of {choices}{more}."
        case Kind.BOOLEAN:
            if not isinstance(value, bool):
                return f"Must be true or false, not {_said(value)}."
        case Kind.INTEGER | Kind.NUMBER:
            return _number(field, value)
        case Kind.TEXT:
            return _text(field, value)
        case _:
            pass
    return None


def _number(field: Field, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"Must be a {field.kind}, not {_said(value)}."
    if isinstance(value, float) and not math.isfinite(value):
        return "Must be a number that JSON has."
    if field.kind is Kind.INTEGER and value != int(value):
        return f"Must be a whole number, not {_said(value)}."
    if field.minimum is not None and value < field.minimum:
        return f"Must be at least {_said(field.minimum)}."
    if field.maximum is not None and value > field.maximum:
        return f"Must be at most {_said(field.maximum)}."
    if field.above is not None and value <= field.above:
        return f"Must be more than {_said(field.above)}."
    if field.below is not None and value >= field.below:
        return f"Must be less than {_said(field.below)}."
    step = field.multiple_of
    if step is not None and step > 0 and isinstance(step, int) and value % step:
        return f"Must be a multiple of {step}."  # of fractions only the server can tell
    return None


def _text(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        return f"Must be text, not {_said(value)}."
    if field.least is not None and len(value) < field.least:
        return f"Must have at least {_counted(field.least, 'character')}."
    if field.most is not None and len(value) > field.most:
        return f"Must have at most {_counted(field.most, 'character')}."
    if field.pattern is not None and len(value) <= _TEXT_LENGTH and _is_tame(field.pattern):
        try:
            matched = re.search(field.pattern, value)
        except (re.error, RecursionError, OverflowError):
            return None  # JavaScript's, perhaps
        if matched is None:
            return f"Must match {field.pattern[:_SAID]}."
    return None


def _is_tame(pattern: str) -> bool:
    """Whether a stranger's pattern can be tried on what somebody types without running away:
    no repeated group, and hardly anything repeated."""
    return (
        len(pattern) <= _PATTERN_LENGTH
        and not _QUANTIFIED_GROUP.search(pattern)
        and len(_QUANTIFIER.findall(pattern)) <= 2
    )


def _is_same(value: Any, choice: Any) -> bool:
    """Equal as JSON: ``1`` is ``1.0`` but not ``true``."""
    return isinstance(value, bool) is isinstance(choice, bool) and bool(value == choice)


def _named(field: Field) -> str:
    if field.kind is Kind.CHOICE:
        return "one of its choices"
    named = {"object": "an object", "yes or no": "true or false", "text": "text"}
    return named.get(field.kind, f"a {field.kind}")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    text = repr(value) if isinstance(value, str) else f"{value}"
    return text if len(text) <= _SAID else text[: _SAID - 1] + "…"
