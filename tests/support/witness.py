"""Writes down what a server answers and streams, without what differs between any two servers.

Ids become the names that the scenario gave to their runs, times become `<time>`; everything else
stays as it came.
"""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

PATIENCE = 20.0
"""Seconds until something that never comes fails the test."""
TERMINAL = ("run:complete", "run:fail", "run:cancel", "run:delete")
_ULID = re.compile(r"(?<![0-9A-Za-z])[0-9A-HJKMNP-TV-Z]{26}(?![0-9A-Za-z])")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

Event = dict[str, Any]


@dataclass
class Answer:
    """One exchange: the status, the content type, and the body, as JSON where it is JSON."""

    status: int
    content_type: str
    body: Any


@dataclass
class Stream:
    """What came on one stream, the fields of its frames, and whether the server ended it."""

    events: list[Event] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    ended: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, what: str, condition: Callable[[list[Event]], bool]) -> None:
        """Wait until the events are so; what was awaited is told if that never comes."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition(self.events):
                    assert not self.ended, f"the stream ended before {what}: {self.events}"
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            last = [(event["type"], event["runId"]) for event in self.events[-5:]]
            raise AssertionError(f"{what} never came; the last events were {last}") from None

    async def until_end(self) -> None:
        """Wait until the server ends the stream."""
        async with asyncio.timeout(PATIENCE):
            while not self.ended:
                self.changed.clear()
                await self.changed.wait()

    def take(self, event: Event) -> None:
        self.events.append(event)
        self.changed.set()

    def end(self) -> None:
        self.ended = True
        self.changed.set()


@contextlib.asynccontextmanager
async def listen(http: httpx.AsyncClient, path: str) -> AsyncIterator[Stream]:
    """An open stream; the block begins when the server accepts it."""
    found = Stream()
    timeout = httpx.Timeout(10, read=None)
    async with http.stream("GET", _url(http, path), timeout=timeout) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"] == "text/event-stream"
        task = asyncio.create_task(_read(response, found))
        try:
            yield found
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, httpx.HTTPError):
                await task


class Witness:
    """A scenario's hands and eyes on one server."""

    def __init__(self, http: httpx.AsyncClient, folder: Path) -> None:
        self._http = http
        self._folder = str(folder)
        self.ids: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._answers: dict[str, Answer] = {}
        self._streams: dict[str, Stream] = {}
        self._left_out: set[str] = set()

    async def ask(
        self,
        name: str,
        method: str,
        path: str,
        *,
        body: Any = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Send a request and write the answer down as `name`; gives its body."""
        assert name not in self._answers, f"{name} was asked before"
        if body is not None:
            content = json.dumps(body).encode()
        response = await self._http.request(
            method, _url(self._http, path), content=content, headers=headers
        )
        found = _body(response)
        self._answers[name] = Answer(
            response.status_code, response.headers.get("content-type", ""), found
        )
        return found

    async def send(self, method: str, path: str) -> Any:
        """The body of an answer that is not written down."""
        return _body(await self._http.request(method, _url(self._http, path)))

    async def trigger(self, name: str, job_name: str, input: Any, **options: Any) -> str:
        """Trigger a run that the scenario calls `name` from now on; gives its id."""
        body = {"jobName": job_name, "input": input, **options}
        answer = await self.ask(f"trigger {name}", "POST", "/trigger", body=body)
        run_id: str = answer["runId"]
        self.call(name, run_id)
        await _next_millisecond()  # only `createdAt` orders the runs of a Node server
        return run_id

    def call(self, name: str, run_id: str) -> None:
        """Give a run its name."""
        self.ids[name] = run_id
        self._names[run_id] = name

    def leave_out(self, run_id: str) -> None:
        """Do not compare the events of a run that only one of the servers may have."""
        self._left_out.add(run_id)

    @contextlib.asynccontextmanager
    async def stream(self, name: str, path: str) -> AsyncIterator[Stream]:
        """An open stream, written down as `name`; the block begins when the server accepts it."""
        assert name not in self._streams, f"{name} was opened before"
        async with listen(self._http, path) as found:
            self._streams[name] = found
            yield found

    def answers(self) -> dict[str, Any]:
        """All answers, in the order in which they were asked for."""
        return {name: self._normal(vars(answer)) for name, answer in self._answers.items()}

    def streams(self) -> dict[str, Any]:
        """All streams: the events in their order, and the progress of each run beside them.

        Progress is sent at a bounded rate, so it is chance where it stands between other events,
        whether one who joins is told the same twice, and what is told between the first and the
        last of a quick run; that it comes before the end is not.
        """
        found = {}
        for name, stream in self._streams.items():
            events: list[Event] = []
            progress: dict[str, list[Any]] = {}
            ended: set[str] = set()
            kept = [event for event in stream.events if event["runId"] not in self._left_out]
            for event in self._normal(kept):
                if event["type"] == "run:progress":
                    assert event["runId"] not in ended, f"{name}: progress after the end"
                    told = progress.setdefault(event["runId"], [])
                    if not told or told[-1]["progress"] != event["progress"]:
                        told.append(event)
                    continue
                if event["type"] in TERMINAL:
                    ended.add(event["runId"])
                events.append(event)
            found[name] = {
                "events": events,
                "progress": {run: [told[0], told[-1]] for run, told in progress.items()},
                "fields": dict.fromkeys(sorted(stream.fields)),
                "ended": stream.ended,
            }
        return found

    def _normal(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                self._normal(key): _number(key, self._normal(each)) for key, each in value.items()
            }
        if isinstance(value, list):
            return [self._normal(each) for each in value]
        if isinstance(value, str):
            text = _TIME.sub("<time>", _ULID.sub(self._name, value))
            return text.replace(self._folder, "<folder>")
        return value

    def _name(self, match: re.Match[str]) -> str:
        return f"<{self._names.get(match[0], 'id')}>"


def _number(key: str, value: Any) -> Any:
    """Numbers and names that belong to one server and one moment."""
    if key == "duration" and isinstance(value, int):
        return "<milliseconds>"
    if key == "sequence" and isinstance(value, int) and value > 0:
        return "<sequence>"
    if key == "leaseOwner" and isinstance(value, str) and value:
        return "<worker>"
    return value


def _url(http: httpx.AsyncClient, path: str) -> str:
    return str(http.base_url).rstrip("/") + path


def _body(response: httpx.Response) -> Any:
    if response.headers.get("content-type", "").startswith("application/json"):
        return response.json()
    return response.text


async def _read(response: httpx.Response, into: Stream) -> None:
    rest = b""
    try:
        async for chunk in response.aiter_raw():
            *frames, rest = (rest + chunk).split(b"\n\n")
            for frame in frames:
                lines = [line.partition(b": ") for line in frame.split(b"\n")]
                data = [value for name, _, value in lines if name == b"data"]
                if data:  # a comment keeps a connection alive, and is no event
                    into.fields |= {name.decode() for name, _, _ in lines}
                    into.take(json.loads(b"\n".join(data)))
    finally:
        into.end()


async def _next_millisecond() -> None:
    now = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 <= now + 1:  # noqa: ASYNC110 - a clock tells nobody
        await asyncio.sleep(0.0005)
