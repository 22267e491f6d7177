"""Any story told to both stores has the same answers: Hypothesis looks for one that has not."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from durably_server.engine.clock import iso
from durably_server.engine.errors import ConflictError
from durably_server.engine.model import LogFilter, NewLog, NewRun, NewStep, RunFilter
from durably_server.engine.store import Store
from durably_server.storage.memory import MemoryStore
from durably_server.storage.sqlite import SqliteStore

Act = Callable[[Store, str], Coroutine[Any, Any, Any]]
RUNS = 6

_maybe_key = st.sampled_from([None, None, "k"])
_labels = st.dictionaries(st.sampled_from(["env", "team"]), st.sampled_from(["a", "b"]))
_generation = st.integers(1, 3)
_which = st.integers(0, RUNS - 1)


def _at(second: int) -> str:
    return iso(1_800_000_000_000 + second * 1000)


def _second_of(now: str) -> int:
    return int(datetime.fromisoformat(now).timestamp()) - 1_800_000_000


def _later(now: str, seconds: int) -> str:
    return _at(_second_of(now) + seconds)


def _run_id(which: int) -> str:
    return f"run-{which:03d}"


@st.composite
def _enqueue(draw: st.DrawFn) -> Act:
    which, coalesce = draw(_which), draw(st.booleans())
    job, key, once = draw(st.sampled_from("ab")), draw(_maybe_key), draw(_maybe_key)
    labels = draw(_labels)

    async def act(store: Store, now: str) -> Any:
        if await store.get_run(_run_id(which)) is not None:
            return None
        return await store.enqueue(
            NewRun(
                id=_run_id(which),
                job_name=job,
                input='{"n":1}',
                created_at=now,
                labels=labels,
                concurrency_key=key,
                idempotency_key=once,
                coalesce=coalesce and key is not None,
            )
        )

    return act


@st.composite
def _claim(draw: st.DrawFn) -> Act:
    limit, later = draw(st.integers(1, 3)), draw(st.integers(0, 3))
    running = draw(st.sets(_which.map(_run_id), max_size=2))

    async def act(store: Store, now: str) -> Any:
        return await store.claim(
            owner="me", now=now, expires_at=_later(now, later), running=running, limit=limit
        )

    return act


@st.composite
def _held(draw: st.DrawFn) -> Act:
    """What the holder of a lease writes, under the right generation or a wrong one."""
    run_id, generation = _run_id(draw(_which)), draw(_generation)
    kind = draw(st.sampled_from(["renew", "release", "complete", "fail", "progress", "log"]))
    keep_steps, keep = draw(st.booleans()), draw(st.integers(1, 3))

    async def act(store: Store, now: str) -> Any:
        if kind == "renew":
            return await store.renew_lease(run_id, generation, now=now, expires_at=_later(now, 2))
        if kind == "release":
            return await store.release(run_id, generation, now=now)
        if kind == "complete":
            return await store.complete_run(
                run_id, generation, output="[1]", now=now, keep_steps=keep_steps
            )
        if kind == "fail":
            return await store.fail_run(
                run_id, generation, error="no", now=now, keep_steps=keep_steps
            )
        if kind == "progress":
            return await store.update_progress(run_id, generation, progress="{}", now=now)
        lines = [
            NewLog(
                id=f"{now}-{n}",
                step_name=None,
                level="warn" if n else "info",
                message=f"é {n}\0",
                data=None if n else '{"a":null}',
                created_at=now,
            )
            for n in range(2)
        ]
        return await store.append_logs(run_id, generation, lines, keep=keep)

    return act


@st.composite
def _step(draw: st.DrawFn) -> Act:
    run_id, generation = _run_id(draw(_which)), draw(_generation)
    status = draw(st.sampled_from(["completed", "failed", "cancelled"]))
    index = draw(st.integers(0, 3))

    async def act(store: Store, now: str) -> Any:
        step = NewStep(
            id=now,
            run_id=run_id,
            name=f"{status}-{now}",
            index=index,
            status=status,
            output="1",
            error=None,
            started_at=now,
            completed_at=now,
        )
        return await store.save_step(step, generation)

    return act


@st.composite
def _action(draw: st.DrawFn) -> Act:
    run_id, keep_steps = _run_id(draw(_which)), draw(st.booleans())
    kind = draw(st.sampled_from(["cancel", "retry", "delete", "purge"]))

    async def act(store: Store, now: str) -> Any:
        if kind == "cancel":
            return await store.cancel_run(run_id, now=now, keep_steps=keep_steps)
        if kind == "retry":
            return await store.retry_run(run_id, now=now)
        if kind == "delete":
            return await store.delete_run(run_id)
        return await store.purge_runs(completed_before=_later(now, -3), limit=1)

    return act


_filters = st.builds(
    RunFilter,
    job_names=st.lists(st.sampled_from("abc"), max_size=3),
    statuses=st.lists(
        st.sampled_from(["pending", "leased", "completed", "failed", "cancelled"]), max_size=3
    ),
    labels=_labels,
    text=st.sampled_from([None, None, "RUN", '"n":1', "no", "env"]),
    after=st.none() | st.tuples(st.integers(0, 40).map(_at), _which.map(_run_id)),
    created_after=st.none() | st.integers(0, 40).map(_at),
    created_before=st.none() | st.integers(0, 40).map(_at),
    limit=st.none() | st.integers(0, 4),
    offset=st.integers(0, 2),
)
# A claim moves a story on more than anything else, so there are more of them.
_story = st.lists(
    st.one_of(_enqueue(), _enqueue(), _claim(), _claim(), _held(), _held(), _step(), _action()),
    min_size=5,
    max_size=40,
)


async def _told(store: Store, story: list[Act], questions: list[RunFilter]) -> list[Any]:
    answers: list[Any] = []
    await store.open()
    try:
        for second, act in enumerate(story):
            try:
                answers.append(await act(store, _at(second)))
            except ConflictError as error:
                answers.append(str(error))
        for where in questions:
            answers.append(await store.get_runs(where))
            answers.append(await store.count_runs(where))
        answers.append(await store.get_logs(LogFilter()))
        answers.append(await store.get_stats(since=_at(len(story) // 2)))
        answers.extend([await store.get_steps(_run_id(which)) for which in range(RUNS)])
    finally:
        await store.close()
    return answers


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=_story, questions=st.lists(_filters, min_size=1, max_size=4))
def test_both_stores_tell_the_same_story(story: list[Act], questions: list[RunFilter]) -> None:
    async def tell() -> tuple[list[Any], list[Any]]:
        with tempfile.TemporaryDirectory() as folder:
            sqlite = await _told(SqliteStore(Path(folder, "s.db")), story, questions)
        return sqlite, await _told(MemoryStore(), story, questions)

    sqlite, memory = asyncio.run(tell())
    assert sqlite == memory
