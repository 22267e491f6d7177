"""Cancelling a request, or a stream, without leaving sockets open.

Before a request httpcore closes the connections of its pool that are dead or too old. It shields
that from the cancel scopes of anyio, but a bare ``task.cancel()`` ends it in the middle, and the
connections that were still to be closed stay open until the garbage collector finds them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def gently(request: Coroutine[Any, Any, T]) -> T:
    """What ``request`` returns or raises; a cancel reaches it by a scope of anyio."""
    import anyio  # comes with httpx, which is there by now

    scope = anyio.CancelScope()

    async def send() -> T:
        with scope:
            return await request
        raise asyncio.CancelledError  # the scope swallowed it

    task = asyncio.create_task(send(), name="durably request")
    # Where nobody waits for it any more, its error is no news.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        scope.cancel()
        await asyncio.wait([task])
        raise
