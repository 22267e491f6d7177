"""The monitor, opened from the command line on a configured server, in a place, on a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.command import COMMAND, Home, run
from support.command_server import CommandServer
from support.terminal import Terminal


@pytest.fixture
def dev(home: Home, shared: CommandServer) -> Home:
    """A home whose configuration knows the server as ``dev``, which may be read only."""
    home.configure(f'[[servers]]\nname = "dev"\nurl = "{shared.url}"\nread_only = true\n')
    return home


@contextmanager
def opened(home: Home, *arguments: str, **env: str) -> Iterator[Terminal]:
    with Terminal([*COMMAND, *arguments], env=home.env(**env)) as terminal:
        yield terminal
        terminal.send("q")
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert terminal.is_restored
    assert " ERROR " not in home.logged()


@pytest.mark.parametrize("arguments", [(), ("dev",), ("-s", "dev")])
def test_a_configured_server(dev: Home, shared: CommandServer, arguments: tuple[str, ...]) -> None:
    with opened(dev, *arguments) as terminal:
        terminal.wait_for("dev", shared.url, "● live", "READ-ONLY")


def test_an_address_brings_what_is_configured_for_it(dev: Home, shared: CommandServer) -> None:
    with opened(dev, shared.url) as terminal:
        terminal.wait_for("dev", "● live", "READ-ONLY")


def test_a_filter_of_options(dev: Home, shared: CommandServer) -> None:
    labels = {"test": "open"}
    failed = shared.done("fails", {"message": "no"}, labels=labels)
    shared.done("quiet", {}, labels=labels)
    with opened(dev, "dev", "-l", "test=open", "--status", "failed") as terminal:
        screen = terminal.wait_for("● live", f"…{failed[-8:]}")
        assert "label:test=open" in screen
        assert "quiet" not in screen


def test_a_run_in_full_and_its_logs(dev: Home, shared: CommandServer) -> None:
    run_id = shared.trigger("steps", {"count": 9000, "delayMs": 20})
    with opened(dev, "dev", "run", run_id) as terminal:
        terminal.wait_for(run_id, "running")
    with opened(dev, shared.url, "logs", run_id[-8:].lower()) as terminal:
        terminal.wait_for("info", "finished step")
    assert run(dev, "cancel", run_id, "-s", shared.url).returncode == 5, "it is read only"
    missing = run(dev, "dev", "run", "nonesuch")
    assert (missing.returncode, missing.stdout) == (4, "")
    assert missing.stderr.startswith("Error: No run has the id 'nonesuch'")
    shared.cancel(run_id)


def test_a_place_and_a_theme(dev: Home) -> None:
    with opened(dev, "--place", "jobs", "--theme", "no-such-theme") as terminal:
        terminal.wait_for("● live", "recovers", "there is no theme 'no-such-theme': there are ")


def test_mistakes_in_the_configuration_are_told_in_one_toast(
    dev: Home, shared: CommandServer
) -> None:
    dev.configure('theme = "textual-lihgt"\ndensty = "compact"\n')
    with opened(dev, shared.url) as terminal:
        terminal.wait_for("● live", "'density'?", "'textual-light'?")
        assert terminal.text.count("Configuration") == 1
