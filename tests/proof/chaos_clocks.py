"""What is trusted and what time it is change while the monitor is open."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from support.server_process import ServerProcess

from tests.proof.proxy import proxy
from tests.proof.report import Skipped, Trial
from tests.proof.stage import stage, through_a_proxy

Make = Callable[[Path], ServerProcess]


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


async def renewed_certificate(make: Make, trial: Trial) -> str:
    """A new certificate, then one that nobody may trust, then a good one again."""
    authority, stranger = _authority(trial.folder, "ca"), _authority(trial.folder, "stranger")
    good = [_certificate(trial.folder, f"good{n}", authority) for n in range(2)]
    bad = _certificate(trial.folder, "bad", stranger)
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(*good[0])
    trusts = ssl.create_default_context(cafile=str(authority[0]))
    async with contextlib.AsyncExitStack() as life:
        server = await life.enter_async_context(make(trial.folder))
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
    whole = through_a_proxy(make, trial.folder, trial.dice, clock=clock)
    async with whole as (_, between, watched):
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
