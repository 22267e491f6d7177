"""Fixtures with the real servers, and the loud line where one is missing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.node_server import NodeServer, node_missing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "require_node" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.node)


@pytest.fixture
def require_node() -> None:
    """Skip the test where the Node server cannot run."""
    missing = node_missing()
    if missing:
        pytest.skip(f"NOT TESTED AGAINST THE REAL NODE SERVER: {missing}")


@pytest.fixture
async def node_server(require_node: None, tmp_path: Path) -> AsyncIterator[NodeServer]:
    """A running Node server over a new database; started again by `restart()`."""
    async with NodeServer(tmp_path / "node.db") as server:
        yield server


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = node_missing()
    if missing:
        terminalreporter.section("NODE SERVER MISSING", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"The tests against the real Node server were SKIPPED: {missing}.", red=True, bold=True
        )
