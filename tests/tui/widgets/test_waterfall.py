from datetime import UTC, datetime, timedelta

import pytest
from support.hostile import HOSTILE
from support.screens import assert_sound, screen_lines
from textual.app import App, ComposeResult

from durably_tui.protocol.models import Step, StepStatus
from durably_tui.state import ObservedStep
from durably_tui.tui.widgets.waterfall import Waterfall, is_skipped

NOW = datetime(2026, 5, 14, 12, 0, 0, tzinfo=UTC)
T = NOW.timestamp()


def step(index: int, start: float | None, end: float | None, **fields) -> Step:
    given = {
        "name": f"step-{index}",
        "index": index,
        "status": StepStatus.COMPLETED if end is not None else StepStatus.RUNNING,
        "started_at": None if start is None else NOW + timedelta(seconds=start),
        "completed_at": None if end is None else NOW + timedelta(seconds=end),
    }
    return Step(**(given | fields))


class StepsApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.steps = Waterfall(clock=lambda: T)

    def compose(self) -> ComposeResult:
        yield self.steps


async def test_steps_are_shown_on_their_axis():
    app = StepsApp()
    async with app.run_test(size=(120, 8)) as pilot:
        app.steps.set_steps(
            (
                step(0, 1, 3),
                step(1, 3, 4, status=StepStatus.FAILED),
                step(2, None, None, status=StepStatus.COMPLETED),
                step(3, 4, None),
            ),
            started_at=NOW,
            now=T + 8,
        )
        await pilot.pause()
        lines = screen_lines(app)
        assert lines[0].split()[-6:] == ["0", "2s", "4s", "6s", "8s", "10s"]
        assert lines[1].split()[1:][:6] == ["0", "step-0", "✔", "completed", "+1.0s", "2.0s"]
        assert "✖ failed" in lines[2]
        assert lines[3].rstrip("▁ ").endswith("·"), "done before this was watched"
        assert "● running" in lines[4]
        before = lines[4].count("━")
        app.steps.tick(T + 9)
        await pilot.pause()
        assert screen_lines(app)[4].count("━") > before
        assert "5.0s" in screen_lines(app)[4]


async def test_the_axis_keeps_its_scale_while_a_step_grows(monkeypatch):
    app = StepsApp()
    async with app.run_test(size=(120, 8)) as pilot:
        app.steps.set_steps((step(0, 0, 3), step(1, 3, None)), started_at=NOW, now=T + 6)
        await pilot.pause()
        regions = []
        real = app.steps.refresh
        monkeypatch.setattr(
            app.steps, "refresh", lambda *given, **o: (regions.extend(given), real(*given, **o))[1]
        )
        app.steps.tick(T + 7)
        assert {region.y for region in regions} == {2}, "only what runs is repainted"
        app.steps.tick(T + 12)
        assert {region.y for region in regions} == {0, 1, 2}


async def test_the_cursor_follows_the_last_step():
    app = StepsApp()
    async with app.run_test(size=(100, 8)) as pilot:
        steps = [step(n, n, n + 1) for n in range(30)]
        app.steps.set_steps(tuple(steps[:20]), started_at=NOW, now=T + 40)
        app.steps.focus()
        await pilot.press("G")
        app.steps.set_steps(tuple(steps), started_at=NOW, now=T + 41)
        assert app.steps.cursor_index == 29
        await pilot.press("k")
        app.steps.set_steps((*steps, step(30, 30, 31)), started_at=NOW, now=T + 42)
        assert app.steps.cursor_index == 28


async def test_no_steps():
    app = StepsApp()
    async with app.run_test(size=(60, 8)) as pilot:
        app.steps.set_steps((), started_at=None, now=0.0)
        await pilot.pause()
        assert any("No steps" in line for line in screen_lines(app))


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (60, ["#", "STEP", "STATUS", "TOOK", "0"]),
        (80, ["#", "STEP", "STATUS", "TRY", "TOOK", "0"]),
        (120, ["#", "STEP", "STATUS", "TRY", "START", "TOOK", "0"]),
    ],
)
async def test_the_axis_gets_its_room_before_what_it_shows_as_well(width, headings):
    app = StepsApp()
    async with app.run_test(size=(width, 8)) as pilot:
        app.steps.set_steps((step(0, 1, 3),), started_at=NOW, now=T + 8)
        await pilot.pause()
        line = screen_lines(app)[0]
        assert line.split()[: len(headings)] == headings
        assert width < 80 or width - line.index("0") >= 23, "cells of the axis"


