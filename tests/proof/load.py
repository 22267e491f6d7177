"""Runs of every kind, triggered, cancelled and deleted on a server for as long as it is wanted."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from typing import Any

import httpx

Row = dict[str, Any]


class Hand:
    """Asks the server itself, past any proxy, so that the subject is never its own witness."""

    def __init__(self, url: str) -> None:
        # Without this httpx reads all certificates first, for an address that needs none.
        no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # And no connection is kept: what is open is counted, as that of the subject.
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=20,
            verify=no_tls,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def ask(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """The JSON of an answer; None for a run that is not there, or not any more in that state.

        Raises:
            httpx.HTTPError: the server is away, or the answer is another failure.
        """
        answer = await self._http.request(method, path, params=params, json=body)
        if answer.status_code in {404, 409}:
            return None
        answer.raise_for_status()
        return answer.json()

    async def trigger(self, job_name: str, input: Any, **options: Any) -> str:
        """Trigger a run and give its id."""
        body = {"jobName": job_name, "input": input, **options}
        return str((await self.ask("POST", "/trigger", body))["runId"])

    async def runs(self, **params: Any) -> list[Row]:
        """Every run that matches."""
        found: list[Row] = await self.ask("GET", "/runs", **params)
        return found

    async def until_quiet(self) -> None:
        """Wait until no run is active."""
        while await self.runs(status=["pending", "leased"], limit=1):  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    async def logs(self) -> list[Row]:
        """Every stored log line."""
        found: list[Row] = []
        while True:
            after = {"after": found[-1]["id"]} if found else {"after": "0" * 26}
            page = await self.ask("GET", "/logs", limit=5000, **after)
            found += page
            if len(page) < 5000:
                return found

    async def clear(self) -> None:
        """Delete every run that has ended."""
        for run in await self.runs():
            await self.ask("DELETE", "/run", runId=run["id"])

    async def aclose(self) -> None:
        await self._http.aclose()


class Load:
    """Triggers, cancels and deletes, about ``rate`` times a second, until stopped."""

    def __init__(self, hand: Hand, dice: random.Random, rate: float = 12.0) -> None:
        self.triggered = 0
        self.rate = rate
        self._hand = hand
        self._dice = dice
        self._ids: list[str] = []
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        self._ids.clear()
        self._stopping.clear()
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Stop, once what was asked for is answered: what was given up could still happen."""
        self._stopping.set()
        task, self._task = self._task, None
        if task is not None:
            await task

    async def _work(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(httpx.TransportError):  # the server is away, as it is meant to
                await self._one()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._dice.expovariate(self.rate)):
                    await self._stopping.wait()

    async def _one(self) -> None:
        dice = self._dice
        if self._ids and dice.random() < 0.15:
            run_id = dice.choice(self._ids)
            if dice.random() < 0.5:
                await self._hand.ask("POST", "/cancel", runId=run_id)
            else:
                await self._hand.ask("DELETE", "/run", runId=run_id)
            return
        job_name, input = dice.choice(
            [
                ("steps", {"count": dice.randint(1, 6), "delayMs": dice.randint(0, 30)}),
                ("steps", {"count": dice.randint(1, 3), "delayMs": dice.randint(50, 150)}),
                ("noisy", {"lines": dice.randint(1, 40)}),
                ("fails", {"message": "the disk is full"}),
                ("burst", {"count": dice.randint(1, 50)}),
                ("echo", {"value": "x" * dice.choice([1, 100, 5000])}),
            ]
        )
        labels = {"env": dice.choice(["prod", "test"])}
        self._ids.append(await self._hand.trigger(job_name, input, labels=labels))
        self.triggered += 1
