"""What a command line that cannot be right is told, and with which exit code."""

from __future__ import annotations

import pytest
from support.command import COMMAND, Home, run
from support.terminal import Terminal

from durably_tui.cli.commands import ENTRIES
from durably_tui.cli.launch import only_server
from durably_tui.config import shown
from durably_tui.config.settings import GENERATIONS
from durably_tui.protocol import ABILITIES

ADDRESS = "http://127.0.0.1:9/api/durably"


def test_help_names_the_commands_and_the_main_thing(home: Home) -> None:
    answer = run(home, "--help")
    assert (answer.returncode, answer.stderr) == (0, "")
    for entry in ENTRIES:
        assert f"\n  {entry.name} " in answer.stdout
    assert "durably-tui https://jobs.example/api/durably" in answer.stdout
    assert "  124  the time given by --timeout is up" in answer.stdout
    assert run(home, "-h").stdout == answer.stdout


def test_the_version_is_that_of_the_distribution(home: Home) -> None:
    from importlib.metadata import version

    answer = run(home, "--version")
    assert answer.stdout == f"durably-tui {version('durably-tui')}\n"
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            [],
            "No server was named; give its address, set DURABLY_URL, or try `durably-tui demo`.",
        ),
        (
            ["localhost:8080"],
            "'localhost:8080' is not an http:// or https:// address, and no server is configured "
            "under that name (see `durably-tui config path`).",
        ),
        (
            ["rnus"],
            "'rnus' is not a command, an address or a configured server: did you mean 'runs'?",
        ),
        (
            [ADDRESS, "--generation", "9"],
            "Invalid value for --generation: '9' is not known; choose one of 0.8, 0.15, python.",
        ),
        (
            [ADDRESS, "-H", "nonsense"],
            "Invalid value for --header: 'nonsense' is not NAME:VALUE.",
        ),
        (
            [ADDRESS, "--ca", "no-such-file.pem"],
            "Invalid value for --ca: there is no file 'no-such-file.pem'.",
        ),
        (
            [ADDRESS, "rums"],
            "Invalid value for PLACE: there is no place 'rums': did you mean 'runs'?",
        ),
        (
            [ADDRESS, "run", "A", "B"],
            "Invalid value for PLACE: 'run A B' is neither a place nor run ID nor logs ID.",
        ),
        (
            [ADDRESS, "--status", "done"],
            "Invalid value for the filter: 'done' is not a status: "
            "pending, running, completed, failed, cancelled.",
        ),
        (
            ["runs", "--output", "yaml"],
            "Invalid value for '--output' / '-o': 'yaml' is not one of "
            "'table', 'wide', 'json', 'ndjson', 'csv', 'id'.",
        ),
        (
            ["runs", "--limit", "all"],
            "Invalid value for '--limit' / '-n': it should be a valid integer",
        ),
        (
            ["--config", "no-such.toml", "runs"],
            "no-such.toml: there is no such file: correct the path, or leave it out.",
        ),
        (
            ["--config", "no-such.toml", ADDRESS],
            "Invalid value for SERVER: "
            "no-such.toml: there is no such file: correct the path, or leave it out.",
        ),
    ],
)
def test_nonsense_is_told_in_a_sentence(home: Home, arguments: list[str], sentence: str) -> None:
    answer = run(home, *arguments)
    assert answer.stderr.endswith(f"Error: {sentence}\n")
    assert (answer.returncode, answer.stdout) == (2, "")


def test_the_address_may_come_from_the_environment(home: Home) -> None:
    answer = run(home, DURABLY_URL="ftp://files.example")
    assert "'ftp://files.example' is not an http:// or https:// address" in answer.stderr
    assert answer.returncode == 2


@pytest.mark.parametrize("arguments", [[ADDRESS], [ADDRESS, "--ascii"], ["demo"]])
def test_without_a_terminal_it_says_so_and_writes_no_escape_codes(
    home: Home, arguments: list[str]
) -> None:
    answer = run(home, *arguments)
    assert answer.stderr == "Error: The monitor needs a terminal; run it in one.\n"
    assert (answer.returncode, answer.stdout) == (2, "")
    assert home.left_behind() == []


@pytest.mark.parametrize(
    ("address", "token", "sentence"),
    [
        ("http://", "", "“http://” is not the address of a server"),
        (f"{ADDRESS}?token=hunter2", "", "has something after its path"),
        (ADDRESS, "line\nend", "holds characters that HTTP cannot carry"),
    ],
)
def test_what_only_the_client_can_refuse_leaves_with_a_sentence(
    home: Home, address: str, token: str, sentence: str
) -> None:
    with Terminal([*COMMAND, address], env=home.env(DURABLY_TOKEN=token)) as terminal:
        assert terminal.wait_exit() == 2
        assert terminal.is_restored
    assert sentence in " ".join(terminal.text.split())  # it may be wrapped
    assert b"hunter2" not in terminal.written


def test_the_first_picture_shows_no_credentials(home: Home) -> None:
    address = ADDRESS.replace("://", "://ada:hunter2@")
    with Terminal([*COMMAND, address], env=home.env()) as terminal:
        terminal.wait_for(ADDRESS, "reconnecting")
        terminal.send("q")
        assert terminal.wait_exit() == 0
    assert b"hunter2" not in terminal.written
    assert "hunter2" not in home.logged()


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (ADDRESS, ADDRESS),
        ("https://ada:p%40ss@jobs.example/api", "https://jobs.example/api"),
        ("https://ada:a/b?c#d@jobs.example/api?token=x#y", "https://jobs.example/api"),
        ("demo", "demo"),
    ],
)
def test_credentials_of_an_unchecked_address_are_left_out(address: str, text: str) -> None:
    assert shown(address) == text


def test_generations_are_those_that_the_client_knows() -> None:
    assert set(GENERATIONS) == set(ABILITIES)


def test_a_server_alone_takes_the_short_way() -> None:
    assert only_server([ADDRESS]) == ADDRESS
    assert only_server(["prod"]) == "prod"
    assert only_server([]) == ""
    assert only_server([ADDRESS, "--ascii"]) is None
    assert only_server(["demo"]) is None
    assert only_server(["--help"]) is None


def test_a_certificate_file_that_is_none_is_told_on_the_screen(home: Home) -> None:
    ca = home.folder / "ca.pem"
    ca.write_text("a shopping list")
    arguments = [*COMMAND, ADDRESS.replace("http:", "https:"), "--ca", str(ca)]
    with Terminal(arguments, env=home.env(), columns=300) as terminal:
        terminal.wait_for("offline", f"The CA at {ca} cannot be read")
        terminal.send("q")
        assert terminal.wait_exit() == 0
