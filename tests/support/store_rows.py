"""Rows for a store, each with an id of its own, and how a worker takes runs."""

from dataclasses import replace
from itertools import count
from typing import Any

from durably_server.engine.clock import iso
from durably_server.engine.model import NewLog, NewRun, NewStep, Run
from durably_server.engine.store import Store

_ids = count(1)
T0, T1, T2, T3 = (iso(1_800_000_000_000 + seconds * 1000) for seconds in (0, 10, 20, 30))


def new_run(**changes: Any) -> NewRun:
    number = next(_ids)
    run = NewRun(id=f"run-{number:06d}", job_name="job", input='{"n":1}', created_at=T0)
    return replace(run, **changes)


def new_step(run_id: str, name: str, index: int, **changes: Any) -> NewStep:
    step = NewStep(
        id=f"step-{next(_ids):06d}",
        run_id=run_id,
        name=name,
        index=index,
        status="completed",
        output=f'"{name}"',
        error=None,
        started_at=T1,
        completed_at=T1,
    )
    return replace(step, **changes)


def new_log(message: str, **changes: Any) -> NewLog:
    log = NewLog(
        id=f"log-{next(_ids):06d}",
        step_name=None,
        level="info",
        message=message,
        data='{"a":[1]}',
        created_at=T1,
    )
    return log._replace(**changes)


async def claim(store: Store, now: str = T1, expires_at: str = T2, **more: Any) -> Run | None:
    runs = await claim_many(store, 1, now, expires_at, **more)
    return runs[0] if runs else None


async def claim_many(
    store: Store, limit: int, now: str = T1, expires_at: str = T2, **more: Any
) -> list[Run]:
    return await store.claim(
        owner="me", now=now, expires_at=expires_at, running=more.get("running", ()), limit=limit
    )


async def leased(store: Store, **changes: Any) -> Run:
    await store.enqueue(new_run(**changes))
    run = await claim(store)
    assert run is not None
    return run
