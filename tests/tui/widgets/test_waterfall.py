from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.hostile import HOSTILE
from support.screens import assert_sound, screen_lines
from textual.app import App, ComposeResult

from durably_tui.protocol.models import Step, StepStatus
from durably_tui.tui.widgets.waterfall import Waterfall, axis_span, span_bar

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


@given(st.floats(0.0001, 1e9))
def test_an_axis_holds_what_it_is_made_for(seconds):
    assert seconds <= axis_span(seconds) <= max(0.01, 2.6 * seconds)


@given(
    st.floats(-10, 1e6),
    st.floats(0, 1e6),
    st.floats(0, 1e5),
    st.integers(1, 80),
    st.booleans(),
)
def test_a_bar_fits(start, length, span, width, plain):
    text = "".join(piece for piece, _ in span_bar(start, start + length, span, width, "bar",
                                                  plain=plain))  # fmt: skip
    assert len(text) == width
    assert text.strip(), "the shortest step can be seen"


def test_bars_show_when():
    def bar(start, end):
        return "".join(text for text, _ in span_bar(start, end, 10, 10, "bar"))

    assert bar(0, 10) == "━━━━━━━━━━"
    assert bar(2, 5) == "  ━━━     "
    assert bar(2.5, 5) == "  ╺━━     "
    assert bar(2, 4.5) == "  ━━╸     "
    assert bar(9.9, 9.9) == "         ╺"


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
        assert lines[0].split()[-5:] == ["0", "2.5s", "5.0s", "7.5s", "10s"]
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
