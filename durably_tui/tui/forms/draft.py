"""An input in the making: which fields stand one below the other, and the value that they make."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from .field import Field, Kind


class _Absent:
    """The value of a field that is left out."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = _Absent()

Path = tuple[str | int, ...]
"""Names of fields, and numbers of items from 0."""
MAX_LEVELS = 3
"""Objects within objects beyond this stand as JSON."""
MAX_ITEM_FIELDS = 100
"""A list whose items have more fields than these together stands as JSON."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field that is filled in by itself; a list of objects; or one of those objects, whose
    fields follow."""

    path: Path
    field: Field
    needed: bool
    """Whether it has to be filled in though nothing around it is."""
    items: int | None = None
    """Of a list of objects: how many there are. They follow, each with its fields."""

    @property
    def label(self) -> str:
        """Its name as people write it: ``address.street``, ``lines.1.sku``."""
        return ".".join(str(part + 1) if isinstance(part, int) else part for part in self.path)

    @property
    def is_item(self) -> bool:
        """Whether it is one of a list of objects."""
        return isinstance(self.path[-1], int)


def leaves(
    field: Field, value: Any = ABSENT, path: Path = (), *, needed: bool = True
) -> list[Leaf]:
    """The fields of an object in their order, those of objects in it in their place.

    Args:
        field: the object.
        value: the whole value, for the items that lists in it have by now.
        path: of the object in the value.
        needed: whether the object has to be there.
    """
    found: list[Leaf] = []
    for each in field.fields:
        below = (*path, each.name)
        shallow = sum(isinstance(part, str) for part in below) <= MAX_LEVELS
        if each.kind is Kind.OBJECT and each.fields and shallow:
            found += leaves(each, value, below, needed=needed and each.required)
            continue
        items = _items(each, value_at(value, below)) if shallow else None
        found.append(Leaf(below, each, needed and each.required, items))
        if each.item is not None:
            for number in range(items or 0):
                item = (*below, number)
                found += [Leaf(item, each.item, False), *leaves(each.item, value, item)]
    return found


def _items(field: Field, value: Any) -> int | None:
    """How many objects a list has; None for what is no list of objects that can be filled in."""
    item = field.item
    if field.kind is not Kind.ARRAY or item is None or item.nullable or not item.fields:
        return None
    if value is ABSENT or value is None:
        return 0
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return None
    return len(value) if len(value) * len(item.fields) <= MAX_ITEM_FIELDS else None


def value_at(value: Any, path: Path) -> Any:
    """What stands at a path, or ABSENT."""
    for part in path:
        if isinstance(part, int):
            if not isinstance(value, list) or part >= len(value):
                return ABSENT
            value = value[part]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            return ABSENT
    return value


def with_item(base: Any, path: Path) -> dict[str, Any]:
    """``base`` with one more object, with nothing in it, in the list at a path."""
    before = value_at(base, path)
    return assembled(base, {path: [*(before if isinstance(before, list) else ()), {}]})


def without_item(base: Any, path: Path, *, needed: bool) -> dict[str, Any]:
    """``base`` without the item at a path. With the last one its list goes, unless it is
    ``needed``."""
    *of, number = path
    before = value_at(base, tuple(of))
    left = [each for at, each in enumerate(before) if at != number]
    return assembled(base, {tuple(of): left if left or needed else ABSENT})


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


def _put(value: Any, path: Path, new: Any) -> None:
    for part, following in pairwise(path):
        inner = value.get(part) if isinstance(value, dict) else value[part]
        if not isinstance(inner, list if isinstance(following, int) else dict):
            inner = value[part] = {}
        value = inner
    value[path[-1]] = new


def _take(value: Any, path: Path) -> None:
    for part in path[:-1]:
        value = value[part]
    del value[path[-1]]


def completed(field: Field, value: dict[str, Any]) -> dict[str, Any]:
    """``value`` with an empty object, or list of objects, for each that has to be there and has
    nothing in it."""
    made = dict(value)
    for each in field.fields:
        if each.required and each.name not in made and _items(each, ABSENT) is not None:
            made[each.name] = []
        if each.item is not None and _items(each, inner := made.get(each.name, ABSENT)):
            made[each.name] = [completed(each.item, item) for item in inner]
        if each.kind is Kind.OBJECT and each.fields:
            inner = made.get(each.name, {} if each.required else None)
            if isinstance(inner, dict):
                made[each.name] = completed(each, inner)
    return made
