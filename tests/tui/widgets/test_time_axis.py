"""An axis of seconds: its length, the times along it, and bars on it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durably_tui.tui.widgets.time_axis import ago_text, axis_span, axis_text, span_bar, time_label


@given(st.floats(0.0001, 1e9))
def test_an_axis_holds_what_it_is_made_for(seconds):
    assert seconds <= axis_span(seconds) <= max(0.01, 2.6 * seconds)


@given(
    st.floats(-10, 1e6),
    st.floats(0, 1e6),
    st.floats(0, 1e5),
    st.integers(1, 80),
    st.booleans(),
)
def test_a_bar_fits(start, length, span, width, plain):
    text = "".join(piece for piece, _ in span_bar(start, start + length, span, width, "bar",
                                                  plain=plain))  # fmt: skip
    assert len(text) == width
    assert text.strip(), "the shortest step can be seen"


def test_bars_show_when():
    def bar(start, end):
        return "".join(text for text, _ in span_bar(start, end, 10, 10, "bar"))

    assert bar(0, 10) == "━━━━━━━━━━"
    assert bar(2, 5) == "  ━━━     "
    assert bar(2.5, 5) == "  ╺━━     "
    assert bar(2, 4.5) == "  ━━╸     "
    assert bar(9.9, 9.9) == "         ╺"


@pytest.mark.parametrize(
    ("first", "last", "width", "text"),
    [
        (0, 10, 60, "0           2s          4s          6s          8s       10s"),
        (0, 0.01, 24, "0           5ms     10ms"),
        (14.265, 15, 24, "        14.5s      15.0s"),
        (285.3, 292.3, 60, "      4m46s            4m48s            4m50s               "),
        (54_720, 55_080, 44, "15h12m         15h14m        15h16m   15h18m"),
        (0, 172_800, 24, "0           1d        2d"),
        (3.1, 4.35, 12, " 3.2s  3.8s "),
    ],
)
def test_the_times_along_an_axis_are_round(first, last, width, text):
    assert axis_text(first, last, width) == text


@pytest.mark.parametrize(
    ("at", "step", "label"),
    [
        (0, 1, "0"),
        (0.0025, 0.0005, "2.5ms"),
        (0.25, 0.05, "250ms"),
        (1.5, 0.5, "1.5s"),
        (60, 15, "1m"),
        (65, 5, "1m05s"),
        (125.5, 0.5, "2m05.5s"),
        (3600, 900, "1h"),
        (54_785, 5, "15h13m05s"),
        (86_400 + 3 * 3600, 3600, "1d03h"),
    ],
)
def test_a_time_is_told_as_exactly_as_its_neighbours_need(at, step, label):
    assert time_label(at, step) == label


_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1, "ms": 0.001}


@given(st.floats(0.001, 1e7), st.integers(0, 12), st.floats(0, 1), st.integers(12, 120))
def test_the_times_along_an_axis_rise_and_are_where_they_stand(total, zooms, where, width):
    span = axis_span(total)
    length = span / 2**zooms
    first = where * (span - length)
    text = axis_text(first, first + length, width)
    assert len(text) == width
    told = [(match.start(), match.group()) for match in re.finditer(r"\S+", text)]
    assert told
    assert len({label for _, label in told}) == len(told)
    for at, label in told:
        parts = re.findall(r"([\d.]+)(ms|[dhms])", label)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        cell = (seconds - first) / length * width
        # The last one may stand before its place, as it would not fit behind it.
        assert abs(cell - at) < 1 or at + len(label) == width


@pytest.mark.parametrize(
    ("seconds", "width", "text"),
    [
        (114, 46, "      1m30s ago    1m ago      30s ago     now"),
        (60, 20, "1m ago           now"),
        (100, 14, "   1m ago  now"),
        (3600, 8, "     now"),
        (0, 8, "     now"),
    ],
)
def test_the_times_that_are_past_are_round(seconds, width, text):
    assert ago_text(seconds, width) == text


@given(st.floats(0.001, 1e9), st.integers(3, 200))
def test_the_times_that_are_past_fill_the_axis(seconds, width):
    text = ago_text(seconds, width)
    assert len(text) == width
    assert re.fullmatch(r" *((\w[\w.]* ago) {2,})*now", text), text
