"""The real `@coji/durably` 0.15 server as a process that a test starts, kills and starts again."""

import asyncio
import json
import shutil
import ssl
import tempfile
from pathlib import Path
from typing import IO, Any, Self

import httpx

NODE_DIR = Path(__file__).parent.parent / "interop" / "node"


def node_missing() -> str | None:
    """Say why the Node server cannot run here, or None where it can."""
    if shutil.which("node") is None:
        return "Node.js is not installed"
    if not (NODE_DIR / "node_modules" / "@coji" / "durably").is_dir():
        return "tests/interop/node/node_modules is missing: run `make interop`"
    return None


def node_available() -> bool:
    """Tell whether Node and its packages are there."""
    return node_missing() is None


class NodeServerError(Exception):
    """The Node server did not start; carries what it wrote to its standard error."""


class NodeServer:
    """One Node server over one libSQL file; the port stays the same over `kill` and `restart`.

    Times are in milliseconds, as Durably has them. With a short `lease_ms` a run that was
    interrupted by `kill` is taken up again soon after `restart`.
    """

    def __init__(
        self,
        db_path: Path | str,
        *,
        port: int = 0,
        max_concurrent_runs: int = 4,
        polling_interval_ms: int = 20,
        lease_ms: int = 30_000,
        lease_renew_interval_ms: int = 5_000,
        preserve_steps: bool = False,
    ) -> None:
        self.db_path = Path(db_path)
        self.port = port
        self._options = [
            f"--max-concurrent-runs={max_concurrent_runs}",
            f"--polling-interval-ms={polling_interval_ms}",
            f"--lease-ms={lease_ms}",
            f"--lease-renew-interval-ms={lease_renew_interval_ms}",
            *(["--preserve-steps"] if preserve_steps else []),
        ]
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: IO[bytes] | None = None

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

        Raises NodeServerError, with the server's standard error, if that line does not come
        within `timeout` seconds.
        """
        if self._process is not None:
            raise RuntimeError("the Node server runs already: stop or kill it first")
        # A file, not a pipe: nobody has to read it for the server to go on.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        process = self._process = await asyncio.create_subprocess_exec(
            "node",
            "server.mjs",
            f"--db={self.db_path}",
            f"--port={self.port}",
            *self._options,
            cwd=NODE_DIR,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._stderr,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(timeout):
                ready = await process.stdout.readline()
            if not ready:
                raise NodeServerError(f"the Node server did not start: {self.stderr()}")
            self.port = int(json.loads(ready)["port"])
        except TimeoutError:
            reason = self.stderr()
            await self.kill()
            raise NodeServerError(
                f"the Node server was not ready after {timeout:g} s: {reason}"
            ) from None
        except BaseException:
            await self.kill()
            raise

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

    def _client(self) -> httpx.AsyncClient:
        # Without this httpx reads all certificates first, for an address that needs none.
        no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpx.AsyncClient(base_url=self.url, timeout=30, verify=no_tls)

    async def trigger(self, job_name: str, input: Any, **options: Any) -> str:
        """Trigger a run and give its id; `options` are fields of the body (`labels=…`)."""
        async with self._client() as http:
            answer = await http.post(
                "/trigger", json={"jobName": job_name, "input": input, **options}
            )
            answer.raise_for_status()
            return str(answer.json()["runId"])

    async def ended(self, run_id: str) -> dict[str, Any]:
        """Wait until the run has ended, by its stream, and give the run as `/run` answers it."""
        async with self._client() as http:
            # A 0.15 server replays the current state first and ends the stream with the run.
            await http.get("/subscribe", params={"runId": run_id})
            run: dict[str, Any] = (await http.get("/run", params={"runId": run_id})).json()
            return run
