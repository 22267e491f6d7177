"""What a client asks a server that changes nothing there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from durably_tui.protocol import JobInfo, LogEntry, NotFound, Run, RunsQuery, Stats, Step

from .door import Params
from .listing import merged, needed_abilities, requests_for
from .requests import Requests, checked, read
from .together import together

_LONGEST_WINDOW = 9_999_999
"""Seconds that the Python server reads as such."""
_LONGEST_NUMBER = 15
"""Digits of a number of runs: a longer one is none."""


class Pong(msgspec.Struct, frozen=True):
    """What a server answered to a ``ping``."""

    took_ms: float
    """From the request to the end of the answer; connecting is no part of it."""
    server_time: datetime | None
    """The server's clock, cut to seconds; None where it does not say."""


class Looking(Requests):
    """Runs, steps, jobs, stored log lines and figures."""

    async def ping(self) -> Pong:
        """Ask for next to nothing: whether the server answers, how quickly, and what its clock
        says.

        Raises:
            DurablyError: it does not answer as a Durably server does.
        """
        answer = checked(await self._door.ask("GET", "/runs", [("limit", "1")]))
        read(answer, self._decoder.runs)
        return Pong(answer.took_ms, _http_date(answer.date))

    async def get_runs(self, query: RunsQuery | None = None) -> list[Run]:
        """The runs that match, newest first."""
        query = query or RunsQuery()
        abilities = await self._knowledge.needing(*needed_abilities(query))
        lists = await together(*(self._runs(params) for params in requests_for(query, abilities)))
        return merged(lists, query)

    async def count_runs(self, query: RunsQuery | None = None) -> int | None:
        """How many runs match on all pages.

        None, with no request for it, where the server does not count, as those of Node.
        """
        if not (await self._knowledge.needing("features")).has("total"):
            return None
        query = msgspec.structs.replace(query or RunsQuery(), limit=1, offset=0, after=None)
        asked = requests_for(query, self._knowledge.abilities)
        if not asked:
            return 0
        answer = checked(await self._door.ask("GET", "/runs", [*asked[0], ("total", "true")]))
        told = answer.total
        return int(told) if told.isdecimal() and len(told) <= _LONGEST_NUMBER else None

    async def get_run(self, run_id: str) -> Run | None:
        """One run, or None if the server has no run with that id."""
        try:
            answer = await self._ask("GET", "/run", run_id)
        except NotFound:
            return None
        return read(answer, self._decoder.run)

    async def get_steps(self, run_id: str) -> list[Step]:
        """The steps that the server still has of a run, by index; 0.15 forgets them at its end.

        Raises:
            NotFound: the server has no such run; a 0.8 server answers no steps instead.
        """
        return read(await self._ask("GET", "/steps", run_id), self._decoder.steps)

    async def get_jobs(self) -> list[JobInfo] | None:
        """The registered jobs, with the schemas of their inputs, by name.

        None, with no request for them, where the server has no such list, as those of Node.

        Raises:
            Unauthorised: the server does not let this client see it.
        """
        if not (await self._knowledge.needing("features")).has("jobs"):
            return None
        return read(checked(await self._door.ask("GET", "/jobs")), self._decoder.jobs)

    async def get_logs(
        self,
        run_id: str | None = None,
        *,
        levels: Sequence[str] = (),
        after: str | None = None,
        before: str | None = None,
        limit: int = 1000,
    ) -> list[LogEntry] | None:
        """Stored log lines of one run, or of all, oldest first.

        None, with no request for them, where the server stores none, as those of Node.

        Args:
            run_id: only lines of this run.
            levels: only these.
            after: the id of a line: only what was written after it.
            before: the id of a line: only what was written before it.
            limit: at most so many, the newest; with ``after`` alone the oldest.

        Raises:
            NotFound: the server has no such run.
            Unauthorised: the server does not let this client see them.
        """
        if not (await self._knowledge.needing("features")).has("logs"):
            return None
        params = [("level", level) for level in levels] + [("limit", str(limit))]
        if run_id is not None:
            params.append(("runId", run_id))
        if after is not None:
            params.append(("after", after))
        if before is not None:
            params.append(("before", before))
        return read(checked(await self._door.ask("GET", "/logs", params)), self._decoder.logs)

    async def get_stats(self, *, window: float = 3600) -> Stats | None:
        """Counts, rates and durations of each job over the last ``window`` seconds.

        None, with no request for them, where the server counts nothing, as those of Node.

        Args:
            window: seconds, at most about 115 days.

        Raises:
            Unauthorised: the server does not let this client see it.
        """
        if not (await self._knowledge.needing("features")).has("stats"):
            return None
        params = [("window", f"{min(max(1, round(window)), _LONGEST_WINDOW)}s")]
        return read(checked(await self._door.ask("GET", "/stats", params)), self._decoder.stats)

    async def _runs(self, params: Params) -> list[Run]:
        answer = checked(await self._door.ask("GET", "/runs", params))
        before = self._decoder.tally.malformed
        runs = read(answer, self._decoder.runs)
        if not runs and self._decoder.tally.malformed > before:
            raise answer.strange("a list of something other than runs")
        return runs


def _http_date(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime

    try:
        told = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    # Without a zone, as ``-0000`` says, it is UTC all the same.
    return told.replace(tzinfo=UTC) if told is not None and told.tzinfo is None else told
