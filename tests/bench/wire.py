"""From the socket to the state: events per second, and the CPU of one event."""

from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import socket
import time
from collections.abc import Callable
from functools import reduce
from operator import or_
from pathlib import Path

import httpx
import httpx_sse
import msgspec

from durably_tui.client import DurablyClient
from durably_tui.protocol import Run, RunsQuery
from durably_tui.protocol.events import KNOWN
from durably_tui.state import create_durably_client
from tests.bench.measure import heading, paired, row

RECORDING = Path(__file__).parents[1] / "wire" / "v0.15" / "runs-subscribe.sse"
EVENTS = 200_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def frames() -> list[bytes]:
    """The frames of a recorded stream, each with its blank line."""
    return [frame + b"\n\n" for frame in RECORDING.read_bytes().split(b"\n\n") if frame]


def flood(listener: socket.socket, chunk: int, pause: float, total: int) -> None:
    """Serve ``total`` events to each connection: chunks of ``chunk`` bytes, or one event each."""
    one_by_one = frames()
    bulk = b"".join(one_by_one[i % len(one_by_one)] for i in range(total)) if chunk else b""
    while True:
        peer, _ = listener.accept()
        with peer:
            request = peer.recv(65536)
            if b"/runs/subscribe" not in request:
                peer.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                    b"Connection: close\r\n\r\n[]"
                )
                continue
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                peer.sendall(HEAD)
                if chunk:
                    for i in range(0, len(bulk), chunk):
                        peer.sendall(bulk[i : i + chunk])
                    continue
                due = time.perf_counter()
                for i in range(total):
                    peer.sendall(one_by_one[i % len(one_by_one)])
                    due += pause
                    time.sleep(max(0.0, due - time.perf_counter()))
            except OSError:
                continue


class Flood:
    """The flooding server in a process of its own."""

    def __init__(self, *, chunk: int = 0, pause: float = 0.0, total: int) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.total = total
        self._process = multiprocessing.get_context("fork").Process(
            target=flood, args=(listener, chunk, pause, total), daemon=True
        )
        self._process.start()
        listener.close()

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.join()


def raw_socket(port: int) -> int:
    """The reference: a blocking socket, split at blank lines, typed msgspec for each event."""
    decoder = msgspec.json.Decoder(reduce(or_, KNOWN))
    count = 0
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(b"GET /runs/subscribe HTTP/1.1\r\nHost: x\r\n\r\n")
        rest = b""
        started = False
        while data := peer.recv(65536):
            rest += data
            if not started:
                _, started, rest = rest.partition(b"\r\n\r\n")
            *whole, rest = rest.split(b"\n\n")
            for frame in whole:
                decoder.decode(frame[6:])
                count += 1
    return count


class Watcher:
    """Only what the hooks need of a server: one stream, and an empty list of runs."""

    def __init__(self, client: DurablyClient) -> None:
        self.client = client

    def __getattr__(self, name: str) -> object:
        return getattr(self.client, name)

    async def get_runs(self, query: RunsQuery | None = None) -> list[Run]:
        """No runs: what is measured is the stream."""
        return []


async def state(port: int, total: int) -> int:
    """Our way: client, decoder, Runs and History, until they have taken ``total`` events in."""
    client = DurablyClient(f"http://127.0.0.1:{port}", abilities="0.15")
    durably = create_durably_client(Watcher(client))
    reached = asyncio.Event()
    async with durably, durably.use_runs(page_size=50):
        durably.feed.subscribe(lambda feed: reached.set() if feed.events >= total else None)
        await reached.wait()
    await client.aclose()
    return durably.feed.state.events


async def sse_and_json(port: int, total: int) -> int:
    """The other reference: httpx-sse and json, no state at all."""
    count = 0
    async with (
        httpx.AsyncClient(timeout=None) as client,
        httpx_sse.aconnect_sse(client, "GET", f"http://127.0.0.1:{port}/runs/subscribe") as source,
    ):
        async for event in source.aiter_sse():
            json.loads(event.data)
            count += 1
            if count >= total:
                return count
    return count


def rate(work: Callable[[], int]) -> float:
    """Events per second of ``work``."""
    gc.collect()  # what the work before left behind is not for this one to clear away
    started = time.perf_counter()
    count = work()
    return count / (time.perf_counter() - started)


def cpu(work: Callable[[], int]) -> float:
    """Microseconds of CPU for each event of ``work``."""
    gc.collect()
    started = time.process_time()
    count = work()
    return (time.process_time() - started) / count * 1e6


def run() -> None:
    """Print the figures."""
    heading("Wire")
    bulk = Flood(chunk=65536, total=EVENTS)
    ours, theirs, ratio = paired(
        lambda: rate(lambda: asyncio.run(state(bulk.port, EVENTS))),
        lambda: rate(lambda: raw_socket(bulk.port)),
        rounds=5,
    )
    bulk.stop()
    row(
        "events/s, socket to state, 64 kB chunks; raw socket + msgspec",
        f"{ours:,.0f}",
        f"{theirs:,.0f}",
        ratio,
        ">= 0.3",
    )
    steady = Flood(pause=0.001, total=4000)
    ours, theirs, ratio = paired(
        lambda: cpu(lambda: asyncio.run(state(steady.port, 4000))),
        lambda: cpu(lambda: asyncio.run(sse_and_json(steady.port, 4000))),
        rounds=3,
    )
    steady.stop()
    row(
        "CPU µs an event at 1,000/s, socket to state; httpx-sse + json",
        f"{ours:.0f}",
        f"{theirs:.0f}",
        ratio,
        "beside it",
    )
