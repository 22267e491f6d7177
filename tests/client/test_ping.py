"""A ping: how quickly a server answers, and what its clock says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import bad_servers as bad
from support.workshop import workshop

from durably_tui.client import DurablyClient
from durably_tui.protocol import NotADurablyServer


async def test_our_server_answers(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop, DurablyClient(shop.url) as client:
        pong = await client.ping()
        assert 0 < pong.took_ms < 10_000
        assert pong.server_time is not None
        assert abs((datetime.now(UTC) - pong.server_time).total_seconds()) < 10


async def test_a_server_without_a_clock() -> None:
    async with bad.canned(200, "application/json", "[]") as peer, DurablyClient(peer.url) as client:
        assert (await client.ping()).server_time is None


async def test_something_else() -> None:
    async with bad.html_page() as peer, DurablyClient(peer.url) as client:
        with pytest.raises(NotADurablyServer):
            await client.ping()
