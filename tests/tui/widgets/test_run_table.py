from datetime import UTC, datetime, timedelta

import pytest
from support.hostile import HOSTILE
from support.screens import assert_sound, screen_lines
from textual.app import App, ComposeResult

from durably_tui.protocol.models import Progress, Run, RunStatus
from durably_tui.text import TimeStyle
from durably_tui.tui.widgets.run_table import RunRow, RunTable, run_seconds

NOW = datetime(2026, 5, 14, 12, 0, 0, tzinfo=UTC)
T = NOW.timestamp()


def run(number: int = 0, **fields) -> Run:
    given = {
        "id": f"01HZXQ8VQYQ0000R5GRKX{number:04}",
        "job_name": "import-csv",
        "status": RunStatus.RUNNING,
        "progress": Progress(67, 100, "parsed row 67"),
        "labels": {"env": "prod", "team": "ops"},
        "created_at": NOW - timedelta(minutes=2),
        "started_at": NOW - timedelta(seconds=72),
    }
    return Run(**(given | fields))


class RunsApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.table = RunTable(clock=lambda: T)

    def compose(self) -> ComposeResult:
        yield self.table


async def shown(size, rows) -> list[str]:
    app = RunsApp()
    async with app.run_test(size=size) as pilot:
        app.table.set_rows(rows, now=T)
        await pilot.pause()
        return screen_lines(app)


async def test_columns_come_with_the_width():
    app = RunsApp()
    async with app.run_test(size=(40, 10)) as pilot:
        seen = {}
        for width in (40, 80, 120, 200):
            await pilot.resize_terminal(width, 10)
            await pilot.pause()
            seen[width] = app.table.shown_columns
        assert seen[40] == ("status", "job", "progress")
        assert seen[80] == ("status", "job", "progress", "age", "took")
        assert set(seen[120]) == {*seen[80], "step", "labels", "id"}
        assert set(seen[200]) == {*seen[120], "message"}


async def test_a_run_at_80_columns():
    lines = await shown((80, 5), (RunRow(run()),))
    assert lines[1].split()[1:] == [
        "●", "running", "import-csv", "━━━━━━━━━━─────", "67%", "67/100", "2m", "1m12s",
    ] or "67%  67/100" in lines[1]  # fmt: skip


async def test_a_run_at_200_columns():
    failed = run(1, status=RunStatus.FAILED, error="boom [/x]\nsecond", completed_at=NOW)
    lines = await shown((200, 5), (RunRow(run(), step_name="row-67"), RunRow(failed)))
    assert "row-67" in lines[1]
    assert "env=prod team=ops" in lines[1]
    assert "…GRKX0000" in lines[1]
    assert "parsed row 67" in lines[1]
    assert "✖ failed" in lines[2]
    assert "boom [/x]↵second" in lines[2]


async def test_the_names_of_jobs_get_the_room_that_they_need_and_keep_it():
    app = RunsApp()
    async with app.run_test(size=(180, 5)) as pilot:
        table = app.table

        async def header(name: str) -> str:
            table.set_rows((RunRow(run(job_name=name)),), now=T)
            table.make_room_for([name])
            await pilot.pause()
            return screen_lines(app)[0]

        short = await header("import-csv")
        assert await header("import-of-csvs") == short
        name = "reconcile-customers-invoices"
        long = await header(name)
        assert name in screen_lines(app)[1]
        assert long.index("PROGRESS") > short.index("PROGRESS")
        assert table.shown_columns[-1] == "message"
        assert await header("import-csv") == long
        assert await header(f"{name}-too") == long, "there is room for a few more"
        longest = await header(name * 9)
        assert f"{name * 2}"[:39] in screen_lines(app)[1]
        assert await header("x") == longest


async def test_long_names_take_no_column_away_on_a_narrow_screen():
    app = RunsApp()
    async with app.run_test(size=(80, 5)) as pilot:
        table, seen = app.table, {}
        for names in ([], ["reconcile-customers-invoices"]):
            table.make_room_for(names)
            for width in (40, 60, 80, 100, 120, 150):
                await pilot.resize_terminal(width, 5)
                await pilot.pause()
                seen.setdefault(width, set()).add(table.shown_columns)
        assert all(len(shown) == 1 for shown in seen.values())


