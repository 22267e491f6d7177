"""A Python server whose jobs a test lets go on, so that the screen can be looked at meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

from pydantic import BaseModel

from durably_server import Durably, RunFailedError, Step, job
from durably_server.http.serving import running_server

WORKERS = 4


class Held(BaseModel):
    """Which gate holds the run, and how many steps it has done before."""

    gate: str = "gate"
    steps: int = 1


class Quick(BaseModel):
    value: str = "x"


class Broken(BaseModel):
    message: str = "the disk is full"


class Chatty(BaseModel):
    """What it says before each number, and up to which."""

    word: str = "line"
    lines: int = 10


class Workshop:
    """A server and the gates of its runs.

    ``held`` does its steps and waits at its gate inside the step ``wait``; ``quick`` ends at once;
    ``broken`` fails at once with a message; ``loud`` writes its value wherever a job can write;
    ``chatty`` writes numbered lines.
    """

    def __init__(self, folder: Path) -> None:
        self.url = ""
        self.gates: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        gates = self.gates

        @job("held")
        async def held(step: Step, input: Held) -> int:
            for i in range(input.steps):
                await step.run(f"row-{i}", lambda i=i: i)
                step.log.info(f"stored row {i}", {"row": i})
                step.progress(i + 1, input.steps + 1, f"row {i}")
            await step.run("wait", gates[input.gate].wait)
            step.log.warn("let go")
            return input.steps

        @job("quick")
        async def quick(step: Step, input: Quick) -> Quick:
            await step.run("one", lambda: None)
            return input

        @job("broken")
        async def broken(step: Step, input: Broken) -> None:
            def burn() -> None:
                raise RuntimeError(input.message)

            await step.run("burn", burn)

        @job("loud")
        async def loud(step: Step, input: Quick) -> Quick:
            def say() -> str:
                for level in (step.log.info, step.log.warn, step.log.error):
                    level(input.value, {input.value: input.value})
                step.progress(1, 2, input.value)
                return input.value

            await step.run(input.value, say)
            raise RuntimeError(input.value)

        @job("chatty")
        async def chatty(step: Step, input: Chatty) -> None:
            for number in range(input.lines):
                step.log.info(f"{input.word} {number}", {"number": number})

        self.durably = Durably(
            f"sqlite:///{folder / 'workshop.db'}",
            jobs=[held, quick, broken, loud, chatty],
            max_concurrent_runs=WORKERS,
            polling_interval=0.5,
            stop_grace=0.0,
        )

    async def start(self, job_name: str, labels: dict[str, str] | None = None, **input: str) -> str:
        """Trigger a run and answer its id."""
        return (await self.durably.trigger(job_name, input, labels=labels)).id

    async def done(self, job_name: str, labels: dict[str, str] | None = None, **input: str) -> str:
        """Trigger a run, wait for its end, however it ends, and answer its id."""
        run_id = await self.start(job_name, labels, **input)
        with contextlib.suppress(RunFailedError):
            await self.durably.wait_for_run(run_id, timeout=10)
        return run_id


@contextlib.asynccontextmanager
async def workshop(folder: Path, *, port: int = 0) -> AsyncIterator[Workshop]:
    """A running server over a file in ``folder``; port 0 picks a free one."""
    shop = Workshop(folder)
    async with running_server(shop.durably, port=port) as shop.url:
        yield shop
