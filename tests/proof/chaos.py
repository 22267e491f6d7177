"""The first half of ``make chaos``: a bad network, a dying server, and what is seen of them."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import ssl
import subprocess
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import httpx
from support.node_server import NodeServer, node_missing
from support.python_server import PythonServer
from support.server_process import ServerProcess

from tests.proof import likeness
from tests.proof.proxy import Proxy, proxy
from tests.proof.report import FAILED, PASSED, Check, Row, Skipped, Trial, main
from tests.proof.stage import CALM, Stage, stage
from tests.proof.vitals import Vitals, vitals

TITLE = "Chaos: a bad network, and a server that dies"
Make = Callable[[Path], ServerProcess]
Fault = Callable[[Proxy, random.Random, float], Awaitable[None]]

MORE_MEMORY = 40.0
"""MB by which this process, which holds hooks and monitor, may be bigger at the end: what Python
keeps of what it gave back, and the history, which is bounded."""

LAG = 1.5
"""Seconds that an event may take to where it is read, on a machine that has more to do."""
MORE_SOCKETS = 18
"""A connection that is kept for the next request is three, as the proxy is in this process; hooks
and monitor may each keep three. One that were lost with each fault would be many more."""
IDLE_CONNECTIONS = 20.0
"""Seconds within which a client closes connections that it has no use for."""


def python(folder: Path) -> ServerProcess:
    return PythonServer(folder / "python.db", lease=1.2, lease_renewal=0.2)


def node(folder: Path) -> ServerProcess:
    if missing := node_missing():
        raise Skipped(f"against the Node server: {missing}")
    return NodeServer(
        folder / "node.db", lease_ms=1200, lease_renew_interval_ms=200, preserve_steps=True
    )


# -- the faults, each for some seconds ---------------------------------------------------------


async def _again_and_again(
    do: Callable[[], object], dice: random.Random, seconds: float, most: float = 0.4
) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        do()
        await asyncio.sleep(dice.uniform(0.05, most))


async def cut(between: Proxy, dice: random.Random, seconds: float) -> None:
    await _again_and_again(between.cut, dice, seconds)


async def stall(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.stall()
    await asyncio.sleep(seconds)


async def short_stalls(between: Proxy, dice: random.Random, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        between.stall()
        await asyncio.sleep(dice.uniform(0.05, 0.5))
        between.heal()
        await asyncio.sleep(dice.uniform(0.02, 0.1))


async def partition(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.half_open()
    between.swallow_new = True
    await asyncio.sleep(seconds)
    between.half_open()


async def half_open(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.half_open()
    await asyncio.sleep(seconds)


async def single_bytes(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.bite = 1
    between.cut()  # so that whole streams come that way, their heads as well
    await asyncio.sleep(seconds)


async def reordered(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.late = 0.5
    between.doubled = True
    await _again_and_again(between.cut, dice, seconds)


async def reset(between: Proxy, dice: random.Random, seconds: float) -> None:
    await _again_and_again(between.reset_within_frame, dice, seconds)


async def slow(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.rate = 3_000
    between.cut()
    await asyncio.sleep(seconds)


async def bad_gateway(between: Proxy, dice: random.Random, seconds: float) -> None:
    between.bad_gateway = True
    await _again_and_again(between.cut, dice, seconds)


FAULTS: dict[str, Fault] = {
    "cut": cut,
    "RST within a frame": reset,
    "stall": stall,
    "many short stalls": short_stalls,
    "nothing passes, and nobody is told": partition,
    "half-open streams": half_open,
    "one byte at a time": single_bytes,
    "reconnects doubled and reordered": reordered,
    "slow drain, 3 kB/s": slow,
    "502 from a proxy": bad_gateway,
}


async def network(make: Make, trial: Trial) -> list[Row]:
    """Every fault in turn, the same hooks and monitor open all the time."""
    rows: list[Row] = []
    seconds = trial.pick(4.0, 1.2)
    wanted = trial.options.fault
    faults = [each for each in FAULTS.items() if not wanted or wanted in each[0]]
    faults *= trial.pick(2, 1)
    trial.dice.shuffle(faults)
    before = vitals()
    async with contextlib.AsyncExitStack() as life:
        server = await life.enter_async_context(make(trial.folder))
        between = await life.enter_async_context(proxy(server.port, trial.dice))
        url = server.url.replace(f":{server.port}/", f":{between.port}/")
        stores = isinstance(server, PythonServer)
        watched = await life.enter_async_context(
            stage(server.url, url, trial.dice, stores_lines=stores)
        )
        warm = vitals()
        for name, fault in faults:
            row = await _try(watched, between, name, fault, seconds, server, trial)
            rows.append(row)
            print(f"    {row.name}: {row.result} {row.figures}", flush=True)
        rows.append(_held(f"memory and sockets, {server.name}", warm, await _settled(warm), trial))
    rows.append(_left(f"left open, {server.name}", before, vitals(), trial))
    return _by_name(rows)


async def _try(
    watched: Stage,
    between: Proxy,
    name: str,
    fault: Fault,
    seconds: float,
    server: ServerProcess,
    trial: Trial,
) -> Row:
    began = time.monotonic()
    first_gap = len(likeness.gaps_of(watched.log.lines))
    taken, epoch = between.connections, watched.hooks.feed.connection.epoch
    triggered = watched.load.triggered
    await watched.follow(2)
    watched.load.start()
    await fault(between, trial.dice, seconds / 2)
    await asyncio.sleep(0)
    with contextlib.suppress(Exception):
        await watched.follow(1)
    await fault(between, trial.dice, seconds / 2)
    between.heal()
    other = await watched.calm()
    if not watched.stores_lines:
        deadline = time.monotonic() + CALM
        while not other and (lost := await _unannounced(watched, first_gap)):
            if time.monotonic() > deadline:
                other = lost
            await asyncio.sleep(0.2)  # an event may be on its way still
    if other:
        trial.violated(f"{name}, {server.name}: {other}")
    opened = watched.hooks.feed.connection.epoch - epoch
    figures = (
        f"{watched.load.triggered - triggered} runs, {between.connections - taken} connections, "
        f"{opened} times a new stream, {len(watched.lines)} lines"
    )
    await watched.rest()
    took = time.monotonic() - began
    return Row(f"{name}, {server.name}", FAILED if other else PASSED, other or figures, took)


async def _unannounced(watched: Stage, first_gap: int) -> str:
    """A line that is missing and of whose time no gap was told; for a server that stores none."""
    gaps = likeness.gaps_of(watched.log.lines)[first_gap:]
    seen = {(line.run_id, line.message) for line in watched.lines}
    if len(seen) != len(watched.lines):
        return f"{len(watched.lines) - len(seen)} log lines are doubled"
    for run in await watched.hand.runs():
        if run["status"] != "completed" or run["jobName"] not in {"steps", "noisy"}:
            continue
        word = "finished step" if run["jobName"] == "steps" else "line"
        count = run["input"].get("count", run["input"].get("lines"))
        began, ended = _seconds(run["startedAt"]), _seconds(run["completedAt"])
        for number in range(count):
            if (run["id"], f"{word} {number}") in seen:
                continue
            # What was on its way is lost with the line: a gap may begin a little late.
            if not any(since - LAG <= ended and began <= until for since, until in gaps):
                told = ", ".join(f"{since:.1f} to {until:.1f}" for since, until in gaps)
                return (
                    f"{word} {number} of {run['id']}, written {began:.1f} to {ended:.1f}, is "
                    f"missing and no gap was told; those told: {told or 'none'}"
                )
    return ""


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _by_name(rows: list[Row]) -> list[Row]:
    """One row a name: the worst, with the figures of the last."""
    found: dict[str, Row] = {}
    for row in rows:
        if found.get(row.name, row).result != FAILED:
            found[row.name] = row
    return list(found.values())


# -- a certificate that is renewed, and clocks that jump ---------------------------------------


def _certificate(folder: Path, name: str, authority: tuple[Path, Path]) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, signed now."""
    key, request, made = (folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
    extension = folder / f"{name}.ext"
    extension.write_text("subjectAltName=IP:127.0.0.1\n")
    _openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request,
             "-subj", f"/CN={name}")  # fmt: skip
    _openssl("x509", "-req", "-in", request, "-CA", authority[0], "-CAkey", authority[1],
             "-CAcreateserial", "-days", "2", "-extfile", extension, "-out", made)  # fmt: skip
    return made, key


