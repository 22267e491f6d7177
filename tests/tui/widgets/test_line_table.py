from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from support.hostile import HOSTILE
from support.screens import assert_sound, screen_lines, widget_strips
from textual.app import App, ComposeResult
from textual.geometry import Region

from durably_tui.text import safe
from durably_tui.tui.widgets.line_table import GLOW_SECONDS, Column, LineTable, place_columns
from durably_tui.tui.widgets.line_table_columns import always
from durably_tui.tui.widgets.line_view import LineView


@dataclass(frozen=True)
class Row:
    key: str
    word: str = "word"
    changed_at: float | None = None


class Table(LineTable[Row]):
    def changed_at(self, row: Row) -> float | None:
        return row.changed_at


COLUMNS = (
    Column[Row]("key", "KEY", 10, lambda row, _: ((safe(row.key), "text"),)),
    Column[Row]("word", "WORD", 10, lambda row, _: ((safe(row.word), "failed"),), 1, grow=1),
    Column[Row]("late", "LATE", 20, lambda *_: (("late", "text"),), 2),
)


def rows(count: int, start: int = 0) -> tuple[Row, ...]:
    return tuple(Row(f"r{number}") for number in range(start, start + count))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class TableApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.table = Table(COLUMNS, row_key=lambda row: row.key, clock=self.clock)
        self.said: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_line_table_row_highlighted(self, message: Table.RowHighlighted) -> None:
        self.said.append(("at", message.key))

    def on_line_table_row_selected(self, message: Table.RowSelected) -> None:
        self.said.append(("open", message.key))


def refreshed(table: LineView, monkeypatch: pytest.MonkeyPatch) -> list[Region]:
    """The regions that the table refreshes from now on."""
    regions: list[Region] = []
    real = table.refresh

    def refresh(*given, **options):
        regions.extend(given or [table.size.region])
        return real(*given, **options)

    monkeypatch.setattr(table, "refresh", refresh)
    return regions


async def test_rows_are_shown_under_a_header():
    app = TableApp()
    async with app.run_test(size=(60, 8)) as pilot:
        app.table.set_rows(rows(3))
        await pilot.pause()
        lines = screen_lines(app)
        assert lines[0].split() == ["KEY", "WORD", "LATE"]
        assert [line.split()[-3:] for line in lines[1:4]] == [
            [f"r{number}", "word", "late"] for number in range(3)
        ]
        assert not lines[4].strip()


async def test_keys_move_the_cursor_and_say_so():
    app = TableApp()
    async with app.run_test(size=(60, 11)) as pilot:
        app.table.set_rows(rows(100))
        app.table.focus()
        seen = []
        for key in ["j", "down", "k", "up", "G", "g", "end", "home", "pagedown", "pageup"]:
            await pilot.press(key)
            seen.append(app.table.cursor_key)
        assert seen == ["r1", "r2", "r1", "r0", "r99", "r0", "r99", "r0", "r10", "r0"]
        await pilot.press("up", "enter")
        assert app.said[-2:] == [("at", "r0"), ("open", "r0")]


async def test_the_mouse_chooses_and_opens():
    app = TableApp()
    async with app.run_test(size=(60, 8)) as pilot:
        app.table.set_rows(rows(20))
        await pilot.pause()
        await pilot.click(app.table, offset=(5, 3))
        assert app.table.cursor_key == "r2"
        await pilot.double_click(app.table, offset=(5, 4))
        await pilot.pause()
        assert app.said[-1] == ("open", "r3")
        await pilot.click(app.table, offset=(5, 0))
        assert app.table.cursor_key == "r3", "the header is not a row"


async def test_the_cursor_stays_on_its_key():
    app = TableApp()
    async with app.run_test(size=(60, 8)) as pilot:
        app.table.set_rows(rows(20))
        app.table.move_cursor(2)
        await pilot.pause()
        app.said.clear()
        app.table.set_rows((Row("new"), *rows(20)))
        assert (app.table.cursor_key, app.table.cursor_index) == ("r2", 3)
        app.table.set_rows(tuple(reversed(rows(20))))
        assert (app.table.cursor_key, app.table.cursor_index) == ("r2", 17)
        await pilot.pause()
        assert app.said == [], "the same row is not announced again"
        app.table.set_rows(tuple(row for row in rows(20) if row.key != "r2"))
        assert app.table.cursor_index == 17, "where its row is gone it stays on its line"
        await pilot.pause()
        assert app.said == [("at", "r18")]
        app.table.set_rows(())
        assert app.table.cursor_key is None
        assert app.table.cursor_row is None


