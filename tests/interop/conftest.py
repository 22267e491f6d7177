"""Fixtures with the real servers, and the loud line where one is missing.

A Node process takes longer to start than most of these tests take, so they share one, emptied
before each. As it belongs to an event loop, the tests share that as well.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.counting_client import CountingClient
from support.node_server import NodeServer, node_missing
from support.peers import KNOWN_JOBS08, MORE_JOBS08, QUICK, NodePeer, Peer, ReplayPeer

from durably_tui.client import DurablyClient
from durably_tui.state import DurablyHooks, create_durably_client

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    one_loop = pytest.mark.asyncio(loop_scope="session")
    for item in items:
        if not item.path.is_relative_to(HERE):
            continue
        if pytest_asyncio.is_async_test(item):
            item.add_marker(one_loop, append=False)
        names = getattr(item, "fixturenames", ())
        generation = item.callspec.params.get("peer") if hasattr(item, "callspec") else None
        if "require_node" in names or "node" in names or generation == "0.15":
            item.add_marker(pytest.mark.node)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the user's, for what the monitor remembers."""
    folder = tmp_path / "state"
    monkeypatch.setenv("DURABLY_STATE", str(folder))
    return folder


@pytest.fixture(scope="session")
def require_node() -> None:
    """Skip the test where the Node server cannot run."""
    missing = node_missing()
    if missing:
        pytest.skip(f"NOT TESTED AGAINST THE REAL NODE SERVER: {missing}")


@pytest_asyncio.fixture(loop_scope="session")
async def node_server(require_node: None, tmp_path: Path) -> AsyncIterator[NodeServer]:
    """A Node server of the test's own, over a new database; started again by `restart()`."""
    async with NodeServer(tmp_path / "node.db") as server:
        yield server


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared_node(
    require_node: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[NodePeer]:
    """The Node server that the tests share."""
    async with NodePeer(tmp_path_factory.mktemp("node")) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def node(shared_node: NodePeer) -> NodePeer:
    """The 0.15 server, empty."""
    await shared_node.clear()
    return shared_node


@pytest_asyncio.fixture(loop_scope="session")
async def replay(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ReplayPeer]:
    """The 0.8 server, empty, with those jobs of the Node server that were not recorded."""
    for name, job in MORE_JOBS08.items():
        monkeypatch.setitem(KNOWN_JOBS08, name, job)
    async with ReplayPeer() as server:
        yield server


@pytest.fixture(params=["0.15", "0.8"])
def peer(request: pytest.FixtureRequest) -> Peer:
    """A server of each generation, empty: the test runs against both."""
    server: Peer = request.getfixturevalue("node" if request.param == "0.15" else "replay")
    return server


@pytest_asyncio.fixture(loop_scope="session")
async def client(peer: Peer) -> AsyncIterator[DurablyClient]:
    """A client of `peer`."""
    async with DurablyClient(peer.url, pace=QUICK) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def port(peer: Peer) -> AsyncIterator[CountingClient]:
    """A client of `peer` that counts what it is asked for."""
    async with CountingClient(peer.url, pace=QUICK) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
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
