"""A server of 100,000 runs in memory that tells events at any rate, for measuring the monitor.

It speaks as much of the Python server's HTTP as the monitor asks of it. Run as a module it prints
its port, and listens on its standard input for how many events a second there shall be; ``one``
tells a single event, and an empty line ends it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

RUNS = 100_000
ACTIVE = 250
"""Every fourth of the newest runs is at work, so many of them."""
NEW_EACH = 2_500
"""Among so many events one is of a new run."""
KEEP_ALIVE = 15.0
"""Seconds after which the Python server tells a quiet stream that it is there."""
_TICK = 0.01
_BORN = datetime(2026, 9, 1, tzinfo=UTC)
_JOBS = ("import-csv", "data-sync", "report")


def run_id(number: int) -> str:
    """The id of a run; higher numbers are newer."""
    return f"01JBENCH{number:018}"


def _run(number: int, newest: int) -> dict[str, Any]:
    created = f"{_BORN + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S}.000Z"
    age = newest - number
    at_work = age % 4 == 0 and age < ACTIVE * 4
    failed = number % 17 == 0
    return {
        "id": run_id(number),
        "jobName": _JOBS[number % 3],
        "status": "leased" if at_work else "failed" if failed else "completed",
        "input": {"customer": number % 9973, "file": f"customers-{number}.csv"},
        "output": None if at_work else {"rows": 100},
        "error": "the disk is full" if failed and not at_work else None,
        "progress": {"current": 0, "total": 1000} if at_work else None,
        "labels": {"env": "prod", "team": f"team-{number % 211}"},
        "currentStepIndex": 3,
        "completedStepCount": 3,
        "createdAt": created,
        "startedAt": created,
        "completedAt": None if at_work else created,
        "idempotencyKey": None,
        "concurrencyKey": None,
    }


class Replayer:
    """The runs, the events, and who listens."""

    def __init__(self, runs: int) -> None:
        self.runs = [json.dumps(_run(n, runs - 1)).encode() for n in range(runs)]
        self.first_newest = runs - 1
        self.rate = 0.0
        self.told = 0
        self.listeners: set[asyncio.StreamWriter] = set()
        self._framed = 0

    def event(self, number: int) -> bytes:
        """The next event, as a frame."""
        if number % NEW_EACH == NEW_EACH - 1:
            new = len(self.runs)
            self.runs.append(json.dumps(_run(new, new + 1)).encode())
            return self._frame("run:trigger", new, {})
        at_work = self.first_newest - 4 * (number * 7 % ACTIVE)
        if number % 3 == 0:
            step = {"stepName": f"row-{number % 977}", "stepIndex": 3}
            return self._frame("step:start", at_work, step)
        if number % 3 == 1:
            line = {"stepName": None, "level": "info", "message": f"row {number}", "data": None}
            return self._frame("log:write", at_work, line)
        progress = {"current": number // 3 % 1000, "total": 1000, "message": f"row {number}"}
        return self._frame("run:progress", at_work, {"progress": progress})

    def _frame(self, kind: str, number: int, more: dict[str, Any]) -> bytes:
        labels = {"env": "prod", "team": f"team-{number % 211}"}
        body = {"type": kind, "runId": run_id(number), "jobName": _JOBS[number % 3]}
        body |= {"labels": labels, "timestamp": "2026-11-01T00:00:00.000Z", **more}
        self._framed += 1
        return b"id: bench-%d\ndata: %s\n\n" % (self._framed, json.dumps(body).encode())

    def tell(self, count: int) -> None:
        """Send the next events to everybody."""
        data = b"".join(self.event(self.told + n) for n in range(count))
        self.told += count
        for writer in self.listeners:
            writer.write(data)

    def tell_one(self) -> None:
        """Send an event that changes one cell near the top of the list."""
        self.told += 1
        progress = {"current": self.told * 37 % 1000, "total": 1000, "message": "one"}
        data = self._frame("run:progress", self.first_newest - 8, {"progress": progress})
        for writer in self.listeners:
            writer.write(data)

    async def pace(self) -> None:
        """Tell events at the rate that is wanted now."""
        clock = asyncio.get_running_loop().time
        before, owed = clock(), 0.0
        while True:
            await asyncio.sleep(_TICK)
            now = clock()
            owed = min(owed + (now - before) * self.rate, 5_000.0)
            before = now
            if owed >= 1:
                self.tell(int(owed))
                owed -= int(owed)

    async def keep_alive(self) -> None:
        """Tell quiet streams now and then that they are there."""
        framed = 0
        while True:
            await asyncio.sleep(KEEP_ALIVE)
            if framed == self._framed:
                for writer in self.listeners:
                    writer.write(b": keep-alive\nid: bench-%d\n\n" % framed)
            framed = self._framed

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
                url = urlsplit(target)
                path = url.path.removeprefix("/api/durably")
                if path.endswith("subscribe"):
                    await self._stream(reader, writer, all_runs=path == "/runs/subscribe")
                    return
                status, body, more = self._answer(method, path, parse_qs(url.query))
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{more}"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, all_runs: bool
    ) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        writer.write(b"Connection: close\r\n\r\n: hello\n\n")
        if all_runs:
            self.listeners.add(writer)
        try:
            await reader.read()
        finally:
            self.listeners.discard(writer)

    def _answer(
        self, method: str, path: str, query: dict[str, list[str]]
    ) -> tuple[int, bytes, str]:
        if method == "POST":
            return 400, b'{"error":"runId is required"}', ""
        if path == "":
            return 200, b'{"generation":"python","features":["cursor","total","event-ids"]}', ""
        if path == "/runs":
            if "bogus" in query.get("status", ()):
                return 400, b'{"error":"Invalid status: use leased"}', ""
            end = len(self.runs)
            if after := query.get("after"):
                end = int(after[0].rpartition("JBENCH")[2])
            limit = int(query.get("limit", ["50"])[0])
            page = self.runs[max(0, end - limit) : end][::-1]
            more = f"X-Total-Count: {len(self.runs)}\r\n" if "total" in query else ""
            return 200, b"[%s]" % b",".join(page), more
        if path == "/run":
            number = int(query["runId"][0].rpartition("JBENCH")[2])
            return 200, self.runs[number], ""
        return 200, b"[]", ""


async def main() -> None:
    """Serve until told to end."""
    replayer = Replayer(int(sys.argv[1]) if sys.argv[1:] else RUNS)
    server = await asyncio.start_server(replayer.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    tasks = [asyncio.create_task(each) for each in (replayer.pace(), replayer.keep_alive())]
    while (line := await asyncio.to_thread(sys.stdin.readline)).strip():
        if line.strip() == "one":
            replayer.tell_one()
        else:
            replayer.rate = float(line)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
