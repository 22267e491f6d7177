"""Several requests at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

ValueT = TypeVar("ValueT")


async def together(*work: Coroutine[Any, Any, ValueT]) -> list[ValueT]:
    """All results in order, or the first error; either way nothing is left running."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
