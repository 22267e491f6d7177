import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from support.hostile import HOSTILE, is_inert
from wcwidth import wcwidth

from durably_tui import text as text_module
from durably_tui.text import (
    TimeStyle,
    ago,
    cells,
    clip,
    compact_json,
    drop_cells,
    fit,
    moment,
    pretty_json,
    safe,
    short_id,
    took,
)

_ANY = st.text(st.characters(codec=None) | st.sampled_from("".join(HOSTILE)), max_size=40)


@given(_ANY)
def test_safe_text_is_inert(text):
    assert is_inert(safe(text))
    assert is_inert(safe(text, keep_newlines=True).replace("\n", ""))


@given(_ANY)
def test_safe_text_is_as_wide_as_rich_and_wcwidth_think(text):
    shown = safe(text)
    assert cells(shown) == cell_len(shown)
    assert cells(shown) == sum(wcwidth(char) for char in shown)


@given(_ANY)
def test_safe_is_idempotent(text):
    assert safe(safe(text)) == safe(text)


@given(_ANY, st.integers(0, 30), st.sampled_from(["left", "right"]))
def test_fit_is_exact(text, width, align):
    assert cell_len(fit(safe(text), width, align)) == width


@given(_ANY, st.integers(0, 30))
def test_clip_and_drop_share_a_text(text, width):
    text = safe(text)
    head, tail = clip(text, width), drop_cells(text, width)
    assert cells(head) <= width
    assert cells(tail) == max(0, cells(text) - width)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert(text):
    assert is_inert(safe(text))
    assert cell_len(fit(safe(text), 17)) == 17


def test_controls_are_made_visible():
    assert safe("\x1b[31m\x00\x7f\x9b") == "␛[31m␀␡�"
    assert safe("a\tb") == "a    b"
    assert safe("a\r\nb\nc\u2028d\re") == "a↵b↵c↵d␍e"
    assert safe("a\r\nb\u2029c", keep_newlines=True) == "a\nb\nc"


def test_joined_emoji_are_drawn_apart():
    assert safe("👨\u200d👩\u200d👧 👍🏽 🇩🇪 ❤\ufe0f") == "👨👩👧 👍 DE ❤"


def test_marks_are_bounded_and_need_a_base():
    assert safe("\u0301e\u0301") == "é"
    assert safe("z" + "\u0335" * 9) == "z\u0335\u0335"
    assert safe("한글") == "한글", "decomposed Hangul is composed"


def test_long_text_is_cut_before_it_is_looked_at():
    assert safe("x" * 100, limit=3) == "xxx…"
    assert len(safe("\u0301\u0316" * 50_000)) < 10


def test_what_is_remembered_of_characters_is_bounded():
    """A server may send every character that there is."""
    for start in range(0, 0x30000, 4000):
        cells(safe("".join(map(chr, range(start, start + 4000)))))
    assert len(text_module._SHOWN) <= text_module._MOST_MET
    assert len(text_module._WIDTHS) <= text_module._MOST_MET


def test_markup_is_left_alone():
    assert safe("[red]x[/] list[int]") == "[red]x[/] list[int]"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (0.4, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (86_399, "23h"),
     (86_400, "1d"), (364 * 86_400, "364d"), (800 * 86_400, "2y")],
)  # fmt: skip
def test_ago(seconds, text):
    assert ago(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0ms"), (0.34, "340ms"), (0.9996, "1.0s"), (9.96, "10s"), (59.7, "1m00s"), (72, "1m12s"),
     (3599.6, "1h00m"), (7500, "2h05m"), (90_000, "1d01h"), (101 * 86_400, "101d")],
)  # fmt: skip
def test_took(seconds, text):
    assert took(seconds) == text


@given(st.floats(-1, 1e9))
def test_spans_have_a_bounded_width(seconds):
    assert len(ago(seconds)) <= 4
    assert len(took(seconds)) <= 6


def test_moment():
    at = datetime(2026, 5, 14, 12, 1, 3, 412_000, tzinfo=UTC)
    now = at.timestamp() + 180
    assert moment(at, TimeStyle.RELATIVE, now) == "3m ago"
    assert moment(at, TimeStyle.UTC, now) == "12:01:03Z"
    assert moment(at, TimeStyle.UTC, now, milliseconds=True) == "12:01:03.412Z"
    assert moment(at - timedelta(days=2), TimeStyle.UTC, now) == "05-12 12:01:03Z"
    assert moment(at - timedelta(days=800), TimeStyle.UTC, now) == "2024-03-05 12:01:03Z"
    assert moment(at, TimeStyle.OFF, now) == moment(None, TimeStyle.UTC, now) == ""
    assert moment(at.replace(tzinfo=None), TimeStyle.UTC, now) == "12:01:03Z"
    assert moment(at, TimeStyle.LOCAL, now) == at.astimezone().strftime("%H:%M:%S")
    assert moment(datetime.max, TimeStyle.LOCAL, now) != ""


def test_short_id():
    assert short_id("01HZXQ8VQYQ0R5GRKXM7") == "…R5GRKXM7"
    assert short_id("run-1") == "run-1"


def test_json_is_shown_safe_and_bounded():
    value = {"a": ["\x1b[31m", 1, None], "ü": True}
    assert compact_json(value) == '{"a": ["\\u001b[31m", 1, null], "ü": true}'
    assert json.loads(pretty_json(value)) == value
    assert len(pretty_json(list(range(1_000_000)), limit=1000)) == 1001
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert len(compact_json(deep)) < 3_000
