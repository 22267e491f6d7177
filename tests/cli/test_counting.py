"""``events | wc -l`` counts exactly what the server published, thousands of events in bursts."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import httpx
import pytest
from support.command import COMMAND, Home
from support.command_going import PATIENCE
from support.command_server import CommandServer
from support.plain_http import NO_TLS

LINES, RUNS, STEPS = 1500, 4, 200
LEAST = RUNS * LINES + 3 * STEPS
"""Log lines, then the beginning, the end and the line of each step."""


class Counted:
    """``durably-tui events | tee FILE | wc -l``."""

    def __init__(self, home: Home, url: str) -> None:
        self._file = home.folder / "events.ndjson"
        pipe = subprocess.PIPE
        self._events = subprocess.Popen(
            [*COMMAND, "events", "-s", url], env=home.env(), stdout=pipe, stderr=pipe
        )
        self._tee = subprocess.Popen(
            ["tee", str(self._file)], stdin=self._events.stdout, stdout=pipe
        )
        self._count = subprocess.Popen(["wc", "-l"], stdin=self._tee.stdout, stdout=pipe)
        for earlier in (self._events, self._tee):
            assert earlier.stdout is not None
            earlier.stdout.close()  # the next one alone shall read it

    def until(self, wanted: str) -> None:
        """Wait until a line with ``wanted`` has come."""
        until(lambda: self._file.exists() and wanted in self._file.read_text())

    def ended(self) -> tuple[int, str]:
        """Ctrl-C: what was counted, and what was said beside it."""
        self._events.send_signal(signal.SIGINT)
        counted, _ = self._count.communicate(timeout=PATIENCE)
        self._tee.wait(timeout=PATIENCE)
        assert self._events.wait(timeout=PATIENCE) == 130
        assert self._events.stderr is not None
        return int(counted), self._events.stderr.read().decode()

    @property
    def text(self) -> str:
        return self._file.read_text()

    def close(self) -> None:
        for process in (self._events, self._tee, self._count):
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


@contextmanager
def counted(home: Home, url: str) -> Iterator[Counted]:
    command = Counted(home, url)
    try:
        yield command
    finally:
        command.close()


def until(condition: Callable[[], object]) -> None:
    """Ask again and again until it holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def busy(server: CommandServer) -> str:
    """Runs that say much and take many steps; the id of the last, which ends after them."""
    made = [server.trigger("noisy", {"lines": LINES}) for _ in range(RUNS)]
    made += [server.trigger("steps", {"count": STEPS}), server.trigger("fails", {"message": "no"})]
    for run_id in made:
        server.ended(run_id)
    return server.done("echo", {"value": "last"})


def test_our_server(home: Home, fresh: CommandServer) -> None:
    with counted(home, fresh.url) as command:
        until(lambda: metrics(fresh.url)["durably_streams"] == 1)
        last = busy(fresh)
        command.until(f'"type":"run:complete","runId":"{last}"')
        found, said = command.ended()
        told = metrics(fresh.url)
        progress = command.text.count('"type":"run:progress"')
    assert said == ""
    assert found == told["durably_stream_frames_total"]
    happened = sum(
        count
        for name, count in told.items()
        if name.startswith("durably_events_total") and "progress" not in name
    )
    assert found - progress == happened >= LEAST, "of progress alone a server sends less than all"


def metrics(url: str) -> dict[str, int]:
    """What the server counts."""
    text = httpx.get(f"{url}/metrics", verify=NO_TLS).raise_for_status().text
    return {name: int(count) for name, count in re.findall(r"^(\S+) (\d+)$", text, re.M)}


@pytest.mark.node
def test_the_node_server(home: Home, node: CommandServer) -> None:
    with counted(home, node.url) as command, heard(node.url) as frames:
        until(lambda: first_run_of_both(node, command, frames))
        last = busy(node)
        command.until(f'"type":"run:complete","runId":"{last}"')
        until(lambda: any(b"run:complete" in one and last.encode() in one for one in frames))
        found, said = command.ended()
        lines = command.text.splitlines()
    assert (found, said) == (len(lines), "")
    assert after_first(lines) == after_first([one.decode() for one in frames]) >= LEAST


def first_run_of_both(node: CommandServer, command: Counted, frames: list[bytes]) -> bool:
    """Whether both streams are open: a run of the job ``quiet`` was seen on both."""
    run_id = node.done("quiet", {})
    return run_id in command.text and any(run_id.encode() in one for one in frames)


def after_first(lines: list[str]) -> int:
    """How many came after the last run by which the streams were seen to be open."""
    quiet = [n for n, line in enumerate(lines) if '"quiet"' in line]
    return sum("run:progress" not in line for line in lines[quiet[-1] + 1 :])


@contextmanager
def heard(url: str) -> Iterator[list[bytes]]:
    """The events of another stream, as they come on the wire."""
    frames: list[bytes] = []
    at = httpx.URL(url)

    def listen(peer: socket.socket) -> None:
        rest = b""
        while data := peer.recv(65536):
            *whole, rest = (rest + data).split(b"\n\n")
            frames.extend(one for one in whole if b"data:" in one)

    with socket.create_connection((at.host, at.port or 80)) as peer:
        # Without chunks, as HTTP was before 1.1.
        peer.sendall(f"GET {at.path}/runs/subscribe HTTP/1.0\r\nHost: {at.host}\r\n\r\n".encode())
        thread = Thread(target=listen, args=(peer,))
        thread.start()
        try:
            yield frames
        finally:
            peer.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)
