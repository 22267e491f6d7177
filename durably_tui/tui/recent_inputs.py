"""What runs were asked for from here, remembered per server and job in the user's state folder.

One JSON file a server, readable by its owner only. It holds what was typed into the dialog and the
server's address without credentials; nothing is ever read from it but by the dialog. Where it
cannot be read or written the dialog works without it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from durably_tui.protocol import Trigger

log = logging.getLogger(__name__)

MAX_INPUTS = 20
"""Of one job."""
MAX_JOBS = 100
"""Of one server; the one that was triggered longest ago is forgotten first."""
MAX_INPUT_BYTES = 32_768
"""What is larger is not remembered."""
MAX_FILE_BYTES = 4_000_000


class RecentInput(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent once."""

    input: Any = None
    labels: dict[str, str] = {}
    concurrency_key: str | None = None
    at: float = 0.0
    """When, in seconds since the epoch."""
    run_id: str = ""
    """The run that it made, where that is known."""


class _Server(msgspec.Struct, kw_only=True):
    """One file."""

    url: str = ""
    jobs: dict[str, list[RecentInput]] = {}
    """The job that was triggered last is the last, and its newest input the first."""


def folder() -> Path:
    """Where the files are: ``DURABLY_STATE``, else the platform's place for state."""
    chosen = os.environ.get("DURABLY_STATE")
    if chosen:
        return Path(chosen)
    from platformdirs import user_state_path

    return user_state_path("durably-tui")


class RecentInputs:
    """The remembered inputs of one server. Its methods read and write a file: not for the loop."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.time) -> None:
        """Remember for the server at ``url``, which has no credentials in it."""
        self._url = url
        self._clock = clock
        name = hashlib.sha256(url.encode()).hexdigest()[:24]
        self.file = folder() / "inputs" / f"{name}.json"

    def of(self, job_name: str) -> list[RecentInput]:
        """What was sent to a job, the newest first."""
        return self._read().jobs.get(job_name, [])

    def remember(self, trigger: Trigger, run_id: str = "") -> None:
        """Keep what was sent as the newest of its job. An idempotency key is not kept: it is for
        one run."""
        entry = RecentInput(
            input=trigger.input,
            labels=trigger.labels,
            concurrency_key=trigger.concurrency_key,
            at=self._clock(),
            run_id=run_id,
        )
        try:
            if len(json.dumps([entry.input, entry.labels])) > MAX_INPUT_BYTES:
                return
        except (TypeError, ValueError, RecursionError):
            return
        known = self._read()
        others = known.jobs.pop(trigger.job_name, [])
        kept = [each for each in others if not _is_same(each, entry)]
        known.jobs[trigger.job_name] = [entry, *kept][:MAX_INPUTS]
        for name in list(known.jobs)[: max(0, len(known.jobs) - MAX_JOBS)]:
            del known.jobs[name]
        self._write(_Server(url=self._url, jobs=known.jobs))

    def _read(self) -> _Server:
        try:
            if self.file.stat().st_size <= MAX_FILE_BYTES:
                return msgspec.json.decode(self.file.read_bytes(), type=_Server)
        except FileNotFoundError:
            pass
        except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
            log.warning("the remembered inputs in %s cannot be read: %s", self.file, error)
        return _Server()

    def _write(self, server: _Server) -> None:
        """Put the file in its place whole, so that a crash leaves the old one or the new one."""
        body = msgspec.json.encode(server)
        while len(body) > MAX_FILE_BYTES and server.jobs:
            del server.jobs[next(iter(server.jobs))]
            body = msgspec.json.encode(server)
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # mkstemp makes a file that only its owner can read.
            handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=".inputs-")
            try:
                with os.fdopen(handle, "wb") as written:
                    written.write(body)
                os.replace(name, self.file)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(name)
                raise
        except OSError as error:
            log.warning("inputs cannot be remembered in %s: %s", self.file, error)


def _is_same(one: RecentInput, other: RecentInput) -> bool:
    return (one.input, one.labels, one.concurrency_key) == (
        other.input,
        other.labels,
        other.concurrency_key,
    )
