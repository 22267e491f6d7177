"""News of runs that are watched until they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack

from durably_tui.protocol import Run
from durably_tui.state import DurablyHooks, JobRunState

MOST = 30
"""Runs that are watched at once where none were named: each has a stream of its own."""

_Queue = asyncio.Queue[JobRunState | None]


async def news_of(hooks: DurablyHooks, runs: Sequence[Run]) -> AsyncGenerator[JobRunState, None]:
    """Each state that one of the runs is in, until all have ended."""
    changed: _Queue = asyncio.Queue()
    left = {run.id for run in runs}
    async with AsyncExitStack() as stack:
        for run in runs:
            await _watch(stack, hooks, run, changed)
        while left:
            state = await changed.get()
            if state is not None:
                yield state
                if _is_over(state):
                    left.discard(state.run_id)


async def news_of_all(hooks: DurablyHooks) -> AsyncGenerator[JobRunState, None]:
    """Each state of the runs that are pending or running, now or later, for ever.

    Raises:
        DurablyError: the first answer of the server was an error; later ones are waited out.
    """
    changed: _Queue = asyncio.Queue()
    watched: dict[str, AsyncExitStack] = {}
    over: set[str] = set()
    active = hooks.use_runs(status=["pending", "running"], page_size=MOST)
    active.subscribe(lambda state: changed.put_nowait(None))
    try:
        async with active:
            await active.refresh()
            if active.error is not None:
                raise active.error
            changed.put_nowait(None)
            while True:
                state = await changed.get()
                if state is not None:
                    yield state
                    if _is_over(state) and state.run_id in watched:
                        over.add(state.run_id)
                        await watched.pop(state.run_id).aclose()
                # Only as long as the list has not heard of the end: a run may go again.
                over &= {run.id for run in active.runs if run.is_active}
                for run in reversed(active.runs):
                    known = run.id in watched or run.id in over
                    if run.is_active and not known and len(watched) < MOST:
                        watched[run.id] = AsyncExitStack()
                        await _watch(watched[run.id], hooks, run, changed)
    finally:
        for stack in watched.values():
            await stack.aclose()


async def _watch(stack: AsyncExitStack, hooks: DurablyHooks, run: Run, changed: _Queue) -> None:
    """Put each state of a run into the queue until ``stack`` is closed."""
    hook = hooks.job(run.job_name).use_run(run.id)
    hook.subscribe(changed.put_nowait)
    await stack.enter_async_context(hook)


def _is_over(state: JobRunState) -> bool:
    return state.settled or state.is_gone
