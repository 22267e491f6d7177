"""The monitor on a pty, watched as a person would: what it writes, how soon it answers a key, and
what that costs."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from statistics import median, quantiles
from types import TracebackType
from typing import Self

from tests.bench.measure import row

COLUMNS, LINES = 120, 40
_CURSOR = "▸".encode()
_FRAME = b"\x1b[?2026h"
_ASKS_FOR_FRAMES = b"\x1b[?2026$p"
_TICKS = os.sysconf("SC_CLK_TCK")


class Watched:
    """The monitor on a pty whose other end is read as quickly as ``per_second`` bytes allow."""

    def __init__(self, url: str, per_second: int | None = None) -> None:
        self.per_second = per_second
        self.bytes = 0
        self.frames = 0
        self.tail = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        env = {
            **os.environ,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LC_ALL": "C.UTF-8",
        }
        env = {name: value for name, value in env.items() if name not in {"COLUMNS", "LINES"}}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "durably_tui", url],
            stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def read(self, seconds: float) -> bytes:
        """What is written within some time, at most one piece of it."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        if not ready:
            return b""
        size = 65536 if self.per_second is None else self.per_second // 100
        data = os.read(self._master, size)
        if self.per_second is not None:
            time.sleep(len(data) / self.per_second)
        self.bytes += len(data)
        text = self.tail + data
        self.frames += text.count(_FRAME) - self.tail.count(_FRAME)
        if _ASKS_FOR_FRAMES in text and _ASKS_FOR_FRAMES not in self.tail:
            self.send("\x1b[?2026;2$y")
        self.tail = text[-len(_ASKS_FOR_FRAMES) - 1 :]
        return data

    def pump(self, seconds: float) -> None:
        """Read for some time."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def answer(self, keys: str, sign: bytes = _CURSOR, patience: float = 10.0) -> float:
        """Seconds from typing to the sign of an answer being read; ``patience`` where none came."""
        began = time.perf_counter()
        self.send(keys)
        seen = b""
        while (left := began + patience - time.perf_counter()) > 0:
            seen = seen[-len(sign) :] + self.read(left)
            if sign in seen:
                return time.perf_counter() - began
        return patience

    def until(self, sign: str, patience: float = 60.0) -> None:
        """Read until something is written."""
        if self.answer("", sign.encode(), patience) >= patience:
            raise TimeoutError(f"no {sign!r} on the screen within {patience:.0f} s")

    def quiet(self, seconds: float = 0.4, patience: float = 20.0) -> None:
        """Read until nothing is written for some time."""
        end = time.perf_counter() + patience
        while self.read(seconds) and time.perf_counter() < end:
            pass

    @property
    def cpu(self) -> float:
        """CPU seconds that the monitor has used."""
        fields = _proc(self.process.pid, "stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def megabytes(self) -> float:
        """Memory of the monitor."""
        line = next(s for s in _proc(self.process.pid, "status").splitlines() if "VmRSS" in s)
        return int(line.split()[1]) / 1024

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._master)


def _proc(pid: int, name: str) -> str:
    with open(f"/proc/{pid}/{name}") as file:
        return file.read()


def keys_of(watched: Watched, seconds: float, *, pause: float = 0.13) -> list[float]:
    """How long each of many keys took that move the cursor between two rows that stand still."""
    took = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        took.append(watched.answer("jk"[len(took) % 2]))
        watched.pump(pause)
    return took


def figures(what: str, took: list[float], goal: str, still: list[float]) -> None:
    """Print the 95th percentile beside that of the same keys while nothing happens: how much a
    busy machine adds to both is seen there."""
    p95, calm = (quantiles(times, n=20)[18] for times in (took, still))
    print(f"median {median(took) * 1e3:.0f} ms, {median(still) * 1e3:.0f} ms while nothing happens")
    row(what, f"p95 {p95 * 1e3:.0f} ms", f"p95 {calm * 1e3:.0f} ms", p95 / calm, goal)


def share(watched: Watched, seconds: float) -> float:
    """How much of a core the monitor uses for some time."""
    before, began = watched.cpu, time.perf_counter()
    watched.pump(seconds)
    return (watched.cpu - before) / (time.perf_counter() - began)
