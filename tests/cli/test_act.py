"""The commands that change runs, or wait for them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import COMMAND, PATIENCE, Home, run
from support.command_server import CommandServer
from support.terminal import Terminal
from typer.testing import Result

Invoke = Callable[..., Result]
LABELS = {"test": "act"}


def failed(server: CommandServer, label: str) -> str:
    return server.done("fails", {"message": "no"}, labels={"act": label})


def test_a_run_is_made_and_its_id_printed(home: Home, shared: CommandServer) -> None:
    arguments = ["trigger", "echo", "-i", '{"value": "x"}', "-l", "env=prod", "-l", "a/b=c=d"]
    answer = run(home, *arguments, DURABLY_URL=shared.url)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert shared.run(answer.stdout.strip())["labels"] == {"env": "prod", "a/b": "c=d"}


def test_the_input_may_be_a_file_or_be_piped_in(
    invoke: Invoke, shared: CommandServer, tmp_path: Path
) -> None:
    file = tmp_path / "input.json"
    file.write_text('{"value": "from a file"}')
    at = ("-s", shared.url)
    of_file = invoke("trigger", "echo", "-i", f"@{file}", *at)
    assert shared.run(of_file.stdout.strip())["input"] == {"value": "from a file"}
    piped = invoke("trigger", "echo", "-i", "-", *at, stdin='{"value": "piped"}')
    assert shared.run(piped.stdout.strip())["input"] == {"value": "piped"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ('{"value": ', "--input is not JSON at line 1, column 11: Expecting value."),
        ("NaN", "--input is not JSON: NaN is not a number that JSON has."),
        ("@no-such-file", "the file no-such-file cannot be read: No such file or directory."),
        ("-", "the standard input is not JSON at line 1, column 1: Expecting value."),
    ],
)
def test_an_input_that_is_no_json(
    invoke: Invoke, shared: CommandServer, given: str, sentence: str
) -> None:
    answer = invoke("trigger", "echo", "-i", given, "-s", shared.url)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr == f"Error: {sentence[:1].upper()}{sentence[1:]}\n"


def test_what_the_server_refuses(invoke: Invoke, shared: CommandServer) -> None:
    at = ("-s", shared.url)
    unfit = invoke("trigger", "steps", "-i", '{"count": "many"}', *at)
    assert (unfit.exit_code, unfit.stdout) == (5, "")
    assert "count: Input should be a valid integer" in unfit.stderr
    unknown = invoke("trigger", "no-such-job", *at)
    assert (unknown.exit_code, unknown.stdout) == (4, "")
    assert "Job not found: no-such-job" in unknown.stderr
    label = invoke("trigger", "quiet", "-l", "env", *at)
    assert (label.exit_code, label.stderr) == (2, "Error: --label 'env' is not KEY=VALUE.\n")


def test_one_idempotency_key_makes_one_run(invoke: Invoke, shared: CommandServer) -> None:
    arguments = ["trigger", "quiet", "--idempotency-key", "act-1", "-s", shared.url]
    first, second = invoke(*arguments), invoke(*arguments)
    assert first.stdout == second.stdout
    assert second.stderr == "No new run was made (idempotent): this one has the same key.\n"


def test_waiting_for_the_run_that_is_made(
    home: Home, invoke: Invoke, shared: CommandServer
) -> None:
    at = ("-s", shared.url)
    done = run(home, "trigger", "echo", "-i", '{"value": "x"}', "--wait", "-o", "output", *at)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"value": "x"}
    no = invoke("trigger", "fails", "-i", '{"message": "the disk is full"}', "--wait", *at)
    assert (no.exit_code, no.stderr) == (1, "The run failed: the disk is full\n")
    assert shared.run(no.stdout.strip())["status"] == "failed"
    slow = ["trigger", "steps", "-i", '{"count": 9000, "delayMs": 20}', "--wait"]
    late = invoke(*slow, "--timeout", "100ms", *at)
    assert (late.exit_code, late.stderr) == (124, "Error: Time is up: 1 run has not ended.\n")
    assert invoke("cancel", late.stdout.strip(), *at).exit_code == 0


def test_wait_prints_each_as_it_ends(home: Home, shared: CommandServer) -> None:
    ids = [shared.done("quiet", {}), failed(shared, "wait")]
    answer = run(home, "wait", "-s", shared.url, stdin="\n".join(ids) + "\n")
    assert (answer.returncode, answer.stderr) == (1, "")
    assert sorted(answer.stdout.splitlines()) == [
        f"{ids[0]} quiet completed",
        f"{ids[1]} fails failed: no",
    ]


def test_wait_for_any(invoke: Invoke, shared: CommandServer) -> None:
    slow = shared.trigger("steps", {"count": 9000, "delayMs": 20})
    answer = invoke("wait", "--any", "-s", shared.url, slow, shared.trigger("quiet", {}))
    assert (answer.exit_code, answer.stdout.split()[1:]) == (0, ["quiet", "completed"])
    assert invoke("wait", slow, "--timeout", "0.1", "-s", shared.url).exit_code == 124
    assert invoke("cancel", slow, "-s", shared.url).stdout == f"{slow} Cancelled.\n"
    assert invoke("wait", slow, "-s", shared.url).exit_code == 1, "it was cancelled"


def test_watch_tells_lines_into_a_pipe(home: Home, shared: CommandServer) -> None:
    run_id = shared.trigger("steps", {"count": 20, "delayMs": 10})
    answer = run(home, "watch", run_id, "-s", shared.url)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.splitlines()[-1] == f"{run_id} steps completed 20/20 step 20 of 20"
    assert "\x1b" not in answer.stdout


def test_watch_draws_bars_in_a_terminal(home: Home, shared: CommandServer) -> None:
    run_id = failed(shared, "watch")
    with Terminal([*COMMAND, "watch", run_id, "-s", shared.url], env=home.env()) as terminal:
        assert terminal.wait_exit() == 1
        assert terminal.is_restored
        assert f"fails {run_id[-8:]} failed" in terminal.text


def test_retry_and_what_it_gives_to_wait(home: Home, shared: CommandServer) -> None:
    run_id = failed(shared, "retry")
    answer = run(home, "retry", run_id[-10:], "-s", shared.url)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == f"{run_id} The same run resumes after its last finished step.\n"
    waited = run(home, "wait", "-s", shared.url, stdin=answer.stdout)
    assert (waited.returncode, waited.stdout) == (1, f"{run_id} fails failed: no\n")


def test_retrigger_names_the_new_run_first(home: Home, shared: CommandServer) -> None:
    run_id = shared.done("quiet", {})
    answer = run(home, "retrigger", run_id, "-s", shared.url)
    new = answer.stdout.split()[0]
    assert (answer.returncode, new != run_id) == (0, True)
    assert answer.stdout.endswith(f"(of {run_id})\n")
    assert shared.run(new)["jobName"] == "quiet"


def test_many_are_not_changed_before_somebody_says_so(
    home: Home, invoke: Invoke, shared: CommandServer
) -> None:
    ids = [failed(shared, "many"), failed(shared, "many")]
    shared.done("quiet", {}, labels={"act": "many"})
    arguments = ["delete", "-s", shared.url, "--filter", "label:act=many job:fails"]
    dry = invoke(*arguments, "--dry-run")
    assert sorted(dry.stdout.splitlines()) == sorted(
        f"{run_id} fails, failed: would be deleted" for run_id in ids
    )
    asked = invoke(*arguments)
    assert (asked.exit_code, asked.stdout) == (2, "")
    assert asked.stderr.endswith("add --yes where nobody can be asked.\n")
    assert shared.run(ids[0])["status"] == "failed"
    one = invoke("delete", ids.pop(), "--yes", "--json", "-s", shared.url)
    assert json.loads(one.stdout).keys() == {"id", "action", "message"}, "nothing goes on"
    said = run(home, *arguments, "--yes", "-o", "id")
    assert (said.returncode, sorted(said.stdout.split())) == (0, sorted(ids))
    assert invoke("run", ids[0], "-s", shared.url).exit_code == 4
    nothing = invoke(*arguments)
    assert (nothing.exit_code, nothing.stderr) == (0, "There is no run to delete.\n")


def test_what_a_run_is_in_no_state_for(invoke: Invoke, shared: CommandServer) -> None:
    run_id = shared.done("quiet", {})
    answer = invoke("cancel", run_id, "-s", shared.url)
    assert (answer.exit_code, answer.stdout) == (5, "")
    assert answer.stderr == f"{run_id}: run is completed: nothing to cancel.\n"


def test_a_person_is_asked(home: Home, shared: CommandServer) -> None:
    run_id = failed(shared, "asked")
    command = [*COMMAND, "delete", run_id, "-s", shared.url]
    with Terminal(command, env=home.env()) as terminal:
        terminal.wait_for("Delete 1 run on", "[y/N]")
        terminal.send("n\n")
        assert terminal.wait_exit() == 2
        assert "Nothing was done." in terminal.text
    with Terminal(command, env=home.env()) as terminal:
        terminal.wait_for("[y/N]")
        terminal.send("y\n")
        assert terminal.wait_exit() == 0
        assert f"{run_id} Deleted." in terminal.text


def test_ctrl_c_at_the_question(home: Home, shared: CommandServer) -> None:
    run_id = failed(shared, "ctrl-c")
    with Terminal([*COMMAND, "delete", run_id, "-s", shared.url], env=home.env()) as terminal:
        terminal.wait_for("[y/N]")
        os.killpg(terminal.process.pid, signal.SIGINT)
        assert terminal.wait_exit() == 130, "once is enough"
        assert "Traceback" not in terminal.text
    assert shared.run(run_id)["status"] == "failed"


def test_ctrl_c_while_ids_are_read() -> None:
    waits = """if True:
        import asyncio, sys, time
        from durably_tui.cli.reading import standard_input
        class Waits:
            def read(self):
                print("reads", flush=True)
                time.sleep(60)
        async def read():
            sys.stdin = Waits()
            standard_input()
        asyncio.run(read())
    """
    with subprocess.Popen([COMMAND[0], "-c", waits], stdout=-1, stderr=-1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"reads\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert b"KeyboardInterrupt" in said


def test_production_is_asked_for_by_its_name(home: Home, shared: CommandServer) -> None:
    home.configure(f'[[servers]]\nname = "live"\nurl = "{shared.url}"\nproduction = true\n')
    run_id = failed(shared, "production")
    with Terminal([*COMMAND, "delete", run_id], env=home.env()) as terminal:
        terminal.wait_for("Delete 1 run on live? This is production: type 'live':")
        terminal.send("y\n")
        assert terminal.wait_exit() == 2
    assert shared.run(run_id)["status"] == "failed"


def test_read_only_sends_nothing(invoke: Invoke, shared: CommandServer) -> None:
    run_id = failed(shared, "read-only")
    environ = pytest.MonkeyPatch()
    with environ.context() as patch:
        patch.setenv("DURABLY_READ_ONLY", "1")
        retried = invoke("retry", run_id, "-s", shared.url)
        made = invoke("trigger", "quiet", "-s", shared.url)
    assert (retried.exit_code, made.exit_code) == (5, 5)
    assert "read-only" in retried.stderr
    assert "read-only" in made.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["retry", "X", "--filter", "job:x"], "Give ids or --filter, not both."),
        (["delete", "--filter", "", "--yes"], "--filter is empty: it would be every run."),
        (["cancel", "--filter", "status:odd"], "'odd' is not a status"),
        (["wait", "X", "--timeout", "soon"], "--timeout 'soon' is not a time: write 30s,"),
        (["trigger", "quiet", "--timeout", "1s"], "--timeout needs --wait."),
        (["trigger", "quiet", "-o", "output"], "-o output needs --wait."),
    ],
)
def test_what_makes_no_sense(
    invoke: Invoke, shared: CommandServer, arguments: list[str], sentence: str
) -> None:
    answer = invoke(*arguments, "-s", shared.url)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"Error: {sentence}")


def test_no_ids_are_nothing_to_do(invoke: Invoke, shared: CommandServer) -> None:
    answer = invoke("wait", "-s", shared.url)
    assert (answer.exit_code, answer.output) == (0, "No ids came from the standard input.\n")


def test_commands_are_joined_by_pipes(home: Home, shared: CommandServer) -> None:
    """As a person writes it in a shell."""
    line = (
        'trigger() { "$PYTHON" -m durably_tui trigger quiet; }; '
        "(trigger; trigger) | $PYTHON -m durably_tui wait -o id | wc -l"
    )
    answer = subprocess.run(
        ["sh", "-c", line],
        env=home.env(PYTHON=COMMAND[0], DURABLY_URL=shared.url),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert (answer.stdout.strip(), answer.stderr) == ("2", "")


def test_results_that_nobody_reads_end_it_quietly(home: Home, shared: CommandServer) -> None:
    ids = [failed(shared, "unread") for _ in range(8)]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        answer = subprocess.run(
            [*COMMAND, "delete", *ids, "--yes", "-s", shared.url],
            env=home.env(),
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    finally:
        os.close(writer)
    assert (answer.returncode, answer.stderr) == (0, "")
    left = run(home, "runs", "-l", "act=unread", "-o", "id", "-s", shared.url).stdout.split()
    assert 0 < len(left) < len(ids), "what was not begun is not done"
