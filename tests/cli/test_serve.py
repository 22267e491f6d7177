"""``durably-tui serve``: what it says, how it stops, and what a kill leaves."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from support.command import Home, run, serving
from support.plain_http import NO_TLS


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def test_it_says_where_it_serves(home: Home) -> None:
    with serving(home) as served:
        assert served.said == f"Serving support.served:durably at {served.url} (Ctrl-C stops)\n"
        assert served.url.endswith("/api/durably")
        assert httpx.get(f"{served.url}/runs", verify=NO_TLS).json() == []
        assert served.stop(signal.SIGINT) == (0, "")


def test_the_routes_begin_where_they_are_told_to(home: Home) -> None:
    with serving(home, "support.served:durably", "--port", "0", "--base-path", "jobs/") as served:
        assert served.url.endswith("/jobs")
        assert httpx.get(f"{served.url}/runs", verify=NO_TLS).status_code == 200


def test_the_log_says_why_a_run_failed(home: Home) -> None:
    options = ("--port", "0", "--log-level", "info")
    with serving(home, "support.served:durably", *options) as served:
        run_id = served.trigger("say", text="no paper")
        served.ended(run_id)
        code, said = served.stop()
    assert code == 0
    assert f"INFO durably_server: Run {run_id} of say failed\nTraceback" in said
    assert said.endswith("RuntimeError: no paper\n")


def test_a_module_of_the_current_folder_is_found(home: Home) -> None:
    (home.folder / "shop.py").write_text(
        "from durably_server import Durably\njobs = Durably('memory:')\n"
    )
    answer = run(home, "serve", "shop:nothing", cwd=home.folder)
    assert answer.stderr.endswith(
        "Error: Invalid value for MODULE:NAME: module 'shop' has no 'nothing'.\n"
    )


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("served", "'served' is not MODULE:NAME, such as app:durably."),
        (":durably", "':durably' is not MODULE:NAME, such as app:durably."),
        (
            "no_such_module:durably",
            "there is no module 'no_such_module' here; run this in the folder that holds it.",
        ),
        (
            "support.served:not_a_durably",
            "module 'support.served' has a str, not a Durably, as 'not_a_durably'.",
        ),
        ("support.served:nothing", "module 'support.served' has no 'nothing'."),
    ],
)
def test_what_cannot_be_served_is_told_in_a_sentence(
    home: Home, target: str, sentence: str
) -> None:
    answer = run(home, "serve", target, SERVED_DB=str(home.folder / "served.db"))
    assert answer.stderr.endswith(f"Error: Invalid value for MODULE:NAME: {sentence}\n")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert not (home.folder / "served.db").exists()


def test_what_a_module_needs_and_is_not_installed_is_told(home: Home) -> None:
    (home.folder / "shop.py").write_text("import no_such_package\n")
    answer = run(home, "serve", "shop:jobs", cwd=home.folder)
    assert answer.returncode == 2
    assert answer.stderr.endswith(
        "module 'shop' needs 'no_such_package', which is not installed here.\n"
    )


def test_a_module_that_raises_shows_where(home: Home) -> None:
    (home.folder / "shop.py").write_text("def open_shop():\n    1 / 0\n\nopen_shop()\n")
    answer = run(home, "serve", "shop:jobs", cwd=home.folder)
    assert answer.returncode == 1
    assert "line 2, in open_shop" in answer.stderr
    assert "durably_tui" not in answer.stderr
    assert answer.stderr.endswith(
        "Error: module 'shop' cannot be imported: ZeroDivisionError: division by zero.\n"
    )


def test_a_port_in_use_is_told_in_a_sentence(home: Home, taken_port: int) -> None:
    answer = run(
        home,
        *("serve", "support.served:durably", "--port", str(taken_port)),
        SERVED_DB=str(home.folder / "served.db"),
    )
    assert answer.stderr == (
        f"Error: Cannot listen on 127.0.0.1:{taken_port}: Address already in use.\n"
    )
    assert (answer.returncode, answer.stdout) == (1, "")


def test_a_database_that_is_none_is_told_in_a_sentence_and_kept(home: Home) -> None:
    db = home.folder / "served.db"
    db.write_text("a shopping list, not a database\n" * 100)
    answer = run(home, "serve", "support.served:durably", "--port", "0", SERVED_DB=str(db))
    assert answer.stderr == f"Error: The database {db} cannot be used: file is not a database.\n"
    assert answer.returncode == 1
    assert db.read_text() == "a shopping list, not a database\n" * 100


def test_sigterm_ends_open_streams_and_gives_the_run_back(home: Home) -> None:
    go = home.folder / "go"
    with serving(home) as served, ExitStack() as streams:
        run_id = served.trigger("store-rows", count=3, hold=1, until=str(go))
        served.until(run_id, lambda run: run["completedStepCount"] == 1)
        answers = [
            streams.enter_context(httpx.stream("GET", served.url + path, timeout=20, verify=NO_TLS))
            for path in ("/runs/subscribe", f"/subscribe?runId={run_id}")
        ]
        assert served.stop() == (0, "")
        for answer in answers:
            answer.read()
    go.touch()
    with serving(home) as served:
        assert served.ended(run_id)["output"] == 3
    assert rows(home) == ["0", "1", "2"]


def test_a_killed_server_resumes_after_the_last_finished_step(home: Home) -> None:
    go = home.folder / "go"
    with serving(home) as served:
        run_id = served.trigger("store-rows", count=5, hold=3, until=str(go))
        served.until(run_id, lambda run: run["completedStepCount"] == 3)
        assert served.stop(signal.SIGKILL)[0] == -signal.SIGKILL
    assert rows(home) == ["0", "1", "2"]
    go.touch()
    with serving(home) as served:
        assert served.ended(run_id)["status"] == "completed"
        names = [(step["name"], step["status"]) for step in served.steps(run_id)]
    assert names == [(f"row-{n}", "completed") for n in range(5)]
    assert rows(home) == ["0", "1", "2", "3", "4"], "no finished step was executed again"


def rows(home: Home) -> list[str]:
    """The rows that were stored, in the order in which they were."""
    return (home.folder / "served.db.rows").read_text().split()