async def test_what_is_read_stays_in_place_while_rows_come_in_above():
    app = TableApp()
    async with app.run_test(size=(60, 11)) as pilot:
        app.table.set_rows(rows(100))
        app.table.move_cursor(50)
        await pilot.pause()
        before = [line[:-1] for line in screen_lines(app)[1:]]
        app.table.set_rows((Row("n1"), Row("n2"), *rows(100)))
        await pilot.pause()
        assert [line[:-1] for line in screen_lines(app)[1:]] == before


async def test_a_table_scrolled_away_from_its_cursor_is_left_there():
    app = TableApp()
    async with app.run_test(size=(60, 11)) as pilot:
        app.table.set_rows(rows(100))
        await pilot.pause()
        app.table.scroll_to(y=40, animate=False)
        await pilot.pause()
        app.table.set_rows(rows(99))
        await pilot.pause()
        assert app.table.scroll_offset.y == 40


async def test_one_changed_row_refreshes_its_changed_cells_only(monkeypatch):
    app = TableApp()
    async with app.run_test(size=(60, 20)) as pilot:
        given = rows(100_000)
        app.table.set_rows(given)
        await pilot.pause()
        regions = refreshed(app.table, monkeypatch)
        changed = (*given[:3], replace(given[3], word="other"), *given[4:])
        app.table.set_rows(changed)
        assert regions == [Region(0, 4, app.table._layout()[1].x + app.table._layout()[1].width, 1)]
        assert regions[0].width < 40
        await pilot.pause()
        assert "other" in screen_lines(app)[4]
        regions.clear()
        app.table.set_rows((*changed[:-1], replace(changed[-1], word="unseen")))
        assert regions == [], "a row off screen costs nothing"


async def test_cursor_moves_refresh_two_lines(monkeypatch):
    app = TableApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.table.set_rows(rows(100))
        app.table.focus()
        await pilot.pause()
        regions = refreshed(app.table, monkeypatch)
        await pilot.press("j")
        assert sorted(region.y for region in regions) == [1, 2]


async def test_a_changed_row_glows_for_a_second_and_then_no_timer_runs():
    app = TableApp()
    async with app.run_test(size=(60, 8)) as pilot:
        app.table.set_rows(rows(3))
        await pilot.pause()
        still = widget_strips(app.table)[3]
        assert app.table._glow_timer is None, "nothing glows"
        app.table.set_rows((*rows(2), Row("r2", changed_at=app.clock.now)))
        assert app.table._glow_timer is not None
        await pilot.pause()
        lit = widget_strips(app.table)[3]
        assert lit.text == still.text
        assert list(lit) != list(still)
        app.clock.now += GLOW_SECONDS
        app.table._glow_ended()
        await pilot.pause()
        assert list(widget_strips(app.table)[3]) == list(still)
        assert app.table._glow_timer is None


def grounds_of_line(table: Table, y: int) -> dict[str, object]:
    """The background of each cell of a line, by column."""
    line = widget_strips(table)[y]
    return {
        at.column.key: line.crop(at.x, at.x + at.width)._segments[0].style.bgcolor
        for at in table._placed
    }


async def test_what_changed_in_a_row_glows_and_the_rest_of_it_not():
    app = TableApp()
    async with app.run_test(size=(60, 8)) as pilot:
        app.table.set_rows(rows(3))
        await pilot.pause()
        still = list(widget_strips(app.table)[3].crop(0, 13))
        app.table.set_rows((*rows(2), Row("r2", word="other", changed_at=app.clock.now)))
        await pilot.pause()
        line = widget_strips(app.table)[3]
        grounds = grounds_of_line(app.table, 3)
        assert grounds["word"] != grounds["key"]
        assert grounds["late"] == grounds["key"]
        assert "".join(segment.text for segment in line.crop(0, 13)) == "".join(
            segment.text for segment in still
        )


