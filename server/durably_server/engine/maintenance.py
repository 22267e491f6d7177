"""Deletes runs that ended long ago, a little at a time, while the server works."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger("durably_server")

INTERVAL = 60.0
"""Seconds between two sweeps."""
BATCH = 200
"""Runs that one transaction deletes; other writes go between two of them."""


async def sweep_for_ever(purge: Callable[[int], Awaitable[int]]) -> None:
    """Sweep now and every minute; cancel it to end.

    Args:
        purge: deletes up to so many runs, and says how many there were.
    """
    while True:
        try:
            while await purge(BATCH) == BATCH:
                pass
        except Exception:
            logger.exception("Old runs could not be deleted; the next sweep tries again")
        await asyncio.sleep(INTERVAL)
