from contextlib import suppress
from datetime import timedelta

import pytest
from support.hostile import HOSTILE
from support.log_entries import NOW, T, entries, entry
from support.screens import assert_sound, screen_lines
from textual.actions import SkipAction
from textual.app import App, ComposeResult

from durably_tui.protocol.models import LogLevel
from durably_tui.text import TimeStyle
from durably_tui.tui.widgets.log_above import Earlier
from durably_tui.tui.widgets.log_view import LogView


class LogApp(App[None]):
    def __init__(self, **options) -> None:
        super().__init__()
        self.log_view = LogView(clock=lambda: T, **options)
        self.said: list[bool] = []

    def compose(self) -> ComposeResult:
        yield self.log_view

    def on_log_view_changed(self, message: LogView.Changed) -> None:
        if self.said[-1:] != [message.view.following]:
            self.said.append(message.view.following)

    def text(self) -> list[str]:
        return [line[:-1].rstrip() for line in screen_lines(self)]


async def test_a_line_tells_when_how_grave_where_what_and_with_which_data():
    app = LogApp()
    async with app.run_test(size=(110, 6)) as pilot:
        app.log_view.time_style = TimeStyle.UTC
        app.log_view.extend(
            [entry(1, level=LogLevel.WARN, data={"row": 7, "why": None}), entry(2, "list[int]")]
        )
        await pilot.pause()
        first, second, *_ = app.text()
        assert first == ' 12:01:03.412Z  warn   row-1             line 1  {"row": 7, "why": null}'
        assert second.endswith("list[int]")
        assert "info" in second


async def test_it_follows_until_one_scrolls_up_and_again_at_the_end():
    app = LogApp()
    async with app.run_test(size=(80, 6)) as pilot:
        view = app.log_view
        view.focus()
        view.extend(entries(100))
        await pilot.pause()
        assert app.text()[-1].endswith("line 99")
        assert view.vertical_scrollbar.position == view.scroll_y == view.max_scroll_y > 0
        await pilot.press("k")
        assert not view.following
        view.extend(entries(10, 100))
        await pilot.pause()
        assert app.text()[-1].endswith("line 99"), "what is read stays"
        for key in ("end", "G"):
            await pilot.press("g")
            assert app.text()[0].endswith("line 0")
            await pilot.press(key)
            assert view.following
            assert app.text()[-1].endswith("line 109")
        view.extend(entries(1, 110))
        await pilot.pause()
        assert app.text()[-1].endswith("line 110")
        assert app.said[:3] == [True, False, True]


async def test_scrolling_back_to_the_end_follows_again():
    app = LogApp()
    async with app.run_test(size=(80, 6)) as pilot:
        app.log_view.focus()
        app.log_view.extend(entries(100))
        await pilot.press("ctrl+b", "ctrl+f")
        assert app.log_view.following


async def test_it_is_bounded_and_says_what_went():
    app = LogApp(capacity=100)
    async with app.run_test(size=(80, 6)) as pilot:
        view = app.log_view
        view.focus()
        for start in range(0, 1000, 50):
            view.extend(entries(50, start))
        await pilot.press("g")
        store = view.store
        assert len(store) <= 110
        assert len(store) + store.dropped == 1000
        assert app.text()[0] == f" {store.dropped} earlier lines are no longer kept"
        assert app.text()[1].endswith(f"line {store.dropped}")


async def test_what_is_read_stays_while_the_oldest_go():
    app = LogApp(capacity=100)
    async with app.run_test(size=(80, 6)) as pilot:
        view = app.log_view
        view.extend(entries(150))
        view.following = False
        view.scroll_to(y=60, animate=False, force=True)
        await pilot.pause()
        before = app.text()
        view.extend(entries(50, 150))
        await pilot.pause()
        assert app.text() == before


async def test_unseen_lines_are_told():
    app = LogApp()
    async with app.run_test(size=(80, 6)) as pilot:
        app.log_view.extend(entries(2))
        app.log_view.above = "earlier lines were not seen"
        await pilot.pause()
        assert app.text()[0] == " earlier lines were not seen"
        assert app.text()[1].endswith("line 0")


async def test_level_and_filter():
    app = LogApp()
    async with app.run_test(size=(80, 8)) as pilot:
        view = app.log_view
        view.extend(
            [
                entry(1),
                entry(2, level=LogLevel.WARN),
                entry(3, level=LogLevel.ERROR),
                entry(4, level=LogLevel.UNKNOWN),
            ]
        )

        def shown() -> list[str]:
            return [line.split()[-1] for line in app.text() if "line" in line]

        view.set_level(LogLevel.WARN)
        await pilot.pause()
        assert shown() == ["2", "3", "4"], "a level that nobody knows is not hidden"
        view.set_level(LogLevel.ERROR)
        view.extend([entry(5), entry(6, level=LogLevel.ERROR)])
        await pilot.pause()
        assert shown() == ["3", "6"]
        view.set_level(None)
        view.set_show_only("LINE")
        await pilot.pause()
        assert app.text()[2].strip() == "No line matches the filter."
        view.set_show_only("row-[12]")
        await pilot.pause()
        assert shown() == ["1", "2"]
        view.set_show_only(None)
        await pilot.pause()
        assert len(shown()) == 6


