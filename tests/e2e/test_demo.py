"""``durably-tui demo`` in a real terminal, by the bytes that keys send."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from pathlib import Path

import pytest
from support.command import COMMAND, Home
from support.terminal import Terminal

DEMO = (*COMMAND, "demo")
ENTER, ESC, CTRL_S, CTRL_T = "\r", "\x1b", "\x13", "\x14"
DOWN = "\x1b[B"


def cursor_line(screen: str) -> str:
    """The row under the cursor; empty where there is none."""
    return next((line for line in screen.splitlines() if "▸ " in line), "")


def go_to(terminal: Terminal, wanted: str) -> None:
    """Press j until the cursor is on a row that shows ``wanted``."""
    for _ in range(40):
        here = cursor_line(terminal.wait_for(cursor_line))
        if wanted in here:
            return
        terminal.send("j")
        terminal.wait_for(lambda screen, id=here[-9:]: id not in cursor_line(screen))
    raise AssertionError(f"{wanted!r} is on no row:\n{terminal.text}")


def assert_nothing_is_left(terminal: Terminal, home: Home) -> None:
    """No file, no process, no trouble in the log, and a terminal as it was before."""
    assert terminal.is_restored
    assert home.left_behind() == []
    with pytest.raises(ProcessLookupError):
        os.killpg(terminal.process.pid, 0)
    assert " ERROR " not in home.logged()


def cancel_a_running_run(terminal: Terminal) -> str:
    """Cancel the newest run that runs, or the next where that one ended first; its id."""
    for _ in range(5):
        terminal.send("g")
        go_to(terminal, "● running")
        terminal.send("c")
        screen = terminal.wait_for(lambda screen: "● running" not in cursor_line(screen))
        # The run is told by the picture of after: that of before may be older than the g.
        if "⊘ cancelled" in cursor_line(screen):
            return cursor_line(screen)[-9:]
    raise AssertionError("five runs in a row ended before they could be cancelled")


def test_the_demo_is_watched_and_steered_by_keys(home: Home) -> None:
    with Terminal(DEMO, env=home.env(), columns=120, lines=40) as terminal:
        terminal.wait_for("demo", "● live", "● running", "✔ completed", "✖ failed", patience=20)
        assert terminal.modes[1049], "on the alternate screen"

        # Rows come in all the while, and the cursor stays on its own.
        top = cursor_line(terminal.wait_for(cursor_line))[-9:]
        for key in ("j", DOWN):
            terminal.send(key)
            here = cursor_line(
                terminal.wait_for(lambda screen, at=top: at not in cursor_line(screen))
            )
            top = here[-9:]

        # What failed, and why.
        terminal.send("f")
        terminal.wait_for("status:failed", lambda screen: "✖ failed" in cursor_line(screen))
        terminal.send(ENTER)
        terminal.wait_for("renderer pool-b closed the connection", "steps done")
        terminal.send("s")
        terminal.wait_for("TOOK", "render-", "✖ failed     ")
        terminal.send("l")
        terminal.wait_for("following")
        terminal.send("q")
        terminal.wait_for("status:failed")
        terminal.send("r")
        terminal.wait_for(re.compile("same run goes on|new run").search)
        terminal.send(ESC)
        terminal.wait_for("all runs", "✔ completed  import-csv")

        # One more like the first import.
        terminal.send("/job:import-csv status:completed" + ENTER)
        terminal.wait_for(
            "Enter open", lambda screen: "✔ completed  import-csv" in cursor_line(screen)
        )
        terminal.send(CTRL_T)
        terminal.wait_for("New run", "file *", "Esc cancel")
        terminal.send(CTRL_S)
        terminal.wait_for("(o opens it)", lambda screen: "Esc cancel" not in screen)
        terminal.send("o")
        terminal.wait_for("steps done", "import-csv")
        terminal.send("q")
        terminal.wait_for("job:import-csv")
        terminal.send(ESC)
        terminal.wait_for("all runs")

        # The newest of those that run now ends before its time, and goes.
        gone = cancel_a_running_run(terminal)
        terminal.send("D")
        terminal.wait_for("Delete this cancelled run of", "This cannot be undone")
        terminal.send("y")
        terminal.wait_for("Deleted.", lambda screen: gone not in screen)

        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert_nothing_is_left(terminal, home)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_and_the_disk_as_they_were(
    home: Home, number: signal.Signals
) -> None:
    with Terminal(DEMO, env=home.env(), columns=80, lines=24) as terminal:
        terminal.wait_for("● live", "● running")
        assert home.left_behind() != []
        terminal.process.send_signal(number)
        assert terminal.wait_exit() == 0
        assert_nothing_is_left(terminal, home)


def test_a_terminal_that_is_gone_takes_the_process_with_it(home: Home) -> None:
    with Terminal(DEMO, env=home.env()) as terminal:
        terminal.wait_for("● live", "● running")
        terminal.hang_up()
        terminal.process.wait(timeout=15)
        assert home.left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_before_the_first_picture_leaves_nothing_either(
    home: Home, number: signal.Signals
) -> None:
    with Terminal(DEMO, env=home.env()) as terminal:
        terminal.until(lambda: any("durably-demo-" in name for name in home.left_behind()))
        terminal.process.send_signal(number)
        terminal.wait_exit()
        assert_nothing_is_left(terminal, home)


def test_a_file_keeps_the_runs_and_they_resume(home: Home) -> None:
    db = home.folder / "kept.db"
    with Terminal([*DEMO, "--db", str(db)], env=home.env(), columns=80, lines=24) as terminal:
        terminal.wait_for("● live")
        terminal.until(lambda: len(finished_steps(db)) >= 2)
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert_nothing_is_left(terminal, home)
    before = finished_steps(db)
    with Terminal([*DEMO, "--db", str(db)], env=home.env(), columns=80, lines=24) as terminal:
        terminal.wait_for("● live")
        terminal.until(lambda: len(finished_steps(db)) >= len(before) + 2)
        terminal.send("q")
        assert terminal.wait_exit() == 0
    after = finished_steps(db)
    assert after[: len(before)] == before, "no finished step was executed again"


def finished_steps(db: Path) -> list[tuple[str, str]]:
    """The finished steps of the first back-up and when they ended, in their order."""
    connection = sqlite3.connect(db)
    try:
        return connection.execute(
            "SELECT name, completed_at FROM durably_steps WHERE status = 'completed' AND run_id ="
            " (SELECT min(id) FROM durably_runs WHERE job_name = 'back-up-database')"
            ' ORDER BY "index"'
        ).fetchall()
    finally:
        connection.close()


def test_a_file_that_is_no_database_is_told_and_kept(home: Home) -> None:
    shopping = home.folder / "shopping.txt"
    shopping.write_text("bread\nbutter\n" * 400)
    with Terminal([*DEMO, "--db", str(shopping)], env=home.env(), columns=400) as terminal:
        assert terminal.wait_exit() == 2
        said = " ".join(terminal.text.split())
        assert_nothing_is_left(terminal, home)
    assert said.endswith(
        f"Error: Invalid value for --db: the demo server cannot use {shopping}: "
        f"The database {shopping} cannot be used: file is not a database."
    )
    assert shopping.read_text() == "bread\nbutter\n" * 400
    assert list(home.folder.glob("shopping.txt*")) == [shopping]


def test_a_terminal_that_is_dragged_about_is_drawn_anew(home: Home) -> None:
    with Terminal(DEMO, env=home.env(), columns=80, lines=24) as terminal:
        terminal.wait_for("● live", "● running", "q quit")
        for columns, lines in ((40, 15), (300, 80), (80, 24)):
            terminal.resize(columns, lines)
            terminal.wait_for(
                "JOB", lambda screen, lines=lines: "retry" in screen.splitlines()[lines - 1]
            )
        assert terminal.process.poll() is None
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert_nothing_is_left(terminal, home)
