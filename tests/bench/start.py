"""How long a person waits: for the first picture, and for ``--help``."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.measure import heading, paired, row

BARE_APP = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("first-paint")
Bare().run()
"""


BARE_REQUEST = """
import json
import httpx
import typer
def main(url: str) -> None:
    print(json.dumps(httpx.get(url).json(), indent=2))
typer.run(main)
"""
RUNS = 50


@contextmanager
def served() -> Iterator[str]:
    """Our server in a process of its own, with a page of runs; gives its address."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from support.command_server import python_peer

    with tempfile.TemporaryDirectory() as folder, python_peer(Path(folder)) as server:
        for n in range(RUNS):
            server.trigger("echo", {"value": str(n)})
        server.done("echo", {"value": "last"})
        yield server.url


def until_painted(argv: list[str], marker: bytes, columns: int = 120, lines: int = 40) -> float:
    """Seconds from spawning ``argv`` in a terminal to ``marker`` on its screen."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
    started = time.perf_counter()
    process = subprocess.Popen(
        argv, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True
    )
    os.close(slave)
    seen = b""
    try:
        while marker not in seen:
            ready, _, _ = select.select([master], [], [], 20)
            if not ready:
                raise TimeoutError(f"no {marker!r} on the screen within 20 s")
            seen += os.read(master, 65536)
        return time.perf_counter() - started
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(master)


def seconds(argv: list[str]) -> float:
    """How long ``argv`` runs."""
    started = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def run() -> None:
    """Print the figures."""
    heading("Start (ms)")
    python = sys.executable
    # A closed port: what is measured is the way to the first picture, which waits for no server.
    monitor = [python, "-m", "durably_tui", "http://127.0.0.1:9/api/durably"]
    ours, bare, ratio = paired(
        lambda: until_painted(monitor, b"durably"),
        lambda: until_painted([python, "-c", BARE_APP], b"first-paint"),
        rounds=9,
    )
    row(
        "start to first paint; a bare Static app",
        f"{ours * 1e3:.0f}",
        f"{bare * 1e3:.0f}",
        ratio,
        "<= 1.5",
    )
    ours, bare, ratio = paired(
        lambda: seconds([python, "-m", "durably_tui", "--help"]),
        lambda: seconds([python, "-c", "import typer"]),
        rounds=15,
    )
    row("durably-tui --help; import typer", f"{ours * 1e3:.0f}", f"{bare * 1e3:.0f}", ratio, "<= 2")
    with served() as url:
        ours, bare, ratio = paired(
            lambda: seconds([python, "-m", "durably_tui", "runs", "-o", "json", "-s", url]),
            lambda: seconds([python, "-c", BARE_REQUEST, f"{url}/runs?limit=50"]),
            rounds=15,
        )
    row(
        "runs -o json; typer, httpx and the same request",
        f"{ours * 1e3:.0f}",
        f"{bare * 1e3:.0f}",
        ratio,
        "<= 1.3",
    )
