"""A ping: how quickly a server answers, and what its clock says."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
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


def saying(**headers: str) -> AbstractAsyncContextManager[bad.BadServer]:
    """A server with no runs, and these headers."""

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        head = {"Content-Type": "application/json", "Content-Length": "2", **headers}
        writer.write(bad.response_head(200, head) + b"[]")

    return bad.listening(respond)


@pytest.mark.parametrize(
    ("date", "told"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun, 06 Nov 1994 08:49:37 -0000", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("yesterday", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
    ],
)
async def test_a_date_has_a_zone_or_is_none(date: str, told: datetime | None) -> None:
    async with saying(Date=date) as peer, DurablyClient(peer.url) as client:
        assert (await client.ping()).server_time == told


@pytest.mark.parametrize(("total", "told"), [("7", 7), ("9" * 5_000, None), ("-1", None)])
async def test_a_total_that_is_no_number_of_runs_is_none(total: str, told: int | None) -> None:
    headers = {"X-Total-Count": total}
    async with saying(**headers) as peer, DurablyClient(peer.url, abilities="python") as client:
        assert await client.count_runs() == told