@pytest.mark.parametrize("width", [30, 80, 200])
async def test_hostile_names_stay_in_their_column(width):
    app = StepsApp()
    async with app.run_test(size=(width, len(HOSTILE) + 2)) as pilot:
        app.steps.set_steps(
            tuple(step(n, n, n + 1, name=text) for n, text in enumerate(HOSTILE)),
            started_at=NOW,
            now=T + 100,
        )
        await pilot.pause()
        assert_sound(app.steps, app.steps.line_width)
        screen_lines(app)


def seen(index: int, start: float, end: float | None, attempt: int, **fields) -> ObservedStep:
    told = step(index, start, end, **fields)
    return ObservedStep(
        **{name: getattr(told, name) for name in Step.__struct_fields__}, attempt=attempt
    )


async def test_steps_of_an_earlier_attempt_are_told_apart():
    app = StepsApp()
    async with app.run_test(size=(120, 8)) as pilot:
        steps = (
            seen(0, 0, 2, 1),
            seen(1, 2, 3, 1, status=StepStatus.FAILED),
            seen(1, 6, None, 2),
        )
        app.steps.set_steps(steps, started_at=NOW, now=T + 8, attempt=2)
        await pilot.pause()
        lines = screen_lines(app)
        assert "TRY" in lines[0]
        assert "↷ skipped" in lines[1]
        assert "✖ failed" in lines[2]
        assert "● running" in lines[3]
        assert [line.split()[4] for line in lines[2:4]] == ["1", "2"]
        app.steps.set_steps(steps[:1], started_at=NOW, now=T + 8, attempt=1)
        await pilot.pause()
        assert "✔ completed" in screen_lines(app)[1]


def test_what_ended_before_the_run_was_taken_again_was_skipped_there():
    assert is_skipped(step(0, -9, -5), 1, NOW)
    assert not is_skipped(step(0, 1, 2), 1, NOW)
    assert not is_skipped(step(0, -9, -5, status=StepStatus.FAILED), 1, NOW)
    assert not is_skipped(step(0, None, None, status=StepStatus.COMPLETED), 1, None)


async def test_the_axis_zooms_at_the_cursor_and_moves():
    app = StepsApp()
    async with app.run_test(size=(120, 8)) as pilot:
        app.steps.set_steps(
            tuple(step(n, 10 * n, 10 * n + 10) for n in range(6)), started_at=NOW, now=T + 60
        )
        app.steps.focus()
        await pilot.press("j", "j", "plus", "equals_sign")
        first, last = app.steps.window
        assert last - first == 15
        assert first <= 25 <= last
        lines = screen_lines(app)
        assert "◂" in lines[1]
        assert "▸" in lines[6]
        await pilot.press("less_than_sign")
        assert app.steps.window[0] < first
        for _ in range(40):
            await pilot.press("greater_than_sign")
        assert app.steps.window == (45, 60)
        await pilot.press("underscore", "underscore", "underscore")
        assert app.steps.window == (0, 60)
        await pilot.press("plus", "0")
        assert app.steps.window == (0, 60)
        assert_sound(app.steps, app.steps.line_width)


async def test_an_axis_at_its_end_goes_on_with_what_runs():
    app = StepsApp()
    async with app.run_test(size=(120, 8)) as pilot:
        app.steps.set_steps((step(0, 0, 30), step(1, 30, None)), started_at=NOW, now=T + 40)
        app.steps.focus()
        await pilot.press("G", "plus", *["greater_than_sign"] * 9)
        app.steps.tick(T + 44)
        first, last = app.steps.window
        assert first <= 44 <= last
        app.steps.tick(T + 500)
        first, last = app.steps.window
        assert first <= 500 <= last