def _authority(folder: Path, name: str) -> tuple[Path, Path]:
    made, key = folder / f"{name}.pem", folder / f"{name}.key"
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", made,
             "-days", "2", "-subj", f"/CN={name}")  # fmt: skip
    return made, key


def _openssl(*arguments: object) -> None:
    try:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
    except FileNotFoundError:
        raise Skipped("openssl is not installed, which makes the certificates") from None


async def renewed_certificate(trial: Trial) -> str:
    """A new certificate, then one that nobody may trust, then a good one again."""
    authority, stranger = _authority(trial.folder, "ca"), _authority(trial.folder, "stranger")
    good = [_certificate(trial.folder, f"good{n}", authority) for n in range(2)]
    bad = _certificate(trial.folder, "bad", stranger)
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(*good[0])
    trusts = ssl.create_default_context(cafile=str(authority[0]))
    async with contextlib.AsyncExitStack() as life:
        server = await life.enter_async_context(python(trial.folder))
        between = await life.enter_async_context(proxy(server.port, trial.dice, tls=shown))
        url = f"https://127.0.0.1:{between.port}/api/durably"
        watched = await life.enter_async_context(
            stage(server.url, url, trial.dice, stores_lines=True, verify=trusts)
        )
        phases = []
        for pair in (good[1], bad, good[0]):
            await watched.follow(1)
            watched.load.start()
            shown.load_cert_chain(*pair)
            between.cut()
            await asyncio.sleep(trial.pick(2.0, 0.5))
            await watched.until_live(pair is not bad)
            phases.append(str(watched.hooks.feed.connection.phase))
        if other := await watched.calm():
            trial.violated(other)
        trial.expect(phases[0] == phases[2] == "live", f"the phases were {phases}")
        trial.expect(phases[1] != "live", "a certificate that nobody signed was trusted")
        return f"renewed: {phases[0]}; not trusted: {phases[1]}; good again: {phases[2]}"


