"""The server's event streams: nobody loses, how late, how much CPU and memory for each client.

The reference is what one writes with sse-starlette: a queue for each client, each event encoded
for each, on the same server and loop.
"""

from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import os
import re
import selectors
import socket
import time
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.types import ASGIApp

from durably_server import Durably, create_durably_handler
from durably_server.engine.events import LogWrite
from durably_server.http.serving import serving
from tests.bench.measure import heading, row

CLIENTS = 500
RATE = 200
EVENTS = 1000
ROUNDS = 3
_BEGIN = b'{"type"'
_AT = re.compile(rb'"message":"([0-9.]+)"')


class Ours:
    """The handler, with events as the engine tells them."""

    def __init__(self) -> None:
        self.durably = Durably("memory:")
        self.handler = create_durably_handler(self.durably, start_worker=False)
        self.app: ASGIApp = self.handler
        self.path = "/runs/subscribe"

    def publish(self, message: str) -> None:
        """A log line of a job."""
        self.durably._bus.emit(
            LogWrite(
                run_id="01M8105HCFJSA650SP26NPPNEY",
                job_name="steps",
                labels={"env": "prod"},
                step_name="step-1",
                level="info",
                message=message,
                data={"i": 1},
                has_data=True,
            )
        )

    def close(self) -> None:
        """End all streams."""
        self.handler.hub.close()


class Reference:
    """The same events by sse-starlette."""

    def __init__(self) -> None:
        self.queues: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self.path = "/"

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """One stream."""
        request = Request(scope, receive)
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.queues.add(queue)

        async def events() -> AsyncIterator[dict[str, str]]:
            try:
                while (event := await queue.get()) is not None:
                    yield {"data": json.dumps(event, separators=(",", ":"))}
            finally:
                self.queues.discard(queue)

        await EventSourceResponse(events())(request.scope, receive, send)

    def publish(self, message: str) -> None:
        """A log line of a job."""
        event = {
            "type": "log:write",
            "runId": "01M8105HCFJSA650SP26NPPNEY",
            "jobName": "steps",
            "labels": {"env": "prod"},
            "stepName": "step-1",
            "level": "info",
            "message": message,
            "data": {"i": 1},
            "timestamp": "2026-11-22T06:47:48.217Z",
        }
        for queue in self.queues:
            queue.put_nowait(event)

    def close(self) -> None:
        """End all streams."""
        for queue in self.queues:
            queue.put_nowait(None)


