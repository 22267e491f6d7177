"""The same commands against the real server of Durably."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from support.command import COMMAND, Home, run
from support.command_going import PATIENCE, going
from support.command_server import CommandServer
from support.terminal import Terminal
from typer.testing import Result

pytestmark = pytest.mark.node
Invoke = Callable[..., Result]


def test_runs_are_listed_shown_and_waited_for(
    home: Home, invoke: Invoke, node: CommandServer
) -> None:
    made = run(home, "trigger", "echo", "-i", '{"value": "x"}', "--wait", "-s", node.url)
    assert (made.returncode, made.stderr) == (0, "")
    run_id = made.stdout.strip()
    listed = run(home, "runs", "--job", "echo", "--status", "completed", "-s", node.url)
    assert (listed.returncode, listed.stdout.split("\n")[1].split()[0]) == (0, run_id)
    assert json.loads(invoke("run", run_id[-9:], "-s", node.url, "--json").stdout) == {
        name: value
        for name, value in node.run(run_id).items()
        if name not in ("isTerminal", "isActive")
    }
    jobs = invoke("jobs", "-s", node.url)
    assert jobs.exit_code == 0
    assert "echo" in jobs.stdout
    assert jobs.stderr.startswith("This server counts nothing")


def test_what_it_refuses(invoke: Invoke, node: CommandServer) -> None:
    at = ("-s", node.url)
    assert invoke("trigger", "steps", "-i", '{"count": "x"}', *at).exit_code == 5
    assert invoke("trigger", "no-such-job", *at).exit_code == 4
    assert invoke("run", "01ARZ3NDEKTSV4RRFFQ69G5FAV", *at).exit_code == 4
    done = node.done("quiet", {})
    assert invoke("cancel", done, *at).exit_code == 5
    assert invoke("delete", done, "--yes", *at).stdout == f"{done} Deleted.\n"


def test_retry_makes_a_new_run_where_it_cannot_resume(
    home: Home, invoke: Invoke, node: CommandServer
) -> None:
    failed = node.done("fails", {"message": "no"})
    dry = invoke("retry", failed, "--dry-run", "-s", node.url)
    assert dry.stdout == f"{failed} fails, failed: would be retried, as a new run\n"
    answer = run(home, "retry", failed, "-s", node.url)
    assert answer.returncode == 0
    new = answer.stdout.split()[0]
    assert new != failed
    assert invoke("wait", new, "-s", node.url).exit_code == 1


def test_logs_can_be_followed_only(home: Home, invoke: Invoke, node: CommandServer) -> None:
    run_id = node.trigger("steps", {"count": 9000, "delayMs": 20})
    with going(home, "logs", "-f", run_id, "-s", node.url) as command:
        assert "info  finished step" in command.until("finished step")[-1]
        node.cancel(run_id)
        assert command.process.wait(timeout=PATIENCE) == 0
    stored = invoke("logs", run_id, "-s", node.url)
    assert (stored.exit_code, stored.stdout) == (5, "")
    assert "stores no log lines: follow a run with -f" in stored.stderr
    late = invoke("logs", "-f", run_id, "-s", node.url)
    assert (late.exit_code, late.stdout) == (0, "")
    assert late.stderr == "No line came before the runs ended, and this server stores none.\n"


def test_bars_in_a_terminal(home: Home, node: CommandServer) -> None:
    run_id = node.trigger("steps", {"count": 10, "delayMs": 20})
    with Terminal([*COMMAND, "watch", run_id, "-s", node.url], env=home.env()) as terminal:
        assert terminal.wait_exit() == 0
        assert f"steps {run_id[-8:]} completed" in terminal.text
        assert "10/10" in terminal.text


def test_the_doctor(invoke: Invoke, node: CommandServer) -> None:
    answer = invoke("doctor", "-s", node.url)
    assert answer.exit_code == 0
    assert "generation     0.15: retrigger, labels" in answer.stdout
