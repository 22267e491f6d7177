"""Connections that are kept for a next request, and none comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


async def close_what_is_too_old(http: httpx.AsyncClient) -> None:
    """Close the connections of a client that no request will use any more.

    httpcore does so by itself with its next request only, and the socket that a server has closed
    stays open for as long. Where it is built otherwise nothing is done.
    """
    pool: Any = getattr(http._transport, "_pool", None)
    for connection in getattr(pool, "connections", ()):
        if connection.is_idle() and connection.has_expired():
            await connection.aclose()
