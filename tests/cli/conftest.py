"""One server for all tests of the command line, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.command_server import CommandServer, node_peer, python_peer
from support.node_server import node_missing
from typer.testing import CliRunner, Result

from durably_tui.cli.app import app


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandServer]:
    """Our server, with the jobs of the Node server. Its runs are those of all tests."""
    with python_peer(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[CommandServer]:
    """Our server with no runs but those of the test."""
    with python_peer(tmp_path) as server:
        yield server


@pytest.fixture(scope="package")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandServer]:
    """The real server of Durably."""
    if (reason := node_missing()) is not None:
        pytest.skip(f"NOT TESTED AGAINST THE REAL NODE SERVER: {reason}")
    with node_peer(tmp_path_factory.mktemp("node")) as server:
        yield server


Invoke = Callable[..., Result]


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run a command in this process: quick, for what a process of its own would not change."""
    for name in ("DURABLY_URL", "DURABLY_TOKEN", "DURABLY_READ_ONLY", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DURABLY_CONFIG", str(tmp_path / "none.toml"))

    def run(*arguments: str, stdin: str = "") -> Result:
        answer = CliRunner().invoke(app, arguments, input=stdin, catch_exceptions=False)
        assert "\x1b" not in answer.output, "no terminal is there"
        return answer

    return run