class JumpingClock:
    """A clock that is set forwards and back while it is looked at."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def jumping_clock(make: Make, trial: Trial) -> str:
    """The machine's clock is set an hour forwards, two back, and right, and the line is cut."""
    clock = JumpingClock()
    async with contextlib.AsyncExitStack() as life:
        server = await life.enter_async_context(make(trial.folder))
        between = await life.enter_async_context(proxy(server.port, trial.dice))
        url = server.url.replace(f":{server.port}/", f":{between.port}/")
        stores = isinstance(server, PythonServer)
        watched = await life.enter_async_context(
            stage(server.url, url, trial.dice, stores_lines=stores, clock=clock)
        )
        for ahead in (3600.0, -3600.0, 0.0):
            await watched.follow(1)
            watched.load.start()
            await asyncio.sleep(0.3)
            clock.ahead = ahead
            await asyncio.sleep(0.3)
            between.cut()
            await asyncio.sleep(trial.pick(2.0, 0.6))
            if other := await watched.calm():
                trial.violated(f"{ahead:+.0f} s: {other}")
            await watched.rest()
        return f"{watched.load.triggered} runs, 3 jumps"


# -- a server that is killed -------------------------------------------------------------------


async def kills(make: Make, trial: Trial) -> str:
    """SIGKILL and a new start under load; compared after each."""
    times = trial.options.kills or trial.pick(100, 3)
    before = vitals()
    fallen: list[str] = []
    async with contextlib.AsyncExitStack() as life:
        server = await life.enter_async_context(make(trial.folder))
        stores = isinstance(server, PythonServer)
        watched = await life.enter_async_context(
            stage(server.url, server.url, trial.dice, stores_lines=stores)
        )
        warm = vitals()
        for number in range(times):
            first_gap = len(likeness.gaps_of(watched.log.lines))
            await watched.follow(2, delayMs=150)
            watched.load.start()
            await asyncio.sleep(trial.dice.uniform(0.05, 0.6))
            await server.kill()
            await asyncio.sleep(trial.dice.uniform(0, 0.3))
            await server.start()
            await asyncio.sleep(trial.dice.uniform(0, 0.5))
            other = await _calm_again(watched, server, fallen)
            if not other and not await _outage_is_told(watched):
                other = f"the outage was not told: {watched.hooks.feed.state.outage}"
            if not other and not stores and not likeness.gaps_of(watched.log.lines)[first_gap:]:
                other = "the log has no line that says that lines may be missing"
            if other:
                trial.violated(f"kill {number + 1}, {server.name}: {other}")
            await watched.rest()
            if number == min(10, times // 2):
                warm = vitals()
        held = _held("", warm, await _settled(warm), trial)
        triggered = watched.load.triggered
    left = _left("", before, vitals(), trial)
    told = f", fell by itself {len(fallen)} times ({fallen[0]})" if fallen else ""
    return f"{times} kills{told}, {triggered} runs; {held.figures}; {left.figures}"


async def _calm_again(watched: Stage, server: ServerProcess, fallen: list[str]) -> str:
    """Compare; a server that is not ours may fall by itself, and is started again."""
    while True:
        try:
            return await watched.calm(killed=True)
        except httpx.TransportError:
            await asyncio.sleep(0.5)  # its end is told a little later than it is seen
            if server.has_ended is None or isinstance(server, PythonServer):
                raise
            fallen.append(server.stderr().strip().rpartition("\n")[2] or server.has_ended)
            await server.restart()


async def _outage_is_told(watched: Stage) -> bool:
    """Whether it is said from when to when the stream was not there. Requests are answered before
    it is open again, so that the rest can be right by then."""
    deadline = time.monotonic() + CALM
    while (outage := watched.hooks.feed.state.outage) is None or outage.until is None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


# -- what is held ------------------------------------------------------------------------------


async def _settled(warm: Vitals) -> Vitals:
    """Once connections are gone that are kept for some seconds after their last request."""
    deadline = time.monotonic() + IDLE_CONNECTIONS
    now = vitals()
    while now.sockets > warm.sockets + MORE_SOCKETS and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        now = vitals()
    return now


def _held(name: str, warm: Vitals, now: Vitals, trial: Trial) -> Row:
    """With everything still open."""
    grown = now.megabytes - warm.megabytes
    bad = grown > MORE_MEMORY or now.sockets > warm.sockets + MORE_SOCKETS
    figures = f"after the start {warm}; at the end {now}"
    if bad:
        trial.violated(f"{name}: {figures}")
    return Row(name, FAILED if bad else PASSED, figures)


def _left(name: str, before: Vitals, now: Vitals, trial: Trial) -> Row:
    """After everything was closed."""
    tasks = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
    bad = now.sockets > before.sockets or now.files > before.files or tasks
    figures = (
        f"closed: {now.files - before.files:+} files, {now.sockets - before.sockets:+} sockets"
    )
    if bad:
        trial.violated(f"{name}: {figures}, tasks {tasks[:3]}")
    return Row(name, FAILED if bad else PASSED, figures)


def main_() -> None:
    main("chaos", TITLE, CHECKS, options=options)


def options(parser: argparse.ArgumentParser) -> None:
    """Options of this suite's own."""
    parser.add_argument("--kills", type=int, help="how often each server is killed")
    parser.add_argument("--fault", default="", help="part of the name of the only network fault")


CHECKS = [
    Check("faults of the network, Python server", partial(network, python), 900, 420),
    Check("faults of the network, Node server", partial(network, node), 900, 420),
    Check("a certificate renewed, then not trusted", renewed_certificate, 120),
    Check("the clock jumps, Python server", partial(jumping_clock, python), 120),
    Check("the clock jumps, Node server", partial(jumping_clock, node), 120),
    Check("killed and started, Python server", partial(kills, python), 1800, 120),
    Check("killed and started, Node server", partial(kills, node), 1800, 120),
]

if __name__ == "__main__":
    main_()
