"""A Durably server as a process that a test starts, kills and starts again, on one port."""

import asyncio
import json
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO, Any, Self

import httpx
from support.plain_http import plain_client


class ServerProcessError(Exception):
    """The server did not start; carries what it wrote to its standard error."""


class ServerProcess(ABC):
    """One server over one database file; the port stays the same over `kill` and `restart`.

    The process prints a JSON line with its `port` once it takes requests, and ends when its
    standard input does.
    """

    name: str
    """What messages call it."""
    error: type[ServerProcessError] = ServerProcessError

    def __init__(self, db_path: Path | str, *, port: int = 0) -> None:
        self.db_path = Path(db_path)
        self.port = port
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: IO[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    @abstractmethod
    def folder(self) -> Path:
        """Where the program is started."""

    def environment(self) -> dict[str, str] | None:
        """What the program finds in its environment; None for what this process has."""
        return None

    @property
    def url(self) -> str:
        """The base of all routes, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}/api/durably"

    @property
    def running(self) -> bool:
        return self._process is not None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self, timeout: float = 30.0) -> None:
        """Start the process and wait for the line that says that it takes requests.

        Raises the class's `error`, with the server's standard error, if that line does not come
        within `timeout` seconds.
        """
        if self._process is not None:
            raise RuntimeError(f"{self.name} runs already: stop or kill it first")
        # A file, not a pipe: nobody has to read it for the server to go on.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        process = self._process = await asyncio.create_subprocess_exec(
            *self.command(),
            cwd=self.folder(),
            env=self.environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._stderr,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(timeout):
                ready = await process.stdout.readline()
            if not ready:
                raise self.error(f"{self.name} did not start: {self.stderr()}")
            self.port = int(json.loads(ready)["port"])
        except TimeoutError:
            reason = self.stderr()
            await self.kill()
            raise self.error(f"{self.name} was not ready after {timeout:g} s: {reason}") from None
        except BaseException:
            await self.kill()
            raise

    @property
    def has_ended(self) -> str | None:
        """How the process ended by itself; None where it did not."""
        process = self._process
        if process is None or process.returncode is None:
            return None
        return f"{self.name} ended with {process.returncode}"

    def stderr(self) -> str:
        """What the running server has written to its standard error."""
        if self._stderr is None:
            return ""
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace")

    async def kill(self) -> None:
        """End the process by SIGKILL, as a crash does: no stream is closed, no lease given back."""
        await self._end(lambda process: process.kill())

    async def stop(self) -> None:
        """End the process by SIGTERM, which waits for the steps that run; by SIGKILL after 10 s."""
        await self._end(lambda process: process.terminate())

    async def restart(self) -> None:
        """Start again on the same port and database; kills the process first if it runs."""
        await self.kill()
        await self.start()

    async def _end(self, signal: Any) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            signal(process)
        try:
            async with asyncio.timeout(10):
                # Also closes the pipes, which `wait` alone leaves open.
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.communicate()
        finally:
            assert self._stderr is not None
            self._stderr.close()
            self._stderr = None

    def client(self) -> httpx.AsyncClient:
        """A client whose base address is the server's."""
        return plain_client(self.url, timeout=30)

    async def trigger(self, job_name: str, input: Any, **options: Any) -> str:
        """Trigger a run and give its id; `options` are fields of the body (`labels=…`)."""
        async with self.client() as http:
            answer = await http.post(
                "/trigger", json={"jobName": job_name, "input": input, **options}
            )
            answer.raise_for_status()
            return str(answer.json()["runId"])

    async def ended(self, run_id: str) -> dict[str, Any]:
        """Wait until the run has ended, by its stream, and give the run as `/run` answers it."""
        async with self.client() as http:
            # A 0.15 server replays the current state first and ends the stream with the run.
            await http.get("/subscribe", params={"runId": run_id})
            run: dict[str, Any] = (await http.get("/run", params={"runId": run_id})).json()
            return run
