"""An axis of seconds: its length, the round times along it, and a bar on it."""

from __future__ import annotations

from bisect import bisect_left
from math import ceil, floor, log10

from durably_tui.text import fit

from .line_view import Span, Spans

_NICE = (1, 2, 5, 10, 15, 20, 30, 45)
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_SPANS = (
    *_NICE,
    *(minutes * _MINUTE for minutes in _NICE),
    *(hours * _HOUR for hours in (1, 2, 3, 4, 6, 8, 12, 18)),
)
_STEPS = (
    *(part * 10.0**power for power in range(-6, 0) for part in (1, 2, 5)),
    *(seconds for seconds in (1, 2, 5, 10, 15, 30)),
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)),
)
"""Seconds between two times that are told."""
_APART = 8
"""Cells from one of them to the next, if they can be so far apart."""
_AGO_APART = 12
"""The same where each says that it is ago."""
_FINER = 4
"""So much finer ones are tried where only one has room, or none is round enough."""


def axis_span(seconds: float) -> float:
    """The round number of seconds that an axis has on which so many must fit.

    It is in steps, so that an axis on which something grows changes its scale but now and then.
    """
    if seconds <= 1:
        for part in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5):
            if seconds <= part:
                return part
    for span in _SPANS:
        if seconds <= span:
            return span
    days = 1
    while days * _DAY < seconds:
        days = days * 2
    return days * _DAY


def span_bar(
    start: float, end: float, span: float, width: int, style: str, *, plain: bool = False
) -> Spans:
    """A bar from ``start`` to ``end`` seconds on an axis of ``span`` seconds in ``width`` cells.

    It is drawn in half cells, at least one, so that the shortest step can still be seen.
    """

    def half_cell(at: float) -> float:
        return min(1.0, max(0.0, at / span if span > 0 else 0.0)) * 2 * width

    first = min(2 * width - 1, int(half_cell(start)))
    last = max(first + 1, round(half_cell(end)))
    text = ""
    at = first
    if at % 2:
        text, at = ("=" if plain else "╺"), at + 1
    text += ("=" if plain else "━") * ((last - at) // 2)
    if last > at and (last - at) % 2:
        text += "=" if plain else "╸"
    before = first // 2
    spans: list[Span] = [(" " * before, "text"), (text, style)]
    spans.append((" " * max(0, width - before - len(text)), "text"))
    return tuple(span for span in spans if span[0])


def axis_text(first: float, last: float, width: int) -> str:
    """The round times between two, in seconds, on an axis of ``width`` cells, each beginning where
    it is: far apart, but two at least where there is room for them."""
    length = last - first
    if width <= 0 or length <= 0:
        return " " * max(0, width)
    best: list[tuple[int, str]] = []
    cell = length / width
    wide = bisect_left(_STEPS, cell * _APART)
    while wide < len(_STEPS) - 1 and _STEPS[wide] < cell * (_widest(last, _STEPS[wide]) + 4):
        wide += 1
    for step in reversed(_STEPS[max(0, wide - _FINER) : wide + 1]):
        found = _labels(first, last, width, step)
        if len(found) > len(best):
            best = found
        if len(best) > 1:
            break
    text = ""
    for at, label in best:
        text += " " * (at - len(text)) + label
    return text + " " * (width - len(text))


def ago_text(seconds: float, width: int) -> str:
    """An axis of ``width`` cells that ends now and began so many seconds ago, with round times
    along it, each in the middle of where it is."""
    now = fit("now", width, "right")
    if seconds <= 0:
        return now
    wide = min(bisect_left(_STEPS, seconds / max(1, width) * _AGO_APART), len(_STEPS) - 1)
    for step in reversed(_STEPS[max(0, wide - _FINER) : wide + 1]):
        if text := _times_ago(seconds, step, width):
            break
    return text + now[len(text) :]


def _times_ago(seconds: float, step: float, width: int) -> str:
    text = ""
    for number in range(int(seconds / step), 0, -1):
        label = f"{time_label(number * step, step)} ago"
        middle = width - round(number * step / seconds * width)
        before = max(0, middle - len(label) // 2)
        is_apart = not text or before >= len(text) + 2
        if is_apart and before + len(label) + 2 <= width - len("now"):
            text = fit(text, before) + label
    return text


def round_durations(low: float, high: float, apart: float) -> list[tuple[float, str]]:
    """The round durations from ``low`` to ``high`` seconds that are at least ``apart``, as they
    are written."""
    step = _STEPS[min(bisect_left(_STEPS, apart), len(_STEPS) - 1)]
    numbers = range(ceil(low / step - 1e-6), floor(high / step + 1e-6) + 1)
    return [(number * step, time_label(number * step, step)) for number in numbers]


def _labels(first: float, last: float, width: int, step: float) -> list[tuple[int, str]]:
    """The multiples of a step that there is room for, with their cells."""
    found: list[tuple[int, str]] = []
    free = 0
    # Not by adding up: what is a millionth off would be another number, or beyond the end.
    for number in range(ceil(first / step - 1e-6), floor(last / step + 1e-6) + 1):
        label = time_label(number * step, step)
        at = round((number * step - first) / (last - first) * width)
        if at + len(label) > width and at >= width - 1:
            at = width - len(label)  # what the axis ends with stands before its end
        if free <= at <= width - len(label):
            found.append((at, label))
            free = at + len(label) + 2
    return found


def _widest(last: float, step: float) -> int:
    """The cells of a time that is told as exactly as any before ``last``."""
    return len(time_label(max(0, last // step - 1) * step or step, step))


def time_label(at: float, step: float) -> str:
    """A time in seconds, among others that are multiples of ``step``: as exact as tells them
    apart."""
    if not at:
        return "0"
    if step >= 1:
        whole = round(at)
        parts = [
            (whole // _DAY, "d"),
            (whole % _DAY // _HOUR, "h"),
            (whole % _HOUR // _MINUTE, "m"),
            (whole % _MINUTE, "s"),
        ]
        told = [at for at, (number, _) in enumerate(parts) if number]
        first, *rest = parts[told[0] : told[-1] + 1]
        return f"{first[0]}{first[1]}" + "".join(f"{number:02}{unit}" for number, unit in rest)
    digits = max(0, ceil(-log10(step) - 1e-9))
    if at < 1:
        return f"{at * 1000:.{max(0, digits - 3)}f}ms"
    if at < _MINUTE:
        return f"{at:.{digits}f}s"
    before = time_label(at // _MINUTE * _MINUTE, _MINUTE)
    return f"{before}{at % _MINUTE:0{digits + 3}.{digits}f}s"
