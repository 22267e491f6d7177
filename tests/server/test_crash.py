"""A server that is killed with SIGKILL in the middle of its work, and started again."""

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from support import crashing
from support.plain_http import plain_client
from support.server import make_durably

from durably_server import Step, job

ROWS = 8


@job("import")
async def import_rows(step: Step, input: str) -> int:
    """Each finished row leaves one line; row 3 hangs in the process that is to be killed."""

    def store(n: int) -> int:
        if n == 3 and os.environ.get("HANG") == "1":
            print("hanging", flush=True)
            time.sleep(60)
        with Path(input, "rows").open("a") as rows:
            rows.write(f"{n}\n")
        return n

    total = 0
    for n in range(ROWS):
        total += await step.run(f"row-{n}", store, n)
    return total


async def serve(folder: Path) -> None:
    durably = make_durably(folder, import_rows, lease=1.0, lease_renewal=0.1)
    await durably.init()
    await durably.trigger(import_rows, str(folder))
    await asyncio.sleep(60)


async def test_a_killed_server_resumes_after_the_last_finished_step(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _CHILD, str(tmp_path)),
        env=os.environ | {"HANG": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"hanging\n"
    finally:
        process.kill()
        await process.wait()
    assert (tmp_path / "rows").read_text().split() == ["0", "1", "2"]
    db = sqlite3.connect(tmp_path / "test.db")
    assert db.execute("SELECT status, completed_step_count FROM durably_runs").fetchall() == [
        ("leased", 3)
    ]
    db.close()
    async with make_durably(tmp_path, import_rows, lease=1.0, lease_renewal=0.1) as durably:
        (run,) = await durably.get_runs()
        run = await durably.wait_for_run(run.id, timeout=10)
        steps = await durably.get_steps(run.id)
    assert (run.output, run.lease_generation) == (sum(range(ROWS)), 2)
    assert (tmp_path / "rows").read_text().split() == [str(n) for n in range(ROWS)]
    assert [(s.name, s.index) for s in steps] == [(f"row-{n}", n) for n in range(ROWS)]


_CHILD = f"""
import asyncio, importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("crashing", {__file__!r})
module = importlib.util.module_from_spec(spec)
sys.modules["crashing"] = module
spec.loader.exec_module(module)
asyncio.run(module.serve(Path(sys.argv[1])))
"""


KILLS = 50


class Victims:
    """Servers on one file, of which one lives at a time."""

    def __init__(self, forge: asyncio.subprocess.Process) -> None:
        self._forge = forge

    async def start(self) -> tuple[int, str]:
        """The process and the address of a new one."""
        assert self._forge.stdin is not None
        self._forge.stdin.write(b"go\n")
        said: dict[str, str] = {}
        async with asyncio.timeout(20):
            while len(said) < 2:
                assert self._forge.stdout is not None
                word, _, value = (await self._forge.stdout.readline()).decode().partition(" ")
                said[word] = value.strip()
        return int(said["born"]), said["listening"]


@contextlib.asynccontextmanager
async def forge(folder: Path) -> AsyncIterator[Victims]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, crashing.__file__, str(folder)),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Victims(process)
    finally:
        process.kill()
        await process.wait()


class Client:
    """Triggers runs until the server dies, and writes down what it has answered."""

    def __init__(self, url: str, acknowledged: dict[str, str], dice: random.Random) -> None:
        self._url = url
        self._acknowledged = acknowledged
        self._dice = dice
        self._wanted = 0
        self._enough = asyncio.Event()

    async def work(self) -> None:
        async with plain_client(self._url) as client:
            while True:
                job_name = self._dice.choice(["walk", "walk", "carry", "fall"])
                body: dict[str, object] = {"jobName": job_name, "input": 1}
                if self._dice.random() < 0.3:
                    body |= {"concurrencyKey": "one", "coalesce": "skip"}
                try:
                    response = await client.post("/trigger", json=body)
                except httpx.TransportError:
                    return
                assert response.status_code == 200, response.text
                self._acknowledged[response.json()["runId"]] = job_name
                self._wanted -= 1
                if self._wanted <= 0:
                    self._enough.set()
                await asyncio.sleep(self._dice.uniform(0, 0.03))

    async def until_answered(self, times: int) -> None:
        self._wanted = times
        if times:
            async with asyncio.timeout(20):
                await self._enough.wait()


async def test_fifty_kills_lose_no_run_and_repeat_no_finished_step(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    acknowledged: dict[str, str] = {}
    async with forge(tmp_path) as victims:
        for _ in range(KILLS):
            process, url = await victims.start()
            client = Client(url, acknowledged, dice)
            work = asyncio.create_task(client.work())
            # By what was answered, not by the clock: a slow machine has its kills at work as well.
            await client.until_answered(dice.choice([0, 1, 2, 4, 8]))
            await asyncio.sleep(dice.uniform(0, 0.1))
            os.kill(process, signal.SIGKILL)
            await work
        process, url = await victims.start()
        await until_all_ended(url)
        os.kill(process, signal.SIGKILL)
    check_database(crashing.database(tmp_path), acknowledged)
    check_journal(crashing.journal(tmp_path))


async def until_all_ended(url: str) -> None:
    async with plain_client(url) as client, asyncio.timeout(60):
        active = {"status": ["pending", "leased"], "limit": 1}
        while (await client.get("/runs", params=active)).json():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def check_database(path: Path, acknowledged: dict[str, str]) -> None:
    db = sqlite3.connect(path)
    runs = {row[0]: row[1:] for row in db.execute("SELECT id, job_name, status, output, error, "
            "lease_owner, completed_step_count FROM durably_runs")}  # fmt: skip
    steps = Counter(row[0] for row in db.execute("SELECT run_id FROM durably_steps"))
    counted = dict(db.execute("SELECT status, sum(runs) FROM durably_py_counts GROUP BY status"))
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    assert len(acknowledged) > KILLS
    assert acknowledged.keys() <= runs.keys()
    for run_id, (job_name, *rest) in runs.items():
        assert job_name == acknowledged.get(run_id, job_name)
        if job_name == "fall":
            assert rest == ["failed", None, "as planned", None, 1]
        else:
            assert rest == ["completed", str(crashing.STEPS), None, None, crashing.STEPS]
        assert steps[run_id] == rest[-1]
    statuses = Counter(status for _, status, *_ in runs.values())
    assert {status: runs for status, runs in counted.items() if runs} == statuses


def check_journal(path: Path) -> None:
    finished: set[tuple[str, str]] = set()
    begun: Counter[tuple[str, str]] = Counter()
    for line in path.read_text().splitlines():
        what, run_id, step = line.split()
        if what == "finished":
            finished.add((run_id, step))
        else:
            assert (run_id, step) not in finished, "a finished step was executed again"
            begun[run_id, step] += 1
    assert begun.keys() == finished
    assert max(begun.values()) > 1, "no kill has hit a step: the test has proved nothing"
