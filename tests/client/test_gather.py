"""``gathered``: a busy stream is read less often, and never late after a lull."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from support.hand_clock import HandClock

from durably_tui.client.gather import gathered

ONE = b"data: {}\n\n"


async def rests(arrivals: list[tuple[float, bytes]], gather: float = 0.02) -> list[float]:
    """When, by the clock, each chunk was given on; ``arrivals`` say how long each took to come."""
    clock = HandClock(0.0)

    async def source() -> AsyncIterator[bytes]:
        for took, chunk in arrivals:
            clock.now += took
            yield chunk

    async def rest(seconds: float) -> None:
        clock.now += seconds

    pace = replace(clock.pace(gather=gather), sleep=rest)
    given: list[float] = []
    chunks: list[bytes] = []
    async for chunk in gathered(source(), pace):
        given.append(round(clock.now, 3))
        chunks.append(chunk)
    assert chunks == [chunk for _, chunk in arrivals], "nothing is lost or changed"
    return given


async def test_events_that_come_seldom_are_never_late() -> None:
    assert await rests([(1.0, ONE)] * 3) == [1.0, 2.0, 3.0]


async def test_a_busy_stream_is_left_alone_between_reads() -> None:
    arrivals = [(1.0, ONE), (0.001, ONE), (0.0, 20 * ONE), (0.0, 20 * ONE)]
    assert await rests(arrivals) == [1.0, 1.001, 1.021, 1.041]


async def test_nothing_rests_where_it_joins_nothing_until_the_next_lull() -> None:
    busy = [(0.0, ONE)] * 4
    assert await rests([(1.0, ONE), *busy]) == [1.0, 1.0, 1.02, 1.02, 1.02]
    again = await rests([(1.0, ONE), *busy, (1.0, ONE), *busy])
    assert again[-5:] == [2.02, 2.02, 2.04, 2.04, 2.04]


async def test_a_flood_is_read_at_once() -> None:
    assert await rests([(0.0, 4000 * ONE)] * 3) == [0.0, 0.0, 0.0]


async def test_it_can_be_switched_off() -> None:
    assert await rests([(0.0, ONE)] * 3, gather=0.0) == [0.0, 0.0, 0.0]


async def test_an_error_of_the_stream_goes_on_to_the_reader() -> None:
    async def source() -> AsyncIterator[bytes]:
        yield ONE
        raise OSError("cut")

    with pytest.raises(OSError, match="cut"):
        [chunk async for chunk in gathered(source(), HandClock().pace())]
