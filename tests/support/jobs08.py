"""The three jobs of the recorded 0.8 server, and the step context that executes them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from support.durably08 import Durably08

Row = dict[str, Any]


class Refused(Exception):
    """What 0.8 throws inside a route: always answered as 500 with this text."""


class Cancelled(Exception):
    """The run was cancelled before its next step."""


class JobFailed(Exception):
    """A step threw."""


def elapsed_ms(began: float) -> int:
    """Milliseconds since `began`, a reading of time.monotonic."""
    return round((time.monotonic() - began) * 1000)


class Step:
    """What a job gets to work with, for one execution of one run."""

    def __init__(self, durably: "Durably08", run: Row) -> None:
        self._durably = durably
        self._run = run
        self._index: int = run["currentStepIndex"]

    async def run(self, name: str, fn: Callable[[], Awaitable[Any]]) -> Any:
        """Execute `fn` once for ever: a step that an earlier attempt finished is not repeated."""
        durably, run, index = self._durably, self._run, self._index
        if run["status"] == "cancelled":
            raise Cancelled
        for step in durably.get_steps(run["id"]):
            if (step["name"], step["status"]) == (name, "completed"):
                self._index += 1
                return step["output"]
        row = {"name": name, "index": index, "status": "completed", "output": None, "error": None}
        row["startedAt"] = durably.now()
        began = time.monotonic()
        about = {"stepName": name, "stepIndex": index}
        durably.emit("step:start", run, **about)
        try:
            row["output"] = await fn()
        except JobFailed as failure:
            row |= {"status": "failed", "error": str(failure)}
            durably.write_step(run, row)
            durably.emit("step:fail", run, **about, error=str(failure))
            raise
        durably.write_step(run, row)
        self._index += 1
        durably.update(run["id"], currentStepIndex=self._index)
        durably.emit(
            "step:complete", run, **about, output=row["output"], duration=elapsed_ms(began)
        )
        return row["output"]

    def progress(self, current: int, total: int, message: str) -> None:
        progress = {"current": current, "total": total, "message": message}
        self._durably.update(self._run["id"], progress=progress)
        self._durably.emit("run:progress", self._run, progress=progress)

    def log(self, level: str, message: str, **data: Any) -> None:
        """Log outside a step, as the recorded jobs do; without data the field is absent."""
        fields = {"level": level, "message": message} | ({"data": data} if data else {})
        self._durably.emit("log:write", self._run, stepName=None, **fields)


async def echo(step: Step, payload: Row) -> Row:
    async def value() -> str:
        return payload["value"]

    return {"value": await step.run("echo", value)}


async def steps(step: Step, payload: Row) -> Row:
    count = payload["count"]
    for i in range(count):

        async def work(i: int = i) -> int:
            await asyncio.sleep(payload["delayMs"] / 1000)
            return i

        await step.run(f"step-{i}", work)
        step.progress(i + 1, count, f"step {i + 1} of {count}")
        step.log("info", f"finished step {i}", i=i)
    return {"done": count}


async def fails(step: Step, payload: Row) -> None:
    async def boom() -> None:
        raise JobFailed(payload["message"])

    step.log("warn", "about to fail")
    await step.run("boom", boom)


@dataclass(frozen=True)
class Job:
    """A job and the fields of its input, each with its JavaScript type."""

    run: Callable[[Step, Row], Awaitable[Any]]
    fields: dict[str, str]


JOBS = {
    "echo": Job(echo, {"value": "string"}),
    "steps": Job(steps, {"count": "number", "delayMs": "number"}),
    "fails": Job(fails, {"message": "string"}),
}


def javascript_type(value: Any) -> str:
    """Name a JSON value's type as the messages of 0.8 do."""
    if isinstance(value, bool):
        return "boolean"
    return {type(None): "null", str: "string", int: "number", float: "number", list: "array"}.get(
        type(value), "object"
    )


def checked(fields: dict[str, str], payload: Any) -> Row:
    """Give the known fields of an input, or refuse it in the words that were recorded."""
    expectations = fields if isinstance(payload, dict) else {"": "object"}
    wrong = []
    for name, expected in expectations.items():
        if not name:
            received = javascript_type(payload)
        else:
            received = javascript_type(payload[name]) if name in payload else "undefined"
        if received != expected:
            at = f"\n  → at {name}" if name else ""
            wrong.append(f"✖ Invalid input: expected {expected}, received {received}{at}")
    if wrong:
        raise Refused("Invalid input: " + "\n".join(wrong))
    return {name: payload[name] for name in fields}
