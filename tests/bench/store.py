"""The database: lists of a million runs, and commits that wait together."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import quantiles

from durably_server import Durably, Run, Step, job
from durably_server.storage.sqlite.connection import connect
from durably_server.storage.sqlite.schema import migrate
from tests.bench.measure import heading, paired, row

RUNS = 1_000_000
PAGE = 50
ROUNDS = 200
_FILL = """
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < :last),
times AS (SELECT n, strftime('%Y-%m-%dT%H:%M:%S', 1790000000 + n / 4, 'unixepoch') AS second,
    (n % 4) * 250 AS ms FROM numbers)
INSERT INTO durably_runs (id, job_name, input, status, labels, output, error, lease_generation,
    started_at, completed_at, created_at, updated_at, completed_step_count)
SELECT printf('01JBENCH%018d', n),
    CASE WHEN n % 1000 = 0 THEN 'rare-job' WHEN n % 10 < 6 THEN 'import-csv'
         WHEN n % 10 < 9 THEN 'data-sync' ELSE 'report' END,
    printf('{"customer":%d,"file":"customers-%d.csv"}', n % 9973, n),
    CASE WHEN n % 100 < 90 THEN 'completed' WHEN n % 100 < 96 THEN 'failed'
         WHEN n % 100 < 99 THEN 'cancelled' ELSE 'pending' END,
    CASE WHEN n % 3 = 0 THEN '{}' ELSE printf('{"env":"%s","team":"team-%d"}',
         CASE WHEN n % 5 = 0 THEN 'test' ELSE 'prod' END, n % 211) END,
    '{"rows":100}', CASE WHEN n % 100 BETWEEN 90 AND 95 THEN 'the disk is full' END, 1,
    printf('%s.%03dZ', second, ms), CASE WHEN n % 100 < 99 THEN printf('%s.%03dZ', second, ms) END,
    printf('%s.%03dZ', second, ms), printf('%s.%03dZ', second, ms), 3
FROM times
"""


@job("one-step")
async def one_step(step: Step, input: int) -> int:
    return input


def million() -> Path:
    """A file with a million runs."""
    return filled(RUNS)


def filled(count: int) -> Path:
    """A file with so many runs, made once and kept for the next time."""
    path = Path(tempfile.gettempdir(), f"durably-bench-{count}.db")
    if not path.exists():
        print(f"making {path} ...", flush=True)
        half = path.with_suffix(".half")
        half.unlink(missing_ok=True)
        db = connect(half, read_only=False)
        migrate(db, "bench")
        db.execute("PRAGMA synchronous = OFF")
        db.execute(_FILL, {"last": count - 1})
        db.execute(
            "INSERT INTO durably_run_labels (run_id, key, value) SELECT r.id, l.key, l.value "
            "FROM durably_runs AS r, json_each(r.labels) AS l"
        )
        db.close()
        half.rename(path)
    return path


async def p50_p95(question: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Milliseconds of a question that is asked again and again."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await question()
        took.append((time.perf_counter() - began) * 1000)
    cuts = quantiles(took, n=100)
    return cuts[49], cuts[94]


async def lists() -> None:
    """Each list beside the same rows read one by one by their ids, which no list can beat."""
    durably = Durably(f"sqlite:///{million()}")
    await durably.migrate()
    first = await durably.get_runs(limit=PAGE)
    reader = sqlite3.connect(million())

    async def by_id() -> None:
        for run in first:
            reader.execute("SELECT * FROM durably_runs WHERE id = ?", (run.id,)).fetchone()

    reference, _ = await p50_p95(by_id)
    page: list[Run] = first
    for _ in range(99):
        last = page[-1]
        page = await durably.get_runs(limit=PAGE, after=(last.created_at, last.id))
    cursor = (page[-1].created_at, page[-1].id)
    questions: dict[str, Callable[[], Awaitable[object]]] = {
        "first page": lambda: durably.get_runs(limit=PAGE),
        "hundredth page by cursor": lambda: durably.get_runs(limit=PAGE, after=cursor),
        "hundredth page by offset": lambda: durably.get_runs(limit=PAGE, offset=99 * PAGE),
        "by status, 6 % of the runs": lambda: durably.get_runs(limit=PAGE, status="failed"),
        "by three statuses": lambda: durably.get_runs(
            limit=PAGE, status=["failed", "leased", "cancelled"]
        ),
        "by job, 60 %": lambda: durably.get_runs(limit=PAGE, job_name="import-csv"),
        "by job, 0.1 %": lambda: durably.get_runs(limit=PAGE, job_name="rare-job"),
        "by job and status": lambda: durably.get_runs(
            limit=PAGE, job_name="data-sync", status="cancelled"
        ),
        "by label, 53 %": lambda: durably.get_runs(limit=PAGE, labels={"env": "prod"}),
        "by label, 0.3 %": lambda: durably.get_runs(limit=PAGE, labels={"team": "team-7"}),
        "by two labels and status": lambda: durably.get_runs(
            limit=PAGE, labels={"env": "prod", "team": "team-7"}, status="failed"
        ),
        "by a label that none has": lambda: durably.get_runs(limit=PAGE, labels={"env": "x"}),
        "one run": lambda: durably.get_run(first[7].id),
        "total by status": lambda: durably.count_runs(status="failed"),
        "stats of four jobs over an hour": lambda: durably.stats(3600),
    }
    for what, question in questions.items():
        median, worst = await p50_p95(question)
        row(
            f"{what}, p50 (p95)",
            f"{median:.2f} ({worst:.2f}) ms",
            f"{reference:.2f} ms",
            median / reference,
            "p95 < 10 ms",
        )
    reader.close()
    await durably.stop()


def commits() -> None:
    """64 triggers at once beside one after the other, each with a commit of its own, at FULL."""

    def rate(producers: int) -> float:
        async def trigger() -> float:
            with tempfile.TemporaryDirectory() as folder:
                durably = Durably(f"sqlite:///{folder}/c.db", jobs=[one_step])
                await durably.migrate()
                count = 40 * producers
                numbers = iter(range(count))

                async def some() -> None:
                    for n in numbers:
                        await durably.trigger(one_step, n)

                began = time.perf_counter()
                await asyncio.gather(*(some() for _ in range(producers)))
                took = time.perf_counter() - began
                await durably.stop()
                return count / took

        return asyncio.run(trigger())

    ours, reference, ratio = paired(lambda: rate(64), lambda: rate(1), 7)
    row("64 concurrent triggers", f"{ours:.0f}/s", f"{reference:.0f}/s", ratio, ">= 4")


def run() -> None:
    """Print all figures."""
    heading("database: a list beside its rows by id, triggers at once beside one by one")
    asyncio.run(lists())
    commits()
