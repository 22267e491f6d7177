"""The one story: told by each client to each server, with what each stage of it proves.

A stage that fails leaves its cells unproved, and ends the story. A cell is proved where its stage
went well *and* the wire carried it (``tap``): a client that never asked or heard proves nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.proof.matrix.driver import Driver, Followed
from tests.proof.matrix.servers import World

ONE, ALL = "/subscribe", "/runs/subscribe"


def on(stream: str, *events: str) -> list[str]:
    """The cells of events on a stream."""
    return [f"{event} on {stream}" for event in events]


class Story:
    """Told once; ``proved`` are the cells that may count."""

    def __init__(self, driver: Driver, world: World) -> None:
        self.driver = driver
        self.world = world
        self.proved: set[str] = set()
        self.at = ""

    @contextlib.contextmanager
    def stage(self, name: str, *cells: str) -> Iterator[None]:
        self.at = name
        yield
        self.proved |= set(cells)

    async def tell(self) -> None:
        done = await self._a_run_from_its_trigger_to_its_end()
        failed = await self._a_run_that_fails()
        await self._a_run_that_is_cancelled()
        await self._lists(done, failed)
        if self.world.is_ours and self.driver.asks_extras:
            with self.stage("extras", *EXTRAS):
                await self.driver.extras(failed)
        if not self.world.is_08:
            await self._a_trigger_that_joins_another()
        if self.world.has_retry and self.driver.has_retry:
            await self._the_same_run_again(failed)
        if not self.world.is_08:
            await self._a_new_run_like_it(failed)
        await self._a_run_that_is_deleted(failed)
        await self._a_server_that_is_killed(done)

    async def _a_run_from_its_trigger_to_its_end(self) -> str:
        driver = self.driver
        with self.stage(
            "a run from its trigger to its end",
            *("GET /runs", "POST /trigger", "GET /runs/subscribe", "GET /subscribe"),
            *on(ALL, "run:trigger", STARTED, "run:progress", "step:start", "step:complete"),
            *on(ALL, "log:write", "run:complete"),
            *on(ONE, STARTED, "run:progress", "step:start", "step:complete", "log:write"),
            *on(ONE, "run:complete"),
        ):
            async with self.world.busy():
                run_id = await driver.trigger("steps", {"count": 3, "delayMs": 150})
                await driver.sees(run_id, "pending")
                await driver.follow(run_id, "steps")
            await driver.sees(run_id, "completed")
            lines = [f"finished step {i}" for i in range(3)]
            await driver.followed(run_id, Followed("completed", lines, 3, {"done": 3}))
            await driver.heard(
                run_id, "step:start", "run:progress", "step:complete", "run:complete"
            )
        return run_id

    async def _a_run_that_fails(self) -> str:
        driver = self.driver
        with self.stage(
            "a run that fails", *on(ALL, "run:fail", "step:fail"), *on(ONE, "run:fail", "step:fail")
        ):
            async with self.world.busy():
                run_id = await driver.trigger("fails", {"message": "disk is full"})
                await driver.sees(run_id, "pending", "fails")
                await driver.follow(run_id, "fails")
            await driver.sees(run_id, "failed", "fails")
            lines = ["about to fail"]
            await driver.followed(run_id, Followed("failed", lines, error="disk is full"))
            await driver.heard(run_id, "step:fail")
        return run_id

    async def _a_run_that_is_cancelled(self) -> None:
        driver = self.driver
        cells = on(ALL, "run:cancel") + on(ONE, "run:cancel")
        if not self.world.is_08:
            cells += on(ALL, "step:cancel")
        with self.stage("a run that is cancelled", "POST /cancel", *cells):
            run_id = await driver.trigger("steps", {"count": 1000, "delayMs": 300})
            await driver.sees(run_id, "running")
            await driver.follow(run_id, "steps")
            # Between two steps there is none that could be cancelled.
            await self.world.until_a_step_begins(run_id)
            await driver.cancel(run_id)
            await driver.sees(run_id, "cancelled")
            await self.world.until_run(run_id, "cancelled", lambda r: r["status"] == "cancelled")

    async def _lists(self, done: str, failed: str) -> None:
        driver = self.driver
        with self.stage("what is asked of one run, and of the list", "GET /run", "GET /steps"):
            assert await driver.runs("failed") == [failed]
            assert done in await driver.runs("completed")
            assert await driver.run(done) == "completed"
            assert await driver.run("01H00000000000000000000000") is None
            answer = (await self.world.ask("GET", "/steps", runId=failed)).json()
            kept = [(step["name"], step["status"]) for step in answer]
            assert await driver.steps(failed) == kept, kept

    async def _a_trigger_that_joins_another(self) -> None:
        driver, world = self.driver, self.world
        with self.stage("a trigger that joins another", *on(ALL, "run:coalesced")):
            async with world.busy():
                first = await world.trigger("echo", {"value": "a"}, concurrencyKey="k")
                await driver.sees(first, "pending", "echo")
                await driver.follow(first, "echo")
                again = await world.trigger(
                    "echo", {"value": "b"}, concurrencyKey="k", coalesce="skip"
                )
                assert again == first
            await driver.sees(first, "completed", "echo")
            await driver.followed(first, Followed("completed", output={"value": "a"}))

    async def _the_same_run_again(self, failed: str) -> None:
        driver = self.driver
        with self.stage(
            "the same run again", "POST /retry", *on(ALL, "run:retry"), *on(ONE, "run:retry")
        ):
            async with self.world.busy():
                await driver.retry(failed)
                await driver.sees(failed, "pending", "fails")
            await driver.sees(failed, "failed", "fails")
            assert await driver.runs("failed") == [failed]

    async def _a_new_run_like_it(self, failed: str) -> None:
        driver = self.driver
        with self.stage("a new run like it", "POST /retrigger"):
            new = await driver.retrigger(failed)
            assert new != failed
            await driver.sees(new, "failed", "fails")
            assert (await driver.runs("failed"))[0] == new

    async def _a_run_that_is_deleted(self, failed: str) -> None:
        driver = self.driver
        cells = [] if self.world.is_08 else on(ALL, "run:delete")
        with self.stage("a run that is deleted", "DELETE /run", *cells):
            await driver.delete(failed)
            await driver.sees(failed, None, "fails")
            assert await self.world.run(failed) is None

    async def _a_server_that_is_killed(self, first: str) -> None:
        driver = self.driver
        cells = on(ALL, "gap") + on(ONE, "gap") if self.world.is_ours else []
        with self.stage("a server that is killed and started again", *cells):
            long = await self.world.trigger("steps", {"count": 1000, "delayMs": 300})
            await driver.sees(long, "running")
            await driver.follow(long, "steps")
            # Only who has the id of an event can be told that others are missing after it.
            done = ((await self.world.run(long)) or {})["currentStepIndex"]
            await self.world.until_run(
                long, "two more steps", lambda run: run["currentStepIndex"] >= done + 2
            )
            await driver.goes_away()
            await self.world.restart()
            await driver.comes_back()
            await self.world.ask("POST", "/cancel", runId=long)
            await driver.sees(long, "cancelled")
            new = await self.world.trigger("echo", {"value": "after"})
            await driver.sees(new, "completed", "echo")
            await driver.sees(first, "completed")


STARTED = "run:leased | run:start"
EXTRAS = (
    *("GET", "GET /jobs", "GET /logs", "GET /stats", "GET /health", "GET /health/live"),
    *("GET /health/ready", "GET /metrics", "GET /openapi.json"),
)
"""Routes that only our server has."""
