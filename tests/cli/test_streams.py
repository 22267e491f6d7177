"""The commands that go on: ``events``, ``logs -f``, ``runs --watch``, and how they end."""

from __future__ import annotations

import json
import subprocess
from itertools import pairwise

import pytest
from support.command import COMMAND, Home, run
from support.command_going import PATIENCE, going
from support.command_server import CommandServer


def test_events_are_those_that_the_server_published(home: Home, fresh: CommandServer) -> None:
    with going(home, "events", "-s", fresh.url) as command:
        command.opened(fresh)
        for _ in range(3):
            fresh.done("steps", {"count": 20})
        last = fresh.done("echo", {"value": "last"})
        lines = command.until(f'"type":"run:complete","runId":"{last}"')
        assert command.interrupted() == (130, "")
    events = [json.loads(line) for line in lines]
    mine = [event for event in events if event["jobName"] == "steps"]
    counts = {kind: sum(e["type"] == kind for e in mine) for kind in {e["type"] for e in mine}}
    progress = counts.pop("run:progress")
    assert counts == {
        "run:trigger": 3,
        "run:leased": 3,
        "step:start": 60,
        "step:complete": 60,
        "log:write": 60,
        "run:complete": 3,
    }
    assert 3 <= progress <= 60, "of progress a server sends less than all"
    assert all(event["timestamp"].endswith("Z") for event in events)


def test_events_of_one_run_end_with_it(home: Home, shared: CommandServer) -> None:
    run_id = shared.done("fails", {"message": "no"})
    answer = run(home, "events", run_id, "-s", shared.url, "--type", "run:fail")
    assert (answer.returncode, answer.stderr) == (0, "")
    event = json.loads(answer.stdout)
    assert (event["type"], event["error"]) == ("run:fail", "no")


def test_followed_log_lines_come_once_and_end_with_the_run(
    home: Home, shared: CommandServer
) -> None:
    run_id = shared.trigger("steps", {"count": 40, "delayMs": 15})
    answer = run(home, "logs", "-f", "--json", run_id, "-s", shared.url)
    assert (answer.returncode, answer.stderr) == (0, "")
    messages = [json.loads(line)["message"] for line in answer.stdout.splitlines()]
    assert messages == [f"finished step {n}" for n in range(40)]


def test_lines_that_are_stored_after_they_were_sent_are_followed_too(
    home: Home, shared: CommandServer
) -> None:
    """A job that says much at once has ended before its lines are stored."""
    run_id = shared.done("noisy", {"lines": 6000})
    answer = run(home, "logs", "-f", run_id, "-s", shared.url)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert [line.split()[4] for line in answer.stdout.splitlines()] == list(map(str, range(6000)))


def test_runs_that_come_and_change_are_listed_as_they_do(home: Home, fresh: CommandServer) -> None:
    before = fresh.done("quiet", {})
    with going(home, "runs", "--watch", "-o", "ndjson", "-s", fresh.url) as command:
        command.until(before)
        run_id = fresh.trigger("fails", {"message": "no"})
        lines = command.until('"status":"failed"')
        assert json.loads(lines[-1])["id"] == run_id
        assert command.interrupted() == (130, "")


def test_a_run_that_works_is_listed_again_only_where_it_looks_other(
    home: Home, fresh: CommandServer
) -> None:
    """A run that takes its steps has news many times a second, of which a person sees few."""
    with going(home, "runs", "--watch", "-s", fresh.url) as command:
        command.until("ID ")
        run_id = fresh.trigger("steps", {"count": 9000, "delayMs": 5})
        lines = [line for _ in range(20) for line in command.until("/9000")]
        fresh.cancel(run_id)
        lines += command.until(" cancelled ")
        assert command.interrupted() == (130, "")
    seen = [line.split()[1:4] for line in lines]  # the job, the status and the progress
    assert all(one != other for one, other in pairwise(seen))


def test_ctrl_c_while_waiting_leaves_no_traceback(home: Home, shared: CommandServer) -> None:
    slow = shared.trigger("steps", {"count": 9000, "delayMs": 20})
    with going(home, "watch", slow, "-s", shared.url) as command:
        command.until("running")
        assert command.interrupted() == (130, "")
    assert run(home, "cancel", slow, "-s", shared.url).returncode == 0


def test_events_of_a_type_that_is_none_are_said_to_be_unknown(
    home: Home, shared: CommandServer
) -> None:
    run_id = shared.done("fails", {"message": "no"})
    kinds = ["--type", "run:failed", "--type", "run:fail"]
    answer = run(home, "events", run_id, "-s", shared.url, *kinds)
    assert json.loads(answer.stdout)["type"] == "run:fail"
    said = "No event of the type 'run:failed' is known: did you mean 'run:fail'?"
    assert answer.stderr == f"Warning: {said}\n"


@pytest.mark.parametrize("arguments", ["events", "runs -n 0", "--help"])
def test_a_closed_pipe_ends_quietly(home: Home, shared: CommandServer, arguments: str) -> None:
    shared.done("steps", {"count": 100})
    run_id = shared.trigger("steps", {"count": 9000, "delayMs": 20})
    line = f'"$PYTHON" -m durably_tui {arguments} | head -n 1'
    answer = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env=home.env(PYTHON=COMMAND[0], DURABLY_URL=shared.url),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.count("\n") == 1
    run(home, "cancel", run_id, "-s", shared.url)