async def test_a_tick_repaints_what_looks_different_only(monkeypatch):
    app = RunsApp()
    async with app.run_test(size=(80, 8)) as pilot:
        ended = run(1, status=RunStatus.COMPLETED, completed_at=NOW)
        app.table.set_rows((RunRow(run()), RunRow(ended)), now=T)
        await pilot.pause()
        regions = []
        real = app.table.refresh
        monkeypatch.setattr(
            app.table, "refresh", lambda *given, **o: (regions.extend(given), real(*given, **o))[1]
        )
        app.table.tick(T)
        assert regions == []
        app.table.tick(T + 1)
        assert [region.y for region in regions] == [1], "not the one that has ended"
        await pilot.pause()
        assert "1m13s" in screen_lines(app)[1]


async def test_how_long_a_run_takes_is_known_as_long_as_somebody_tells():
    app = RunsApp()
    async with app.run_test(size=(80, 8)) as pilot:
        app.table.as_of = T
        app.table.set_rows((RunRow(run()),), now=T)
        app.table.tick(T + 240)
        await pilot.pause()
        line = screen_lines(app)[1]
        assert " 6m " in line, "it is older all the same"
        assert "1m12s" in line
        app.table.as_of = None
        app.table.tick(T + 241)
        await pilot.pause()
        assert "5m13s" in screen_lines(app)[1]


async def test_times_can_be_absolute():
    app = RunsApp()
    async with app.run_test(size=(100, 8)) as pilot:
        app.table.set_rows((RunRow(run()),), now=T)
        app.table.time_style = TimeStyle.UTC
        await pilot.pause()
        lines = screen_lines(app)
        assert "CREATED" in lines[0]
        assert "11:58:00Z" in lines[1]


@pytest.mark.parametrize("status", list(RunStatus))
async def test_status_is_told_by_a_word(status):
    lines = await shown((80, 5), (RunRow(run(status=status)),))
    assert status.value in lines[1]


async def test_an_unknown_status_is_told_in_the_server_s_word():
    odd = run(status=RunStatus.UNKNOWN, extra={"status": "paused\x1b"})
    assert "? paused␛" in (await shown((80, 5), (RunRow(odd),)))[1]


async def test_ascii_only():
    app = RunsApp()
    async with app.run_test(size=(200, 8)) as pilot:
        app.table.plain = True
        app.table.set_rows(
            tuple(RunRow(run(n, status=s, id=str(n))) for n, s in enumerate(RunStatus)), now=T
        )
        await pilot.pause()
        assert all(line.isascii() for line in screen_lines(app)[:7])


def test_how_long_a_run_takes():
    assert run_seconds(run(), T) == (72, True)
    ended = {"status": RunStatus.COMPLETED, "completed_at": NOW}
    assert run_seconds(run(**ended), T + 9) == (72, True)
    assert run_seconds(run(started_at=None), T) == (120, False)
    assert run_seconds(run(status=RunStatus.PENDING, started_at=None), T) is None
    old = run(status=RunStatus.COMPLETED, started_at=None, updated_at=NOW)
    assert run_seconds(old, T) == (120, False), "a 0.8 server tells neither start nor end"
    assert run_seconds(run(status=RunStatus.FAILED), T) is None
    waiting = {"started_at": None, "progress": None, "current_step_index": 0, "updated_at": NOW}
    cancelled = run(status=RunStatus.CANCELLED, **waiting)
    assert run_seconds(cancelled, T) == (120, False), "the same"
    cancelled = run(status=RunStatus.CANCELLED, **waiting, completed_at=NOW)
    assert run_seconds(cancelled, T) is None, "it was cancelled before it started"


@pytest.mark.parametrize("width", [40, 80, 120, 200])
async def test_hostile_text_stays_in_its_column(width):
    app = RunsApp()
    async with app.run_test(size=(width, len(HOSTILE) + 2)) as pilot:
        app.table.set_rows(
            tuple(
                RunRow(
                    run(
                        status=RunStatus.FAILED,
                        id=f"{number}{text}",
                        job_name=text,
                        error=text,
                        labels={text: text},
                        progress=Progress(1, 2, text),
                    ),
                    step_name=text,
                )
                for number, text in enumerate(HOSTILE)
            ),
            now=T,
        )
        await pilot.pause()
        assert_sound(app.table, app.table.line_width)
        screen_lines(app)
