"""What a decoded value weighs in memory, roughly: good enough to keep a bound by."""

from __future__ import annotations

from typing import Any

_SMALL = 32


def weigh(value: Any) -> int:
    """An estimate in bytes. Never recurses deep, whatever the value is."""
    if value is None:
        return 0
    total = 0
    stack = [value]
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind is str:
            total += _SMALL + len(item)
        elif kind is dict:
            total += 2 * _SMALL + 3 * _SMALL * len(item)
            stack.extend(item.values())
        elif kind is list or kind is tuple:
            total += 2 * _SMALL + 8 * len(item)
            stack.extend(item)
        else:
            total += _SMALL
    return total
