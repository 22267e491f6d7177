"""The exit code says what happened. Codes of runs and of usage are in the tests of commands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.bad_servers import closed_port
from support.command import COMMAND, Home, run, serving
from support.terminal import Terminal
from typer.testing import Result

from durably_tui import protocol
from durably_tui.cli.codes import MEANING, Code, code_of
from durably_tui.cli.commands import ENTRIES

Invoke = Callable[..., Result]
ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
ONES_WITH_A_SERVER = (
    *(["runs"], ["run", ID], ["steps", ID], ["logs", ID], ["jobs"], ["stats"], ["events"]),
    *(["trigger", "x"], ["retry", ID], ["retrigger", ID], ["cancel", ID], ["delete", ID]),
    *(["wait", ID], ["watch", ID], ["doctor"]),
)


@pytest.mark.parametrize("arguments", ONES_WITH_A_SERVER, ids=lambda arguments: arguments[0])
def test_a_server_that_is_not_there(invoke: Invoke, arguments: list[str]) -> None:
    with closed_port() as peer:
        answer = invoke(*arguments, "-s", peer.url)
    assert answer.exit_code == Code.UNREACHABLE
    if arguments != ["doctor"]:
        assert answer.stdout == ""
        assert "nothing listens there" in answer.stderr


def test_a_token_is_wanted_and_may_only_read(home: Home) -> None:
    tokens = {"DURABLY_TOKEN": "all-of-it", "DURABLY_READ_TOKEN": "only-reading"}
    with serving(home, **tokens) as served:
        none = run(home, "runs", "-s", served.url)
        assert (none.returncode, none.stdout) == (6, "")
        assert "answered 401" in none.stderr
        right = run(home, "runs", "-s", served.url, DURABLY_TOKEN="all-of-it")
        assert (right.returncode, right.stderr) == (0, "")
        reading = run(home, "trigger", "say", "-s", served.url, DURABLY_TOKEN="only-reading")
        assert reading.returncode == 6
        seen = run(home, "doctor", "-s", served.url)
        assert seen.returncode == 6
        assert "fail  credentials    none are sent" in seen.stdout
        for answer in (none, right, reading, seen):
            assert "only-reading" not in answer.stdout + answer.stderr


def test_the_same_in_a_terminal(home: Home) -> None:
    with (
        closed_port() as peer,
        Terminal([*COMMAND, "runs", "-s", peer.url], env=home.env()) as terminal,
    ):
        assert terminal.wait_exit() == 3
        assert "nothing listens there" in terminal.text
        assert terminal.is_restored


def test_every_error_has_its_code() -> None:
    assert {
        kind: code_of(kind("no"))
        for kind in (
            protocol.Unreachable,
            protocol.NotADurablyServer,
            protocol.Unauthorised,
            protocol.NotFound,
            protocol.Conflict,
            protocol.RefusedInput,
            protocol.ReadOnly,
            protocol.ServerFault,
            protocol.DurablyError,
        )
    } == {
        protocol.Unreachable: 3,
        protocol.NotADurablyServer: 3,
        protocol.Unauthorised: 6,
        protocol.NotFound: 4,
        protocol.Conflict: 5,
        protocol.RefusedInput: 5,
        protocol.ReadOnly: 5,
        protocol.ServerFault: 3,
        protocol.DurablyError: 2,
    }
    assert set(MEANING) == set(Code) - {Code.UNFORESEEN}


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES])
def test_every_command_has_its_help(invoke: Invoke, name: str) -> None:
    answer = invoke(name, "--help")
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert answer.stdout.startswith("Usage: ")
    assert "-h, --help" in answer.stdout
    assert invoke(name, "--no-such-option").exit_code == 2
