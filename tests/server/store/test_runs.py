"""Every store keeps, lists, finds and deletes runs alike."""

from dataclasses import replace
from typing import Any

import pytest
from support.store_rows import T0, T1, T2, T3, claim, leased, new_log, new_run, new_step

from durably_server.engine.errors import ConflictError
from durably_server.engine.model import Enqueued, LogFilter, RunFilter
from durably_server.engine.store import Store


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


async def test_runs_that_ended_at_once_are_purged_by_their_ids(store: Store) -> None:
    one, two = [await leased(store) for _ in range(2)]
    await store.cancel_run(max(one.id, two.id), now=T2, keep_steps=True)
    await store.complete_run(min(one.id, two.id), 1, output="1", now=T2, keep_steps=True)
    purged = await store.purge_runs(completed_before=T3, limit=9)
    assert purged == sorted([one.id, two.id])


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
