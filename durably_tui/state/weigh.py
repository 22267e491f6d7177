"""What events, lines and values weigh in memory, roughly: good enough to keep a bound by.

What Python takes for an event besides its text was measured: it is the names and labels of its
run, which each event has of its own, its time, and what keeps it in the history.
"""

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
_BARE = 550
"""An event without what it carries."""
_BARE_LINE = 300
_BARE_BURST = 250
"""Events of one run that came together, without those."""
_NESTS = frozenset({dict, list, tuple})


def weigh(value: Any) -> int:
    """An estimate in bytes. Never recurses, however deep the value is."""
    kind = type(value)
    if kind is str:
        return _SMALL + len(value)
    if kind not in _NESTS:
        return 0 if value is None else _SMALL
    inner: list[Any] = []
    total = _weigh_nest(value, inner)
    while inner:
        nests, inner = inner, []
        for nest in nests:
            total += _weigh_nest(nest, inner)
    return total


def _weigh_nest(nest: Any, inner: list[Any]) -> int:
    """A dict, list or tuple as if what is in it were small; the nests in it go into ``inner``."""
    if type(nest) is dict:
        total, items = 2 * _SMALL + 4 * _SMALL * len(nest), nest.values()
    else:
        total, items = 2 * _SMALL + (8 + _SMALL) * len(nest), nest
    for item in items:
        kind = type(item)
        if kind is str:
            total += len(item)
        elif kind in _NESTS:
            inner.append(item)
    return total


def weigh_line(line: LogEntry) -> int:
    """A line of a log in bytes."""
    data = line.data
    return _BARE_LINE + len(line.message) + (0 if data is None else weigh(data))


def weigh_data(data: bytes) -> int:
    """Events that are kept as they came, in bytes."""
    return _BARE_BURST + len(data)


def weigh_events(events: Collection[Event]) -> int:
    """Events in bytes."""
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
