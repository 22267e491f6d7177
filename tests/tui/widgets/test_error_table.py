"""The table of errors and the detail of one: what they say, and that nothing of it acts."""

from __future__ import annotations

from typing import Any

import pytest
from support.hostile import HOSTILE
from support.screens import assert_sound, screen_lines
from textual.app import App, ComposeResult

from durably_tui.state import ErrorGroup, Failure
from durably_tui.text import TimeStyle
from durably_tui.tui.widgets.error_table import ErrorTable
from durably_tui.tui.widgets.error_table_detail import ErrorDetail

T = 1_790_000_000.0


def failure(number: int = 0, **fields: Any) -> Failure:
    given: dict[str, Any] = {
        "job_name": "import-csv",
        "at": T - 60 * number - 5,
        "error": f"row {number} is bad",
        "input": {"file": "a.csv"},
        "has_input": True,
    }
    return Failure(run_id=f"01HZXQ8VQYQ0000R5GRKX{number:04}", **(given | fields))


def group(count: int = 1, through: int = 0, **fields: Any) -> ErrorGroup:
    failures = tuple(failure(number) for number in range(count))
    given: dict[str, Any] = {
        "key": "k",
        "job_name": "import-csv",
        "step_name": "parse",
        "message": "row <n> is bad",
        "failures": failures,
        "through": through,
        "open": failures[through:],
    }
    return ErrorGroup(**(given | fields))


class ErrorsApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.table = ErrorTable(clock=lambda: T)
        self.detail = ErrorDetail()

    def compose(self) -> ComposeResult:
        yield self.table
        yield self.detail


async def shown(width: int, each: ErrorGroup) -> list[str]:
    app = ErrorsApp()
    async with app.run_test(size=(width, 24)) as pilot:
        app.table.show([each], T)
        app.detail.show(each, T, TimeStyle.RELATIVE)
        await pilot.pause()
        return [line.strip() for line in screen_lines(app)]


async def test_columns_come_with_the_width() -> None:
    app = ErrorsApp()
    async with app.run_test(size=(40, 6)) as pilot:
        seen = {}
        for width in (40, 80, 120):
            await pilot.resize_terminal(width, 6)
            await pilot.pause()
            seen[width] = app.table.shown_columns
    assert seen[40] == ("count", "error")
    assert seen[80] == ("count", "last", "job", "step", "error", "through")
    assert seen[120] == (*seen[80], "first")


async def test_a_group_and_its_detail() -> None:
    lines = await shown(120, group(7, 2))
    assert lines[1].split() == [
        *("▸", "7", "5s", "import-csv", "parse", "row", "<n>", "is", "bad", "2/7", "6m"),
    ]
    text = "\n".join(lines)
    assert "import-csv  in step parse" in text
    assert "7 times: 2 came through since, 5 still failed; first 6m ago, last 5s ago" in text
    assert "…GRKX0000  …GRKX0001" in text
    assert "and 2 more" in text
    assert '{"file": "a.csv"}' in text
    assert "row 0 is bad" in text


@pytest.mark.parametrize(
    ("each", "words"),
    [
        (group(1), "once: 1 still failed; last 5s ago"),
        (group(2, 2), "all came through since, or newer runs with the same input did"),
        (group(3, 1, open=()), "1 came through since, 2 tried again, 0 still failed"),
        (group(1, step_name=None), "in an unknown step"),
    ],
)
async def test_what_became_of_it(each: ErrorGroup, words: str) -> None:
    assert any(words in line for line in await shown(120, each))


async def test_nothing_is_chosen() -> None:
    app = ErrorsApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.detail.show(group(), T, TimeStyle.UTC)
        app.detail.show(None, T, TimeStyle.UTC)
        await pilot.pause()
        text = "\n".join(screen_lines(app))
        assert "No error is selected." in text
        assert "row 0 is bad" not in text


@pytest.mark.parametrize("width", [30, 80, 120, 200])
async def test_hostile_texts_are_inert(width: int) -> None:
    app = ErrorsApp()
    async with app.run_test(size=(width, 60)) as pilot:
        rows = [
            group(1, key=str(n), message=text, job_name=text, step_name=text)
            for n, text in enumerate(HOSTILE)
        ]
        app.table.show(rows, T)
        for text in HOSTILE:
            bad = failure(error=text, input={text: text}, job_name=text)
            app.detail.show(group(failures=(bad,), open=()), T, TimeStyle.LOCAL)
            await pilot.pause()
            assert_sound(app.table, app.table.line_width)
            assert_sound(app.detail.sample, app.detail.sample.line_width)
            assert all("\x1b" not in line and "\u202e" not in line for line in screen_lines(app))
