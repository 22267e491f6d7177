"""A stream that is given up lets the pool end what it must not leave half done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from support import bad_servers as bad

from durably_tui.client import DurablyClient


async def test_closing_a_stream_does_not_cut_off_what_is_shielded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As httpcore closes the dead connections of its pool before it sends a request."""
    begun, may_end = asyncio.Event(), asyncio.Event()
    ended: list[bool] = []

    @asynccontextmanager
    async def stream(*_: Any) -> AsyncIterator[AsyncIterator[bytes]]:
        with anyio.CancelScope(shield=True):
            begun.set()
            await may_end.wait()
            ended.append(True)
        await anyio.sleep_forever()
        yield _nothing()

    with bad.closed_port() as server:
        async with DurablyClient(server.url, abilities="0.15") as client:
            monkeypatch.setattr(client._door, "stream", stream)
            opened = client.subscribe_runs()
            reading = asyncio.ensure_future(_read(opened))
            await begun.wait()
            closing = asyncio.ensure_future(opened.aclose())
            await asyncio.sleep(0)
            may_end.set()
            async with asyncio.timeout(10):
                await closing
                await reading
    assert ended


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def _read(stream: Any) -> None:
    async for _ in stream.batches():
        pass
