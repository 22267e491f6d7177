"""curl: a process for each request, and one for each stream."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import Any

from tests.proof.matrix.driver import CURL, Driver, Followed
from tests.proof.matrix.servers import until
from tests.proof.matrix.story import EXTRAS
from tests.proof.report import Skipped

_ENDS = {"completed": "run:complete", "failed": "run:fail", "cancelled": "run:cancel"}
_SAYS = {"pending": ("run:trigger", "run:retry"), "running": ("run:leased", "run:start")}


class Frames:
    """The frames of one stream, as ``curl -N`` prints them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self.last_id = ""
        self.task = asyncio.gather(self._read(), self._drain())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "data":
                self.events.append(json.loads(value))
            elif field == "id":
                self.last_id = value

    async def _drain(self) -> None:
        assert self.process.stderr is not None
        await self.process.stderr.read()

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        await self.task


class ByCurl(Driver):
    """What it is told is the text of the frames and of the answers."""

    name = CURL

    async def open(self) -> None:
        if shutil.which("curl") is None:
            raise Skipped("curl is not installed")
        self.all = await self._stream("/runs/subscribe")
        self.one: dict[str, Frames] = {}
        assert await self._get("/runs") == []

    async def _curl(self, *arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *("curl", "-sS", "-w", "\n%{http_code}", *arguments), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        body, _, status = out.decode().rpartition("\n")
        return int(status), body

    async def _get(self, path: str, method: str = "GET") -> Any:
        status, body = await self._curl("-X", method, f"{self.url}{path}")
        assert status == 200, (path, status, body)
        return json.loads(body)

    async def _stream(self, path: str, *arguments: str) -> Frames:
        process = await asyncio.create_subprocess_exec(
            *("curl", "-sNv", *arguments, f"{self.url}{path}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        # An open stream is one whose head has come; with -i curl keeps that until a body comes.
        while (line := await process.stderr.readline()) not in (b"< \r\n", b""):
            assert b" 200" in line or not line.startswith(b"< HTTP/"), line
        frames = Frames(process)
        self._life.push_async_callback(frames.stop)
        return frames

    async def runs(self, status: str) -> list[str]:
        word = "leased" if status == "running" and not self.world.is_08 else status
        return [run["id"] for run in await self._get(f"/runs?status={word}")]

    async def trigger(self, job: str, input: Any) -> str:
        body = json.dumps({"jobName": job, "input": input})
        status, answer = await self._curl("-d", body, f"{self.url}/trigger")
        assert status == 200, answer
        return str(json.loads(answer)["runId"])

    async def sees(self, run_id: str, status: str | None, job: str = "steps") -> None:
        if status is None:
            if not self.world.is_08:
                await self._heard(self.all, run_id, "run:delete")
            assert await self.run(run_id) is None
            return
        words = (_ENDS[status],) if status in _ENDS else _SAYS[status]
        await self._heard(self.all, run_id, *words)
        if status in _ENDS:  # the event may be of an attempt before
            await self.world.until_run(run_id, status, lambda run: run["status"] == status)
            assert await self.run(run_id) == status

    async def _heard(self, frames: Frames, run_id: str, *words: str) -> None:
        def there() -> bool:
            return any(e.get("runId") == run_id and e["type"] in words for e in frames.events)

        await until(f"{words} of {run_id}", there)

    async def heard(self, run_id: str, *events: str) -> None:
        for event in events:
            await self._heard(self.all, run_id, event)
            await self._heard(self.one[run_id], run_id, event)

    async def follow(self, run_id: str, job: str) -> None:
        self.one[run_id] = await self._stream(f"/subscribe?runId={run_id}")

    async def followed(self, run_id: str, wanted: Followed) -> None:
        frames = self.one[run_id]
        await self._heard(frames, run_id, _ENDS[wanted.status])
        events = [event for event in frames.events if event.get("runId") == run_id]
        lines = [event["message"] for event in events if event["type"] == "log:write"]
        progress = [e["progress"]["current"] for e in events if e["type"] == "run:progress"]
        last = events[-1]
        now = Followed(
            {word: status for status, word in _ENDS.items()}.get(last["type"], last["type"]),
            lines,
            progress[-1] if progress else None,
            last.get("output"),
            last.get("error"),
        )
        assert now == wanted, f"the frames say {now}, not {wanted}"

    async def run(self, run_id: str) -> str | None:
        status, body = await self._curl(f"{self.url}/run?runId={run_id}")
        if status == 404:
            return None
        word = str(json.loads(body)["status"])
        return "running" if word == "leased" else word

    async def steps(self, run_id: str) -> list[tuple[str, str]]:
        return [(s["name"], s["status"]) for s in await self._get(f"/steps?runId={run_id}")]

    async def cancel(self, run_id: str) -> None:
        await self._get(f"/cancel?runId={run_id}", "POST")

    async def delete(self, run_id: str) -> None:
        await self._get(f"/run?runId={run_id}", "DELETE")

    async def retry(self, run_id: str) -> None:
        await self._get(f"/retry?runId={run_id}", "POST")

    async def retrigger(self, run_id: str) -> str:
        return str((await self._get(f"/retrigger?runId={run_id}", "POST"))["runId"])

    async def extras(self, run_id: str) -> None:
        for route in EXTRAS:
            status, body = await self._curl(f"{self.url}{route.removeprefix('GET').strip()}")
            assert status == 200, (route, status, body)

    async def comes_back(self) -> None:
        # curl does not open a stream again by itself; with the last id the server tells of a gap.
        self.all = await self._again("/runs/subscribe", self.all)
        run_id, frames = list(self.one.items())[-1]
        await self._again(f"/subscribe?runId={run_id}", frames)

    async def _again(self, path: str, before: Frames) -> Frames:
        last = ["-H", f"Last-Event-ID: {before.last_id}"] if before.last_id else []
        frames = await self._stream(path, *last)
        if self.world.is_ours:
            await until("a gap", lambda: any(e["type"] == "gap" for e in frames.events))
        frames.events[:0] = before.events
        return frames
