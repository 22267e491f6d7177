"""The commands that look: ``runs``, ``run``, ``steps``, ``logs``, ``jobs``, ``stats``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
from support.command import COMMAND, Home, run
from support.command_server import CommandServer
from support.terminal import Terminal
from typer.testing import Result

Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def three(shared: CommandServer) -> list[str]:
    """Three runs with a label of their own, the oldest first: completed, failed, completed."""
    labels = {"test": "look"}
    return [
        shared.done("echo", {"value": "one"}, labels=labels),
        shared.done("fails", {"message": "the disk [bold]is full"}, labels=labels),
        shared.done("steps", {"count": 3}, labels={**labels, "size": "big"}),
    ]


@pytest.fixture
def runs(invoke: Invoke, shared: CommandServer, three: list[str]) -> Callable[..., list[str]]:
    """The ids that ``runs`` lists with these arguments."""

    def ids(*arguments: str) -> list[str]:
        answer = invoke("runs", "-s", shared.url, "-l", "test=look", "-o", "id", *arguments)
        assert (answer.exit_code, answer.stderr) == (0, "")
        return answer.stdout.split()

    return ids


def test_a_table_in_a_pipe_is_whole_and_plain(
    home: Home, shared: CommandServer, three: list[str]
) -> None:
    answer = run(home, "runs", "--label", "test=look", DURABLY_URL=shared.url, COLUMNS="40")
    assert (answer.returncode, answer.stderr) == (0, "")
    heading, *lines = answer.stdout.splitlines()
    assert heading.split() == ["ID", "JOB", "STATUS", "PROGRESS", "AGE", "TOOK", "LABELS"]
    assert [line.split()[:3] for line in lines] == [
        [three[2], "steps", "completed"],
        [three[1], "fails", "failed"],
        [three[0], "echo", "completed"],
    ]
    assert "3/3" in lines[0]
    assert lines[0].endswith("size=big test=look")
    assert "\x1b" not in answer.stdout


def test_a_table_in_a_terminal_fits_and_is_coloured(
    home: Home, shared: CommandServer, three: list[str]
) -> None:
    arguments = [*COMMAND, "-s", shared.url, "runs", "-o", "wide", "-l", "test=look"]
    with Terminal(arguments, env=home.env(), columns=100) as terminal:
        assert terminal.wait_exit() == 0
        assert terminal.text.count("\n01") == 3, "a line each"
        assert b"\x1b[31mfailed" in terminal.written
    with Terminal(arguments, env=home.env(NO_COLOR="1"), columns=100) as terminal:
        assert terminal.wait_exit() == 0
        assert b"\x1b" not in terminal.written


def test_json_is_what_the_server_says_in_words_that_people_read(
    invoke: Invoke, shared: CommandServer, three: list[str]
) -> None:
    answer = invoke("runs", "-s", shared.url, "-l", "test=look", "--json")
    listed = json.loads(answer.stdout)
    told = shared.run(three[2])
    for name in ("isTerminal", "isActive"):
        told.pop(name)
        listed[0].pop(name, None)
    assert listed[0] == told
    lines = invoke("runs", "-s", shared.url, "-l", "test=look", "-o", "ndjson").stdout
    assert [json.loads(line)["id"] for line in lines.splitlines()] == three[::-1]


def test_csv_can_be_read_back(invoke: Invoke, shared: CommandServer, three: list[str]) -> None:
    answer = invoke("runs", "-s", shared.url, "-l", "test=look", "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(answer.stdout)))
    assert [row["id"] for row in rows] == three[::-1]
    assert rows[1]["error"] == "the disk [bold]is full"
    assert rows[0]["total"] == "3"


def test_filters_by_option_and_by_language(
    runs: Callable[..., list[str]], three: list[str]
) -> None:
    assert runs() == three[::-1]
    assert runs("--status", "failed") == [three[1]]
    assert runs("--status", "failed,completed", "-j", "echo", "-j", "fails") == three[1::-1]
    assert runs("error:disk") == [three[1]]
    assert runs("job:st*", "age:<1h") == [three[2]]
    assert runs("--", "-status:completed") == [three[1]]
    assert runs("--label", "size=big") == [three[2]]
    assert runs("--limit", "1") == [three[2]]
    assert runs("--limit", "1", "job:e*") == [three[0]]
    assert runs("--sort", "created") == three
    assert runs("--sort", "job") == [three[0], three[1], three[2]]
    assert runs("--sort", "-status")[0] == three[1]


def test_one_run_is_shown_by_a_part_of_its_id(
    home: Home, shared: CommandServer, three: list[str]
) -> None:
    answer = run(home, "run", three[1][-8:].lower(), "-s", shared.url)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert f"id:              {three[1]}\n" in answer.stdout
    assert "error:\n  the disk [bold]is full\n" in answer.stdout
    assert '"message": "the disk [bold]is full"' in answer.stdout


def test_the_output_alone(invoke: Invoke, shared: CommandServer, three: list[str]) -> None:
    answer = invoke("run", "-", "-s", shared.url, "-o", "output", stdin=f"{three[0]}\n")
    assert json.loads(answer.stdout) == {"value": "one"}


def test_an_id_that_fits_none_or_several(
    invoke: Invoke, shared: CommandServer, three: list[str]
) -> None:
    none = invoke("run", "nonesuch", "-s", shared.url)
    assert (none.exit_code, none.stdout) == (4, "")
    assert none.stderr.startswith("Error: No run has the id 'nonesuch'")
    whole = invoke("run", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "-s", shared.url)
    assert whole.exit_code == 4
    several = invoke("run", "01", "-s", shared.url)
    assert several.exit_code == 2
    assert "'01' fits " in several.stderr
    assert three[0][:2] in several.stderr


def test_steps(home: Home, shared: CommandServer, three: list[str]) -> None:
    answer = run(home, "steps", three[2], "-s", shared.url)
    assert answer.returncode == 0
    heading, *lines = answer.stdout.splitlines()
    assert heading.split() == ["INDEX", "NAME", "STATUS", "STARTED", "TOOK", "ERROR"]
    assert [line.split()[1] for line in lines] == ["step-0", "step-1", "step-2"]


def test_stored_log_lines(home: Home, shared: CommandServer, three: list[str]) -> None:
    answer = run(home, "logs", three[2], three[1], "-s", shared.url)
    assert (answer.returncode, answer.stderr) == (0, "")
    lines = answer.stdout.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(three[1][-8:])
    assert lines[0].endswith("Z warn  about to fail")
    assert lines[3].endswith('Z info  finished step 2 {"i": 2}')


def test_log_lines_that_are_wanted(invoke: Invoke, shared: CommandServer, three: list[str]) -> None:
    def messages(*arguments: str) -> list[str]:
        answer = invoke("logs", three[2], "-s", shared.url, "--json", *arguments)
        return [json.loads(line)["message"] for line in answer.stdout.splitlines()]

    assert len(messages()) == 3
    assert messages("--level", "warn") == []
    assert messages("--grep", "step [01]") == ["finished step 0", "finished step 1"]
    assert messages("--grep", '"i": 2') == ["finished step 2"]
    assert messages("--tail", "1") == ["finished step 2"]
    assert messages("--since", "1h") == messages()
    assert messages("--since", "2999-01-01T00:00:00Z") == []


def test_jobs_and_figures(
    home: Home, invoke: Invoke, shared: CommandServer, three: list[str]
) -> None:
    answer = run(home, "jobs", "-s", shared.url)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert [line.split()[0] for line in answer.stdout.splitlines()][:3] == ["NAME", "burst", "echo"]
    jobs = {
        job["name"]: job for job in json.loads(invoke("jobs", "-s", shared.url, "--json").stdout)
    }
    assert jobs["fails"]["counts"]["failed"] >= 1
    assert jobs["steps"]["inputSchema"]["properties"]["count"]["type"] == "integer"
    stats = json.loads(invoke("stats", "-s", shared.url, "--window", "1d", "--json").stdout)
    echo = next(job for job in stats if job["jobName"] == "echo")
    assert echo["completed"] >= 1
    assert echo["durationMs"]["p50"] > 0
    assert run(home, "stats", "-s", shared.url).stdout.startswith("JOB ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["runs", "--sort", "hobby"], "Runs cannot be sorted by 'hobby': there are created,"),
        (["runs", "status:done"], "'done' is not a status: pending, running,"),
        (["runs", "nope:1"], "There is no key 'nope'"),
        (["logs", "X", "--grep", "("], "--grep '(' is not a regular expression: missing )"),
        (["logs", "X", "--since", "monday"], "--since 'monday' is not a time: write 30s,"),
        (["stats", "--window", "0"], "--window must be more than 0."),
    ],
)
def test_what_makes_no_sense(
    invoke: Invoke, shared: CommandServer, arguments: list[str], sentence: str
) -> None:
    answer = invoke(*arguments, "-s", shared.url)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"Error: {sentence}")