async def test_filtered_lines_go_with_their_entries():
    app = LogApp(capacity=100)
    async with app.run_test(size=(80, 8)) as pilot:
        view = app.log_view
        view.set_show_only("line .*0$")
        for start in range(0, 500, 10):
            view.extend(entries(10, start))
        await pilot.pause()
        assert len(view) == len([e for e in view.store if e.message.endswith("0")])
        assert app.text()[-1].endswith("line 490")


async def test_search_goes_round_and_lights_what_it_found():
    app = LogApp()
    async with app.run_test(size=(80, 6)) as pilot:
        view = app.log_view
        view.extend(entries(100))
        assert not view.next_match()
        view.set_search("line [37]0$")
        assert view.count_matches() == 2
        seen = []
        for go in (view.next_match, view.next_match, view.next_match, view.prev_match):
            assert go()
            await pilot.pause()
            seen.append(next(line.split()[-1] for line in app.text() if line.endswith("0")))
        assert seen == ["30", "70", "30", "70"]
        assert not view.following
        strip = next(s for s in map(view.render_line, range(6)) if s.text.rstrip().endswith("70"))
        assert any(segment.text == "line 70" for segment in strip), "the match is a span of its own"
        view.set_search("no such thing (")
        assert not view.next_match()


async def test_a_level_that_was_searched_for_is_lit():
    app = LogApp()
    async with app.run_test(size=(80, 6)) as pilot:
        view = app.log_view
        view.extend([entry(0), entry(1, level=LogLevel.ERROR)])
        view.set_search("err")
        await pilot.pause()
        assert view.count_matches() == 1
        at = next(y for y in range(6) if "error" in view.render_line(y).text)
        assert any(segment.text == "err" for segment in view.render_line(at))


async def test_the_text_moves_to_the_side_and_the_columns_do_not():
    app = LogApp()
    async with app.run_test(size=(80, 4)) as pilot:
        view = app.log_view
        view.focus()
        view.extend([entry(1, "".join(f"{n:04}" for n in range(100)))])
        await pilot.pause()
        assert app.text()[0].endswith("…")
        await pilot.press("right", "right")
        assert "  0004000500" in app.text()[0]
        assert app.text()[0].startswith(" ")
        assert "info" in app.text()[0]
        await pilot.press("left", "left", "left")
        assert "  00000001" in app.text()[0]


async def test_wrapping_shows_every_character():
    app = LogApp()
    async with app.run_test(size=(60, 12)) as pilot:
        view = app.log_view
        view.focus()
        view.wrap = True
        long = " ".join(f"word{n}" for n in range(40))
        view.extend([*entries(30), entry(30, long), entry(31, "two\nlines"), entry(32)])
        await pilot.pause()
        shown = "".join(line[23:] for line in app.text())
        assert "word39" in shown
        assert app.text()[-1].endswith("line 32")
        assert [line.strip() for line in app.text()[-3:-1]][-1] == "lines"
        seen = set()
        for _ in range(60):
            seen.update(line.split()[-1] for line in app.text() if " line " in line)
            await pilot.press("k")
        assert seen >= {str(n) for n in range(30)}
        assert app.text()[0].endswith("line 0")
        for _ in range(60):
            await pilot.press("j")
        assert app.text()[-1].endswith("line 32")
        assert view.following


async def test_every_line_can_be_reached_with_wrapping():
    app = LogApp()
    async with app.run_test(size=(50, 7)) as pilot:
        view = app.log_view
        view.focus()
        view.wrap = True
        view.above = "earlier lines were not seen"
        view.extend([entry(n, " ".join(f"<{n}.{w}>" for w in range(18))) for n in range(6)])
        await pilot.pause()
        seen = ""
        for _ in range(20):
            seen += "".join(line[22:].strip() for line in app.text())
            await pilot.press("k")
        whole = "".join(seen.split())
        assert "linesarenotseen" in whole or "earlier lines were not seen" in app.text()[0]
        assert [n for n in range(6) if f"<{n}.0>" not in whole or f"<{n}.17>" not in whole] == []


async def test_one_huge_line_does_not_hide_the_rest():
    app = LogApp()
    async with app.run_test(size=(80, 8)) as pilot:
        view = app.log_view
        view.extend([entry(1, "x" * 1_000_000), entry(2)])
        await pilot.pause()
        assert app.text()[1].endswith("line 2")
        view.wrap = True
        await pilot.pause()
        assert app.text()[-1].endswith("line 2")
        assert app.text()[-2].endswith("…")


