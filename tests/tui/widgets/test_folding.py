"""Styled text folded into a width, between words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from durably_tui.text import cells
from durably_tui.tui.widgets.folding import fold_spans
from durably_tui.tui.widgets.line_view import Span, Spans


def _plain(lines: list[Spans]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def test_a_line_breaks_between_words() -> None:
    told = "the disk is full: no space left on the device"
    assert _plain(fold_spans([(told, "text")], 20)) == [
        "the disk is full: no",
        "space left on the ",
        "device",
    ]


def test_a_word_begun_behind_another_span_goes_on_whole_in_the_next_line() -> None:
    spans = [("said ", "muted"), ("nothing ", "text"), ("whatever", "match")]
    assert _plain(fold_spans(spans, 16)) == ["said nothing ", "whatever"]


def test_a_word_that_is_long_is_cut_where_the_line_ends() -> None:
    path = "/srv/jobs/import/2026-05-14/orders.csv"
    assert _plain(fold_spans([(f"no {path}", "text")], 20)) == [
        "no /srv/jobs/import/",
        "2026-05-14/orders.cs",
        "v",
    ]
    assert _plain(fold_spans([(path, "text")], 20))[0] == path[:20]


def test_the_indent_of_a_line_stays_before_its_first_word() -> None:
    assert _plain(fold_spans([("      return", "text")], 10)) == ["      retu", "rn"]
    assert _plain(fold_spans([("      ", "text"), ("return", "key")], 10)) == ["      retu", "rn"]


@given(
    st.lists(st.tuples(st.text("ab \n\u4e2d", max_size=30), st.sampled_from(["text", "key"]))),
    st.integers(2, 12),
)
def test_every_line_fits_and_nothing_is_lost_but_blanks(spans: list[Span], width: int) -> None:
    lines = _plain(fold_spans(spans, width))
    assert all(cells(line) <= width for line in lines)
    whole = "".join(text for text, _ in spans)
    assert "".join("".join(lines).split()) == "".join(whole.split())
    assert len(lines) >= whole.count("\n") + 1
