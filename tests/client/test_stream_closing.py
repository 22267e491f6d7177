"""Streams over real sockets: how they are closed, and what is left of them."""

import asyncio

import pytest
from support import bad_servers as bad
from support.replay08 import replay08
from support.scripted_stream import Watch, good

from durably_tui.client import DurablyClient
from durably_tui.protocol import Phase


async def test_cancelling_the_reader_closes_the_socket() -> None:
    async with replay08(work=False) as peer, DurablyClient(peer.url) as client:
        watch = Watch(client.subscribe_runs())
        await watch.phase(Phase.LIVE)
        await peer.streams_open(1)

        watch.task.cancel()
        await asyncio.wait([watch.task])

        await peer.streams_open(0)
        assert watch.task.cancelled()
        assert watch.stream.connection.phase is Phase.ENDED
        assert others() == set()


def others() -> set[str]:
    """Tasks of a client that are still there."""
    return {t.get_name() for t in asyncio.all_tasks() if t.get_name().startswith("durably")}


async def test_closing_the_stream_ends_its_batches() -> None:
    async with replay08(work=False) as peer, DurablyClient(peer.url) as client:
        watch = Watch(client.subscribe_runs())
        await watch.phase(Phase.LIVE)

        await watch.stream.aclose()
        await watch.stream.aclose()

        await watch.task
        await peer.streams_open(0)
        assert others() == set()


async def test_closing_the_client_closes_its_streams() -> None:
    async with replay08(work=False) as peer:
        async with DurablyClient(peer.url) as client:
            watches = [Watch(client.subscribe_runs()) for _ in range(3)]
            for watch in watches:
                await watch.phase(Phase.LIVE)
            await peer.streams_open(3)
            unused = client.subscribe("never read")
        for watch in watches:
            await watch.task
        await peer.streams_open(0)

    assert unused.connection.phase is Phase.ENDED
    assert [batch async for batch in unused.batches()] == []


async def test_closing_while_it_waits_for_the_next_attempt() -> None:
    with bad.closed_port() as nowhere:
        async with DurablyClient(nowhere.url) as client:
            watch = Watch(client.subscribe_runs())
            await watch.phase(Phase.RECONNECTING)
            async with asyncio.timeout(1):
                await watch.stream.aclose()
                await watch.task


async def test_leaving_the_loop_closes_the_stream() -> None:
    async with replay08(work=False) as peer, DurablyClient(peer.url) as client:
        async for batch in client.subscribe_runs().batches():
            assert batch.connection.phase is Phase.LIVE
            break
        await peer.streams_open(0)


async def test_a_stream_is_listened_to_once() -> None:
    async with bad.streaming([]) as peer, DurablyClient(peer.url) as client:
        stream = client.subscribe_runs()
        stream.batches()
        with pytest.raises(RuntimeError, match="subscribe again"):
            stream.batches()


async def test_a_fault_of_this_program_is_not_a_quiet_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bad.streaming([good(0)]) as peer, DurablyClient(peer.url) as client:
        stream = client.subscribe_runs()
        monkeypatch.setattr(stream._decoder, "events", lambda frames: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            async for _ in stream:
                pass
