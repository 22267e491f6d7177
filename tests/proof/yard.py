"""A yard for engines: a database, a journal beside it, a clock, and servers to be tortured."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from tests.proof import victim
from tests.proof.report import Trial
from tests.proof.verdict import Journal, Stop, judge

ENDS_WITHIN = 60.0
"""Seconds until every run has ended, once the server is left in peace."""


class Server:
    """One server process."""

    def __init__(self, pid: int, url: str) -> None:
        self.pid = pid
        self.url = url

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


class Yard:
    """A database, a journal beside it, a clock, and servers on it; and what was answered."""

    def __init__(self, trial: Trial, db: Path, forge: asyncio.subprocess.Process) -> None:
        self.db = db
        self.journal = Journal(trial.folder / "journal")
        self.clock = trial.folder / "clock"
        self.gate = trial.folder / "gate"
        self.acknowledged: dict[str, str] = {}
        self.refused = 0
        self.servers: list[Server] = []
        self.stops: list[Stop] = []
        self._trial = trial
        self._dice = trial.dice
        self._forge = forge
        self._clients: dict[int, asyncio.Task[None]] = {}
        self._resting = False

    async def start(self) -> Server:
        """A new server, and a client that triggers runs on it for as long as it lives."""
        server = await self.try_start()
        if isinstance(server, str):
            raise AssertionError(f"the server did not start: {server}")
        self.servers.append(server)
        self.work(server)
        return server

    async def try_start(self) -> Server | str:
        """A new server, or why there is none."""
        assert self._forge.stdin is not None
        assert self._forge.stdout is not None
        self._forge.stdin.write(b"go\n")
        said: dict[str, str] = {}
        async with asyncio.timeout(30):
            while len(said) < 2:
                line = (await self._forge.stdout.readline()).decode()
                word, _, value = line.partition(" ")
                said[word] = value.strip()
        return (
            Server(int(said["born"]), said["listening"]) if "listening" in said else said["failed"]
        )

    def work(self, server: Server) -> None:
        """Trigger runs on a server until ``rest``, or until it is gone."""
        self._clients[server.pid] = asyncio.create_task(self._trigger(server))

    async def kill(self, server: Server) -> None:
        """SIGKILL."""
        self.servers.remove(server)
        server.signal(signal.SIGKILL)
        await self._clients.pop(server.pid)

    async def rest(self) -> None:
        """No more triggers, once what was asked for is answered: it could still happen."""
        self._resting = True
        clients, self._clients = list(self._clients.values()), {}
        await asyncio.gather(*clients)

    async def trigger(self, server: Server, name: str, input: int) -> str:
        """Trigger one run; its id."""
        async with _http(server.url) as http:
            answer = await http.post("/trigger", json={"jobName": name, "input": input})
        run_id = str(answer.raise_for_status().json()["runId"])
        self.acknowledged[run_id] = name
        return run_id

    async def answered(self, times: int) -> None:
        """Wait for so many more answers, so that a slow machine has its faults at work as well."""
        wanted = len(self.acknowledged) + times
        async with asyncio.timeout(20):
            while len(self.acknowledged) < wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def until_refused(self, before: int) -> None:
        """Wait until a trigger is refused."""
        async with asyncio.timeout(20):
            while self.refused == before:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def all_ended(self) -> None:
        """Wait until no run is active."""
        await self.rest()
        active = {"status": ["pending", "leased"], "limit": 1}
        async with _http(self.servers[0].url) as http, asyncio.timeout(ENDS_WITHIN):
            while (await http.get("/runs", params=active)).json():  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def _trigger(self, server: Server) -> None:
        dice = self._dice
        async with _http(server.url) as http:
            while not self._resting:
                name = dice.choice(["walk", "walk", "carry", "fall"])
                body: dict[str, object] = {"jobName": name, "input": 1}
                if dice.random() < 0.2:
                    body |= {"concurrencyKey": "one", "coalesce": "skip"}
                try:
                    answer = await http.post("/trigger", json=body)
                except httpx.TimeoutException:
                    self.refused += 1
                    continue
                except httpx.TransportError as error:
                    if server in self.servers:
                        self._trial.violated(f"a server went away by itself: {error!r}")
                    return
                if answer.status_code == 200:
                    self.acknowledged[answer.json()["runId"]] = name
                else:
                    self.refused += 1
                    told = answer.json().get("error", "")
                    if answer.status_code not in {500, 503}:
                        self._trial.violated(f"a trigger was answered {answer.status_code}: {told}")
                    if not told or "Traceback" in told:
                        self._trial.violated(f"a refusal gives no reason: {answer.text[:200]}")
                    await asyncio.sleep(0.05)
                await asyncio.sleep(dice.uniform(0, 0.04))

    async def stop_for(self, server: Server, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after some time."""
        server.signal(signal.SIGSTOP)
        stopped = time.monotonic()
        await asyncio.sleep(seconds)
        woken = time.monotonic()
        server.signal(signal.SIGCONT)
        self.stops.append(Stop(server.pid, stopped, woken))

    def judge(self) -> str:
        """Hold what is in the database and in the journal to what was promised; the figures."""
        return judge(
            self._trial,
            self.db,
            self.journal,
            self.acknowledged,
            refused=self.refused,
            stops=self.stops,
        )


def _http(url: str) -> httpx.AsyncClient:
    no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(base_url=url, timeout=10, verify=no_tls)


@contextlib.asynccontextmanager
async def yard(trial: Trial, db: Path | None = None) -> AsyncIterator[Yard]:
    """A place with no server yet; whatever is started there ends with it."""
    db = db or trial.folder / "engine.db"
    journal, clock, gate = (trial.folder / name for name in ("journal", "clock", "gate"))
    victim.set_dial(clock, 0)
    victim.set_dial(gate, 0)
    journal.touch()
    forge = await asyncio.create_subprocess_exec(
        *(sys.executable, victim.__file__, *map(str, (db, journal, clock, gate))),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    made = Yard(trial, db, forge)
    try:
        yield made
    finally:
        for server in list(made.servers):
            made.servers.remove(server)
            server.signal(signal.SIGKILL)
        await made.rest()
        forge.kill()
        await forge.communicate()
