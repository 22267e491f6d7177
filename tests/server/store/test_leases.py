"""Every store gives runs out alike: claims, leases, steps, ends, and the ways back."""

import asyncio

import pytest
from support.store_rows import T0, T1, T2, T3, claim, leased, new_log, new_run, new_step

from durably_server.engine.errors import ConflictError
from durably_server.engine.model import LogFilter
from durably_server.engine.store import Store


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


async def test_a_step_that_a_thread_stores_is_fenced_like_any_other(store: Store) -> None:
    run = await leased(store)
    stored = await asyncio.to_thread(store.save_step_now, new_step(run.id, "a", 0), 1)
    assert stored is not False
    assert await store.get_completed_step_names(run.id) == ({"a"} if stored else set())
    assert not await asyncio.to_thread(store.save_step_now, new_step(run.id, "b", 1), 2)
    await store.cancel_run(run.id, now=T2, keep_steps=True)
    assert not await asyncio.to_thread(store.save_step_now, new_step(run.id, "c", 2), 1)
    assert len(await store.get_steps(run.id)) == (1 if stored else 0)


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
