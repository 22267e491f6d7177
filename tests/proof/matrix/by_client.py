"""Our client and our hooks."""

from __future__ import annotations

from typing import Any

from support.peers import QUICK

from durably_tui.client import DurablyClient
from durably_tui.protocol import RunsQuery, RunStatus, Trigger
from durably_tui.state import JobRun, create_durably_client
from tests.proof.matrix.driver import CLIENT, Driver, Followed
from tests.proof.matrix.servers import until


class ByClient(Driver):
    """``Runs`` and ``JobRun`` listen, ``RunActions`` acts, the client asks for the rest."""

    name = CLIENT

    async def open(self) -> None:
        self.client = await self._life.enter_async_context(DurablyClient(self.url, pace=QUICK))
        self.hooks = await self._life.enter_async_context(create_durably_client(self.client))
        self.list = await self._life.enter_async_context(self.hooks.use_runs(page_size=50))
        self.actions = self.hooks.use_run_actions()
        self.following: dict[str, JobRun[Any, Any]] = {}
        self._epoch = 0
        await until("the list", lambda: not self.list.is_loading and self.list.error is None)

    async def runs(self, status: str) -> list[str]:
        found = await self.client.get_runs(RunsQuery(statuses=(RunStatus(status),), limit=50))
        return [run.id for run in found]

    async def trigger(self, job: str, input: Any) -> str:
        return (await self.actions.trigger(Trigger(job_name=job, input=input))).run_id

    async def sees(self, run_id: str, status: str | None, job: str = "steps") -> None:
        def now() -> str | None:
            return next((run.status.value for run in self.list.runs if run.id == run_id), None)

        await until(f"{run_id} {status} in Runs ({now()})", lambda: now() == status)

    async def follow(self, run_id: str, job: str) -> None:
        hook = self.hooks.job(job).use_run(run_id)
        self.following[run_id] = await self._life.enter_async_context(hook)
        await until("the stream", lambda: hook.connection.epoch > 0)

    async def followed(self, run_id: str, wanted: Followed) -> None:
        hook = self.following[run_id]

        def now() -> Followed:
            return Followed(
                hook.status.value if hook.status else "",
                [line.message for line in hook.logs],
                hook.progress.current if hook.progress else None,
                hook.output,
                hook.error,
            )

        try:
            await until("", lambda: now() == wanted)
        except AssertionError:
            raise AssertionError(f"JobRun is {now()}, not {wanted}") from None

    async def run(self, run_id: str) -> str | None:
        found = await self.client.get_run(run_id)
        return None if found is None else found.status.value

    async def steps(self, run_id: str) -> list[tuple[str, str]]:
        return [(step.name, step.status.value) for step in await self.client.get_steps(run_id)]

    async def cancel(self, run_id: str) -> None:
        await self.actions.cancel(run_id)

    async def delete(self, run_id: str) -> None:
        await self.actions.delete_run(run_id)
        if self.world.is_08:
            await self.list.refresh()  # 0.8 tells nobody of a deletion

    async def retry(self, run_id: str) -> None:
        await self.client.retry(run_id)

    async def retrigger(self, run_id: str) -> str:
        return await self.client.retrigger(run_id)

    async def extras(self, run_id: str) -> None:
        jobs = await self.client.get_jobs()
        assert jobs is not None
        assert "steps" in {job.name for job in jobs}, jobs
        logs = await self.client.get_logs(run_id)
        assert logs is not None
        assert [line.message for line in logs] == ["about to fail"], logs
        stats = await self.client.get_stats()
        assert stats is not None
        assert "fails" in {job.job_name for job in stats.jobs}, stats

    async def goes_away(self) -> None:
        self._epoch = self._newest.connection.epoch

    async def comes_back(self) -> None:
        # Who hears by the list first that the run has ended need not listen to it again.
        await until("the stream again", lambda: self._newest.connection.epoch > self._epoch)

    @property
    def _newest(self) -> JobRun[Any, Any]:
        return next(reversed(self.following.values()))
