"""Fixtures with the real servers, and the loud line where one is missing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.node_server import NodeServer, node_missing
from support.peers import KNOWN_JOBS08, MORE_JOBS08, NodePeer, Peer, ReplayPeer

from durably_tui.client import DurablyClient, Pace

QUICK = Pace(first_delay=0.02, max_delay=0.2, closing_grace=0.1)
"""Reconnect without the pauses that a real server deserves."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = getattr(item, "fixturenames", ())
        generation = getattr(item, "callspec", None) and item.callspec.params.get("peer")
        if "require_node" in names or "node" in names or generation == "0.15":
            item.add_marker(pytest.mark.node)


def skip_without_node() -> None:
    missing = node_missing()
    if missing:
        pytest.skip(f"NOT TESTED AGAINST THE REAL NODE SERVER: {missing}")


@pytest.fixture
def require_node() -> None:
    """Skip the test where the Node server cannot run."""
    skip_without_node()


@pytest.fixture
async def node_server(require_node: None, tmp_path: Path) -> AsyncIterator[NodeServer]:
    """A running Node server over a new database; started again by `restart()`."""
    async with NodeServer(tmp_path / "node.db") as server:
        yield server


@pytest.fixture
def more_jobs08(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the 0.8 server those jobs of the Node server that the recordings do not have."""
    for name, job in MORE_JOBS08.items():
        monkeypatch.setitem(KNOWN_JOBS08, name, job)


@pytest.fixture
async def node(require_node: None, tmp_path: Path) -> AsyncIterator[NodePeer]:
    """The 0.15 server, empty."""
    async with NodePeer(tmp_path) as server:
        yield server


@pytest.fixture
async def replay(more_jobs08: None) -> AsyncIterator[ReplayPeer]:
    """The 0.8 server, empty."""
    async with ReplayPeer() as server:
        yield server


@pytest.fixture(params=["0.15", "0.8"])
async def peer(
    request: pytest.FixtureRequest, more_jobs08: None, tmp_path: Path
) -> AsyncIterator[Peer]:
    """A server of each generation, empty: the test runs against both."""
    if request.param == "0.15":
        skip_without_node()
    async with NodePeer(tmp_path) if request.param == "0.15" else ReplayPeer() as server:
        yield server


@pytest.fixture
async def client(peer: Peer) -> AsyncIterator[DurablyClient]:
    """A client of `peer`."""
    async with DurablyClient(peer.url, pace=QUICK) as opened:
        yield opened


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = node_missing()
    if missing:
        terminalreporter.section("NODE SERVER MISSING", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"The tests against the real Node server were SKIPPED: {missing}.", red=True, bold=True
        )
