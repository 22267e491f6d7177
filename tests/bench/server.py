"""The server over HTTP: runs, starts and triggers beside the Node server, and lists of a million.

Both servers are processes of their own on the same disk, asked by the same light client.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from durably_server import Durably, create_durably_handler
from durably_server.http.serving import serving
from tests.bench.keep_alive import KeepAlive
from tests.bench.measure import heading, row
from tests.bench.store import million

if TYPE_CHECKING:
    from support.server_process import ServerProcess

RUNS = 1000
NODE_RUNS = 300
"""Enough for its rate: a Node server takes its time."""
CONNECTIONS = 32
STARTS = 20
CONCURRENT = 64
TRIGGERS = 1280
LISTS = 200
PAGE = 50

Make = Callable[[Path], "ServerProcess"]
Question = Callable[["ServerProcess", Path], Awaitable[float]]


async def runs_per_second(url: str, count: int) -> float:
    """A job of one step, from the first trigger to the last end."""
    numbers = iter(range(count))

    async def some() -> None:
        async with KeepAlive(url) as http:
            for n in numbers:
                await http.post("/trigger", {"jobName": "echo", "input": {"value": str(n)}})

    async with KeepAlive(url) as watching:
        stream = await watching.events("/runs/subscribe")
        began = time.perf_counter()
        producers = asyncio.gather(*(some() for _ in range(CONNECTIONS)))
        await _count(stream, b'"run:complete"', count)
        took = time.perf_counter() - began
        await producers
    return count / took


async def start_ms(url: str) -> float:
    """Milliseconds from a trigger to the event that the run has begun, on an idle server; p50."""
    took = []
    async with KeepAlive(url) as watching, KeepAlive(url) as http:
        stream = await watching.events("/runs/subscribe")
        for n in range(STARTS):
            began = time.perf_counter()
            await http.post("/trigger", {"jobName": "echo", "input": {"value": str(n)}})
            rest = await _count(stream, b'"run:leased"', 1)
            took.append((time.perf_counter() - began) * 1000)
            if b'"run:complete"' not in rest:
                await _count(stream, b'"run:complete"', 1)
            await asyncio.sleep(0.013 * (n % 7))  # at no fixed place between two polls
    return median(took)


async def triggers_per_second(url: str, connections: int, folder: Path) -> float:
    """Stored triggers, while the server's only place is taken, so that nothing else is written."""
    numbers = iter(range(TRIGGERS if connections > 1 else TRIGGERS // 4))
    count = 0

    async def some(http: KeepAlive) -> None:
        nonlocal count
        for n in numbers:
            await http.post("/trigger", {"jobName": "echo", "input": {"value": str(n)}})
            count += 1

    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(KeepAlive(url)) for _ in range(connections)]
        stream = await (await stack.enter_async_context(KeepAlive(url))).events("/runs/subscribe")
        name = folder / f"gate-{connections}"
        gate = {"file": str(name), "count": 1, "holdAt": 0, "until": f"{name}.go"}
        await clients[0].post("/trigger", {"jobName": "ledger", "input": gate})
        await _count(stream, b'"step:start"', 1)
        began = time.perf_counter()
        await asyncio.gather(*(some(http) for http in clients))
        return count / (time.perf_counter() - began)


async def _count(stream: asyncio.StreamReader, word: bytes, count: int) -> bytes:
    """Read until a word has come that often; the end of what was read."""
    rest, seen = b"", 0
    while True:
        chunk = await stream.read(1 << 16)
        if not chunk:
            raise RuntimeError("the server ended the stream")
        # A word may come in two chunks.
        text = rest[-len(word) + 1 :] + chunk
        seen += text.count(word)
        if seen >= count:
            return text
        rest = text


async def on(make: Make, question: Question) -> float:
    """Ask a new server on a new file."""
    with tempfile.TemporaryDirectory() as folder:
        async with make(Path(folder, "bench.db")) as server:
            return await question(server, Path(folder))


async def beside_node() -> None:
    """Each figure beside the Node server as it comes, and with WAL."""
    # The servers of the tests are found from their folder, as pytest does.
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from support.node_server import NodeServer, node_missing
    from support.python_server import PythonServer

    if (missing := node_missing()) is not None:
        print(f"no reference: {missing}")
        return

    def node(**options: Any) -> Make:
        return lambda db: NodeServer(db, **options)

    def ours(**options: Any) -> Make:
        return lambda db: PythonServer(db, **options)

    default = {"max_concurrent_runs": 1, "polling_interval_ms": 1000}
    many: dict[str, Any] = {"max_concurrent_runs": 16}
    one: dict[str, Any] = {"max_concurrent_runs": 1, "polling_interval": 1.0}

    async def compare(
        what: str, mine: Make, theirs: Make, question: Question, unit: str, goal: str
    ) -> None:
        # One round of the Node server is long; ours is the median of three around it.
        found = [await on(mine, question)]
        reference = await on(theirs, question)
        found += [await on(mine, question) for _ in range(2)]
        value = median(found)
        row(what, f"{value:,.1f} {unit}", f"{reference:,.1f} {unit}", value / reference, goal)

    async def runs(server: ServerProcess, _: Path) -> float:
        count = RUNS if isinstance(server, PythonServer) else NODE_RUNS
        return await runs_per_second(server.url, count)

    async def starts(server: ServerProcess, _: Path) -> float:
        return await start_ms(server.url)

    def stored(connections: int) -> Question:
        return lambda server, folder: triggers_per_second(server.url, connections, folder)

    thousand = "runs of one step"
    goal = ">= 8, 1,000/s"
    await compare(f"{thousand}, both as they come", ours(**one), node(**default), runs, "/s", goal)
    await compare(
        f"{thousand}, Node with WAL", ours(**one), node(**default, wal=True), runs, "/s", goal
    )
    await compare(
        f"{thousand}, 16 at once, WAL", ours(**many), node(**many, wal=True), runs, "/s", goal
    )
    quick: dict[str, Any] = {"max_concurrent_runs": 1, "polling_interval_ms": 20}
    goal = "p50 <= 10 ms"
    await compare(
        "trigger to start, both as they come", ours(**one), node(**default), starts, "ms", goal
    )
    await compare(
        "trigger to start, Node polling each 20 ms", ours(**one), node(**quick), starts, "ms", goal
    )
    await compare(
        "64 concurrent triggers, Node with WAL",
        ours(**one),
        node(**default, wal=True),
        stored(CONCURRENT),
        "/s",
        "beside it",
    )
    many_at_once, one_by_one = [], []
    for _ in range(3):
        many_at_once.append(await on(ours(**one), stored(CONCURRENT)))
        one_by_one.append(await on(ours(**one), stored(1)))
    row(
        "64 concurrent triggers; one by one",
        f"{median(many_at_once):,.0f} /s",
        f"{median(one_by_one):,.0f} /s",
        median(many_at_once) / median(one_by_one),
        ">= 4 (commits)",
    )


@asynccontextmanager
async def lister(db: Path) -> AsyncIterator[str]:
    """A server in a process of its own that executes nothing: the runs stay as they are."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.server", str(db)), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.communicate()


async def p50_p95(http: KeepAlive, paths: Iterable[str]) -> tuple[float, float]:
    """Milliseconds of an answer."""
    took = []
    for path in paths:
        began = time.perf_counter()
        await http.get(path)
        took.append((time.perf_counter() - began) * 1000)
    cuts = quantiles(took, n=100)
    return cuts[49], cuts[94]


async def lists() -> None:
    """Lists of a million runs beside the server's cheapest answer."""
    async with lister(million()) as url, KeepAlive(url) as http:
        about, _ = await p50_p95(http, ["/"] * LISTS)
        after = await _hundredth(http)
        questions = {
            "first page": f"limit={PAGE}",
            "hundredth page by cursor": f"limit={PAGE}&after={quote(after)}",
            "by status, 6 % of the runs": f"limit={PAGE}&status=failed",
            "by job, 0.1 %": f"limit={PAGE}&jobName=rare-job",
            "by label, 53 %": f"limit={PAGE}&label.env=prod",
            "by label, 0.3 %": f"limit={PAGE}&label.team=team-7",
            "by job, status and label": (
                f"limit={PAGE}&jobName=data-sync&status=failed&label.env=prod"
            ),
        }
        for what, query in questions.items():
            middle, worst = await p50_p95(http, [f"/runs?{query}"] * LISTS)
            row(
                f"1,000,000 runs: {what}, p50 (p95)",
                f"{middle:.2f} ({worst:.2f}) ms",
                f"{about:.2f} ms",
                middle / about,
                "p95 < 10 ms",
            )


async def _hundredth(http: KeepAlive) -> str:
    """Where the hundredth page begins: the last run of the page before it."""
    after = ""
    for _ in range(99):
        query = f"limit={PAGE}" + (f"&after={quote(after)}" if after else "")
        last = json.loads(await http.get(f"/runs?{query}"))[-1]
        after = f"{last['createdAt']},{last['id']}"
    return after


def run() -> None:
    """Print all figures."""
    heading("Server, over HTTP: beside the Node server, and lists beside the cheapest answer")
    asyncio.run(beside_node())
    asyncio.run(lists())


async def _serve(path: str) -> None:
    durably = Durably(f"sqlite:///{path}")
    handler = create_durably_handler(durably, start_worker=False)
    async with serving(handler) as url:
        print(url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
