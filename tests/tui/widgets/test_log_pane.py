"""What can be done to a log by key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.hostile import HOSTILE
from support.log_entries import NOW, T, entries, entry
from support.screens import screen_lines
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from durably_tui.protocol.models import LogLevel
from durably_tui.text import TimeStyle
from durably_tui.tui.widgets.log_pane import LogPane


class PaneApp(App[None]):
    BINDINGS: list[BindingType] = [Binding("escape", "gone_back")]  # noqa: RUF012

    def __init__(self, **options) -> None:
        super().__init__()
        self.pane = LogPane(clock=lambda: T, **options)
        self.said: list[object] = []

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_log_pane_opened(self, message: LogPane.Opened) -> None:
        self.said.append(message.number)

    def on_log_pane_times_chosen(self, message: LogPane.TimesChosen) -> None:
        self.said.append(message.style)

    def action_gone_back(self) -> None:
        self.said.append("back")

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in screen_lines(self)]

    @property
    def status(self) -> str:
        return self.lines[-1]

    @property
    def toasts(self) -> list[str]:
        return [toast.message for toast in self._notifications]


async def test_a_search_is_found_as_it_is_typed_and_gone_through():
    app = PaneApp()
    async with app.run_test(size=(80, 12)) as pilot:
        view = app.pane.view
        view.focus()
        view.extend(entries(1_000))
        await pilot.press("slash", *"line 50")
        assert not view.following
        assert view.count_matches() == 11
        assert "“line 50”  11/11" in app.status, "typed so far, it is at the nearest already"
        await pilot.press("enter")
        assert view.has_focus
        for key, rank in (("n", 1), ("n", 2), ("N", 1), ("N", 11), ("N", 10), ("n", 11)):
            await pilot.press(key)
            assert f"“line 50”  {rank}/11" in app.status
        assert any("line 509" in line for line in app.lines), "brought into sight"
        await pilot.press("escape")
        assert "line 50" not in app.status
        assert app.said == []
        await pilot.press("escape")
        assert app.said == ["back"], "with nothing to clear the key is the place's"


async def test_large_numbers_of_matches_are_written_alike():
    app = PaneApp()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.view.focus()
        app.pane.view.extend(entries(1_234))
        await pilot.press("slash", *"line")
        assert "1,224/1,234" in app.status


async def test_that_nothing_is_found_is_not_said_while_lines_are_looked_at():
    app = PaneApp()
    async with app.run_test(size=(80, 12)) as pilot:
        view = app.pane.view
        view.extend(entries(200_000))
        await pilot.pause()
        view.set_search("line 100000")
        assert not view.looking.is_complete
        app.pane.do("next_match")
        await pilot.pause()
        assert app.toasts == []
        while not view.looking.is_complete:
            await pilot.pause()
        assert view.looking.found
        view.set_search("nowhere")
        while not view.looking.is_complete:
            await pilot.pause()
        app.pane.do("next_match")
        await pilot.pause()
        assert app.toasts == ["No line shown contains “nowhere”."]


async def test_a_search_that_is_left_changes_nothing():
    app = PaneApp()
    async with app.run_test(size=(80, 12)) as pilot:
        view = app.pane.view
        view.focus()
        view.extend(entries(1_000))
        await pilot.press("slash", *"line 5", "escape")
        assert view.following
        assert view.looking.pattern is None
        assert "line 999" in app.lines[-2]
        await pilot.press("k", "k", "slash", *"line 5", "escape")
        assert view.cursor == 997
        await pilot.press("slash", *"nowhere", "enter")
        assert "No line shown contains “nowhere”." in app.toasts
        assert "0 found" in app.status
        await pilot.press("n")
        assert len(app.toasts) == 2
        await pilot.press("escape", "n")
        assert "There is no search yet: / starts one." in app.toasts


async def test_only_what_matches_and_what_is_grave():
    app = PaneApp()
    async with app.run_test(size=(80, 12)) as pilot:
        view = app.pane.view
        view.focus()
        view.extend([entry(n, level=list(LogLevel)[n % 3]) for n in range(99)])
        await pilot.press("ampersand", *"line .*7$", "enter")
        assert len(view) == 10
        assert "10 of 99 lines  only “line .*7$”" in app.status
        view.extend([entry(107), entry(108)])
        await pilot.pause()
        assert app.lines[-2].endswith(" 107") or any("line 107" in line for line in app.lines)
        await pilot.press("L")
        assert "warn and error" in app.status
        await pilot.press("L")
        assert "  error  " in app.status
        assert len(view) == 3
        await pilot.press("slash", *"line", "enter")
        assert view.count_matches() == 3, "only among what is shown"
        await pilot.press("escape", "escape")
        assert len(view) == 101
        await pilot.press("ampersand", *"line 5", "escape")
        assert len(view) == 101, "left, it is as it was"


async def test_wrap_times_and_the_side():
    app = PaneApp()
    async with app.run_test(size=(80, 12)) as pilot:
        view = app.pane.view
        view.focus()
        view.extend([entry(1, "".join(f"{n:04}" for n in range(50)))])
        await pilot.press("greater_than_sign", "shift+right")
        assert "from column 17" in app.status
        view.extend([entry(2)])
        await pilot.pause()
        assert "from column 17" in app.status, "it stays while lines come in"
        await pilot.press("less_than_sign", "shift+left")
        assert "column" not in app.status
        await pilot.press("w")
        assert "wrapped" in app.status
        assert len([line for line in app.lines if "00" in line]) > 3
        await pilot.press("t")
        assert view.time_style is TimeStyle.UTC
        await pilot.press("t", "t", "t")
        assert app.said == [TimeStyle.UTC, TimeStyle.OFF, TimeStyle.RELATIVE, TimeStyle.LOCAL]


async def test_data_unfolds_and_folds():
    app = PaneApp()
    async with app.run_test(size=(80, 14)) as pilot:
        view = app.pane.view
        view.focus()
        view.extend([*entries(3), entry(3, "look", data={"row": 7, "why": ["a", None]})])
        await pilot.press("enter")
        text = "\n".join(app.lines)
        assert '"row": 7,' in text
        assert '{"row"' not in text
        assert "held" in app.status
        await pilot.press("k", "j", "space")
        assert '{"row": 7, "why": ["a", null]}' in "\n".join(app.lines)
        await pilot.press("F")
        assert "following" in app.status
        await pilot.press("F")
        assert "held" in app.status


async def test_data_higher_than_the_view_does_not_hide_the_rest():
    app = PaneApp()
    async with app.run_test(size=(80, 10)) as pilot:
        view = app.pane.view
        view.focus()
        view.extend([entry(0), entry(1, data=list(range(100))), entry(2)])
        await pilot.press("k", "space")
        assert any("…" in line for line in app.lines)
        await pilot.press("j")
        assert any("line 2" in line for line in app.lines)
        await pilot.press("k", "k")
        assert any("line 0" in line for line in app.lines)


async def test_enter_opens_the_run_where_lines_are_of_many():
    app = PaneApp(opens_runs=True)
    async with app.run_test(size=(80, 10)) as pilot:
        app.pane.view.focus()
        app.pane.view.extend(entries(5))
        await pilot.press("enter", "k", "enter")
        assert app.said == [4, 3]


async def test_a_line_and_what_is_in_sight_are_copied():
    app = PaneApp()
    async with app.run_test(size=(80, 6)) as pilot:
        view = app.pane.view
        view.focus()
        view.extend([*entries(8), entry(8, "two\nlines \x1b[31m", data={"a": 1})])
        await pilot.press("y")
        assert app.clipboard == (
            '2026-05-14T12:01:03.412Z  info   01HZR5GRKXM7  row-8  two↵lines ␛[31m  {"a": 1}'
        )
        await pilot.press("k", "k", "y")
        assert app.clipboard.endswith("line 6")
        await pilot.press("Y")
        assert len(app.clipboard.split("\n")) == view.size.height
        assert f"Copied {view.size.height} lines." in app.toasts


async def test_what_is_shown_is_saved_and_nothing_overwritten_by_chance(tmp_path: Path):
    app = PaneApp()
    async with app.run_test(size=(100, 10)) as pilot:
        view = app.pane.view
        view.focus()
        view.extend(entries(5_000))
        view.set_show_only("7$")
        path = tmp_path / "night.log"

        async def answered() -> None:
            await pilot.press("enter")
            await pilot.pause()
            await app.workers.wait_for_complete()
            await pilot.pause()

        async def save_to(to: Path) -> None:
            app.pane.prompt.value = str(to)
            await answered()

        await pilot.press("ctrl+s")
        assert app.pane.prompt.value == f"durably-logs-{NOW.astimezone():%Y%m%d-%H%M%S}.log"
        await save_to(path)
        assert f"Saved 500 lines to {path}." in app.toasts
        lines = path.read_text().split("\n")
        assert lines[0].endswith("line 7")
        assert len(lines) == 501
        assert view.has_focus

        view.set_show_only(None)
        await pilot.press("ctrl+s")
        await save_to(path)
        assert f"{path} already exists: Enter again overwrites it." in app.toasts
        assert len(path.read_text().split("\n")) == 501
        await answered()
        assert f"Saved 5,000 lines to {path}." in app.toasts

        await pilot.press("ctrl+s")
        await save_to(tmp_path / "none" / "x.log")
        assert "cannot be written (No such file or directory)" in app.toasts[-1]
        await pilot.press("escape")
        assert view.has_focus


async def test_json_lines_are_exact(tmp_path: Path):
    app = PaneApp()
    async with app.run_test(size=(100, 10)) as pilot:
        view = app.pane.view
        view.focus()
        view.extend([entry(1, text, data={"it": text}) for text in HOSTILE])
        await pilot.press("ctrl+s")
        app.pane.prompt.value = str(tmp_path / "log.jsonl")
        await pilot.press("enter")
        await pilot.pause()
        await app.workers.wait_for_complete()
        text = (tmp_path / "log.jsonl").read_text(encoding="utf-8")
        saved = [json.loads(line) for line in text.removesuffix("\n").split("\n")]
        assert [line["message"] for line in saved] == list(HOSTILE)
        assert all(line["data"]["it"] == line["message"] for line in saved)


@pytest.mark.parametrize("width", [20, 40, 100])
async def test_hostile_text_is_inert_in_every_line(width: int):
    app = PaneApp(opens_runs=True)
    async with app.run_test(size=(width, 20)) as pilot:
        view = app.pane.view
        view.focus()
        view.extend(
            [
                entry(1, text, step_name=text, job_name=text, run_id=text, data={text: [text]})
                for text in HOSTILE
            ]
        )
        for text in HOSTILE[:12]:
            view.set_search(text[:50])
            view.set_show_only(None)
            await pilot.press("k", "space")
            app.lines  # noqa: B018  # each is exactly as wide as the screen


async def test_a_gap_says_from_when_to_when():
    app = PaneApp()
    async with app.run_test(size=(90, 10)) as pilot:
        view = app.pane.view
        view.focus()
        view.time_style = TimeStyle.UTC
        view.extend([entry(1)])
        view.store.extend_gap(T - 130, T - 7)
        view.sync()
        view.set_level(LogLevel.ERROR)
        await pilot.pause()
        assert any(
            "log lines from 11:58:53Z to 12:00:56Z may be lost" in line for line in app.lines
        )
        await pilot.press("y")
        assert app.clipboard.startswith("-- log lines from 2026-05-14T11:58:53.412Z")
        for wrapped in (True, False):
            view.wrap = wrapped
            await pilot.press("enter", "enter")
