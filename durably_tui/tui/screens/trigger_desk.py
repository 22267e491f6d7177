"""What the dialog that makes a new run knows of jobs: their schemas, and what they were given."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from durably_tui.protocol import DurablyError, JobInfo, RunsQuery, Trigger, Unauthorised
from durably_tui.tui.forms import Field, read_schema
from durably_tui.tui.recent_inputs import MAX_INPUT_BYTES, RecentInput, RecentInputs
from durably_tui.tui.session import Session

_LAST_RUNS = 5


class TriggerDesk:
    """Asks the server and the file of remembered inputs."""

    def __init__(self, session: Session) -> None:
        """For the jobs of ``session``."""
        self._port = session.hooks.port
        self._remembered = RecentInputs(session.url, clock=session.clock)
        self.now = session.clock
        """Seconds since the epoch."""
        self._jobs: dict[str, JobInfo] | None = None

    async def jobs(self) -> dict[str, JobInfo]:
        """The registered jobs by name; none where the server does not list them to this client.

        Raises:
            DurablyError: the server could not answer just now.
        """
        if self._jobs is None:
            listed: list[JobInfo] | None = None
            with contextlib.suppress(Unauthorised):
                listed = await self._port.get_jobs()
            self._jobs = {job.name: job for job in listed or ()}
        return self._jobs

    async def form(self, job_name: str) -> Field | None:
        """What the job takes, as fields; None where no schema of it is known.

        Raises:
            DurablyError: the server could not answer just now.
        """
        info = (await self.jobs()).get(job_name)
        return read_schema(info.input_schema) if info is not None else None

    async def doubt(self, job_name: str) -> str:
        """What speaks against a name: that the server lists its jobs, and this is none of them."""
        jobs = await self.jobs()
        if not jobs or job_name in jobs:
            return ""
        return f"The server has no job '{job_name}': there are {', '.join(sorted(jobs))}."

    async def recent(self, job_name: str) -> list[RecentInput]:
        """What the job was given: from here first, then by its last runs, the newest first."""
        found = await asyncio.to_thread(self._remembered.of, job_name)
        query = RunsQuery(job_names=(job_name,), limit=_LAST_RUNS)
        with contextlib.suppress(DurablyError):
            for run in await self._port.get_runs(query):
                # A run from here may have more in its input than was sent: what it leaves out.
                known = any(
                    each.run_id == run.id or _is_same(each.input, run.input) for each in found
                )
                if not known and run.input is not None and _is_handy(run.input):
                    at = run.created_at.timestamp() if run.created_at else 0.0
                    found.append(RecentInput(input=run.input, labels=run.labels, at=at))
        return found

    async def remember(self, trigger: Trigger, run_id: str) -> None:
        """Keep what was sent, and which run it made."""
        await asyncio.to_thread(self._remembered.remember, trigger, run_id)


def _is_handy(value: Any) -> bool:
    return len(json.dumps(value, default=str)) <= MAX_INPUT_BYTES


def _is_same(one: Any, other: Any) -> bool:
    """Equal as JSON, where true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
