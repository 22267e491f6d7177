"""Waiting for runs to end, and what their ends mean for the exit code."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from durably_tui.protocol import Run, RunStatus
from durably_tui.state import JobRunState, create_durably_client

from .codes import Code
from .running import Ended, usage

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient

_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?")
_LONGEST = 1e10
"""Seconds, three hundred years: longer is as good as for ever, and no number for a clock."""
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds_of(text: str | None, option: str) -> float | None:
    """``90``, ``90s``, ``10m`` or ``1.5h`` in seconds; None for None.

    Raises:
        Ended: it is no time.
    """
    if text is None:
        return None
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise usage(f"{option} {text!r} is not a time: write 30s, 10m, 2h or 1d.")
    return min(float(found[1]) * _SECONDS[found[2] or "s"], _LONGEST)


async def ends_of(
    client: DurablyClient, runs: Sequence[Run], timeout: float | None
) -> AsyncGenerator[JobRunState, None]:
    """The last state of each run, in the order in which they end.

    A run that is deleted meanwhile comes as ``is_gone``. What the server cannot answer is waited
    out.

    Args:
        client: of the server.
        runs: each once.
        timeout: seconds for all of them; None is for ever.

    Raises:
        Ended: the time is over.
    """
    async with create_durably_client(client) as hooks, AsyncExitStack() as stack:
        tasks = []
        for run in runs:
            watched = await stack.enter_async_context(hooks.job(run.job_name).use_run(run.id))
            tasks.append(asyncio.create_task(watched.wait(), name=f"durably:end-{run.id}"))
        try:
            for ended in asyncio.as_completed(tasks, timeout=timeout):
                yield await ended
        except TimeoutError:
            left = sum(not task.done() for task in tasks)
            runs_left = "run has" if left == 1 else "runs have"
            raise Ended(Code.TIMED_OUT, f"Time is up: {left} {runs_left} not ended.") from None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def code_for(state: JobRunState) -> Code:
    """What the end of a run means for the exit code."""
    if state.is_gone:
        return Code.NOT_FOUND
    return Code.DONE if state.status is RunStatus.COMPLETED else Code.RUN_FAILED


def worse(one: Code, other: Code) -> Code:
    """The code that says more: a run that failed, then one that is gone."""
    return one if one is Code.RUN_FAILED or other is Code.DONE else other