async def test_what_glowed_before_glows_again_only_if_it_changes_again():
    app = TableApp()
    async with app.run_test(size=(60, 8)) as pilot:
        app.table.set_rows(rows(3))
        await pilot.pause()
        for _ in range(2):
            app.table.set_rows((*rows(2), Row("r2", word="other", changed_at=app.clock.now)))
            await pilot.pause()
            grounds = grounds_of_line(app.table, 3)
            app.clock.now += GLOW_SECONDS
            app.table._glow_ended()
            await pilot.pause()
        assert grounds["key"] != grounds["word"] == grounds["late"]


async def test_a_row_that_changed_once_is_not_made_again_with_every_picture():
    made = []
    column = Column("a", "A", 5, lambda row, _: (made.append(row.word), ((row.word, "text"),))[1])
    app = TableApp()
    async with app.run_test(size=(60, 8)) as pilot:
        app.table.set_columns((column,))
        app.table.set_rows(rows(1))
        changed = (Row("r0", word="other"),)
        app.table.set_rows(changed)
        await pilot.pause()
        made.clear()
        app.table.set_rows(changed)
        app.table._repaint()
        assert not made


async def test_only_what_depends_on_the_time_is_made_again_when_it_goes_on():
    made = []

    def shown(name):
        return lambda row, _: (made.append((name, row.key)), ((name, "text"),))[1]

    app = TableApp()
    async with app.run_test(size=(60, 8)) as pilot:
        app.table.set_columns(
            (Column("a", "A", 5, shown("a"), still=always), Column("b", "B", 5, shown("b"), 1))
        )
        app.table.set_rows(rows(2))
        await pilot.pause()
        made.clear()
        app.table.let_time_pass()
        app.table._repaint()
        assert made == [("b", "r0"), ("b", "r1")]
        app.table.repaint()
        assert len(made) == 6


async def test_marks_are_shown():
    app = TableApp()
    async with app.run_test(size=(60, 8)) as pilot:
        app.table.set_rows(rows(3))
        app.table.marked = frozenset({"r1"})
        await pilot.pause()
        lines = screen_lines(app)
        assert "◆" in lines[2]
        assert "◆" not in lines[1]
        app.table.plain = True
        await pilot.pause()
        assert all(line[:-1].isascii() for line in screen_lines(app))


async def test_empty_and_waiting():
    app = TableApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.table.empty = "No run [matches].\nEsc clears the filter."
        await pilot.pause()
        assert any("No run [matches]." in line for line in screen_lines(app))
        app.table.waiting = True
        await pilot.pause()
        assert any("───" in line for line in screen_lines(app))
        app.table.set_rows(rows(1))
        await pilot.pause()
        assert "r0" in screen_lines(app)[1]
        assert not any("───" in line for line in screen_lines(app)[2:])
        app.table.set_rows(())
        app.table.waiting = False
        await pilot.pause()
        assert any("Esc clears" in line for line in screen_lines(app))


@pytest.mark.parametrize("width", [12, 40, 61])
async def test_hostile_text_stays_in_its_column(width):
    app = TableApp()
    async with app.run_test(size=(width, len(HOSTILE) + 2)) as pilot:
        app.table.set_rows(tuple(Row(f"{n}{text}", text) for n, text in enumerate(HOSTILE)))
        await pilot.pause()
        assert_sound(app.table, app.table.line_width)
        screen_lines(app)


@pytest.mark.parametrize("width", range(4, 120, 5))
def test_columns_fit_and_do_not_overlap(width):
    placed = place_columns(COLUMNS, width)
    assert placed
    for one, other in pairwise(placed):
        assert one.x + one.width < other.x
    assert placed[-1].x + placed[-1].width <= width
    assert [p.column.key for p in placed] == ["key", "word", "late"][: len(placed)]


async def test_a_narrow_screen_and_a_resize_keep_the_cursor_in_sight():
    app = TableApp()
    async with app.run_test(size=(60, 30)) as pilot:
        app.table.set_rows(rows(100))
        app.table.move_cursor(25)
        await pilot.resize_terminal(30, 8)
        await pilot.pause()
        assert any("r25" in line for line in screen_lines(app))
        await pilot.resize_terminal(3, 2)
        await pilot.resize_terminal(80, 8)
        await pilot.pause()
        assert any("r25" in line for line in screen_lines(app))
