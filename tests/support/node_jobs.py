"""The jobs of `tests/interop/node/jobs.mjs` in Python, so that both servers can run the same runs.

The types are strict, as zod is: `"3"` is no number.
"""

import asyncio
from pathlib import Path
from typing import Any, NotRequired

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from durably_server import JobDefinition, Step, job

LEVELS = ("info", "warn", "error")
_LOOK_AGAIN = 0.005


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class Value(Strict):
    value: str


class Steps(Strict):
    count: int = Field(ge=0)
    delayMs: int = Field(0, ge=0)  # noqa: N815 - as the Node job says it


class Done(Strict):
    done: int


class Message(Strict):
    message: str


class Flaky(TypedDict):
    fail: bool
    until: NotRequired[str]


class Until(TypedDict):
    until: str


class Ok(Strict):
    ok: bool


class Lines(Strict):
    lines: int = Field(ge=0)


class Hostile(Strict):
    text: str
    fail: bool = True


class Text(Strict):
    text: str


class Ledger(Strict):
    file: str
    count: int = Field(ge=0)
    holdAt: int  # noqa: N815
    until: str


class Total(Strict):
    total: int


class Nothing(Strict):
    pass


class Seen(Strict):
    seen: list[int]


class Count(Strict):
    count: int = Field(ge=0)


@job("echo")
async def echo(step: Step, input: Value) -> Value:
    return Value(value=await step.run("echo", lambda: input.value))


@job("steps")
async def steps(step: Step, input: Steps) -> Done:
    async def one(i: int) -> int:
        await asyncio.sleep(input.delayMs / 1000)
        return i

    for i in range(input.count):
        await step.run(f"step-{i}", one, i)
        step.progress(i + 1, input.count, f"step {i + 1} of {input.count}")
        step.log.info(f"finished step {i}", {"i": i})
    return Done(done=input.count)


@job("fails")
async def fails(step: Step, input: Message) -> None:
    step.log.warn("about to fail")

    def boom() -> None:
        raise RuntimeError(input.message)

    await step.run("boom", boom)


@job("flaky")
async def flaky(step: Step, input: Flaky) -> Ok:
    def work() -> None:
        if input["fail"] or ("until" in input and not Path(input["until"]).exists()):
            raise RuntimeError("not this time")

    await step.run("prepare", lambda: None)
    await step.run("work", work)
    return Ok(ok=True)


@job("held")
async def held(step: Step, input: Until) -> Ok:
    async def wait() -> None:
        while not Path(input["until"]).exists():  # noqa: ASYNC110, ASYNC240 - another process's
            await asyncio.sleep(_LOOK_AGAIN)

    await step.run("prepare", lambda: None)
    step.progress(1, 2, "held")
    await step.run("wait", wait)
    step.progress(2, 2, "let go")
    return Ok(ok=True)


@job("noisy")
async def noisy(step: Step, input: Lines) -> Lines:
    async def talk() -> None:
        for i in range(input.lines):
            write = getattr(step.log, LEVELS[i % len(LEVELS)])
            write(f"line {i}", {"line": i, "of": input.lines})

    await step.run("talk", talk)
    return input


@job("hostile")
async def hostile(step: Step, input: Hostile) -> Text:
    async def speak() -> str:
        for level in LEVELS:
            getattr(step.log, level)(input.text, {input.text: input.text})
        step.progress(1, 2, input.text)
        return input.text

    def boom() -> None:
        raise RuntimeError(input.text)

    await step.run(input.text, speak)
    if input.fail:
        await step.run(f"fail {input.text}", boom)
    return Text(text=input.text)


@job("ledger")
async def ledger(step: Step, input: Ledger) -> Total:
    def held(i: int) -> bool:
        return i == input.holdAt and not Path(input.until).exists()

    def write(i: int) -> int:
        with Path(input.file).open("a") as file:
            file.write(f"row-{i}\n")
        return i

    async def row(i: int) -> int:
        while held(i):  # noqa: ASYNC110 - another process makes the file
            await asyncio.sleep(_LOOK_AGAIN)
        return write(i)

    total = 0
    for i in range(input.count):
        step.progress(i, input.count)
        total += await step.run(f"row-{i}", row, i)
    return Total(total=total)


@job("recovers")
async def recovers(step: Step, input: Message) -> Message:
    def boom() -> None:
        raise RuntimeError(input.message)

    try:
        await step.run("try", boom)
    except RuntimeError as error:
        step.log.error("going on without it", {"message": str(error)})  # noqa: PLE1205
    return Message(message=await step.run("fallback", lambda: input.message))


@job("quiet")
async def quiet(step: Step, input: Nothing) -> None:
    await step.run("nothing", lambda: None)


@job("twice")
async def twice(step: Step, input: Nothing) -> Seen:
    def once(value: int) -> int:
        return value

    return Seen(seen=[await step.run("once", once, value) for value in (1, 2)])


@job("refused")
async def refused(step: Step, input: Nothing) -> Value:
    await step.run("count", lambda: 1)
    wrong: Any = {"value": 1}
    return wrong  # type: ignore[no-any-return]


@job("burst")
async def burst(step: Step, input: Count) -> Count:
    async def count() -> None:
        for i in range(input.count):
            step.progress(i + 1, input.count)

    await step.run("count", count)
    return input


NODE_JOBS: tuple[JobDefinition[Any, Any], ...] = (
    *(echo, steps, fails, flaky, held, noisy, hostile, ledger, recovers),
    *(quiet, twice, refused, burst),
)
