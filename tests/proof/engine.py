"""The second half of ``make chaos``: an engine that is killed, stopped, starved and lied to.

Every run ends once, no finished step runs twice, no acknowledged trigger is lost. A step that is
under way when its server dies is begun again elsewhere: that is not finished, so it is allowed. So
is one whose process was stopped between its last look at the lease and the step's first line, and
goes on there when it wakes up, which nothing outside of it could prevent; but it must not store it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx

from tests.proof import victim
from tests.proof.report import Check, Skipped, Trial, main

TITLE = "Engine chaos: killed, stopped, starved and lied to"
ENDS_WITHIN = 60.0
"""Seconds until every run has ended, once the server is left in peace."""
EXPECTED = {
    "walk": ("completed", str(victim.STEPS), None, victim.STEPS),
    "carry": ("completed", str(victim.STEPS), None, victim.STEPS),
    "fall": ("failed", None, "as planned", 1),
}
BUSY = 6.5
"""Seconds: longer than the server waits for a lock, and than many leases."""


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
        self.journal = trial.folder / "journal"
        self.clock = trial.folder / "clock"
        self.acknowledged: dict[str, str] = {}
        self.refused = 0
        self.servers: list[Server] = []
        self.stops: list[tuple[int, float, float]] = []
        """Which process was stopped from when to when, by the machine's monotonic clock."""
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
        self.stops.append((server.pid, stopped, woken))

    def _was_at_it(self, pid: int, finished: float, last_note: float) -> bool:
        """Whether a process was stopped while another finished the step that it now begins, and has
        noted nothing of the run since it woke up."""
        return any(
            pid == stopped and since <= finished <= until and last_note <= until
            for stopped, since, until in self.stops
        )

    # -- the verdict -----------------------------------------------------------------------

    def judge(self) -> str:
        """Hold what is in the database and in the journal to what was promised; the figures."""
        trial = self._trial
        history: defaultdict[str, list[str]] = defaultdict(list)
        finished: dict[tuple[str, str], float] = {}
        noted: dict[tuple[str, str], float] = {}
        zombies: set[tuple[str, str, str]] = set()
        begun: defaultdict[tuple[str, str], int] = defaultdict(int)
        ended: defaultdict[str, int] = defaultdict(int)
        for line in self.journal.read_text().splitlines():
            said, pid, what, run_id, step = line.split(" ", 4)
            at, last_note = float(said), noted.get((pid, run_id), 0.0)
            noted[pid, run_id] = at
            history[run_id].append(line)
            key = run_id, step
            if what == "finished":
                finished.setdefault(key, at)
                if (pid, *key) in zombies:
                    trial.violated(f"a zombie stored {step} of {run_id}", history[run_id])
            elif what == "began":
                begun[key] += 1
                if key in finished and self._was_at_it(int(pid), finished[key], last_note):
                    zombies.add((pid, *key))
                elif key in finished:
                    trial.violated(
                        f"{step} of {run_id} was finished and ran again", history[run_id]
                    )
            else:
                ended[run_id] += 1
        for run_id, times in ended.items():
            trial.expect(times == 1, f"{run_id} ended {times} times", history[run_id])
        db = sqlite3.connect(self.db)
        with contextlib.closing(db):
            trial.expect(db.execute("PRAGMA integrity_check").fetchone() == ("ok",), "a torn file")
            rows = db.execute(
                "SELECT id, job_name, lease_owner, status, output, error, completed_step_count "
                "FROM durably_runs"
            ).fetchall()
            steps = dict(db.execute(
                "SELECT run_id, count(*) FROM durably_steps WHERE status = 'completed' "
                "GROUP BY run_id"
            ))  # fmt: skip
        stored = {row[0] for row in rows}
        for run_id in self.acknowledged.keys() - stored:
            trial.violated(f"{run_id} was answered and is lost", history[run_id])
        for run_id, job_name, owner, *rest in rows:
            right = EXPECTED[job_name]
            kept = steps.get(run_id, 0)
            if tuple(rest) != right or kept != right[-1] or owner is not None:
                trial.violated(
                    f"{run_id} of {job_name} is {rest}, with {kept} steps, owned by {owner}",
                    history[run_id],
                )
        again = sum(times - 1 for times in begun.values())
        return (
            f"{len(rows)} runs, {len(self.acknowledged)} triggers answered, "
            f"{self.refused} refused, {again} unfinished steps begun again"
            + (f", {len(zombies)} by a zombie as it woke up" if zombies else "")
        )


def _http(url: str) -> httpx.AsyncClient:
    no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(base_url=url, timeout=10, verify=no_tls)


