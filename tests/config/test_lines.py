"""Keys are found on their lines, whatever is around them."""

from __future__ import annotations

from durably_tui.config.lines import line_of, lines_of_keys

TEXT = '''\
# theme = "in a comment"
theme = """
density = "in a text"
"""
a.b = 1
"quoted key" = 2

[[servers]]  # first
name = "x"
[servers.headers]
x-key = "1"

[[servers]]
name = "y"
headers = { x-key = "2" }

[filters]
night = "a = b"
'''


def test_lines() -> None:
    lines = lines_of_keys(TEXT)
    assert lines[("theme",)] == 2
    assert ("density",) not in lines
    assert (lines[("a", "b")], lines[("quoted key",)]) == (5, 6)
    assert lines[("servers", 0, "headers", "x-key")] == 11
    assert (lines[("servers", 1)], lines[("servers", 1, "name")]) == (13, 14)
    assert lines[("filters", "night")] == 18


def test_what_has_no_line_is_at_the_table_around_it() -> None:
    lines = lines_of_keys(TEXT)
    assert line_of(("servers", 1, "headers", "x-key"), lines) == 15
    assert line_of(("servers", 1, "url"), lines) == 13
    assert line_of(("nothing",), lines) is None
