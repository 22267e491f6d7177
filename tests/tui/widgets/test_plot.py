"""The plot: where runs stand, what hides what, and that it always fits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.hostile import HOSTILE
from support.screens import assert_sound, screen_lines
from textual.app import App, ComposeResult

from durably_tui.protocol import RunStatus
from durably_tui.state import RunRecord
from durably_tui.text import cells, safe
from durably_tui.tui.widgets.plot import RunPlot, plot_lines
from durably_tui.tui.widgets.plot_points import Point, points_of, scale_of, scatter

T = 1_790_000_000.0
COMPLETED, FAILED, RUNNING = RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.RUNNING


def record(
    ended: float | None, took: float, status: RunStatus = COMPLETED, run_id: str = "a"
) -> RunRecord:
    """A run that ended so many seconds before T, or has run until now."""
    at = T - ended if ended is not None else T
    return RunRecord(
        run_id=run_id,
        status=status,
        at=at - took,
        started_at=at - took,
        ended_at=None if ended is None else at,
    )


def text(lines: list[tuple[tuple[str, str], ...]]) -> list[str]:
    return ["".join(part for part, _ in line) for line in lines]


def test_which_runs_are_points() -> None:
    waits = RunRecord(run_id="w", status=RunStatus.PENDING, at=T)
    no_start = RunRecord(run_id="n", status=COMPLETED, at=T, ended_at=T)
    runs = [waits, no_start, record(None, 4, RUNNING), record(10, 2), record(20, 3, FAILED)]
    assert points_of(runs, T, 3600) == [
        Point(T - 20, 3, FAILED),
        Point(T - 10, 2, COMPLETED),
        Point(T, 4, RUNNING),
    ]


def test_a_window_with_too_few_runs_shows_older_ones() -> None:
    older = [record(5_000 + n, 1) for n in range(3)]
    assert len(points_of([*older, record(10, 1)], T, 3600)) == 4
    many = [record(10 + n, 1) for n in range(5)]
    assert len(points_of([*older, *many], T, 3600)) == 5


def test_runs_stand_where_they_ended_and_as_high_as_they_took() -> None:
    points = [Point(T - 100, 10.0, COMPLETED), Point(T, 0.0, FAILED)]
    scale = scale_of(points, T)
    shown = scatter(points, scale, 51, 11)
    assert shown[50, 10][0] == "✖"
    assert shown[1, 1][0] == "•"
    assert not scale.logarithmic


def test_one_very_long_run_makes_the_scale_logarithmic() -> None:
    points = [Point(T - n, 1.0, COMPLETED) for n in range(10)] + [Point(T, 1000.0, FAILED)]
    scale = scale_of(points, T)
    assert (scale.logarithmic, scale.low, scale.high) == (True, 1.0, 1000.0)
    rows = [scale.row(seconds, 10) for seconds in (0.0, 1.0, 31.6, 1000.0)]
    assert rows == [9, 9, 5, 0]


def test_no_failure_hides_behind_what_went_well() -> None:
    points = [Point(T, 1.0, COMPLETED)] * 9 + [Point(T, 1.0, FAILED), Point(T, 1.0, RUNNING)]
    (shown,) = scatter(points, scale_of(points, T), 10, 3).values()
    assert shown == ("✖", "failed")
    for number, glyph in ((1, "•"), (2, "◉"), (3, "◉"), (4, "█"), (99, "█")):
        (shown,) = scatter(points[:1] * number, scale_of(points, T), 10, 3).values()
        assert shown == (glyph, "completed")


def test_the_picture() -> None:
    points = points_of([record(60, 8), record(30, 4, FAILED), record(0, 2)], T, 3600)
    lines = text(plot_lines("job", points, 60, 12, now=T, marks={"p50": 2, "p95": 8}))
    assert lines[0].startswith("job  duration of each run  ✔ 2 completed  ✖ 1 failed")
    assert lines[1] == "  8.8s ┤" + " " * 52
    assert lines[2] == "   p95 ┤┄•" + "┄" * 50
    assert lines[3] == "       │" + " " * 52
    assert lines[4] == "    5s ┤" + " " * 52
    assert lines[5][8 + 26] == "✖"
    assert lines[7] == "   p50 ┤" + "┄" * 51 + "•"
    assert lines[9] == "     0 ┤" + " " * 52
    assert lines[10] == "       └" + "─" * 52
    assert lines[11].split() == ["1m", "ago", "45s", "ago", "30s", "ago", "15s", "ago", "now"]


def test_a_high_picture_tells_round_durations() -> None:
    def told(points: list[Point]) -> list[str]:
        lines = text(plot_lines("job", points, 60, 40, now=T, marks={"p50": None}))
        return [label for line in lines[1:-2] if (label := line[:6].strip())]

    low = [Point(T - 60, 0.0085, FAILED)]
    assert told(low) == ["9ms", "8ms", "6ms", "4ms", "2ms", "0"]
    long = [*([Point(T - 60, 1.0, COMPLETED)] * 9), Point(T, 4_000.0, FAILED)]
    assert told(long) == ["1h06m", "10m", "1m", "10s", "1.0s"]


def test_a_percentile_that_is_not_in_the_picture_is_not_drawn() -> None:
    points = points_of([record(60, 8)], T, 3600)
    marks = {"p95": 90.0, "p50": None}
    assert "┄" not in "".join(text(plot_lines("job", points, 60, 12, now=T, marks=marks)))


def test_nothing_to_show_says_so() -> None:
    lines = text(plot_lines("job", [], 70, 9, now=T))
    assert "No run of this job is known to have ended yet" in lines[1]


durations = st.floats(0, 1e9) | st.just(0.0)
some_points = st.lists(
    st.builds(Point, st.floats(T - 1e9, T), durations, st.sampled_from(list(RunStatus))),
    max_size=30,
)


@given(some_points, st.integers(-1, 120), st.integers(-1, 30), st.booleans())
def test_it_always_fits(points: list[Point], width: int, height: int, plain: bool) -> None:
    marks = {"p50": 1.0, "p95": 1e6}
    lines = plot_lines("job", points, width, height, now=T, marks=marks, plain=plain)
    assert len(lines) <= max(0, height)
    for line in text(lines):
        assert cells(line) <= width
        assert line.replace("…", "").isascii() or not plain


@given(some_points.filter(bool), st.integers(1, 200), st.integers(1, 50))
def test_every_run_has_a_place(points: list[Point], width: int, height: int) -> None:
    scale = scale_of(points, T)
    assert math.isfinite(scale.low)
    assert scale.low < scale.high
    for column, row in scatter(points, scale, width, height):
        assert 0 <= column < width
        assert 0 <= row < height


class PlotApp(App[None]):
    def compose(self) -> ComposeResult:
        yield RunPlot()


@pytest.mark.parametrize("size", [(20, 3), (80, 8), (200, 30)])
async def test_it_is_drawn_anew_in_another_size_and_hostile_names_are_inert(
    size: tuple[int, int],
) -> None:
    app = PlotApp()
    async with app.run_test(size=(60, 10)) as pilot:
        plot = app.query_one(RunPlot)
        for name in HOSTILE:
            plot.show(name, [record(5, 2)], now=T, window=3600)
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert_sound(plot, plot.content_size.width)
            if name and size[0] > 40:
                assert screen_lines(app)[0].strip().startswith(safe(name, limit=60).strip()[:9])


async def test_the_same_picture_is_not_painted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = PlotApp()
    async with app.run_test(size=(60, 10)) as pilot:
        plot = app.query_one(RunPlot)
        plot.show("job", [record(50, 2)], now=T, window=3600)
        await pilot.pause()
        painted: list[object] = []
        monkeypatch.setattr(plot, "refresh", lambda *_, **__: painted.append(1))
        plot.show("job", [record(50, 2)], now=T, window=3600)
        assert not painted
        plot.show("job", [record(50, 2, FAILED)], now=T, window=3600)
        assert painted
