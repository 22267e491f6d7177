"""How either generation writes runs and steps, and what they are read into."""

from __future__ import annotations

from typing import Any

import msgspec

from .models import Disposition, Progress, Run, RunStatus, Step, StepStatus, Triggered
from .times import when

_STATUSES = {status.value: status for status in RunStatus} | {"leased": RunStatus.RUNNING}
_STEP_STATUSES = {status.value: status for status in StepStatus}
_DISPOSITIONS = {word.value: word for word in Disposition}


class WireRun(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True, gc=False):
    """A run as either generation writes it."""

    id: str
    job_name: str
    status: str
    input: Any = None
    payload: Any = None
    output: Any = None
    error: str | None = None
    progress: Progress | None = None
    current_step_index: int = 0
    completed_step_count: int | None = None
    step_count: int | None = None
    labels: dict[str, str] | None = None
    created_at: Any = None
    started_at: Any = None
    completed_at: Any = None
    updated_at: Any = None
    heartbeat_at: Any = None
    idempotency_key: str | None = None
    concurrency_key: str | None = None
    is_terminal: bool | None = None
    is_active: bool | None = None

    def lifted(self, unknown: dict[str, Any]) -> Run:
        """In the words that are used here; ``unknown`` are the fields that no generation has."""
        extra = dict(unknown)
        status = _STATUSES.get(self.status, RunStatus.UNKNOWN)
        if status is RunStatus.UNKNOWN:
            extra["status"] = self.status
        done = self.completed_step_count
        return Run(
            id=self.id,
            job_name=self.job_name,
            status=status,
            input=self.payload if self.input is None else self.input,
            output=self.output,
            error=self.error,
            progress=self.progress,
            current_step_index=self.current_step_index,
            completed_step_count=(self.step_count or 0) if done is None else done,
            labels=self.labels or {},
            created_at=when(self.created_at, "createdAt", extra),
            started_at=when(self.started_at, "startedAt", extra),
            completed_at=when(self.completed_at, "completedAt", extra),
            updated_at=when(self.updated_at, "updatedAt", extra),
            idempotency_key=self.idempotency_key,
            concurrency_key=self.concurrency_key,
            extra=extra,
        )


class WireStep(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A step as either generation writes it."""

    name: str
    index: int
    status: str
    id: str | None = None
    run_id: str | None = None
    output: Any = None
    error: str | None = None
    started_at: Any = None
    completed_at: Any = None

    def lifted(self, unknown: dict[str, Any]) -> Step:
        """In the words that are used here; ``unknown`` are the fields that no generation has."""
        extra = dict(unknown)
        return Step(
            id=self.id,
            run_id=self.run_id,
            name=self.name,
            index=self.index,
            status=_STEP_STATUSES.get(self.status, StepStatus.UNKNOWN),
            output=self.output,
            error=self.error,
            started_at=when(self.started_at, "startedAt", extra),
            completed_at=when(self.completed_at, "completedAt", extra),
            extra=extra,
        )


class WireTriggered(msgspec.Struct, rename="camel"):
    """The answer to a trigger."""

    run_id: str
    disposition: Any = "created"

    def lifted(self) -> Triggered:
        """In the words that are used here."""
        word = _DISPOSITIONS.get(str(self.disposition), Disposition.CREATED)
        return Triggered(self.run_id, word)


one_run = msgspec.json.Decoder(WireRun)
many_runs = msgspec.json.Decoder(list[WireRun])
many_steps = msgspec.json.Decoder(list[WireStep])
one_triggered = msgspec.json.Decoder(WireTriggered)
