"""One suite for all stores: whatever fits the port gives these answers."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from durably_server.engine.clock import iso
from durably_server.engine.codec import encode_text
from durably_server.engine.errors import ConflictError
from durably_server.engine.model import (
    Enqueued,
    LogFilter,
    NewLog,
    NewRun,
    NewStep,
    Run,
    RunFilter,
)
from durably_server.engine.store import Store
from durably_server.storage.memory import MemoryStore
from durably_server.storage.sqlite import SqliteStore

_ids = count(1)
T0, T1, T2, T3 = (iso(1_800_000_000_000 + seconds * 1000) for seconds in (0, 10, 20, 30))


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "c.db")
    await made.open()
    yield made
    await made.close()


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


async def test_a_new_run_is_pending_and_comes_back_whole(store: Store) -> None:
    asked = new_run(labels={"env": "prod"}, idempotency_key="i", concurrency_key="c")
    stored = await store.enqueue(asked)
    assert stored.disposition == "created"
    found = await store.get_run(asked.id)
    assert found == stored.run
    assert found is not None
    assert (found.status, found.input, found.labels) == ("pending", {"n": 1}, {"env": "prod"})
    assert (found.lease_generation, found.created_at, found.updated_at) == (0, T0, T0)
    assert await store.get_run("nope") is None


async def test_an_idempotency_key_answers_with_the_first_run_of_its_job(store: Store) -> None:
    first = await store.enqueue(new_run(idempotency_key="k"))
    again = await store.enqueue(new_run(idempotency_key="k", input='{"n":2}'))
    other = await store.enqueue(new_run(idempotency_key="k", job_name="other"))
    assert again == Enqueued(first.run, "idempotent")
    assert other.disposition == "created"


async def test_only_one_run_of_a_concurrency_key_waits(store: Store) -> None:
    first = await store.enqueue(new_run(concurrency_key="k"))
    with pytest.raises(ConflictError, match="already exists"):
        await store.enqueue(new_run(concurrency_key="k"))
    skipped = await store.enqueue(new_run(concurrency_key="k", coalesce=True))
    assert skipped == Enqueued(first.run, "coalesced")
    assert len(await store.get_runs(RunFilter())) == 1


async def test_many_are_stored_all_or_none(store: Store) -> None:
    with pytest.raises(ConflictError):
        await store.enqueue_many(
            [new_run(), new_run(concurrency_key="k")] * 1 + [new_run(concurrency_key="k")]
        )
    assert await store.get_runs(RunFilter()) == []
    assert len(await store.enqueue_many([new_run(), new_run()])) == 2


async def test_runs_are_listed_newest_first_in_a_total_order(store: Store) -> None:
    a = new_run(created_at=T1)
    b = new_run(created_at=T1)
    c = new_run(created_at=T0)
    for run in (b, c, a):
        await store.enqueue(run)
    listed = [run.id for run in await store.get_runs(RunFilter())]
    assert listed == [b.id, a.id, c.id]
    assert [r.id for r in await store.get_runs(RunFilter(limit=1, offset=1))] == [a.id]
    assert [r.id for r in await store.get_runs(RunFilter(offset=2))] == [c.id]
    assert await store.get_runs(RunFilter(limit=0)) == []


async def test_filters_are_any_job_any_status_and_all_labels(store: Store) -> None:
    a = new_run(job_name="a", labels={"env": "prod", "team": "x"})
    b = new_run(job_name="b", labels={"env": "prod"})
    c = new_run(job_name="c")
    for run in (a, b, c):
        await store.enqueue(run)
    await store.cancel_run(c.id, now=T1, keep_steps=True)

    async def ids(**where: Any) -> list[str]:
        return sorted(run.id for run in await store.get_runs(RunFilter(**where)))

    assert await ids(job_names=["a", "c"]) == [a.id, c.id]
    assert await ids(statuses=["cancelled", "failed"]) == [c.id]
    assert await ids(labels={"env": "prod"}) == [a.id, b.id]
    assert await ids(labels={"env": "prod", "team": "x"}) == [a.id]
    assert await ids(labels={"env": "x"}) == []


async def test_a_claim_takes_the_oldest_and_raises_the_generation(store: Store) -> None:
    young, old = new_run(created_at=T1), new_run(created_at=T0)
    await store.enqueue(young)
    await store.enqueue(old)
    run = await claim(store)
    assert run is not None
    assert (run.id, run.status, run.lease_generation, run.lease_owner) == (
        old.id,
        "leased",
        1,
        "me",
    )
    assert (run.started_at, run.lease_expires_at) == (T1, T2)
    assert await store.get_run(old.id) == run
    second = await claim(store)
    assert second is not None
    assert second.id == young.id
    assert await claim(store) is None


async def test_an_expired_lease_is_claimed_again_and_fences_the_first_holder(store: Store) -> None:
    first = await leased(store)
    assert await claim(store, now=T1) is None
    second = await claim(store, now=T2, expires_at=T3)
    assert second is not None
    assert (second.id, second.lease_generation, second.started_at) == (first.id, 2, T1)
    old = first.lease_generation
    assert not await store.renew_lease(first.id, old, now=T2, expires_at=T3)
    assert not await store.release(first.id, old, now=T2)
    assert not await store.save_step(new_step(first.id, "s", 0), old)
    assert not await store.save_step(new_step(first.id, "s", 0, status="failed"), old)
    assert not await store.update_progress(first.id, old, progress='{"current":1}', now=T2)
    assert not await store.append_logs(first.id, old, [new_log("late")], keep=10)
    assert not await store.fail_run(first.id, old, error="x", now=T2, keep_steps=True)
    assert not await store.complete_run(first.id, old, output="1", now=T2, keep_steps=True)
    assert await store.get_run(first.id) == second
    assert await store.get_steps(first.id) == []
    assert await store.get_logs(LogFilter(run_id=first.id)) == []


async def test_a_holder_does_not_claim_what_it_still_executes(store: Store) -> None:
    run = await leased(store)
    assert await claim(store, now=T3, running=[run.id]) is None


async def test_a_late_renewal_keeps_a_lease_that_nobody_took(store: Store) -> None:
    run = await leased(store)
    assert await store.renew_lease(run.id, 1, now=T2, expires_at=T3)
    assert await claim(store, now=T2) is None


async def test_a_concurrency_key_with_a_live_lease_waits(store: Store) -> None:
    await leased(store, concurrency_key="k")
    waiting = new_run(concurrency_key="k", job_name="other")
    free = new_run(created_at=T1)
    await store.enqueue(waiting)
    await store.enqueue(free)
    run = await claim(store)
    assert run is not None
    assert run.id == free.id
    assert await claim(store) is None


async def test_steps_are_counted_and_found_again(store: Store) -> None:
    run = await leased(store)
    assert await store.save_step(new_step(run.id, "b", 1), 1)
    assert await store.save_step(new_step(run.id, "a", 0), 1)
    assert await store.save_step(
        new_step(run.id, "c", 2, status="failed", output=None, error="no"), 1
    )
    assert [step.name for step in await store.get_steps(run.id)] == ["a", "b", "c"]
    found = await store.get_run(run.id)
    assert found is not None
    assert (found.current_step_index, found.completed_step_count) == (2, 2)
    done = await store.get_completed_step(run.id, "b")
    assert done is not None
    assert done.output == "b"
    assert await store.get_completed_step(run.id, "c") is None
    assert await store.get_completed_step_names(run.id) == {"a", "b"}


@pytest.mark.parametrize("keep_steps", [True, False])
async def test_an_end_writes_the_result_and_keeps_steps_if_asked(
    store: Store, keep_steps: bool
) -> None:
    run = await leased(store)
    await store.save_step(new_step(run.id, "a", 0), 1)
    await store.append_logs(run.id, 1, [new_log("hello")], keep=10)
    assert await store.complete_run(run.id, 1, output='{"x":2}', now=T2, keep_steps=keep_steps)
    found = await store.get_run(run.id)
    assert found is not None
    assert (found.status, found.output, found.error) == ("completed", {"x": 2}, None)
    assert (found.completed_at, found.lease_owner, found.lease_expires_at) == (T2, None, None)
    assert len(await store.get_steps(run.id)) == (1 if keep_steps else 0)
    assert [log.message for log in await store.get_logs(LogFilter(run_id=run.id))] == ["hello"]
    assert not await store.complete_run(run.id, 1, output="1", now=T3, keep_steps=True)


async def test_a_cancelled_run_refuses_its_holder_but_for_the_last_word(store: Store) -> None:
    run = await leased(store)
    assert await store.cancel_run(run.id, now=T2, keep_steps=True)
    assert not await store.cancel_run(run.id, now=T2, keep_steps=True)
    assert not await store.save_step(new_step(run.id, "a", 0), 1)
    assert not await store.complete_run(run.id, 1, output="1", now=T2, keep_steps=True)
    last = new_step(run.id, "a", 0, status="cancelled", output=None, error="cancelled")
    assert await store.save_step(last, 1)
    found = await store.get_run(run.id)
    assert found is not None
    assert (found.status, found.completed_at) == ("cancelled", T2)


async def test_a_retry_is_the_same_run_with_its_finished_steps(store: Store) -> None:
    run = await leased(store)
    assert not await store.retry_run(run.id, now=T2)
    await store.save_step(new_step(run.id, "a", 0), 1)
    await store.save_step(new_step(run.id, "b", 1, status="failed", output=None, error="no"), 1)
    await store.fail_run(run.id, 1, error="no", now=T2, keep_steps=True)
    assert await store.retry_run(run.id, now=T3)
    found = await store.get_run(run.id)
    assert found is not None
    assert (found.status, found.error, found.completed_at) == ("pending", None, None)
    assert (found.completed_step_count, found.current_step_index) == (1, 1)
    again = await claim(store, now=T3)
    assert again is not None
    assert (again.id, again.lease_generation) == (run.id, 2)
    assert await store.save_step(new_step(run.id, "b", 1), 2)


async def test_a_retry_gives_way_to_a_run_that_waits_for_the_key(store: Store) -> None:
    run = await leased(store, concurrency_key="k")
    await store.fail_run(run.id, 1, error="no", now=T2, keep_steps=True)
    await store.enqueue(new_run(concurrency_key="k"))
    with pytest.raises(ConflictError):
        await store.retry_run(run.id, now=T3)


async def test_a_released_run_is_pending_again(store: Store) -> None:
    run = await leased(store)
    assert await store.release(run.id, 1, now=T2)
    found = await store.get_run(run.id)
    assert found is not None
    assert (found.status, found.lease_owner, found.started_at) == ("pending", None, T1)


async def test_a_released_run_whose_key_is_waited_for_is_claimed_first(store: Store) -> None:
    run = await leased(store, concurrency_key="k")
    await store.enqueue(new_run(concurrency_key="k", created_at=T1))
    assert await store.release(run.id, 1, now=T1)
    again = await claim(store, now=T1)
    assert again is not None
    assert (again.id, again.lease_generation) == (run.id, 2)


async def test_only_an_ended_run_is_deleted_and_nothing_of_it_stays(store: Store) -> None:
    run = await leased(store, labels={"a": "b"})
    await store.save_step(new_step(run.id, "a", 0), 1)
    await store.append_logs(run.id, 1, [new_log("hello")], keep=10)
    assert not await store.delete_run(run.id)
    await store.fail_run(run.id, 1, error="no", now=T2, keep_steps=True)
    assert await store.delete_run(run.id)
    assert await store.get_run(run.id) is None
    assert await store.get_steps(run.id) == []
    assert await store.get_logs(LogFilter(run_id=run.id)) == []
    assert await store.get_runs(RunFilter(labels={"a": "b"})) == []
    assert not await store.delete_run(run.id)


async def test_a_purge_takes_the_oldest_ended_runs(store: Store) -> None:
    ended = []
    for at in (T2, T1, T3):
        run = await leased(store)
        await store.complete_run(run.id, 1, output="1", now=at, keep_steps=True)
        ended.append(run.id)
    await store.enqueue(new_run())
    assert await store.purge_runs(completed_before=T3, limit=1) == [ended[1]]
    assert await store.purge_runs(completed_before=T3, limit=9) == [ended[0]]
    assert len(await store.get_runs(RunFilter())) == 2


async def test_progress_and_logs_are_kept_and_logs_are_bounded(store: Store) -> None:
    run = await leased(store)
    assert await store.update_progress(run.id, 1, progress='{"current":3}', now=T1)
    found = await store.get_run(run.id)
    assert found is not None
    assert found.progress == {"current": 3}
    await store.append_logs(run.id, 1, [new_log(str(n)) for n in range(4)], keep=3)
    await store.append_logs(run.id, 1, [new_log("4")], keep=3)
    logs = await store.get_logs(LogFilter(run_id=run.id))
    assert [log.message for log in logs] == ["2", "3", "4"]
    assert logs[0].data == {"a": [1]}
    assert [log.message for log in await store.get_logs(LogFilter(run_id=run.id, limit=2))] == [
        "3",
        "4",
    ]


async def test_open_and_close_may_be_repeated(store: Store) -> None:
    run = await leased(store)
    await store.open()
    await store.close()
    await store.close()
    await store.open()
    assert await store.get_run(run.id) == run


async def test_pages_by_cursor_never_skip_or_repeat(store: Store) -> None:
    made = [new_run(created_at=at, job_name=job) for at in (T0, T1, T1, T2) for job in "ab"]
    for run in made:
        await store.enqueue(run)
    for where in (
        RunFilter(limit=3),
        RunFilter(limit=3, job_names=["a", "b"]),
        RunFilter(limit=3, statuses=["pending", "failed"]),
        RunFilter(limit=3, job_names=["a", "b"], statuses=["pending", "failed"]),
    ):
        paged: list[str] = []
        page = await store.get_runs(where)
        while page:
            paged += [run.id for run in page]
            after = (page[-1].created_at, page[-1].id)
            page = await store.get_runs(replace(where, after=after))
        assert paged == [run.id for run in sorted(made, key=lambda r: (r.created_at, r.id))][::-1]
        assert await store.count_runs(replace(where, after=(T1, "run"))) == len(made)


async def test_filters_by_time_are_half_open(store: Store) -> None:
    made = [new_run(created_at=at) for at in (T0, T1, T2)]
    for run in made:
        await store.enqueue(run)
    where = RunFilter(created_after=T1, created_before=T2)
    assert [run.id for run in await store.get_runs(where)] == [made[1].id]
    assert await store.count_runs(where) == 1
    assert await store.count_runs(RunFilter(created_after=T1)) == 2


@pytest.mark.parametrize(
    ("text", "there"),
    [
        *((each, True) for each in ("0042", "REP", '"CITY":"Zürich', "no such f", 'env":"prod')),
        *((each, True) for each in ("re%", "a'b", "x\\u0000y", "É", "\\")),
        *((each, False) for each in ("r_p", "r%t", "0042%", "\\%", "é")),
    ],
)
async def test_text_is_found_where_it_is_and_is_no_pattern(
    store: Store, text: str, there: bool
) -> None:
    here = new_run(
        id="run-0042-É",
        job_name="report-re%",
        input='{"city":"Zürich a\'b x\\u0000y"}',
        labels={"env": "prod"},
    )
    await store.enqueue(here)
    await store.enqueue(new_run(id="run-9", job_name="other", input='{"n":1}', created_at=T1))
    run = await claim(store)
    assert run is not None
    await store.fail_run(run.id, 1, error="no such file", now=T2, keep_steps=True)
    found = await store.get_runs(RunFilter(text=text, limit=10))
    assert [each.id for each in found] == [here.id] * there
    assert await store.count_runs(RunFilter(text=text)) == there


async def test_a_label_of_any_characters_is_found(store: Store) -> None:
    for value in ("a\0b", "a", "%", "\\", "'", ""):
        made = new_run(labels={"k": value})
        await store.enqueue(made)
        for where in (RunFilter(labels={"k": value}), RunFilter(labels={"k": value}, limit=5)):
            assert [run.id for run in await store.get_runs(where)] == [made.id]
            assert await store.count_runs(where) == 1


async def test_a_line_of_any_characters_is_kept_whole(store: Store) -> None:
    run = await leased(store)
    lines = [
        new_log(text, step_name=text, data=encode_text([text]))
        for text in ("plain", "a\0b", "\0", "\\u0000", "\x1b[31m\u202e\r\n", "")
    ]
    assert await store.append_logs(run.id, 1, lines[:1], keep=None)
    assert await store.append_logs(run.id, 1, lines[1:], keep=None)
    read = await store.get_logs(LogFilter(run_id=run.id))
    assert [(log.message, log.step_name, log.data) for log in read] == [
        (line.message, line.message, [line.message]) for line in lines
    ]


async def test_logs_of_all_runs_are_read_forwards_and_backwards(store: Store) -> None:
    a = await leased(store, job_name="a")
    b = await leased(store, job_name="b")
    lines = [
        (run, new_log(str(n), level=("info", "warn", "error")[n % 3]))
        for n, run in enumerate([a, b] * 4)
    ]
    for run, line in lines:
        assert await store.append_logs(run.id, 1, [line], keep=10)

    async def read(**where: Any) -> str:
        return "".join(log.message for log in await store.get_logs(LogFilter(**where)))

    assert await read() == "01234567"
    assert await read(run_id=a.id) == "0246"
    assert await read(job_names=["b", "x"]) == "1357"
    assert await read(levels=["error"]) == "25"
    assert await read(levels=["warn", "error"], job_names=["a"]) == "24"
    assert await read(levels=["info", "warn"], limit=3) == "467"
    third = lines[3][1].id
    assert await read(after=third) == "4567"
    assert await read(after=third, limit=2, newest=False) == "45"
    assert await read(before=third) == "012"
    assert await read(before=third, limit=2) == "12"
    assert await read(run_id=b.id, after=third, before=lines[7][1].id) == "5"
    assert await read(limit=0) == ""
    (first,) = await store.get_logs(LogFilter(limit=1, newest=False))
    assert (first.run_id, first.job_name, first.data) == (a.id, "a", {"a": [1]})


async def test_logs_of_a_job_are_those_of_its_runs_that_are_there(store: Store) -> None:
    made = [await leased(store, job_name=name) for name in "aab"]
    for n in range(8):
        await store.append_logs(made[n % 3].id, 1, [new_log(str(n))], keep=None)
    await store.append_logs(made[0].id, 1, [new_log("8", level="error")], keep=2)

    async def read(**where: Any) -> str:
        logs = await store.get_logs(LogFilter(job_names=["a", "a"], **where))
        return "".join(log.message for log in logs)

    assert await read() == "14678"
    assert await read(limit=2) == "78"
    assert await read(limit=2, newest=False) == "14"
    assert await read(levels=["error", "info"], limit=3) == "678"
    for run in made[:2]:
        await store.complete_run(run.id, 1, output="1", now=T2, keep_steps=True)
    assert await store.delete_run(made[0].id)
    assert await read() == "147"
    assert await store.purge_runs(completed_before=T3, limit=5) == [made[1].id]
    assert await read() == ""
    assert [log.message for log in await store.get_logs(LogFilter(job_names=["b"]))] == ["2", "5"]


async def test_stats_count_by_status_and_tell_durations(store: Store) -> None:
    assert await store.get_stats(since=T0) == []
    for seconds in (1, 2, 3, 10):
        run = await leased(store, job_name="a")
        ended = iso(1_800_000_010_000 + seconds * 1000)
        await store.complete_run(run.id, 1, output="1", now=ended, keep_steps=True)
    run = await leased(store, job_name="a")
    await store.fail_run(run.id, 1, error="no", now=T3, keep_steps=True)
    await store.enqueue(new_run(job_name="a", created_at=T2))
    await store.enqueue(cancelled := new_run(job_name="b"))
    await store.cancel_run(cancelled.id, now=T3, keep_steps=True)
    a, b = await store.get_stats(since=T1)
    assert (a.job_name, b.job_name) == ("a", "b")
    assert a.counts == {"pending": 1, "leased": 0, "completed": 4, "failed": 1, "cancelled": 0}
    assert (a.started, a.completed, a.failed, a.cancelled) == (5, 4, 1, 0)
    assert (a.p50_ms, a.p95_ms, a.last_run_at) == (2000, 10_000, T2)
    assert (b.started, b.cancelled, b.p50_ms) == (0, 1, None)
    later, _ = await store.get_stats(since=T3)
    assert (later.started, later.completed, later.failed) == (0, 0, 1)
    assert later.counts == a.counts
    assert await store.retry_run(run.id, now=T3)
    assert await store.delete_run(cancelled.id)
    (left,) = await store.get_stats(since=T1)
    assert (left.counts["pending"], left.counts["failed"]) == (2, 0)
