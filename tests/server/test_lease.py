"""Leases: kept while a run goes on, fenced when they are lost, handed back when a worker stops."""

import asyncio
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from support.server import echo, make_durably

from durably_server import BlockingStep, JobDefinition, Step, job
from durably_server.engine.clock import wall_clock
from durably_server.engine.errors import StoreError
from durably_server.engine.events import Event
from durably_server.storage.sqlite import connection


async def test_a_lease_is_renewed_while_the_run_goes_on(tmp_path: Path) -> None:
    renewed = asyncio.Event()

    @job
    async def long(step: Step, input: None) -> int:
        await renewed.wait()
        return step.attempt

    async with make_durably(tmp_path, long, lease=0.5, lease_renewal=0.05) as durably:
        durably.on("run:lease-renewed", lambda event: renewed.set())
        assert (await durably.trigger_and_wait(long, None, timeout=5)).output == 1


async def test_a_run_that_was_taken_over_ends_in_silence(tmp_path: Path) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    @job
    async def long(step: Step, input: None) -> int:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return 1

    async with make_durably(tmp_path, long, lease=10, lease_renewal=0.05) as durably:
        run_id = (await durably.trigger(long, None)).id
        await began.wait()
        events: list[Event] = []
        durably.on(None, events.append)
        with sqlite3.connect(tmp_path / "test.db") as thief:
            thief.execute(
                "UPDATE durably_runs SET lease_generation = 2, lease_owner = 'thief', "
                "lease_expires_at = '2999-01-01T00:00:00.000Z'"
            )
        thief.close()
        async with asyncio.timeout(5):
            await ended.wait()
        await durably.stop()
        run = await durably.get_run(run_id)
    assert run is not None
    assert (run.status, run.lease_owner, run.lease_generation) == ("leased", "thief", 2)
    assert {event.type for event in events} <= {"run:lease-renewed"}


async def test_a_step_of_a_lost_lease_is_not_stored(tmp_path: Path) -> None:
    def steal() -> str:
        thief = sqlite3.connect(tmp_path / "test.db")
        thief.execute("UPDATE durably_runs SET lease_generation = 9, lease_owner = 'thief'")
        thief.commit()
        thief.close()
        return "mine"

    ended = asyncio.Event()

    @job
    async def robbed(step: Step, input: None) -> str:
        try:
            return await step.run("steal", steal)
        finally:
            ended.set()

    async with make_durably(tmp_path, robbed) as durably:
        run_id = (await durably.trigger(robbed, None)).id
        async with asyncio.timeout(5):
            await ended.wait()
        await durably.stop()
        assert await durably.get_steps(run_id) == []
        run = await durably.get_run(run_id)
        assert run is not None
        assert run.status == "leased"


async def test_no_step_begins_once_the_lease_has_run_out(tmp_path: Path) -> None:
    """A process that stood still: somebody else may have finished this very step meanwhile."""
    ahead, attempts = [0], list[tuple[str, int]]()

    @job
    async def two(step: Step, input: None) -> None:
        def stand_still() -> None:
            attempts.append(("a", step.attempt))
            ahead[0] += 60_000

        await step.run("a", stand_still)
        await step.run("b", lambda: attempts.append(("b", step.attempt)))

    def clock() -> int:
        return wall_clock() + ahead[0]

    async with make_durably(tmp_path, two, lease=10, lease_renewal=5, clock=clock) as durably:
        await durably.trigger_and_wait(two, None, timeout=30)
    assert attempts == [("a", 1), ("b", 2)]


@pytest.mark.parametrize("plain", [True, False])
async def test_a_step_that_was_begun_is_not_executed_once_the_lease_has_run_out(
    tmp_path: Path, plain: bool
) -> None:
    """The process stood still between the beginning of a step and its function."""
    ahead, attempts = [0], list[int]()

    def note(attempt: int) -> None:
        attempts.append(attempt)

    async def note_later(attempt: int) -> None:
        attempts.append(attempt)

    @job
    async def one(step: Step, input: None) -> None:
        await step.run("a", note if plain else note_later, step.attempt)

    def stand_still(event: Event) -> None:
        if not ahead[0]:
            ahead[0] = 60_000

    def clock() -> int:
        return wall_clock() + ahead[0]

    async with make_durably(tmp_path, one, lease=10, lease_renewal=5, clock=clock) as durably:
        durably.on("step:start", stand_still)
        await durably.trigger_and_wait(one, None, timeout=30)
    assert attempts == [2]


