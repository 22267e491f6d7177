"""The table of jobs: what its columns say, and when they come."""

from __future__ import annotations

from typing import Any

import pytest
from support.hostile import HOSTILE
from support.screens import assert_sound, screen_lines
from textual.app import App, ComposeResult

from durably_tui.protocol import RunStatus
from durably_tui.state import JobSummary, Source
from durably_tui.text import cells
from durably_tui.tui.widgets.job_table import (
    JobTable,
    percent,
    strip_spans,
    throughput_spans,
)

T = 1_790_000_000.0


def job(name: str = "import-csv", **fields: Any) -> JobSummary:
    given: dict[str, Any] = {
        "source": Source.SERVER,
        "description": "Import a customer file.",
        "counts": {RunStatus.RUNNING: 3, RunStatus.PENDING: 12_000},
        "completed": 90,
        "failed": 10,
        "p50": 1.5,
        "p95": 72.0,
        "throughput": (None, 0, 1, 8),
        "last": (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.RUNNING),
        "last_run_at": T - 120,
    }
    return JobSummary(job_name=name, **(given | fields))


class JobsApp(App[None]):
    def __init__(self, *, plain: bool = False) -> None:
        super().__init__()
        self.table = JobTable(clock=lambda: T, plain=plain)

    def compose(self) -> ComposeResult:
        yield self.table


async def shown(width: int, rows: list[JobSummary], *, plain: bool = False) -> list[str]:
    app = JobsApp(plain=plain)
    async with app.run_test(size=(width, 6)) as pilot:
        app.table.show(rows, T)
        await pilot.pause()
        return screen_lines(app)


async def test_columns_come_with_the_width() -> None:
    app = JobsApp()
    async with app.run_test(size=(40, 6)) as pilot:
        seen = {}
        for width in (40, 80, 120, 200):
            await pilot.resize_terminal(width, 6)
            await pilot.pause()
            seen[width] = app.table.shown_columns
    assert seen[40] == ("job", "last", "rate")
    assert seen[80] == ("job", "last", "running", "pending", "rate", "p50", "p95", "age")
    assert set(seen[120]) == {*seen[80], "spark", "ended", "failed"}
    assert set(seen[200]) == {*seen[120], "about"}


async def test_a_job_that_runs_and_one_that_never_ran() -> None:
    never = JobSummary(job_name="never", source=Source.SERVER)
    _, first, second, *_ = await shown(80, [job(), never])
    assert first.split() == ["▸", "import-csv", "✔✖●", "3", "12k", "10%", "1.5s", "1m12s", "2m"]
    assert second.split() == ["never", "0", "0", "-", "-", "-", "-"]


async def test_all_of_a_job_on_a_wide_screen() -> None:
    line = (await shown(200, [job()]))[1]
    assert "100" in line
    assert "·▁▁█" in line.replace(" ", "") or "·▁▂█" in line.replace(" ", "")
    assert "Import a customer file." in line


async def test_ages_go_on_with_the_clock() -> None:
    app = JobsApp()
    async with app.run_test(size=(80, 6)) as pilot:
        rows = [job()]
        app.table.show(rows, T)
        app.table.show(rows, T + 60)
        await pilot.pause()
        assert screen_lines(app)[1].split()[-1] == "3m"


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.0, "0%"),
        (0.000_01, "<.1%"),
        (0.001, "0.1%"),
        (0.0501, "5.0%"),
        (0.0994, "9.9%"),
        (0.0996, "10%"),
        (0.5, "50%"),
        (0.999_99, "99%"),
        (1.0, "100%"),
    ],
)
def test_shares_are_rounded_but_never_to_nothing_or_all(rate: float, text: str) -> None:
    assert percent(rate) == text


def flat(spans: tuple[tuple[str, str], ...]) -> str:
    return "".join(text for text, _ in spans)


def test_throughput_tells_little_from_nothing_and_nothing_from_not_known() -> None:
    parts = (None, 0, 1, 50, 100)
    assert flat(throughput_spans(parts, 7)) == "  ·▁▂▅█"
    assert flat(throughput_spans(parts, 3)) == "▂▅█"
    assert flat(throughput_spans(parts, 5, plain=True)) == " _.=#"
    assert flat(throughput_spans((0, None), 2)) == "▁·"
    assert flat(throughput_spans((), 2)) == "  "


def test_the_strip_of_last_runs_ends_with_the_newest() -> None:
    last = [RunStatus.COMPLETED] * 5 + [RunStatus.FAILED, RunStatus.UNKNOWN]
    assert flat(strip_spans(last, 4)) == "✔✔✖?"
    assert flat(strip_spans(last, 9, plain=True)) == "  +++++x?"
    assert strip_spans(last, 9)[-2][1] == "failed"
    assert all(cells(text) == 1 for text, _ in strip_spans(list(RunStatus), 6)[1:])


@pytest.mark.parametrize("width", [30, 80, 120, 200])
async def test_hostile_names_move_no_column(width: int) -> None:
    app = JobsApp()
    async with app.run_test(size=(width, 40)) as pilot:
        rows = [job(f"{n}{text}", description=text) for n, text in enumerate(HOSTILE)]
        app.table.show(rows, T)
        await pilot.pause()
        assert_sound(app.table, app.table.line_width)
