"""Reading a busy stream less often, so that what comes event by event is dealt with together.

A server that writes each event by itself makes its reader wake up, parse HTTP and change the state
for each: most of what an event costs. Left alone for a moment, the bytes join in the socket.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from .pace import Pace

_LARGE = 16 * 1024


async def gathered(chunks: AsyncIterator[bytes], pace: Pace) -> AsyncGenerator[bytes, None]:
    """The chunks as they come, with a rest of ``pace.gather`` seconds after a chunk of a stream
    that is busy: one that did not have to be waited for longer than that.

    The first chunk after a lull is never late, and nothing rests where that is no use: after large
    chunks, and where a rest joined nothing (TLS gives its records one by one), until the next lull.
    """
    rested, useful = False, True
    asked = pace.clock()
    async for chunk in chunks:
        busy = pace.clock() - asked < pace.gather
        yield chunk
        if not busy:
            useful = True
        elif rested and chunk.count(b"\n\n") < 2:
            useful = False
        rested = busy and useful and len(chunk) < _LARGE
        if rested:
            await pace.sleep(pace.gather)
        asked = pace.clock()
