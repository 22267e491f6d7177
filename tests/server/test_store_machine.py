"""Every store beside a small model of the rules: what may happen to a run, and to whom it belongs.

Hypothesis plays clients, workers that crash and come back from the dead, and the clock. The model
knows statuses, generations, leases and keys, and nothing of tables; after every act each store has
to say what it says.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from durably_server.engine.clock import iso
from durably_server.engine.errors import ConflictError
from durably_server.engine.model import NewRun, NewStep
from durably_server.engine.store import Store
from durably_server.storage.memory import MemoryStore
from durably_server.storage.sqlite import SqliteStore

T = TypeVar("T")
ENDED = ("completed", "failed", "cancelled")
LEASE = 5
"""Seconds."""


@dataclass
class Known:
    """One run, as the model has it."""

    key: str | None
    once: str | None
    status: str = "pending"
    generation: int = 0
    expires: int = -1
    ended_at: int = -1
    steps: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Holder:
    """A worker that was given a run; it may be dead, or not know that it lost it."""

    run_id: str
    generation: int


@settings(
    max_examples=20, stateful_step_count=30, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
class Machine(RuleBasedStateMachine):
    """The acts; each is done to the model and to all stores, whose answers must be alike."""

    holders = Bundle("holders")
    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name, "m.db")
        self.stores: dict[str, Store] = {"memory": MemoryStore(), "sqlite": SqliteStore(self.file)}
        self.all(lambda store: store.open())
        self.known: dict[str, Known] = {}
        self.made = 0
        self.second = 0
        self.executing: set[str] = set()
        """What this worker itself still executes, so that it does not claim it again."""

    def all(self, act: Callable[[Store], Awaitable[T]]) -> T:
        """The answer of every store, which has to be one."""

        async def ask() -> list[Any]:
            found: list[Any] = []
            for store in self.stores.values():
                try:
                    found.append(await act(store))
                except ConflictError:
                    found.append(ConflictError)
            return found

        answers = self.runner.run(ask())
        assert all(each == answers[0] for each in answers), dict(
            zip(self.stores, answers, strict=True)
        )
        answer: T = answers[0]
        return answer

    @property
    def now(self) -> str:
        return iso(1_800_000_000_000 + self.second * 1000)

    def later(self, seconds: int) -> str:
        return iso(1_800_000_000_000 + (self.second + seconds) * 1000)

    def waiting(self, key: str | None) -> bool:
        return key is not None and any(
            run.status == "pending" and run.key == key for run in self.known.values()
        )

    def holds(self, holder: Holder) -> Known | None:
        run = self.known.get(holder.run_id)
        is_his = run and run.status == "leased" and run.generation == holder.generation
        return run if is_his else None

    # -- clients ---------------------------------------------------------------------------

    def enqueue(self, key: str | None, once: str | None, coalesce: bool) -> Any:
        self.second += 1  # the order of runs is that of their times
        run_id = f"run-{self.made:03d}"
        self.made += 1
        new = NewRun(
            id=run_id, job_name="a", input='{"n":1}', created_at=self.now,
            concurrency_key=key, idempotency_key=once, coalesce=coalesce and key is not None,
        )  # fmt: skip
        answer: Any = self.all(lambda store: store.enqueue(new))
        same = [i for i, run in self.known.items() if once is not None and run.once == once]
        if same:
            assert (answer.run.id, answer.disposition) == (same[0], "idempotent")
        elif self.waiting(key):
            if not new.coalesce:
                assert answer is ConflictError
                return multiple()
            assert answer.disposition == "coalesced"
            assert self.known[answer.run.id].status == "pending"
        else:
            assert (answer.run.id, answer.disposition) == (run_id, "created")
            self.known[run_id] = Known(key, once)
            return run_id
        return multiple()

    @rule(
        target=ids, key=st.sampled_from([None, None, "k", "l"]),
        once=st.sampled_from([None, None, "o"]), coalesce=st.booleans(),
    )  # fmt: skip
    def trigger(self, key: str | None, once: str | None, coalesce: bool) -> Any:
        return self.enqueue(key, once, coalesce)

    @rule(target=ids, run_id=ids)
    def retrigger(self, run_id: str) -> Any:
        """As the engine does: a new run with the concurrency key of one that has ended."""
        run = self.known.get(run_id)
        return self.enqueue(run.key, None, False) if run and run.status in ENDED else multiple()

    @rule(run_id=ids)
    def retry(self, run_id: str) -> None:
        run = self.known.get(run_id)
        answer: Any = self.all(lambda store: store.retry_run(run_id, now=self.now))
        if run is None or run.status not in ("failed", "cancelled"):
            assert answer is False
        elif self.waiting(run.key):
            assert answer is ConflictError
        else:
            assert answer is True
            run.status = "pending"

    @rule(run_id=ids)
    def cancel(self, run_id: str) -> None:
        run = self.known.get(run_id)
        done = self.all(lambda store: store.cancel_run(run_id, now=self.now, keep_steps=True))
        assert done == (run is not None and run.status in ("pending", "leased"))
        if run and done:
            run.status, run.ended_at = "cancelled", self.second

    @rule(run_id=ids)
    def delete(self, run_id: str) -> None:
        run = self.known.get(run_id)
        done = self.all(lambda store: store.delete_run(run_id))
        assert done == (run is not None and run.status in ENDED)
        if done:
            del self.known[run_id]

    @rule(age=st.integers(0, 12))
    def purge(self, age: int) -> None:
        gone = self.all(lambda store: store.purge_runs(completed_before=self.later(-age), limit=2))
        old = sorted(
            (run.ended_at, run_id)
            for run_id, run in self.known.items()
            if run.status in ENDED and run.ended_at < self.second - age
        )
        assert gone == [run_id for _, run_id in old[:2]]
        for run_id in gone:
            del self.known[run_id]

    # -- workers and the clock -------------------------------------------------------------

    @rule(target=holders, limit=st.integers(1, 3))
    def claim(self, limit: int) -> Any:
        return self.claim_some(limit)

    def claim_some(self, limit: int) -> Any:
        claimed = self.all(
            lambda store: store.claim(
                owner="w", now=self.now, expires_at=self.later(LEASE),
                running=self.executing, limit=limit,
            )
        )  # fmt: skip
        live = {
            run.key
            for run in self.known.values()
            if run.key is not None and run.status == "leased" and run.expires > self.second
        }
        expected: list[str] = []
        for run_id, run in self.known.items():  # oldest first: none is made earlier than another
            over = run.status == "leased" and run.expires <= self.second
            free = run.status == "pending" or (over and run_id not in self.executing)
            if free and run.key not in live and len(expected) < limit:
                expected.append(run_id)
                if run.key is not None:
                    live.add(run.key)
        assert [run.id for run in claimed] == expected
        for run_id in expected:
            run = self.known[run_id]
            run.status, run.expires = "leased", self.second + LEASE
            run.generation += 1
        self.executing |= set(expected)
        return multiple(*(Holder(run_id, self.known[run_id].generation) for run_id in expected))

    @rule(holder=holders, what=st.sampled_from(["complete", "fail", "release", "renew", "step"]))
    def write(self, holder: Holder, what: str) -> None:
        """A worker writes, perhaps one whose lease was given to another long ago."""
        self.write_as(holder, what)

    def write_as(self, holder: Holder, what: str) -> None:
        run = self.holds(holder)
        run_id, generation, now = holder.run_id, holder.generation, self.now
        name = f"step-{self.second}-{len(run.steps) if run else 0}"
        acts: dict[str, Callable[[Store], Awaitable[bool]]] = {
            "complete": lambda store: store.complete_run(
                run_id, generation, output="[1]", now=now, keep_steps=True
            ),
            "fail": lambda store: store.fail_run(
                run_id, generation, error="no", now=now, keep_steps=True
            ),
            "release": lambda store: store.release(run_id, generation, now=now),
            "renew": lambda store: store.renew_lease(
                run_id, generation, now=now, expires_at=self.later(LEASE)
            ),
            "step": lambda store: store.save_step(
                NewStep(
                    id=f"{run_id}-{name}-{generation}", run_id=run_id, name=name, index=0,
                    status="completed", output="1", error=None, started_at=now, completed_at=now,
                ),
                generation,
            ),
        }  # fmt: skip
        done = self.all(acts[what])
        assert done == (run is not None), f"{what} by {holder} answered {done}"
        if run is None:
            return
        if what in ("complete", "fail"):
            run.status = "completed" if what == "complete" else "failed"
            run.ended_at = self.second
            self.executing.discard(run_id)
        elif what == "release":
            self.executing.discard(run_id)
            if self.waiting(run.key):
                run.expires = self.second  # at most one of a key is pending: it lapses instead
            else:
                run.status = "pending"
        elif what == "renew":
            run.expires = self.second + LEASE
        else:
            run.steps.append(name)

    @rule(holder=consumes(holders))
    def forget(self, holder: Holder) -> None:
        """A worker dies with what it held; nobody executes that any longer."""
        self.executing.discard(holder.run_id)

    @rule()
    def crash(self) -> None:
        """The process dies: the file is all that is left, and the holders are zombies."""
        self.executing.clear()
        self.runner.run(self.stores["sqlite"].close())
        self.stores["sqlite"] = SqliteStore(self.file)
        self.runner.run(self.stores["sqlite"].open())

    @rule(target=holders)
    def take_over(self) -> Any:
        """Every worker dies, its leases lapse, and another takes what they held: zombies."""
        dead = [
            Holder(i, run.generation) for i, run in self.known.items() if run.status == "leased"
        ]
        self.executing.clear()
        self.second += LEASE
        claimed = self.claim_some(3)
        for holder in dead:
            self.write_as(holder, "step")
            if self.holds(holder) is None:
                self.write_as(holder, "complete")
        return claimed

    @rule(seconds=st.integers(1, LEASE + 1))
    def clock(self, seconds: int) -> None:
        self.second += seconds

    # -- what holds at any time ------------------------------------------------------------

    @invariant()
    def stores_are_as_the_model(self) -> None:
        for run_id, run in self.known.items():
            stored = self.all(lambda store, run_id=run_id: store.get_run(run_id))  # type: ignore[misc]
            assert stored is not None, run_id
            assert (stored.status, stored.lease_generation) == (run.status, run.generation), run_id
            steps = self.all(lambda store, run_id=run_id: store.get_steps(run_id))  # type: ignore[misc]
            assert [step.name for step in steps] == run.steps, run_id
        for number in range(self.made):
            if (run_id := f"run-{number:03d}") not in self.known:
                assert self.all(lambda store, run_id=run_id: store.get_run(run_id)) is None  # type: ignore[misc]

    def teardown(self) -> None:
        self.all(lambda store: store.close())
        self.runner.close()
        self.folder.cleanup()


TestStores = Machine.TestCase
