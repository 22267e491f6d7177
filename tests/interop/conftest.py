"""Fixtures with the real servers, and the loud line where one is missing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.counting_client import CountingClient
from support.node_server import NodeServer, node_missing
from support.peers import KNOWN_JOBS08, MORE_JOBS08, QUICK, NodePeer, Peer, ReplayPeer

from durably_tui.client import DurablyClient
from durably_tui.state import DurablyHooks, create_durably_client


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


@pytest.fixture
async def port(peer: Peer) -> AsyncIterator[CountingClient]:
    """A client of `peer` that counts what it is asked for."""
    async with CountingClient(peer.url, pace=QUICK) as opened:
        yield opened


@pytest.fixture
async def hooks(port: CountingClient) -> AsyncIterator[DurablyHooks]:
    """The hooks of `peer`; afterwards no task of theirs may be left."""
    async with create_durably_client(port) as opened:
        yield opened
    left = [task for task in asyncio.all_tasks() if task.get_name().startswith("durably")]
    assert not left, left


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = node_missing()
    if missing:
        terminalreporter.section("NODE SERVER MISSING", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"The tests against the real Node server were SKIPPED: {missing}.", red=True, bold=True
        )
