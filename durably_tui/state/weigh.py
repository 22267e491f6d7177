"""What events, lines and values weigh in memory, roughly: good enough to keep a bound by."""

from __future__ import annotations

from collections.abc import Callable, Collection
from operator import attrgetter
from typing import Any

from durably_tui.protocol import (
    Event,
    LogEntry,
    LogWrite,
    RunComplete,
    RunFail,
    RunStart,
    RunTrigger,
    StepComplete,
    StepFail,
)

_SMALL = 32
_BARE = 300
_LITTLE = 500
_NESTS = frozenset({dict, list, tuple})


def weigh(value: Any) -> int:
    """An estimate in bytes. Never recurses, however deep the value is."""
    if value is None:
        return 0
    if type(value) is str:
        return _SMALL + len(value)
    if type(value) not in _NESTS:
        return _SMALL
    total = 0
    nests = [value]
    for nest in nests:  # it grows meanwhile
        is_dict = type(nest) is dict
        total += 2 * _SMALL + (3 * _SMALL if is_dict else 8) * len(nest)
        for item in nest.values() if is_dict else nest:
            if type(item) is str:
                total += _SMALL + len(item)
            elif type(item) in _NESTS:
                nests.append(item)
            else:
                total += _SMALL
    return total


def weigh_line(line: LogEntry) -> int:
    """A line of a log in bytes."""
    return _BARE + len(line.message) + weigh(line.data)


def weigh_events(events: Collection[Event], largest: int) -> int:
    """Events in bytes, one by one unless none is large; ``largest`` as in ``StreamBatch``."""
    if 0 < largest <= _LITTLE:
        return (_BARE + largest) * len(events)
    weight = _BARE * len(events)
    for event in events:
        carried = _CARRIED.get(type(event))
        if carried is not None and (value := carried(event)) is not None:
            weight += weigh(value)
    return weight


_INPUT, _OUTPUT, _ERROR = attrgetter("input"), attrgetter("output"), attrgetter("error")
_CARRIED: dict[type[Event], Callable[[Any], Any]] = {
    LogWrite: attrgetter("message", "data"),
    RunTrigger: _INPUT,
    RunStart: _INPUT,
    RunComplete: _OUTPUT,
    RunFail: _ERROR,
    StepComplete: _OUTPUT,
    StepFail: _ERROR,
}
"""What an event carries that can be of any size."""
