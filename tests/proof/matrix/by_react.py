"""The hooks of ``@coji/durably-react`` in jsdom: ``tests/interop/node/driver.mjs``."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Any

from support.node_server import NODE_DIR, node_missing

from tests.proof.matrix.driver import REACT, Driver, Followed
from tests.proof.report import Skipped


class ByReact(Driver):
    """Each call is a line to the process and one back."""

    name = REACT
    has_retry = False
    asks_extras = False

    async def open(self) -> None:
        if missing := node_missing():
            raise Skipped(missing)
        self.process = await asyncio.create_subprocess_exec(
            *("node", "driver.mjs", f"--api={self.url}"),
            cwd=NODE_DIR,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._life.push_async_callback(self._end)
        await self._do("open")

    async def _end(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()

    async def _do(self, verb: str, **given: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"verb": verb, **given}).encode() + b"\n")
        line = await self.process.stdout.readline()
        if not line:
            assert self.process.stderr is not None
            raise AssertionError(f"the hooks ended: {(await self.process.stderr.read()).decode()}")
        answer = json.loads(line)
        assert "error" not in answer, f"{verb}: {answer['error']}"
        return answer["ok"]

    async def runs(self, status: str) -> list[str]:
        found: list[str] = await self._do("runs", status=status)
        return found

    async def trigger(self, job: str, input: Any) -> str:
        return str(await self._do("trigger", job=job, input=input))

    async def sees(self, run_id: str, status: str | None, job: str = "steps") -> None:
        if status is None and self.world.is_08:
            return  # 0.8 tells nobody of a deletion, and the hooks ask only when they are told
        await self._do("sees", runId=run_id, status=status)

    async def follow(self, run_id: str, job: str) -> None:
        await self._do("follow", runId=run_id)

    async def followed(self, run_id: str, wanted: Followed) -> None:
        await self._do("followed", runId=run_id, wanted=dataclasses.asdict(wanted))

    async def run(self, run_id: str) -> str | None:
        found: str | None = await self._do("run", runId=run_id)
        return found

    async def steps(self, run_id: str) -> list[tuple[str, str]]:
        return [(name, status) for name, status in await self._do("steps", runId=run_id)]

    async def cancel(self, run_id: str) -> None:
        await self._do("cancel", runId=run_id)

    async def delete(self, run_id: str) -> None:
        await self._do("delete", runId=run_id)

    async def retry(self, run_id: str) -> None:
        raise NotImplementedError

    async def retrigger(self, run_id: str) -> str:
        return str(await self._do("retrigger", runId=run_id))

    async def goes_away(self) -> None:
        await self._do("goesAway")

    async def comes_back(self) -> None:
        # The hooks fetch nothing after a broken stream: what came in between they never show.
        await self._do("comesBack")
