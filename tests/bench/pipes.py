"""``logs -f`` into a pipe: the most that it takes, and how late 20,000 lines a second come out."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from statistics import quantiles
from typing import NamedTuple

from tests.bench.measure import heading, medians, paired, row

PER_SECOND = 20_000
SECONDS = 8
MOST = 200_000
"""Lines that are sent as quickly as they are taken."""
TICK = 0.01
FLOOD, PACED = "all-at-once", "evenly-paced"
"""The ids of the runs."""

BARE_FOLLOW = """
import json, sys
import httpx
with httpx.stream("GET", sys.argv[1], timeout=None) as answer:
    for line in answer.iter_lines():
        if line.startswith("data: "):
            event = json.loads(line[6:])
            if event["type"] == "log:write":
                print(event["timestamp"], event["level"], event["message"])
            else:
                break
"""
"""The reference: what a person writes who needs the lines only; it keeps no connection alive,
and what the lines say reaches the terminal raw."""

_RUN = {
    "jobName": "noisy",
    "status": "leased",
    "input": {},
    "labels": {},
    "createdAt": "2026-11-01T00:00:00.000Z",
}
_END = {"type": "run:complete", "jobName": "noisy", "labels": {}, "output": {}, "duration": 1}


def frames(run_id: str, start: int, count: int) -> bytes:
    """Log lines as the Python server sends them, each with the time at which it is sent."""
    now = time.monotonic_ns()
    head = (
        f'data: {{"type":"log:write","runId":"{run_id}","jobName":"noisy","labels":{{}},'
        '"timestamp":"2026-11-01T00:00:00.000Z","stepName":null,"level":"info",'
        f'"message":"at={now} '
    )
    tail = ' of the file customers.csv, kept as it is","data":null}\n\n'
    return "".join([f"{head}row {n}{tail}" for n in range(start, start + count)]).encode()


def tell(peer: socket.socket, run_id: str) -> None:
    """A stream with all lines of a run, and its end."""
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
    told, started = 0, time.perf_counter()
    total = MOST if run_id == FLOOD else PER_SECOND * SECONDS
    while told < total:
        if run_id == FLOOD:
            due = min(total, told + 1000)
        else:
            due = min(total, int((time.perf_counter() - started) * PER_SECOND))
        peer.sendall(frames(run_id, told, due - told))
        told = due
        if run_id != FLOOD:
            time.sleep(TICK)
    peer.sendall(b"data: %s\n\n" % json.dumps(_END | {"runId": run_id}).encode())


def answer(peer: socket.socket) -> None:
    """Answer one request, as much as ``logs -f`` asks."""
    with peer, suppress(OSError):  # where it was stopped
        target = peer.recv(65536).split(b" ", 2)[1].decode()
        path, _, query = target.partition("?")
        run_id = query.removeprefix("runId=")
        if path == "/subscribe":
            tell(peer, run_id)
            return
        known: object = []
        if path == "":
            known = {"generation": "python", "features": ["logs"]}
        elif path == "/run":
            known = _RUN | {"id": run_id}
        body = json.dumps(known).encode()
        peer.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )


def serve(listener: socket.socket) -> None:
    """Answer each connection in a thread of its own: lines are fetched beside the stream."""
    while True:
        peer, _ = listener.accept()
        threading.Thread(target=answer, args=(peer,), daemon=True).start()


class Taken(NamedTuple):
    """What came out of the pipe."""

    lines: int
    seconds: float
    """From the first of it to the last."""
    behind: float
    """Milliseconds from the sending of a line to its end in the pipe, the 95th percentile."""
    cpu: float
    """Microseconds of the command for each line, its start included."""


def taken(argv: list[str]) -> Taken:
    """Run a command and read what it prints, as the next program of a pipe does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(argv, stdout=subprocess.PIPE)
    assert process.stdout is not None
    lines, behind, rest, started = 0, [0.0, 0.0], b"", 0.0
    with process.stdout:
        while data := os.read(process.stdout.fileno(), 1 << 20):
            now = time.monotonic_ns()
            started = started or now
            whole, _, rest = (rest + data).rpartition(b"\n")
            if whole:
                lines += whole.count(b"\n") + 1
                behind += [(now - sent) / 1e6 for sent in _sent(whole)]
    ended = time.monotonic_ns()
    assert process.wait() == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(lines, (ended - started) / 1e9, quantiles(behind, n=20)[-1], spent / lines * 1e6)


def _sent(whole: bytes) -> Iterator[int]:
    """When the first and the last of these lines were sent."""
    for line in (whole[: whole.find(b"\n")], whole[whole.rfind(b"\n") + 1 :]):
        yield int(line.partition(b"at=")[2].partition(b" ")[0])


def run() -> None:
    """Print the figures."""
    heading("Pipes")
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = multiprocessing.get_context("fork").Process(
        target=serve, args=(listener,), daemon=True
    )
    server.start()
    listener.close()
    python = sys.executable

    def ours(run_id: str, *options: str) -> Taken:
        return taken([python, "-m", "durably_tui", "logs", "-f", run_id, "-s", url, *options])

    def bare(run_id: str) -> Taken:
        return taken([python, "-c", BARE_FOLLOW, f"{url}/subscribe?runId={run_id}"])

    def rate(of: Taken) -> float:
        assert of.lines == MOST
        return of.lines / of.seconds

    def told(what: str, figures: tuple[float, float, float], goal: str) -> None:
        mine, theirs, ratio = figures
        row(what, f"{mine:,.1f}", f"{theirs:,.1f}", ratio, goal)

    try:
        for form in ("text", "ndjson"):
            figures = paired(
                lambda form=form: rate(ours(FLOOD, "-o", form)),  # type: ignore[misc]
                lambda: rate(bare(FLOOD)),
                rounds=3,
            )
            told(
                f"lines/s that logs -f -o {form} takes; httpx, json, print",
                figures,
                f">= {PER_SECOND:,}",
            )
        pairs = [(ours(PACED), bare(PACED)) for _ in range(3)]
        told(
            f"ms behind {PER_SECOND:,} lines/s (p95), -o text; the same",
            medians([(one.behind, other.behind) for one, other in pairs]),
            "<= 100",
        )
        told(
            f"CPU µs a line at {PER_SECOND:,}/s, -o text; the same",
            medians([(one.cpu, other.cpu) for one, other in pairs]),
            "<= 50",
        )
    finally:
        server.kill()
        server.join()
