"""Rows as the engine's models."""

from collections.abc import Sequence
from typing import Any

from durably_server.engine.codec import decode
from durably_server.engine.model import LogRecord, Run, StepRecord

RUN = (
    "id, job_name, input, status, idempotency_key, concurrency_key, labels, current_step_index, "
    "completed_step_count, progress, output, error, lease_owner, lease_expires_at, "
    "lease_generation, started_at, completed_at, created_at, updated_at"
)
STEP = 'id, run_id, name, "index", status, output, error, started_at, completed_at'


def run_of(row: Sequence[Any]) -> Run:
    """A run from the columns of RUN."""
    return Run(
        id=row[0],
        job_name=row[1],
        input=_json(row[2]),
        status=row[3],
        idempotency_key=row[4],
        concurrency_key=row[5],
        labels=_json(row[6]) or {},
        current_step_index=row[7],
        completed_step_count=row[8],
        progress=_json(row[9]),
        output=_json(row[10]),
        error=row[11],
        lease_owner=row[12],
        lease_expires_at=row[13],
        lease_generation=row[14],
        started_at=row[15],
        completed_at=row[16],
        created_at=row[17],
        updated_at=row[18],
    )


def step_of(row: Sequence[Any]) -> StepRecord:
    """A checkpoint from the columns of STEP."""
    return StepRecord(
        id=row[0],
        run_id=row[1],
        name=row[2],
        index=row[3],
        status=row[4],
        output=_json(row[5]),
        error=row[6],
        started_at=row[7],
        completed_at=row[8],
    )


def log_of(row: Sequence[Any]) -> LogRecord:
    """A log line with the name of its job after its run."""
    return LogRecord(
        id=row[0],
        run_id=row[1],
        job_name=row[2],
        step_name=row[3],
        level=row[4],
        message=row[5],
        data=_json(row[6]),
        created_at=row[7],
    )


def _json(text: str | None) -> Any:
    return None if text is None else decode(text)