async def test_relative_times_go_on(monkeypatch):
    app = LogApp()
    async with app.run_test(size=(80, 6)) as pilot:
        view = app.log_view
        view.time_style = TimeStyle.RELATIVE
        view.extend([entry(1), entry(2, timestamp=NOW - timedelta(hours=2))])
        await pilot.pause()
        assert app.text()[0].startswith("   0s")
        regions = []
        real = view.refresh
        monkeypatch.setattr(view, "refresh", lambda *g, **o: (regions.extend(g), real(*g, **o))[1])
        view.tick(T + 5)
        assert [(region.y, region.width) for region in regions] == [(0, 5)]
        await pilot.pause()
        assert app.text()[0].startswith("   5s")
        view.time_style = TimeStyle.OFF
        await pilot.pause()
        assert app.text()[0].startswith(" info")


async def test_lines_of_another_day_say_so():
    app = LogApp()
    async with app.run_test(size=(80, 6)) as pilot:
        app.log_view.time_style = TimeStyle.UTC
        app.log_view.extend([entry(1, timestamp=NOW - timedelta(days=3)), entry(2)])
        await pilot.pause()
        assert app.text()[0].startswith(" 05-11 12:01:03.412Z")
        assert app.text()[1].startswith(" 05-14 12:01:03.412Z")


async def test_on_the_way_to_the_first_line_it_goes_on_until_one_moves():
    app = LogApp()
    async with app.run_test(size=(80, 6)) as pilot:
        view = app.log_view
        view.focus()
        view.extend(entries(100, 100))
        view.earlier = Earlier.READY
        await pilot.press("g")
        view.store.prepend(entries(50, 50))
        view.sync()
        await pilot.pause()
        assert app.text()[0].endswith("line 50")
        assert view.cursor == view.store.first
        await pilot.press("j")
        view.store.prepend(entries(50))
        view.sync()
        await pilot.pause()
        assert app.text()[1].endswith("line 51"), "what is read stays"


async def test_runs_can_be_told_apart():
    app = LogApp()
    async with app.run_test(size=(100, 6)) as pilot:
        app.log_view.show_run = True
        app.log_view.extend([entry(1, job_name="import-csv")])
        await pilot.pause()
        assert "import-csv   …KXM7" in app.text()[0]


async def test_a_narrow_log_has_room_for_what_its_lines_say():
    app = LogApp()
    async with app.run_test(size=(42, 6)) as pilot:
        app.log_view.time_style = TimeStyle.UTC
        app.log_view.show_run = True
        app.log_view.extend([entry(1, "stored it", step_name=None, job_name="import-csv")])
        await pilot.pause()
        assert app.text()[0] == " 12:01:03Z  info   …KXM7  stored it"
        await pilot.resize_terminal(90, 6)
        await pilot.pause()
        assert app.text()[0] == " 12:01:03.412Z  info   import-csv   …KXM7  stored it"


async def test_clear_and_empty():
    app = LogApp(empty="No [log] lines.")
    async with app.run_test(size=(60, 6)) as pilot:
        app.log_view.extend(entries(50))
        app.log_view.following = False
        app.log_view.clear()
        await pilot.pause()
        assert any("No [log] lines." in line for line in app.text())
        assert app.log_view.following
        app.log_view.set_entries(entries(3))
        await pilot.pause()
        assert app.text()[0].endswith("line 0")


async def test_of_another_log_whose_lines_come_from_the_end_nothing_is_left():
    app = LogApp()
    async with app.run_test(size=(60, 6)) as pilot:
        view = app.log_view
        for word in ("apple", "pear"):
            view.clear()
            await pilot.pause()
            view.store.prepend([entry(n, f"{word} {n}") for n in range(3)])
            view.sync()
            await pilot.pause()
            assert [line.rpartition("  ")[2] for line in app.text()[:3]] == [
                f"{word} {n}" for n in range(3)
            ]


async def test_a_log_without_steps_has_no_column_for_them_after_one_with_steps():
    app = LogApp()
    async with app.run_test(size=(60, 6)) as pilot:
        view = app.log_view
        view.set_entries([entry(1)])
        await pilot.pause()
        assert view.style_now().show_step
        view.set_entries([entry(1, step_name=None)])
        await pilot.pause()
        assert not view.style_now().show_step


@pytest.mark.parametrize("width", [20, 61, 120])
@pytest.mark.parametrize("wrap", [False, True])
async def test_hostile_text_is_inert_and_in_its_column(width, wrap):
    app = LogApp()
    async with app.run_test(size=(width, len(HOSTILE) + 2)) as pilot:
        view = app.log_view
        view.wrap = wrap
        view.show_run = True
        view.set_search("e")
        view.extend(
            [
                entry(1, text, step_name=text, job_name=text, run_id=text, data={text: [text]})
                for text in HOSTILE
            ]
        )
        for _ in range(3):
            await pilot.pause()
            assert_sound(view, view.line_width)
            screen_lines(app)
            if not wrap:
                with suppress(SkipAction):  # nothing is cut: the key is the place's
                    view.action_shift(1)
            view.scroll_to(y=0, animate=False, force=True)