def serve(subject: type[Ours] | type[Reference], orders: Connection) -> None:
    """A server in a process of its own, which does what it is told."""

    async def main() -> None:
        served = subject()
        loop = asyncio.get_running_loop()
        async with serving(served.app) as url:
            orders.send((int(url.rpartition(":")[2]), served.path))
            while True:
                order, *arguments = await loop.run_in_executor(None, orders.recv)
                if order == "publish":
                    rate, count = arguments
                    before, due = time.process_time(), time.monotonic()
                    for _ in range(count):
                        served.publish(repr(time.monotonic()))
                        due += 1 / rate
                        await asyncio.sleep(max(0.0, due - time.monotonic()))
                    await asyncio.sleep(0.2)
                    orders.send(time.process_time() - before)
                elif order == "memory":
                    gc.collect()
                    orders.send(_resident())
                else:
                    served.close()
                    return

    asyncio.run(main())


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Clients:
    """Many open streams, read by one loop over plain sockets."""

    def __init__(self, port: int, path: str, count: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._sockets = []
        for at in range(count):
            peer = socket.create_connection(("127.0.0.1", port))
            peer.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                head += peer.recv(65536)
            peer.setblocking(False)
            self._selector.register(peer, selectors.EVENT_READ, at)
            self._sockets.append(peer)

    def read(self, events: int, patience: float) -> tuple[int, list[float]]:
        """How many clients got all events, and how late the oldest of each read was, in seconds.

        As little as possible is done with what was read, so that the readers keep up.
        """
        tails = [b""] * len(self._sockets)
        counts = [0] * len(self._sockets)
        late: list[float] = []
        deadline = time.monotonic() + patience
        missing = len(self._sockets)
        while missing and time.monotonic() < deadline:
            for key, _ in self._selector.select(0.1):
                at = key.data
                chunk = tails[at] + self._sockets[at].recv(262144)
                tails[at] = chunk[1 - len(_BEGIN) :]
                found = chunk.count(_BEGIN)
                if not found:
                    continue
                counts[at] += found
                missing -= counts[at] == events
                published = _AT.search(chunk)
                if published is not None:
                    late.append(time.monotonic() - float(published[1]))
        return len(self._sockets) - missing, late

    def close(self) -> None:
        """Hang up."""
        self._selector.close()
        for peer in self._sockets:
            peer.close()


class Server:
    """One of the two, running."""

    def __init__(self, subject: type[Ours] | type[Reference]) -> None:
        self._orders, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=serve, args=(subject, theirs), daemon=True)
        self._process.start()
        self.port, self.path = self._orders.recv()

    def memory_for(self, clients: int) -> float:
        """Bytes of the process for each client."""
        warm = Clients(self.port, self.path, 20)
        before = self._ask("memory")
        many = Clients(self.port, self.path, clients)
        after = self._ask("memory")
        many.close()
        warm.close()
        return (after - before) / clients

    def publish(self, clients: int, rate: int, events: int) -> tuple[float, int, list[float]]:
        """Seconds of CPU for one delivery, how many clients got all, and how late."""
        readers = Clients(self.port, self.path, clients)
        self._orders.send(("publish", rate, events))
        whole, late = readers.read(events, patience=events / rate + 20)
        used = float(self._orders.recv())
        readers.close()
        return used / (clients * events), whole, late

    def stop(self) -> None:
        """End it."""
        self._orders.send(("stop",))
        self._process.join(10)
        self._process.kill()

    def _ask(self, order: str) -> float:
        self._orders.send((order,))
        return float(self._orders.recv())


def _percentile(late: list[float], of_hundred: int) -> float:
    return quantiles(late, n=100)[of_hundred - 1] * 1000


def run() -> None:
    """Print the figures."""
    heading("Streams (reference: sse-starlette)")
    ours, theirs = Server(Ours), Server(Reference)
    memory, reference = ours.memory_for(CLIENTS), theirs.memory_for(CLIENTS)
    row(
        f"kB of memory for a client, {CLIENTS} open",
        f"{memory / 1000:.1f}",
        f"{reference / 1000:.1f}",
        memory / reference,
        "< 40 kB",
    )
    ours.publish(100, 100, 50)
    theirs.publish(100, 100, 50)
    pairs = [
        (ours.publish(100, 100, 300)[0], theirs.publish(100, 100, 300)[0]) for _ in range(ROUNDS)
    ]
    row(
        "CPU µs for a delivery, 100 clients, 100 events/s",
        f"{median(a for a, _ in pairs) * 1e6:.1f}",
        f"{median(b for _, b in pairs) * 1e6:.1f}",
        median(a / b for a, b in pairs),
        "<= 0.4",
    )
    cost, whole, late = ours.publish(CLIENTS, RATE, EVENTS)
    cost_there, _, late_there = theirs.publish(CLIENTS, RATE // 10, EVENTS // 10)
    row(
        f"p99 ms to receipt, {CLIENTS} clients, {RATE} events/s (there {RATE // 10})",
        f"{_percentile(late, 99):.1f}",
        f"{_percentile(late_there, 99):.1f}",
        _percentile(late, 99) / _percentile(late_there, 99),
        "< 100 ms",
    )
    row(
        "CPU µs for a delivery there",
        f"{cost * 1e6:.1f}",
        f"{cost_there * 1e6:.1f}",
        cost / cost_there,
        "beside it",
    )
    row("clients that got every event", f"{whole}", f"{CLIENTS}", whole / CLIENTS, "x1.00")
    ours.stop()
    theirs.stop()