@contextlib.asynccontextmanager
async def yard(trial: Trial, db: Path | None = None) -> AsyncIterator[Yard]:
    """A place with no server yet; whatever is started there ends with it."""
    db = db or trial.folder / "engine.db"
    journal, clock = trial.folder / "journal", trial.folder / "clock"
    victim.set_clock(clock, 0)
    journal.touch()
    forge = await asyncio.create_subprocess_exec(
        *(sys.executable, victim.__file__, str(db), str(journal), str(clock)),
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


# -- the checks --------------------------------------------------------------------------------


async def kills(trial: Trial) -> str:
    """SIGKILL at any moment, and a new server on the same file."""
    times = trial.pick(100, 10)
    async with yard(trial) as place:
        for _ in range(times):
            server = await place.start()
            await place.answered(trial.dice.choice([0, 1, 2, 4, 8]))
            await asyncio.sleep(trial.dice.uniform(0, 0.1))
            await place.kill(server)
        await place.start()
        await place.all_ended()
        return f"{times} kills, {place.judge()}"


async def zombies(trial: Trial) -> str:
    """SIGSTOP for longer than the lease while another server is at work, and then SIGCONT."""
    times = trial.pick(60, 8)
    async with yard(trial) as place:
        both = [await place.start(), await place.start()]
        for _ in range(times):
            zombie = trial.dice.choice(both)
            await asyncio.sleep(trial.dice.uniform(0.05, 0.2))
            await place.stop_for(zombie, victim.LEASE * trial.dice.uniform(1.2, 2.5))
        await place.all_ended()
        return f"{times} stops, {place.judge()}"


async def two_servers(trial: Trial) -> str:
    """Two servers on one file, one of which is always being killed."""
    times = trial.pick(50, 6)
    async with yard(trial) as place:
        await place.start()
        for _ in range(times):
            await place.start()
            await place.answered(trial.dice.randint(1, 10))
            await place.kill(trial.dice.choice(place.servers))
        await place.all_ended()
        return f"{times} kills, {place.judge()}"


async def full_disk(trial: Trial) -> str:
    """No room is left for seconds, and then there is some again."""
    times = trial.pick(5, 1)
    # More than the write-ahead log takes before it is written back.
    with disk(trial, megabytes=64) as folder:
        async with yard(trial, folder / "engine.db") as place:
            await place.start()
            for _ in range(times):
                await place.answered(10)
                refused = place.refused
                filler = _fill(folder)
                await place.until_refused(refused)
                await asyncio.sleep(trial.dice.uniform(1.0, 2.0))
                filler.unlink()
                await place.answered(5)
            await place.all_ended()
            return f"{times} times full, {place.judge()}"


async def locked(trial: Trial) -> str:
    """Another process holds the database's write lock for longer than the server waits for it."""
    times = trial.pick(5, 1)
    async with yard(trial) as place:
        await place.start()
        for _ in range(times):
            await place.answered(10)
            holder = sqlite3.connect(place.db, isolation_level=None, timeout=10)
            with contextlib.closing(holder):
                holder.execute("BEGIN IMMEDIATE")
                await asyncio.sleep(BUSY)
                holder.execute("ROLLBACK")
            await place.answered(5)
        await place.all_ended()
        return f"{times} locks of {BUSY:g} s, {place.judge()}"


async def read_only(trial: Trial) -> str:
    """The file system can only be read: the server says so in a sentence, and changes nothing."""
    with disk(trial, megabytes=8) as folder:
        async with yard(trial, folder / "engine.db") as place:
            server = await place.start()
            await place.answered(20)
            await place.kill(server)
        _mount(folder, "remount,ro")
        async with yard(trial, folder / "engine.db") as again:
            found = await again.try_start()
            if isinstance(found, Server):
                again.servers.append(found)
                raise AssertionError("it started on a file that it cannot write")
            sentence = found
            trial.expect(
                sentence.startswith("StoreError: The database") and "\n" not in sentence,
                f"what is said is no sentence: {sentence}",
            )
        _mount(folder, "remount,rw")
        async with yard(trial, folder / "engine.db") as last:
            last.acknowledged = place.acknowledged
            await last.start()
            await last.answered(5)
            await last.all_ended()
            told = sentence.partition(": ")[2].replace(f"{folder}/", "")
            return f"it said “{told}”, {last.judge()}"


async def jumping_clock(trial: Trial) -> str:
    """The clock of the machine is set forwards and back while two servers are at work."""
    async with yard(trial) as place:
        await place.start()
        await place.start()
        ahead = 0
        for hours in [1, -1, 24, -23] * trial.pick(5, 1):
            if hours < 0:
                # A lease ends when the clock says so: that of a killed server, given by a clock
                # that is then set back, would hold its run for so long.
                await asyncio.sleep(2 * victim.LEASE)
            await place.answered(10)
            ahead += hours * 3_600_000
            victim.set_clock(place.clock, ahead)
            await asyncio.sleep(trial.dice.uniform(0.2, 0.6))
            if hours > 0:
                await place.kill(trial.dice.choice(place.servers))
                await place.start()
        await place.all_ended()
        return f"set {4 * trial.pick(5, 1)} times, {place.judge()}"


# -- a small disk ------------------------------------------------------------------------------


@contextlib.contextmanager
def disk(trial: Trial, megabytes: int) -> Iterator[Path]:
    """A small file system in memory, mounted for as long as the block runs."""
    folder = trial.folder / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        raise Skipped("only root can mount a small disk")
    _mount(folder, f"size={megabytes}m", "-t", "tmpfs", "tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False, capture_output=True)


def _mount(folder: Path, options: str, *more: str) -> None:
    try:
        subprocess.run(
            ["mount", *more, "-o", options, str(folder)], check=True, capture_output=True
        )
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise Skipped(f"a small disk cannot be mounted here: {error}") from None


def _fill(folder: Path) -> Path:
    """Take all the room that is left; gives the file that has it."""
    filler = folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return filler


CHECKS = [
    Check("SIGKILL at any moment", kills, 600, 90),
    Check("SIGSTOP past the lease: a zombie wakes up", zombies, 600, 90),
    Check("two servers on one file, killed", two_servers, 600, 90),
    Check("a full disk", full_disk, 300, 90),
    Check("a locked database", locked, 300, 90),
    Check("a read-only disk", read_only, 120, 90),
    Check("the clock jumps", jumping_clock, 300, 90),
]

if __name__ == "__main__":
    main("engine", TITLE, CHECKS)
