"""The monitor on a recording: what moves it is on keys, in the footer and in ``?``, only there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.made_recording import BEGAN, DURATION, recording
from support.monitor import Monitor

from durably_tui.cli.launch_replay import session_of_replay
from durably_tui.recording import Player
from durably_tui.tui.app import MonitorApp
from durably_tui.tui.replay import next_speed, position_of
from durably_tui.tui.screens.help import HelpScreen
from durably_tui.tui.screens.run import RunScreen


@asynccontextmanager
async def replaying(folder: Path, *, at: float = 0.0) -> AsyncIterator[Monitor]:
    app = MonitorApp(session_of_replay(recording(folder), at=at, speed=0.1))
    async with app.run_test(size=(120, 30)) as pilot:
        monitor = Monitor(app, pilot)
        await monitor.until(lambda: hasattr(app, "navigator") and app.navigator.place)
        yield monitor


async def is_at(monitor: Monitor, position: float, *, within: float = 1.0) -> None:
    """Wait until the replay has got there, and is shown."""
    await monitor.until(
        lambda: (
            position <= player(monitor).position < position + within
            and not monitor.app.seeker.is_busy
        ),
        f"position {position}",
    )


def player(monitor: Monitor) -> Player:
    now = monitor.app.navigator.session.replaying
    assert now is not None
    assert isinstance(now.replay, Player)
    return now.replay


async def test_a_replay_is_moved_by_keys(tmp_path: Path) -> None:
    async with replaying(tmp_path, at=4.0) as monitor:
        await monitor.shows("REPLAY 0.1x 00:04/00:40")
        await monitor.shows(". step", "{ rewind", "p hold")
        assert "retry" not in monitor.text
        await monitor.press("p")
        await monitor.shows("REPLAY held 00:04/00:40")
        await monitor.until(lambda: monitor.ids == ["R2", "R1", "R0"])
        await monitor.press("full_stop")
        await is_at(monitor, 5, within=0.001)
        await monitor.press("comma")
        await is_at(monitor, 4)
        assert player(monitor).held
        await monitor.press("right_curly_bracket", "right_curly_bracket")
        await is_at(monitor, 24)
        await monitor.until(lambda: monitor.ids == ["R3", "R2", "R1", "R00"])
        await monitor.shows("log lines", "may be lost")
        # Backwards all is made anew: what was open stays open, and R3 is not made yet.
        monitor.runs.table.move_cursor("R2")
        await monitor.press("enter")
        await monitor.until(lambda: isinstance(monitor.app.screen, RunScreen))
        await monitor.press("l")
        await monitor.press("left_curly_bracket")
        await is_at(monitor, 14)
        await monitor.until(lambda: isinstance(monitor.app.screen, RunScreen))
        assert monitor.run.pane == "logs"
        await monitor.press("escape")
        await monitor.until(lambda: monitor.ids == ["R2", "R1", "R0"])
        row = monitor.runs.table.cursor_row
        assert row is not None
        assert row.run.id == "R2"
        await monitor.press("right_parenthesis")
        assert player(monitor).speed == 0.25
        await monitor.press("colon", *"at 0:30", "enter")
        await is_at(monitor, 30)
        monitor.app.seeker.go_to_time("9:00")
        await monitor.says("is not in the recording")
        monitor.app.seeker.set_speed("quick")
        await monitor.says("is not a speed")
        monitor.app.seeker.set_speed("100x")
        assert player(monitor).speed == 100
        await monitor.press("p")
        await monitor.shows("REPLAY over 00:40/00:40")
        await monitor.press("question_mark")
        help_screen = monitor.at(HelpScreen)
        assert {"hold", "step", "rewind"} <= {command.label for command in help_screen._commands}
        await monitor.press("escape")


def test_a_position_is_written_as_people_do() -> None:
    began = BEGAN.timestamp()
    local = BEGAN.astimezone()

    def there(text: str) -> float:
        return position_of(text, began, DURATION)

    assert [there(text) for text in ("30", "30s", "0.5m", "0:30", "0:30.5")] == [
        *[30.0] * 4,
        30.5,
    ]
    assert there(f"{local:%H:%M}:30") == 30
    assert there("2026-03-01T12:00:30Z") == 30
    assert there("40.4") == DURATION
    for text in ("", "x", "1:30", "-1", "25:00:00", "12:0", "2026-03-01T11:00:00Z"):
        with pytest.raises(ValueError, match=r"is not a time|is not in the recording"):
            there(text)


def test_speeds_go_up_and_down_in_steps_and_stay_at_their_ends() -> None:
    assert [next_speed(speed, 1) for speed in (0.1, 1, 3, 1000)] == [0.25, 2, 5, 1000]
    assert [next_speed(speed, -1) for speed in (0.1, 1, 3, 1000)] == [0.1, 0.5, 2, 100]
