"""What reaches the terminal is what differs, and the terminal shows what it should."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region, Size
from textual.strip import Strip

from durably_tui.tui.few_colors import shown_as
from durably_tui.tui.frame import Frames

SIZE = Size(24, 3)
STYLES = tuple(
    Style.parse(text)
    for text in ("", "#10a0f0 on #101010", "bold red on #101010", "underline", "reverse on blue")
)
PIECE = st.tuples(
    st.sampled_from(["a", "xyz", " ", "    ", "漢", "●─", "e\u0301"]), st.integers(0, 4)
)
LINE = st.lists(PIECE, max_size=12)
SCREEN = st.lists(LINE, min_size=3, max_size=3)


def strip(pieces: list[tuple[str, int]]) -> Strip:
    made = Strip([Segment(text, STYLES[style]) for text, style in pieces])
    return made.adjust_cell_length(SIZE.width, STYLES[1])


def full(lines: list[list[tuple[str, int]]]) -> LayoutUpdate:
    return LayoutUpdate([[strip(line)] for line in lines], Region(0, 0, SIZE.width, 3))


def changes(frames: Frames, update: object) -> str:
    made = frames.changes(update, SIZE, ColorSystem.TRUECOLOR)
    assert made is not None
    return made


class Terminal:
    """A terminal of the size of these frames."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(SIZE.width, SIZE.height)
        self.screen.reset_mode(pyte.modes.DECAWM)  # as Textual has it
        self._stream = pyte.Stream(self.screen)

    def write(self, text: str) -> None:
        self._stream.feed(text)

    @property
    def cells(self) -> list[list[object]]:
        """Every cell as far as it can be seen: the colour of a blank cannot."""
        return [
            [
                cell._replace(fg="default", bold=False) if cell.data == " " and not (
                    cell.reverse or cell.underscore
                ) else cell
                for cell in (self.screen.buffer[y][x] for x in range(SIZE.width))
            ]
            for y in range(SIZE.height)
        ]  # fmt: skip


@given(st.lists(SCREEN, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_the_terminal_shows_each_frame_as_if_it_was_written_whole(screens: list[list]) -> None:
    frames, thrifty = Frames(), Terminal()
    for lines in screens:
        thrifty.write(changes(frames, full(lines)))
        whole = Terminal()
        whole.write(changes(Frames(), full(lines)))
        assert thrifty.cells == whole.cells
        assert changes(frames, full(lines)) == "", "nothing is written twice"


def test_one_cell_that_differs_is_all_that_is_written() -> None:
    frames = Frames()
    changes(frames, full([[("abcdefgh", 1)], [], []]))
    made = changes(frames, full([[("abcdXfgh", 1)], [], []]))
    assert made == "\x1b[1;5H\x1b[38;2;16;160;240;48;2;16;16;16mX\x1b[0m"


def test_two_places_of_a_line_are_written_without_what_is_between() -> None:
    frames = Frames()
    changes(frames, full([[("a" * 24, 0)], [], []]))
    made = changes(frames, full([[("b" + "a" * 20 + "b" + "a" * 2, 0)], [], []]))
    assert made == "\x1b[1;1Hb\x1b[1;22Hb"


def test_a_part_of_the_screen_is_compared_with_what_was_there() -> None:
    frames = Frames()
    changes(frames, full([[("abc", 1)], [("def", 1)], []]))
    line = {0: strip([("def", 1)])}
    update = ChopsUpdate([{}, line, {}], [(1, 0, SIZE.width)], [[], [SIZE.width], []])
    assert changes(frames, update) == ""
    line = {0: strip([("dEf", 1)])}
    update = ChopsUpdate([{}, line, {}], [(1, 0, SIZE.width)], [[], [SIZE.width], []])
    assert "E" in changes(frames, update)


def test_after_something_else_may_have_written_all_is_written_again() -> None:
    frames = Frames()
    lines = [[("abc", 1)], [], []]
    first = changes(frames, full(lines))
    frames.forget()
    assert changes(frames, full(lines)) == first
    assert frames.changes(full(lines), Size(30, 3), ColorSystem.TRUECOLOR), "another size"


def test_what_is_no_frame_is_left_to_textual() -> None:
    assert Frames().changes("text", SIZE, ColorSystem.TRUECOLOR) is None


def test_what_was_made_for_a_wider_terminal_is_not_written_beside_a_narrower_one() -> None:
    frames, narrow = Frames(), Size(10, 3)
    line = {0: strip([("a" * 20, 0)])}
    update = ChopsUpdate([line, {}, {}], [(0, 0, SIZE.width)], [[SIZE.width], [], []])
    assert (
        "a" * 10 + "\x1b" in (frames.changes(update, narrow, ColorSystem.TRUECOLOR) or "") + "\x1b"
    )
    beside = {12: strip([("b" * 12, 0)])}
    update = ChopsUpdate([beside, {}, {}], [(0, 12, SIZE.width)], [[SIZE.width], [], []])
    assert frames.changes(update, narrow, ColorSystem.TRUECOLOR) == ""


@pytest.mark.parametrize(
    ("meant", "written"),
    [
        ("#242f38", "236"),  # the bar of the dark theme, which rounding makes navy
        ("#0178d4", "32"),
        ("#121212", "233"),
        ("#7a273c", "88"),  # the red of the light theme, which was purple
        ("#ffffff", "231"),  # not 15, which is whatever the user likes
    ],
)
def test_of_256_colours_the_most_alike_is_taken(meant: str, written: str) -> None:
    line = Strip([Segment("x" * SIZE.width, Style.parse(f"on {meant}"))])
    update = LayoutUpdate([[line]] * 3, Region(0, 0, SIZE.width, 3))
    made = Frames().changes(update, SIZE, ColorSystem.EIGHT_BIT)
    assert f"48;5;{written}m" in (made or "")


def test_a_colour_of_the_terminal_itself_stays_that() -> None:
    red = Color.from_ansi(1)
    assert shown_as(red, ColorSystem.EIGHT_BIT).number == 1
    meant = Color.parse("#ff0000")
    assert shown_as(meant, ColorSystem.STANDARD) == meant.downgrade(ColorSystem.STANDARD)
    assert shown_as(meant, ColorSystem.TRUECOLOR) == meant
