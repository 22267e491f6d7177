"""Every run that a filter wants, page after page: for what is done to all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from durably_tui.protocol import Run

from .ports import DurablyPort
from .runs_state import RunsFilter

PAGE = 200
AT_MOST = 100_000


async def every_run(
    port: DurablyPort, filter: RunsFilter, *, page_size: int = PAGE, at_most: int = AT_MOST
) -> AsyncIterator[list[Run]]:
    """Pages of runs, newest first, each run once.

    What is made meanwhile moves the others down a page: they are told once all the same. What is
    deleted meanwhile moves them up, so that one may be missed.

    Args:
        port: the server.
        filter: which runs.
        page_size: runs of one request.
        at_most: stop after so many.

    Raises:
        DurablyError: the server did not answer; what was given before stands.
    """
    seen: set[str] = set()
    offset = 0
    while len(seen) < at_most:
        answer = await port.get_runs(filter.query(page_size, offset))
        offset += len(answer)
        fresh = [run for run in answer if run.id not in seen][: at_most - len(seen)]
        seen.update(run.id for run in fresh)
        if fresh:
            yield fresh
        if len(answer) < page_size:
            return
