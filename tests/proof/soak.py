"""``make soak``: the monitor in a terminal under a steady load; nothing grows, nothing gets slower.

The first quarter of the time is held against the last: paints, the answer to a key, open files. So
is memory, but only from when the caches are full: the history keeps the last 1,000 runs, so until
twice as many have passed it grows as it should. Where it is not that long, as in the short form,
the table says how full they were. At the end the load stops, and the rows on the screen are those
of ``GET /runs``.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import random
import re
import signal
import struct
import termios
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from json import dumps, loads
from statistics import mean, median
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, urlsplit

import pyte
from support.command import Home
from support.python_server import PythonServer

from durably_tui.state import HistoryLimits
from durably_tui.text import short_id
from tests.bench.watched import COLUMNS, LINES, Watched
from tests.proof.report import Check, Trial, main
from tests.proof.vitals import vitals

TITLE = "Soak: 200 events a second, the monitor open in a terminal"
EVENTS = 200.0
"""A second."""
KEPT = 400
"""Runs at the server; older ones are deleted, so that what there is to show stays as much."""
ROUND = 2.0
"""Seconds between two keys."""
HELP, KEYS = "?", b"Keys "
"""A key, and what is on the screen only once it was answered."""
FULL = 2 * HistoryLimits().runs
"""Runs after which memory has to be flat."""
MORE_MEMORY, MORE_MEGABYTES = 1.02, 6.0
FILLING, FILLING_MEGABYTES = 1.15, 20.0
"""The same while the caches fill."""
MOST_MEGABYTES = 200.0
MORE_FILES = 20
"""Connections that a client keeps for the next request, at most; more of them would be a leak."""
MOST_PAINTS = 20.0
"""A second, however calm the machine becomes."""
SLOWER, LATER = 1.5, 0.08
"""How many times the first quarter's, and seconds besides, the last quarter's may be, on a machine
that has as much else to do: how long it takes for the same work is measured beside each key."""
YARD = 200_000
"""Numbers that are added up for that, some milliseconds of work."""
_ROW = re.compile(r"[^\w\s]\s(\w+)\s+(\S+).*?…(\w+)\W*$")


class Load(threading.Thread):
    """Triggers runs so that the server tells ``EVENTS`` events a second, and deletes old ones."""

    def __init__(self, url: str, dice: random.Random) -> None:
        super().__init__(daemon=True)
        self.events = 0
        """Told by the server since the start."""
        self.runs = 0
        self._url = urlsplit(url)
        self._dice = dice
        self._ids: deque[str] = deque()
        self._ending = threading.Event()
        self.failed: Exception | None = None

    def run(self) -> None:
        http = HTTPConnection(self._url.netloc, timeout=20)
        try:
            self._work(http)
        except (OSError, HTTPException, ValueError, KeyError) as error:
            self.failed = error
        finally:
            http.close()

    def stop(self) -> None:
        """No more; raises what went wrong."""
        self._ending.set()
        self.join()
        if self.failed is not None:
            raise self.failed

    def _work(self, http: HTTPConnection) -> None:
        rate, counted, looked = 10.0, self._count(http), time.monotonic()
        first = counted
        due = time.monotonic()
        while not self._ending.wait(max(0.0, due - time.monotonic())):
            due = max(due + 1 / rate, time.monotonic() - 1)
            self._one(http)
            if time.monotonic() - looked >= 3:
                now, at = self._count(http), time.monotonic()
                told = (now - counted) / (at - looked)
                rate = min(60.0, max(1.0, rate * min(2.0, max(0.5, EVENTS / max(1.0, told)))))
                counted, looked = now, at
                self.events = now - first

    def _one(self, http: HTTPConnection) -> None:
        dice = self._dice
        job_name, input = dice.choice(
            [
                ("steps", {"count": 4, "delayMs": dice.randint(0, 200)}),
                ("steps", {"count": 6, "delayMs": dice.randint(0, 500)}),
                ("noisy", {"lines": dice.randint(1, 20)}),
                ("fails", {"message": "the disk is full"}),
            ]
        )
        body = {"jobName": job_name, "input": input, "labels": {"env": "prod"}}
        self._ids.append(self.ask(http, "POST", "/trigger", body)["runId"])
        self.runs += 1
        if len(self._ids) > KEPT:
            self.ask(http, "DELETE", f"/run?runId={quote(self._ids.popleft())}")

    def _count(self, http: HTTPConnection) -> int:
        http.request("GET", f"{self._url.path}/metrics")
        text = http.getresponse().read().decode()
        found = re.findall(r"^durably_events_total(?:\{[^}]*\})? (\d+)", text, re.MULTILINE)
        return sum(map(int, found))

    def ask(self, http: HTTPConnection, method: str, path: str, body: Any = None) -> Any:
        http.request(method, self._url.path + path, None if body is None else dumps(body))
        answer = http.getresponse()
        content = answer.read()
        if answer.status >= 500:
            raise ValueError(f"{method} {path} was answered {answer.status}")
        return loads(content)


@dataclass
class Sample:
    """One round."""

    megabytes: float
    files: int
    paints: float
    """A second, between two keys."""
    key: float
    """Seconds until the answer to a key was read."""
    runs: int
    """Triggered by then."""
    yard: float
    """Seconds that the same work took now."""


def soak(trial: Trial) -> str:
    """All of it: one server, one monitor, one load."""
    minutes = trial.options.minutes or trial.pick(60.0, 0.8)
    home = Home(trial.folder)
    with asyncio.Runner() as runner, patch.dict(os.environ, home.env(), clear=True):
        server = PythonServer(trial.folder / "soak.db", max_concurrent_runs=16)
        runner.run(server.start())
        load = Load(server.url, trial.dice)
        try:
            assert server._process is not None
            before = vitals(server._process.pid)
            with Watched(server.url) as watched:
                watched.until("● live")
                load.start()
                watched.pump(min(30.0, minutes * 60 / 4))
                samples, seconds, cpu = _watch(watched, minutes * 60, load)
                rate = load.events / max(1.0, seconds + min(30.0, minutes * 60 / 4))
                load.stop()
                _quiet(server.url)
                _same_screen(watched, server.url, trial)
            after = vitals(server._process.pid)
        finally:
            load._ending.set()
            runner.run(server.kill())
    first = samples[: max(1, len(samples) // 4)]
    last = samples[-max(1, len(samples) // 4) :]
    busier = max(1.0, mean(s.yard for s in last) / mean(s.yard for s in first))
    # A machine that has much else to do makes fewer; the table says how many it was.
    trial.expect(rate > EVENTS * 0.3, f"only {rate:.0f} events a second came")
    return f"{seconds / 60:.1f} min, {rate:.0f} events/s, {load.runs} runs; " + "; ".join(
        [
            _memory(trial, samples),
            _flat(trial, "open files", "", [s.files for s in first],
                  [s.files for s in last], 1.0, MORE_FILES),
            _flat(trial, "paints", "/s", [s.paints for s in first],
                  [s.paints for s in last], 0.0, MOST_PAINTS, busier),
            _flat(trial, "key", "ms", [s.key * 1e3 for s in first],
                  [s.key * 1e3 for s in last], SLOWER * busier, LATER * 1e3 * busier),
            f"the machine {busier:.1f} times as busy",
            f"CPU {cpu / seconds:.0%} of a core; the server {before} before, {after} after",
        ]
    )  # fmt: skip


def _watch(watched: Watched, seconds: float, load: Load) -> tuple[list[Sample], float, float]:
    """Samples for some time; how long it was, and the CPU seconds of the monitor."""
    samples: list[Sample] = []
    began, cpu = time.monotonic(), watched.cpu
    while time.monotonic() < began + seconds:
        frames, at = watched.frames, time.monotonic()
        watched.pump(ROUND)
        paints = (watched.frames - frames) / (time.monotonic() - at)
        began_yard = time.monotonic()
        sum(range(YARD))
        yard = time.monotonic() - began_yard
        key = watched.answer(HELP, KEYS)
        watched.send("\x1b")
        watched.pump(0.3)
        held = vitals(watched.process.pid)
        samples.append(Sample(held.megabytes, held.files, paints, key, load.runs, yard))
        if len(samples) % 100 == 0:
            print(f"    {(time.monotonic() - began) / 60:.0f} min: {samples[-1]}", flush=True)
    return samples, time.monotonic() - began, watched.cpu - cpu


def _memory(trial: Trial, samples: list[Sample]) -> str:
    """Flat once the caches are full, and never much."""
    most = max(sample.megabytes for sample in samples)
    trial.expect(most <= MOST_MEGABYTES, f"{most:.0f} MB of memory")
    warm = [sample for sample in samples if sample.runs >= FULL]
    if len(warm) < 8:
        said = f"caches not full yet, {samples[-1].runs:,} of {FULL:,} runs"
        judged, limits = samples, (FILLING, FILLING_MEGABYTES)
    else:
        said = f"caches full, after {FULL:,} runs"
        judged, limits = warm, (MORE_MEMORY, MORE_MEGABYTES)
    quarter = max(1, len(judged) // 4)
    first = [sample.megabytes for sample in judged[:quarter]]
    last = [sample.megabytes for sample in judged[-quarter:]]
    return f"{_flat(trial, 'memory', 'MB', first, last, *limits)} ({said}), {most:.0f} at most"


def _flat(
    trial: Trial,
    what: str,
    unit: str,
    first: list[float] | list[int],
    last: list[float] | list[int],
    times: float,
    more: float,
    busier: float = 1.0,
) -> str:
    """The first quarter's median beside the last's, and a violation where it has grown."""
    before, after = median(first), median(last)
    told = f"{what} {before:.0f} → {after:.0f} {unit}".rstrip()
    trial.expect(after <= before * times + more, f"{told} (means {mean(first)}, {mean(last)})")
    if what == "paints":
        trial.expect(after > 0.3 * before / busier, f"it paints less: {told}")
    return told


def _ask(url: str, path: str) -> Any:
    parts = urlsplit(url)
    http = HTTPConnection(parts.netloc, timeout=20)
    try:
        http.request("GET", parts.path + path)
        return loads(http.getresponse().read())
    finally:
        http.close()


def _quiet(url: str) -> None:
    deadline = time.monotonic() + 60
    while _ask(url, "/runs?status=pending&status=leased&limit=1"):
        assert time.monotonic() < deadline, "the runs never ended"
        time.sleep(0.1)


def _same_screen(watched: Watched, url: str, trial: Trial) -> None:
    """The rows of the table from its top are the newest runs, with their jobs and states."""
    wire = _ask(url, "/runs?limit=100")
    newest = sorted(wire, key=lambda run: (run["createdAt"], run["id"]), reverse=True)
    wanted = [(run["status"], run["jobName"], short_id(run["id"])[-8:]) for run in newest]
    deadline = time.monotonic() + 20
    shown: list[tuple[str, str, str]] = []
    while time.monotonic() < deadline:
        watched.send("g")
        text = _screen(watched)
        shown = [found.groups() for line in text if (found := _ROW.search(line))]
        if len(shown) >= 10 and shown == wanted[: len(shown)]:
            return
    wrong = [f"{ours} | {theirs}" for ours, theirs in zip(shown, wanted, strict=False)]
    trial.violated(f"{len(shown)} rows on the screen are not those of GET /runs", [*wrong, *text])


def _screen(watched: Watched) -> list[str]:
    """What is on the screen once all of it was painted anew, as after a change of its size."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    for columns in (COLUMNS - 1, COLUMNS):
        size = struct.pack("HHHH", LINES, columns, 0, 0)
        fcntl.ioctl(watched._master, termios.TIOCSWINSZ, size)
        os.killpg(watched.process.pid, signal.SIGWINCH)
        end = time.monotonic() + 1.0
        while (left := end - time.monotonic()) > 0:
            stream.feed(watched.read(left))
    return list(screen.display)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, help="for how long (60; 0.8 with --short)")


CHECKS = [Check("nothing grows, nothing gets slower", soak, 3 * 3600, 240)]

if __name__ == "__main__":
    main("soak", TITLE, CHECKS, options=_options)
