"""The hooks and the monitor on a server, and whether what they show is what the server says."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.monitor import Monitor, watching
from support.python_server import PythonServer
from support.server_process import ServerProcess

from durably_tui.client import DurablyClient, Pace
from durably_tui.protocol import LogEntry, Phase
from durably_tui.state import (
    AllRuns,
    Clock,
    DurablyHooks,
    HistoryLimits,
    JobLogs,
    JobRun,
    MergedLogs,
    Runs,
    create_durably_client,
)
from durably_tui.tui.session import Session
from tests.proof import likeness
from tests.proof.load import Hand, Load, Row
from tests.proof.proxy import Proxy, proxy

CALM = 25.0
"""Seconds after the last fault until the state has to be the server's."""
PAGE = 20
REMEMBERED = 100
"""Runs whose events are kept: more than there are in one round, and soon reached."""
WARM_RUNS, WARM_RATE = 250, 60.0
"""Runs before the first fault, where the server is quick, and how many a second are asked for."""
QUICK = {
    "first_delay": 0.05,
    "max_delay": 0.5,
    "head_grace": 0.5,
    "probe_every": 0.5,
    "probe_timeout": 1.0,
    "quiet_after": 1.0,
    "closing_grace": 0.1,
}
"""Times of a client that is patient for tests only."""


@dataclass
class Followed:
    """One run with hooks of its own."""

    run: JobRun[Any, Any]
    logs: JobLogs


@dataclass
class Stage:
    """Everything that watches one server."""

    hand: Hand
    load: Load
    client: DurablyClient
    hooks: DurablyHooks
    page: Runs[Any, Any]
    failed: Runs[Any, Any]
    everything: AllRuns | None
    log: MergedLogs
    monitor: Monitor
    stores_lines: bool
    followed: list[Followed] = field(default_factory=list)
    taken: int = 0
    """Lines of the log before this number are of a round before."""

    async def follow(self, count: int, **steps: int) -> None:
        """Trigger runs of some steps and follow each with hooks of its own."""
        input = {"count": 5, "delayMs": 100} | steps
        for _ in range(count):
            run_id = await self.hand.trigger("steps", input)
            job = self.hooks.job("steps")
            followed = Followed(job.use_run(run_id).start(), job.use_logs(run_id).start())
            self.followed.append(followed)

    async def warm_up(self) -> None:
        """Do everything often, in calm, until what is kept of runs is full and most of what is
        kept of the screen: what grows much after that is held for no reason."""
        await self.follow(2)
        rate, self.load.rate = self.load.rate, WARM_RATE
        self.load.start()
        end = time.monotonic() + CALM
        while self.load.triggered < WARM_RUNS and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        self.load.rate = rate
        if other := await self.calm():
            raise AssertionError(f"before any fault: {other}")
        await self.rest()

    async def until_live(self, live: bool = True) -> None:
        """Wait until the stream of all runs is open, or is not."""
        async with asyncio.timeout(CALM):
            while (self.hooks.feed.connection.phase is Phase.LIVE) != live:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def calm(self, *, killed: bool = False) -> str:
        """End the load and compare once the server is quiet; how it differs, or nothing.

        ``killed``: the server died, perhaps before it had stored all log lines that it told.
        """
        await self.load.stop()
        async with asyncio.timeout(CALM):
            await self.hand.until_quiet()
        wire = likeness.newest_first(await self.hand.runs())
        steps = {each.run.run_id or "": await self._steps(each) for each in self.followed}
        stored = await self.hand.logs() if self.stores_lines else []
        deadline = time.monotonic() + CALM
        while other := self._other(wire, steps, stored, killed):
            if time.monotonic() > deadline:
                return other
            await asyncio.sleep(0.05)
        return ""

    async def rest(self) -> None:
        """Forget this round: the runs are deleted, and that is waited for."""
        for each in self.followed:
            await each.run.aclose()
            await each.logs.aclose()
        self.followed.clear()
        await self.hand.clear()
        deadline = time.monotonic() + CALM
        while self.page.runs or len(self.monitor_runs):
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"deleted runs stay: {len(self.page.runs)} of use_runs, "
                    f"{len(self.monitor_runs)} of the monitor, {await self.hand.runs()} at the "
                    f"server; {self.page.state}; {self.hooks.feed.connection}"
                )
            await asyncio.sleep(0.02)
        self.taken = self.log.lines.end

    @property
    def lines(self) -> list[LogEntry]:
        """What the log of all runs took in this round, gaps left out."""
        lines = self.log.lines
        numbers = range(max(self.taken, lines.first), lines.end)
        return [lines.entry(number) for number in numbers if not lines.line(number).gap]

    @property
    def monitor_runs(self) -> Any:
        """The rows that the monitor shows."""
        rows = self.monitor.runs.rows
        return () if rows is None else rows.runs

    def _other_in_monitor(self, wire: list[Row]) -> str:
        rows = self.monitor.runs.rows
        if rows is None:
            return "it shows no rows"
        most = rows.state.page_size if isinstance(rows, Runs) else None
        return likeness.other_runs(list(rows.runs), wire[:most])

    async def _steps(self, each: Followed) -> list[Row]:
        return await self.hand.ask("GET", "/steps", runId=each.run.run_id) or []

    def _other(
        self, wire: list[Row], steps: dict[str, list[Row]], stored: list[Row], killed: bool
    ) -> str:
        failed = [run for run in wire if run["status"] == "failed"][:PAGE]
        lists = {
            "use_runs": likeness.other_runs(self.page.runs, wire[:PAGE]),
            "use_runs of failed": likeness.other_runs(self.failed.runs, failed),
            "the monitor": self._other_in_monitor(wire),
        }
        if self.everything is not None:
            lists["use_all_runs"] = likeness.other_runs(list(self.everything.runs), wire)
        by_id = {run["id"]: run for run in wire}
        for each in self.followed:
            lists[f"use_run {each.run.run_id}"] = self._other_run(each, by_id, steps)
        if self.stores_lines and not any(lists.values()):
            # A line of a run that was deleted is nobody's any more.
            seen = Counter(
                {
                    line: count
                    for line, count in likeness.lines_of(self.lines).items()
                    if line[0] in by_id
                }
            )
            kept = likeness.stored_lines(stored)
            lists["the log"] = likeness.other_lines(seen, kept, may_have_more=killed)
            for each in self.followed:
                lists[f"use_logs {each.run.run_id}"] = self._other_lines(each, kept, killed)
        return "; ".join(f"{name}: {other}" for name, other in lists.items() if other)

    def _other_run(self, each: Followed, by_id: dict[str, Row], steps: dict[str, list[Row]]) -> str:
        state, run_id = each.run.state, each.run.run_id or ""
        if state is None or not state.described:
            return "nothing is known of it"
        return likeness.other_run(state.current, by_id[run_id]) or likeness.other_steps(
            # A step that a killed server began is shown apart; no server tells of it.
            [each for each in state.steps if not getattr(each, "interrupted", False)],
            steps[run_id],
        )

    def _other_lines(self, each: Followed, kept: Counter[Any], killed: bool) -> str:
        run_id = each.run.run_id or ""
        own = Counter({line: count for line, count in kept.items() if line[0] == run_id})
        seen = likeness.lines_of(each.logs.logs)
        return likeness.other_lines(seen, own, may_have_more=killed)


