"""What is joined between two takes, and when a reader is held back."""

import asyncio

import pytest
from msgspec.structs import replace

from durably_tui.client.inbox import Inbox
from durably_tui.protocol import Connection, Phase, RunCancel, StreamBatch

LIVE = Connection(phase=Phase.LIVE, epoch=1)
LOST = Connection(phase=Phase.RECONNECTING, epoch=1)
AGAIN = Connection(phase=Phase.LIVE, epoch=2)


def event(number: int) -> RunCancel:
    return RunCancel(run_id=str(number))


async def test_events_of_one_connection_are_one_batch() -> None:
    inbox = Inbox()
    inbox.put(LIVE)
    inbox.put(LIVE, [event(1)], [b"1"], joins=True)
    inbox.put(LIVE, [event(2), event(3)], [b"2", b"3"], joins=True)

    assert await inbox.take() == StreamBatch(
        LIVE, (event(1), event(2), event(3)), (b"1", b"2", b"3")
    )


async def test_where_the_data_of_one_event_is_not_known_none_is_told() -> None:
    inbox = Inbox()
    inbox.put(LIVE, [event(1)], [b"1"], joins=True)
    inbox.put(LIVE, [event(2)], joins=True)
    inbox.put(LIVE, [event(3)], [b"3"], joins=True)

    assert await inbox.take() == StreamBatch(LIVE, (event(1), event(2), event(3)))


async def test_the_order_of_events_and_changes_is_kept() -> None:
    inbox = Inbox()
    inbox.put(LIVE, [event(1)])
    inbox.put(LOST)
    inbox.put(AGAIN)
    inbox.put(AGAIN, [event(2)], joins=True)
    inbox.close()

    assert await inbox.take() == StreamBatch(LIVE, (event(1),))
    assert await inbox.take() == StreamBatch(AGAIN, (event(2),))
    assert await inbox.take() is None


async def test_a_take_waits_for_what_comes() -> None:
    inbox = Inbox()
    taking = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)
    assert not taking.done()

    inbox.put(LIVE)

    assert await taking == StreamBatch(LIVE)


@pytest.mark.parametrize("closes", [True, False])
async def test_a_reader_waits_while_too_much_waits(closes: bool) -> None:
    inbox = Inbox(max_waiting_bytes=100)
    inbox.put(LIVE, [event(1)], size=100)
    await inbox.room()
    inbox.put(LIVE, [event(2)], size=1, joins=True)
    waiting = asyncio.create_task(inbox.room())
    await asyncio.sleep(0)
    assert not waiting.done()

    if closes:
        inbox.close()
    else:
        await inbox.take()

    await asyncio.wait_for(waiting, 5)


def opened(epoch: int, *, resumed: bool) -> Connection:
    return Connection(phase=Phase.LIVE, epoch=epoch, resumed=resumed)


async def test_what_one_of_several_connections_left_out_is_told_by_the_last() -> None:
    inbox = Inbox()
    inbox.put(opened(1, resumed=False))
    await inbox.take()
    lost = replace(opened(1, resumed=False), phase=Phase.RECONNECTING)
    inbox.put(lost)
    inbox.put(opened(2, resumed=True))
    batch = await inbox.take()
    assert batch is not None
    assert batch.connection.resumed, "what the one before left out was told"
    inbox.put(opened(3, resumed=False))
    inbox.put(replace(opened(3, resumed=False), phase=Phase.RECONNECTING))
    inbox.put(opened(4, resumed=True))
    inbox.put(opened(4, resumed=True), [event(1)], joins=True)
    batch = await inbox.take()
    assert batch is not None
    assert (batch.connection.epoch, batch.connection.resumed) == (4, False)
    inbox.put(opened(5, resumed=True))
    batch = await inbox.take()
    assert batch is not None
    assert batch.connection.resumed
