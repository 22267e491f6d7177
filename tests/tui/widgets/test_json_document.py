"""Values and texts as lines: what a document of them shows, and where each stands."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.hostile import HOSTILE, is_inert

from durably_tui.text import cells
from durably_tui.tui.widgets.json_document import Document, marked
from durably_tui.tui.widgets.json_heights import Heights
from durably_tui.tui.widgets.json_lines import json_lines, text_lines
from durably_tui.tui.widgets.json_tree import JsonTree
from durably_tui.tui.widgets.traceback_lines import headline, painted_text

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=9), inside),
    max_leaves=20,
)


PYTHON = """Traceback (most recent call last):
  File "/app/jobs.py", line 12, in load
    return rows[9]
           ~~~~^^^
IndexError: list index out of range"""


NODE = """TypeError: rows is not iterable
    at load (/app/jobs.ts:12:3)
    at async run (/app/node_modules/x.js:1:2)"""


def plain(lines):
    return ["".join(text for text, _ in line) for line in lines]


def whole(value, width=10_000) -> Document:
    document = Document(value, width)
    while not document.complete:
        document.grow(1_000)
    return document


def lines_of(document: Document) -> list[str]:
    return plain(document.spans(*document.row(line)) for line in range(document.lines))


@given(_JSON, st.integers(4, 60))
def test_every_line_fits_and_is_inert(value, width):
    for line in plain(json_lines(value, width)):
        assert cells(line) <= width
        assert is_inert(line)


def test_a_value_deeper_than_python_calls():
    deep: list[object] = []
    for _ in range(50_000):
        deep = [deep]
    assert sum(1 for _ in json_lines(deep, 40)) == 100_001
    assert whole(deep).lines == 100_001


def test_numbers_that_python_refuses_to_write():
    assert plain(json_lines(10**5000, 40))[0].startswith("0x")
    assert plain(json_lines(float("inf"), 40)) == ["Infinity"]
    assert lines_of(whole(float("inf"))) == ["Infinity"]


def test_text_keeps_its_lines():
    text = "Oh:\r\n  File [/a/b]\n\nlist[int] \x1b[31m\n"
    kept = ["Oh:", "  File [/a/b]", "", "list[int] ␛[31m", ""]
    assert plain(text_lines(text, 40)) == kept
    assert lines_of(whole(text)) == kept
    assert plain(text_lines("abcdefg", 4)) == ["abcd", "efg"]


@given(_JSON.filter(lambda value: not isinstance(value, str)))
def test_what_is_shown_is_the_value(value):
    text = "\n".join(lines_of(whole(value)))
    ours = json.dumps(value, indent=2, ensure_ascii=False)
    if is_inert(ours.replace("\n", "")) and ours.isascii() and "\\n" not in ours:
        assert text == ours


@given(_JSON, st.integers(8, 60), st.data())
def test_rows_and_lines_agree_however_it_is_folded(value, width, data):
    document = whole(value, width)
    for _ in range(data.draw(st.integers(0, 8))):
        row = data.draw(st.integers(0, len(document.rows) - 1))
        act = data.draw(st.sampled_from(["reveal", "toggle", "fold all"]))
        if act == "reveal":
            document.reveal(row)
            begins = document.rows.opener(row)
            assert document._heights.shown(begins) == begins
        elif act == "fold all":
            document.fold_all()
        elif document._heights.shown(row) == row:
            document.toggle(row)
    if data.draw(st.booleans()):
        document.resize(data.draw(st.integers(8, 60)))
    places = [document.row(line) for line in range(document.lines)]
    assert places == sorted(set(places))
    for line, (row, within) in enumerate(places):
        assert document.line(row) == line - within
        assert is_inert(plain([document.spans(row, within)])[0])
    seen = {row for row, _ in places}
    for row in range(len(document.rows)):
        hidden = any(above in document.folded for above in _above(document, row))
        assert (row in seen) is not hidden


@pytest.mark.parametrize(
    ("value", "folded"),
    [
        ([{"a": 1} for _ in range(20_000)], 20_002),
        ({"rows": [{"a": 1} for _ in range(20_000)]}, 3),
        ([[[{"a": 1}] * 20 for _ in range(20)] for _ in range(50)], 52),
    ],
)
def test_to_fold_all_looks_at_no_container(value, folded, monkeypatch):
    document = whole(value)
    lines = document.lines
    looked = []
    for name in ("end", "is_container", "value"):
        usual = getattr(JsonTree, name)

        def look(tree, row, usual=usual):
            looked.append(row)
            return usual(tree, row)

        monkeypatch.setattr(JsonTree, name, look)
    document.fold_all()
    assert document.lines == folded
    document.toggle(1)
    assert document.lines > folded
    document.reveal(len(document.rows) - 3)
    document.fold_all()
    document.fold_all()
    assert document.lines == lines
    assert len(looked) < 50


def _above(document: Document, row: int) -> list[int]:
    """The containers that a row is in; where one ends belongs to it."""
    above = [document.rows.opener(row)] if document.rows.opener(row) != row else []
    parent = document.rows.parent(row)
    while parent >= 0:
        above.append(parent)
        parent = document.rows.parent(parent)
    return above


def test_heights_without_any():
    assert Heights().row(7) == (7, 0)
    assert Heights().line(7) == 7


def test_paths_are_those_of_jq():
    document = whole({"rows": [{"odd key": [1]}], "ключ": 2})
    paths = [document.rows.path(row) for row in range(len(document.rows))]
    assert paths[:5] == [
        ".", ".rows", ".rows[0]", '.rows[0]["odd key"]', '.rows[0]["odd key"][0]',
    ]  # fmt: skip
    assert '.["ключ"]' in paths
    assert whole([5]).rows.path(1) == ".[0]"


def test_a_text_that_is_too_long_is_shown_in_part():
    long = whole({"rows": list(range(1_000)), "text": "a" * 200_000}, 40)
    assert len(lines_of(long)[-2]) < 60
    long.toggle(len(long.rows) - 2)
    assert lines_of(long)[-2].endswith('100,000 characters more"')


def test_what_is_found_stands_out_over_all_that_it_is_in():
    spans = (('"id"', "key"), (": ", "muted"), ("12", "number"), (",", "muted"))
    assert marked(spans, re.compile('id": 1'), "match") == (
        ('"', "key"),
        ('id"', "match"),
        (": ", "match"),
        ("1", "match"),
        ("2", "number"),
        (",", "muted"),
    )


def styles(text: str) -> list[str]:
    return [style for _, style in painted_text(text, "text")]


def test_what_went_wrong_stands_out_and_frames_step_back():
    assert styles(PYTHON) == ["muted", "muted", "faint", "faint", "failed"]
    assert styles(NODE) == ["failed", "muted", "muted"]
    assert styles("no space left\n  on device") == ["text"]
    assert headline(PYTHON) == "IndexError: list index out of range"
    assert headline(NODE) == "TypeError: rows is not iterable"
    assert headline("a\nb") == "a\nb"
    assert headline("") == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_folds(text):
    for line in plain(text_lines(text, 11)) + plain(json_lines({text: text}, 11)):
        assert cells(line) <= 11
        assert is_inert(line)
    for value in (text, {text: text}, PYTHON + text):
        for line in lines_of(whole(value, 20)):
            assert is_inert(line)