@contextlib.asynccontextmanager
async def stage(
    server_url: str,
    url: str,
    dice: random.Random,
    *,
    stores_lines: bool,
    verify: Any = True,
    clock: Clock | None = None,
    **pace: Any,
) -> AsyncIterator[Stage]:
    """Watch the server through ``url``; ``server_url`` is the way past whatever is between.

    Args:
        stores_lines: whether it is our server, which stores log lines and lists by cursor.
        clock: where the hooks have their time from.
        pace: times that are others than the quick ones.
    """
    own_clock = {} if clock is None else {"clock": clock.time}
    times = Pace(**(QUICK | own_clock | pace))
    limits = HistoryLimits(runs=REMEMBERED)
    hand = Hand(server_url)
    async with contextlib.AsyncExitStack() as life:
        life.push_async_callback(hand.aclose)
        client = await life.enter_async_context(DurablyClient(url, pace=times, verify=verify))
        hooks = await life.enter_async_context(
            create_durably_client(client, clock=clock, limits=limits)
        )
        own = DurablyClient(url, pace=times, verify=verify)
        session = Session(
            create_durably_client(own, clock=clock, limits=limits), own.url, close=own.aclose
        )
        hooks.feed.open()
        monitor = await life.enter_async_context(watching(session))
        made = Stage(
            hand=hand,
            load=Load(hand, dice),
            client=client,
            hooks=hooks,
            page=hooks.use_runs(page_size=PAGE).start(),
            failed=hooks.use_runs(status="failed", page_size=PAGE).start(),
            everything=hooks.use_all_runs().start() if stores_lines else None,
            log=hooks.use_merged_logs().start(),
            monitor=monitor,
            stores_lines=stores_lines,
        )
        life.push_async_callback(made.load.stop)
        await made.until_live()
        yield made


@contextlib.asynccontextmanager
async def through_a_proxy(
    make: Callable[[Path], ServerProcess], folder: Path, dice: random.Random, **more: Any
) -> AsyncIterator[tuple[ServerProcess, Proxy, Stage]]:
    """A server, the proxy in front of it, and what watches it through that.

    Args:
        make: makes the server, whose files are in ``folder``.
        dice: of the proxy and of the load.
        more: as for ``stage``.
    """
    async with make(folder) as server, proxy(server.port, dice) as between:
        url = server.url.replace(f":{server.port}/", f":{between.port}/")
        stores = isinstance(server, PythonServer)
        async with stage(server.url, url, dice, stores_lines=stores, **more) as watched:
            yield server, between, watched
