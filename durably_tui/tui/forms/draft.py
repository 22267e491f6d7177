"""An input in the making: which fields stand one below the other, and the value that they make."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .field import Field, Kind


class _Absent:
    """The value of a field that is left out."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = _Absent()

Path = tuple[str, ...]
MAX_LEVELS = 3
"""Objects within objects beyond this stand as JSON."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field that is filled in by itself."""

    path: Path
    field: Field
    needed: bool
    """Whether it has to be filled in though nothing around it is."""

    @property
    def label(self) -> str:
        """Its name as people write it: ``address.street``."""
        return ".".join(self.path)


def leaves(field: Field, path: Path = (), *, needed: bool = True) -> list[Leaf]:
    """The fields of an object in their order, those of objects in it in their place."""
    found: list[Leaf] = []
    for each in field.fields:
        below = (*path, each.name)
        if each.kind is Kind.OBJECT and each.fields and len(below) <= MAX_LEVELS:
            found += leaves(each, below, needed=needed and each.required)
        else:
            found.append(Leaf(below, each, needed and each.required))
    return found


def value_at(value: Any, path: Path) -> Any:
    """What stands at a path, or ABSENT."""
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return ABSENT
        value = value[name]
    return value


def assembled(base: Any, entries: Mapping[Path, Any]) -> dict[str, Any]:
    """``base`` with other values at some paths; ABSENT takes one away.

    Whatever else is in ``base`` stays, also what no field knows. An object that was made for a
    value goes with the last one in it; one that was there stays.
    """
    made = copy.deepcopy(base) if isinstance(base, dict) else {}
    for path, value in entries.items():
        if value is not ABSENT:
            _put(made, path, value)
        elif value_at(made, path) is not ABSENT:
            _take(made, path)
    return made


def _put(value: dict[str, Any], path: Path, new: Any) -> None:
    for name in path[:-1]:
        inner = value.get(name)
        if not isinstance(inner, dict):
            inner = value[name] = {}
        value = inner
    value[path[-1]] = new


def _take(value: dict[str, Any], path: Path) -> None:
    for name in path[:-1]:
        value = value[name]
    del value[path[-1]]


def completed(field: Field, value: dict[str, Any]) -> dict[str, Any]:
    """``value`` with an empty object for each that has to be there and has nothing in it."""
    made = dict(value)
    for each in field.fields:
        if each.kind is Kind.OBJECT and each.fields:
            inner = made.get(each.name, {} if each.required else None)
            if isinstance(inner, dict):
                made[each.name] = completed(each, inner)
    return made
