"""What a watcher holds is counted without the proxy of its process, and one socket more is seen."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.proof import held
from tests.proof.proxy import Proxy, proxy
from tests.proof.report import FAILED, PASSED, Trial
from tests.proof.vitals import Vitals


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "IDLE", 0.0)
    monkeypatch.setattr(held, "SETTLES", 0.0)


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(True, random.Random(1), tmp_path, argparse.Namespace())


@contextlib.asynccontextmanager
async def connected(between: Proxy) -> AsyncIterator[None]:
    """A connection to a server through the proxy, once it passes something on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", between.port)
    try:
        writer.write(b"there?\n")
        assert await reader.readline() == b"there?\n"
        yield
    finally:
        writer.close()
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def a_proxy() -> AsyncIterator[Proxy]:
    """A proxy to a server that says what it is told."""
    async with contextlib.AsyncExitStack() as life:

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                writer.write(line)
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        life.push_async_callback(server.wait_closed)
        life.callback(server.close)
        port = server.sockets[0].getsockname()[1]
        yield await life.enter_async_context(proxy(port, random.Random(1)))


async def test_a_connection_through_the_proxy_is_one_of_the_watchers(trial: Trial) -> None:
    async with a_proxy() as between:
        before = await held.at_rest(between)
        async with connected(between):
            now = await held.at_rest(between, before)
            # The server that says what it is told is in this process as well.
            assert now.sockets - before.sockets == 2
            assert held.held("", before, now, trial).result == FAILED
        assert trial.violations


def test_more_memory_than_caches_take_is_seen(trial: Trial) -> None:
    before = Vitals(70.0, 9, 6)
    assert held.held("", before, Vitals(70.0 + held.MORE_IN_SHORT, 9, 6), trial).result == PASSED
    assert held.held("", before, Vitals(71.0 + held.MORE_IN_SHORT, 9, 6), trial).result == FAILED