async def test_a_database_that_is_locked_for_long_fails_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that cannot be stored runs again once the lease is over; its job is not to blame."""
    monkeypatch.setattr(connection, "BUSY_TIMEOUT", 0.05)
    attempts = list[int]()
    locks: list[sqlite3.Connection] = []
    refused = asyncio.Event()

    @job
    async def one(step: Step, input: None) -> None:
        def lock() -> None:
            attempts.append(step.attempt)
            if not locks:
                db = sqlite3.connect(
                    tmp_path / "test.db", isolation_level=None, check_same_thread=False
                )
                locks.append(db)
                locks[0].execute("BEGIN IMMEDIATE")

        try:
            await step.run("a", lock)
        finally:
            refused.set()

    async with make_durably(tmp_path, one, lease=1, lease_renewal=0.3) as durably:
        run = await durably.trigger(one, None)
        async with asyncio.timeout(30):
            await refused.wait()
        locks[0].close()
        assert (await durably.wait_for_run(run.id, timeout=30)).status == "completed"
    assert attempts == [1, 2]


async def test_a_run_cancelled_by_another_process_is_cancelled_here(tmp_path: Path) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    @job
    async def long(step: Step, input: None) -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    other = make_durably(tmp_path, long)
    async with make_durably(tmp_path, long, lease_renewal=0.05) as durably:
        run_id = (await durably.trigger(long, None)).id
        await began.wait()
        await other.cancel(run_id)
        async with asyncio.timeout(5):
            await ended.wait()
    await other.stop()


async def test_an_expired_lease_is_reclaimed_and_resumes(tmp_path: Path) -> None:
    calls: list[str] = []

    @job
    async def two(step: Step, input: None) -> None:
        await step.run("a", lambda: calls.append("a"))
        await step.run("b", lambda: calls.append("b"))

    durably = make_durably(tmp_path, two)
    run_id = (await durably.trigger(two, None)).id
    await durably.stop()
    dead = sqlite3.connect(tmp_path / "test.db")
    dead.execute(
        "UPDATE durably_runs SET status = 'leased', lease_owner = 'dead', lease_generation = 1, "
        "lease_expires_at = '2020-01-01T00:00:00.000Z', completed_step_count = 1"
    )
    dead.execute(
        "INSERT INTO durably_steps VALUES ('s1', ?, 'a', 0, 'completed', 'null', NULL, 'x', 'x')",
        (run_id,),
    )
    dead.commit()
    dead.close()
    async with make_durably(tmp_path, two) as later:
        run = await later.wait_for_run(run_id, timeout=5)
    assert calls == ["b"]
    assert (run.lease_generation, run.completed_step_count) == (2, 2)


async def test_a_stop_lets_a_step_finish_and_hands_the_run_back(tmp_path: Path) -> None:
    began, calls = asyncio.Event(), list[str]()

    @job
    async def three(step: Step, input: None) -> None:
        async def slow(name: str) -> None:
            began.set()
            await asyncio.sleep(0.1)
            calls.append(name)

        for name in "abc":
            await step.run(name, slow, name)

    durably = make_durably(tmp_path, three, stop_grace=5)
    await durably.init()
    run_id = (await durably.trigger(three, None)).id
    await began.wait()
    before = time.monotonic()
    await durably.stop()
    assert time.monotonic() - before < 2
    assert calls == ["a"]
    run = await durably.get_run(run_id)
    assert run is not None
    assert (run.status, run.error, run.completed_step_count) == ("pending", None, 1)
    assert run.lease_owner is None
    await durably.start()
    assert (await durably.wait_for_run(run_id, timeout=5)).status == "completed"
    assert calls == ["a", "b", "c"]
    await durably.stop()


async def test_a_stop_does_not_wait_for_ever(tmp_path: Path) -> None:
    began = threading.Event()

    @job
    def hangs(step: BlockingStep, input: None) -> None:
        began.set()
        time.sleep(3)

    @job
    async def sleeps(step: Step, input: None) -> None:
        await asyncio.sleep(60)

    durably = make_durably(tmp_path, hangs, sleeps, stop_grace=0.1)
    await durably.init()
    ids = [(await durably.trigger(each, None)).id for each in (hangs, sleeps)]
    await asyncio.to_thread(began.wait, 5)
    before = time.monotonic()
    await durably.stop()
    assert time.monotonic() - before < 2
    for run_id in ids:
        run = await durably.get_run(run_id)
        assert run is not None
        assert (run.status, run.error) == ("pending", None)
    await durably.stop()


async def test_a_job_that_turns_its_cancellation_into_an_error_is_handed_back(
    tmp_path: Path,
) -> None:
    began = asyncio.Event()

    @job
    async def wraps(step: Step, input: None) -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise RuntimeError("interrupted") from None

    durably = make_durably(tmp_path, wraps, stop_grace=0)
    await durably.init()
    run_id = (await durably.trigger(wraps, None)).id
    await began.wait()
    await durably.stop()
    run = await durably.get_run(run_id)
    assert run is not None
    assert run.status == "pending"
    await durably.stop()


async def test_a_worker_that_stops_claims_no_more(tmp_path: Path) -> None:
    durably = make_durably(tmp_path, echo)
    await durably.init()
    await durably.stop()
    run_id = (await durably.trigger(echo, {"value": "x"})).id
    with pytest.raises(TimeoutError):
        await durably.wait_for_run(run_id, timeout=0.2)
    await durably.stop()


async def test_two_workers_on_one_file_share_the_runs_and_run_none_twice(tmp_path: Path) -> None:
    ran: list[int] = []
    inside, most = 0, 0

    @job
    async def once(step: Step, input: int) -> None:
        await step.run("note", ran.append, input)

    @job
    async def alone(step: Step, input: int) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.002)
        inside -= 1

    first, second = (make_durably(tmp_path, once, alone) for _ in range(2))
    await first.batch_trigger(once, range(100))
    async with first, second:
        seen: dict[str, set[str]] = {"first": set(), "second": set()}
        for name, durably in (("first", first), ("second", second)):
            durably.on("run:complete", lambda event, name=name: seen[name].add(event.run_id))
        keyed = [
            await first.trigger(alone, n, concurrency_key="k", coalesce="skip") for n in range(20)
        ]
        for run in await first.get_runs():
            await first.wait_for_run(run.id, timeout=10)
        for run in keyed:
            await second.wait_for_run(run.id, timeout=10)
        owners = {run.lease_generation for run in await second.get_runs()}
    assert sorted(ran) == list(range(100))
    assert not seen["first"] & seen["second"]
    assert (owners, most) == ({1}, 1)


async def test_a_worker_that_was_away_for_longer_than_its_lease_writes_nothing_more(
    tmp_path: Path,
) -> None:
    now = {"zombie": 1_800_000_000_000, "heir": 1_800_000_000_000}
    hold, told = asyncio.Event(), list[str]()

    def make(name: str) -> JobDefinition[None, str]:
        @job("work")
        async def work(step: Step, input: None) -> str:
            if name == "zombie":
                await hold.wait()
                step.progress(1)
                step.log.info("from the dead")
            await step.run("step", told.append, name)
            return name

        return work

    zombie = make_durably(tmp_path, make("zombie"), clock=lambda: now["zombie"], lease_renewal=15)
    heir = make_durably(tmp_path, make("heir"), clock=lambda: now["heir"])
    async with zombie:
        leased = asyncio.Event()
        zombie.on("run:leased", lambda event: leased.set())
        events: list[Event] = []
        run_id = (await zombie.trigger("work", None)).id
        await leased.wait()
        zombie.on(None, events.append)
        now["heir"] += 30_001
        async with heir:
            run = await heir.wait_for_run(run_id, timeout=5)
            assert (run.output, run.lease_generation) == ("heir", 2)
            before = (run, await heir.get_steps(run_id), await heir.get_logs(run_id))
            hold.set()
            async with asyncio.timeout(5):
                while len(told) < 2:  # noqa: ASYNC110 - what is left behind tells nobody
                    await asyncio.sleep(0.01)
            await zombie.stop()
            after = (
                await heir.get_run(run_id),
                await heir.get_steps(run_id),
                await heir.get_logs(run_id),
            )
    assert after == before
    assert "run:complete" not in {event.type for event in events}


async def test_a_database_that_fails_once_ends_the_renewal_of_no_other_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, renewed, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @job
    async def long(step: Step, input: int) -> int:
        await done.wait()
        return input

    settings = {"lease": 10, "lease_renewal": 0.05, "max_concurrent_runs": 2}
    async with make_durably(tmp_path, long, **settings) as durably:
        lost, other = [(await durably.trigger(long, n)).id for n in range(2)]
        store = durably._services.store
        renew, get_run = store.renew_lease, store.get_run

        async def renew_lease(run_id: str, *args: object, **named: object) -> bool:
            return run_id != lost and await renew(run_id, *args, **named)

        async def failing(run_id: str) -> object:
            if run_id == lost and not failed.is_set():
                failed.set()
                raise StoreError("The database could not be read: disk I/O error.")
            return await get_run(run_id)

        monkeypatch.setattr(store, "renew_lease", renew_lease)
        monkeypatch.setattr(store, "get_run", failing)

        def listen(event: Event) -> None:
            if event.run_id == other and failed.is_set():
                renewed.set()

        durably.on("run:lease-renewed", listen)
        async with asyncio.timeout(10):
            await failed.wait()
            renewed.clear()  # of the renewal that was under way
            await renewed.wait()
        done.set()
        assert (await durably.wait_for_run(other, timeout=10)).output == 1
