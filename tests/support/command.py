"""The real command ``durably-tui`` in processes of its own, kept away from the user's files."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from support.plain_http import NO_TLS

COMMAND = (sys.executable, "-m", "durably_tui")
PATIENCE = 20.0
"""Seconds until a server that never does what is waited for fails the test."""
LOOK_AGAIN = 0.02
_TESTS = Path(__file__).parents[1]
_OUR_VARIABLES = ("DURABLY_", "NO_COLOR")


class Home:
    """A folder that stands for a user's home, temporary folder and log, to see what is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.log = folder / "monitor.log"

    def env(self, **more: str) -> dict[str, str]:
        """The whole environment of a process that lives here."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(_OUR_VARIABLES)}
        path = [str(_TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
        return inherited | {
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "TMPDIR": str(self.temporary),
            "DURABLY_LOG": str(self.log),
            "PYTHONPATH": os.pathsep.join(path),
            **more,
        }

    def configure(self, text: str) -> Path:
        """Write the user's configuration."""
        file = self.folder / "config" / "durably-tui" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def left_behind(self) -> list[str]:
        """What is in the temporary folder."""
        return sorted(path.name for path in self.temporary.iterdir())

    def logged(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


def run(
    home: Home, *arguments: str, cwd: Path | None = None, stdin: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with no terminal; ``stdin`` is what is piped into it."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=home.env(**env),
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


class Served:
    """A running ``durably-tui serve``."""

    def __init__(self, process: subprocess.Popen[str], said: str, url: str) -> None:
        self.process = process
        self.said = said
        """The line that it greets with."""
        self.url = url

    def trigger(self, job_name: str, **input: Any) -> str:
        answer = httpx.post(
            f"{self.url}/trigger", json={"jobName": job_name, "input": input}, verify=NO_TLS
        )
        answer.raise_for_status()
        return str(answer.json()["runId"])

    def run(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(
            f"{self.url}/run", params={"runId": run_id}, verify=NO_TLS
        ).json()
        return found

    def steps(self, run_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(
            f"{self.url}/steps", params={"runId": run_id}, verify=NO_TLS
        ).json()
        return found

    def until(self, run_id: str, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Ask for the run until it is as wanted."""
        deadline = time.monotonic() + PATIENCE
        while not condition(run := self.run(run_id)):
            assert time.monotonic() < deadline, run
            time.sleep(LOOK_AGAIN)
        return run

    def ended(self, run_id: str) -> dict[str, Any]:
        """Wait until the run has ended."""
        return self.until(run_id, lambda run: run["isTerminal"])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End it by a signal; its exit code, and what else it said."""
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=15)
        return self.process.returncode, said


@contextmanager
def serving(
    home: Home, target: str = "support.served:durably", *arguments: str, **env: str
) -> Iterator[Served]:
    """``durably-tui serve`` on a free port, on the database ``served.db`` of the home."""
    process = subprocess.Popen(
        [*COMMAND, "serve", target, *(arguments or ("--port", "0"))],
        env=home.env(SERVED_DB=str(home.folder / "served.db"), **env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        url = re.search(r"http://\S+", said)
        assert url is not None, said + process.communicate(timeout=10)[0]
        yield Served(process, said, url[0])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
