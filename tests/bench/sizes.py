"""The same lists from databases of 10^4, 10^5 and 10^6 runs: what grows with them, and what not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from durably_server import Durably
from tests.bench.measure import heading, row
from tests.bench.store import PAGE, filled, p50_p95

SIZES = (10_000, 100_000, 1_000_000)

Question = Callable[[Durably], Awaitable[object]]
QUESTIONS: dict[str, Question] = {
    "first page": lambda durably: durably.get_runs(limit=PAGE),
    "by status": lambda durably: durably.get_runs(limit=PAGE, status="failed"),
    "by job": lambda durably: durably.get_runs(limit=PAGE, job_name="rare-job"),
    "by label": lambda durably: durably.get_runs(limit=PAGE, labels={"team": "team-7"}),
    "total by status": lambda durably: durably.count_runs(status="failed"),
}


async def measured(size: int) -> dict[str, tuple[float, float]]:
    """p50 and p95 in ms of each question, asked of a file of so many runs."""
    durably = Durably(f"sqlite:///{filled(size)}")
    await durably.migrate()
    found = {}
    for what, question in QUESTIONS.items():
        found[what] = await p50_p95(lambda question=question: question(durably))  # type: ignore[misc]
    await durably.stop()
    return found


def run() -> None:
    """Print the figures."""
    heading(f"database sizes (reference: {SIZES[0]:,} runs)")
    small = asyncio.run(measured(SIZES[0]))
    for size in SIZES[1:]:
        for what, (median, worst) in asyncio.run(measured(size)).items():
            reference, worst_there = small[what]
            row(
                f"{what} of {size:,} runs, p50 (p95)",
                f"{median:.2f} ({worst:.2f}) ms",
                f"{reference:.2f} ({worst_there:.2f}) ms",
                median / reference,
                "p95 < 10 ms",
            )
