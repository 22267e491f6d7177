"""What ``durably-tui serve support.served:durably`` serves: jobs that go on when a file is there.

``SERVED_DB`` is the database; the rows that were stored are lines of a file beside it, ``.rows``.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from pydantic import BaseModel

from durably_server import Durably, Step, job

_DB = Path(os.environ["SERVED_DB"])
ROWS = Path(f"{_DB}.rows")
LOOK_AGAIN = 0.02


class Rows(BaseModel):
    """How many rows to store; from row ``hold`` on, only while the file ``until`` is there."""

    count: int
    hold: int
    until: str


class Said(BaseModel):
    text: str


def _is_there(path: str) -> bool:
    return os.path.exists(path)


def _append(number: int) -> None:
    with ROWS.open("a") as rows:
        rows.write(f"{number}\n")


@job("store-rows")
async def store_rows(step: Step, input: Rows) -> int:
    for number in range(input.count):

        async def store(number: int = number) -> None:
            # Another process makes the file.
            while number >= input.hold and not _is_there(input.until):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_AGAIN)
            _append(number)

        await step.run(f"row-{number}", store)
        step.progress(number + 1, input.count)
    return input.count


@job("say")
async def say(step: Step, input: Said) -> str:
    """Puts the text everywhere that a job can put text."""

    def speak() -> str:
        for level in (step.log.info, step.log.warn, step.log.error):
            level(input.text, {input.text: input.text})
        step.progress(1, 2, input.text)
        return input.text

    await step.run(input.text, speak)
    raise RuntimeError(input.text)


durably = Durably(
    f"sqlite:///{_DB}",
    jobs=[store_rows, say],
    max_concurrent_runs=4,
    polling_interval=0.05,
    lease=1.0,
    lease_renewal=0.1,
    stop_grace=0.2,
)
not_a_durably = "a text"
