"""The older words, for clients of generation 0.8 (protocol.md; tests/wire/v0.8).

Where this server cannot do as 0.8 did, or will not, is listed in tests/server/http/test_wire08.py,
each with its reason.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from durably_server.engine import events
from durably_server.engine.errors import (
    ConflictError,
    DurablyError,
    InvalidRequestError,
    NotFoundError,
)
from durably_server.engine.events import Event
from durably_server.engine.model import STATUSES, Run, RunFilter, Status
from durably_server.engine.triggering import Triggered
from durably_server.http.parameters import (
    CREATED_AFTER,
    CREATED_BEFORE,
    JOB_NAME,
    LABEL,
    LIMIT,
    OFFSET,
    SEARCH,
    STATUS,
    MissingParameterError,
    Parameter,
    Query,
)
from durably_server.http.requests import TriggerRequest, json_object
from durably_server.http.wire import Words

_RUNNING = "running"
_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,18})")
_SINCE_09 = frozenset({"run:coalesced", "run:delete", "step:cancel"})
"""Events of later generations."""
_ACTIONS = frozenset({"retry", "cancel", "delete"})


class Words08(Words):
    """Generation 0.8: ``running``, ``payload``, ``stepCount``, ``run:start``; no labels.

    A stream about one run ends when the run is completed, not when it fails or is cancelled,
    since a retry may follow. Conflicts and bad requests are a 500 with a readable ``error``.
    """

    generation = "0.8"
    missing_routes = frozenset({"retrigger"})
    lenient = True
    tells_state = False
    event_types = (Words.event_types - _SINCE_09 - {"run:leased"}) | {"run:start"}

    # --- what is asked ---

    def runs_wanted(self, query: Query) -> RunFilter | None:
        """One job, one status; labels are not known, nor is a negative limit one."""
        status = query.text(STATUS)
        known = [each for each in STATUSES if self.status_word(each) == status]
        if status is not None and not known:
            return None
        job_name, limit = query.text(JOB_NAME), _integer(query, LIMIT)
        return RunFilter(
            job_names=() if job_name is None else (job_name,),
            statuses=known,
            created_after=query.text(CREATED_AFTER),
            created_before=query.text(CREATED_BEFORE),
            text=query.text(SEARCH),
            after=query.cursor(),
            limit=None if limit is None or limit < 0 else limit,
            offset=max(0, _integer(query, OFFSET) or 0),
        )

    def runs_followed(self, query: Query) -> RunFilter:
        """One job, or all."""
        job_name = query.text(JOB_NAME)
        return RunFilter(job_names=() if job_name is None else (job_name,))

    def parameters(self, known: Iterable[Parameter]) -> list[Parameter]:
        """One job, one status, no labels, and numbers that are not checked."""
        words = {"enum": [self.status_word(status) for status in STATUSES]}
        older = {
            "status": replace(STATUS, about="This status.", schema=words, many=False),
            "jobName": replace(JOB_NAME, about="This job.", many=False),
        }
        return [
            older[each.name] if each in (STATUS, JOB_NAME) else each
            for each in super().parameters(known)
            if each is not LABEL
        ]

    def trigger(self, body: bytes) -> TriggerRequest:
        """Without labels and ``coalesce``; an input that is absent is an empty object."""
        fields = {**json_object(body), "labels": None, "coalesce": None}
        asked = TriggerRequest.of(fields)
        return replace(asked, input={}) if asked.input is None else asked

    # --- what is answered ---

    def run(self, run: Run) -> dict[str, Any]:
        """A run. Leases have no heartbeat; the last change of the row is the last sign of life."""
        return {
            "id": run.id,
            "jobName": run.job_name,
            "payload": run.input,
            "status": self.status_word(run.status),
            "idempotencyKey": run.idempotency_key,
            "concurrencyKey": run.concurrency_key,
            "currentStepIndex": run.current_step_index,
            "stepCount": run.completed_step_count,
            "progress": run.progress,
            "output": run.output,
            "error": run.error,
            "heartbeatAt": run.updated_at,
            "createdAt": run.created_at,
            "updatedAt": run.updated_at,
        }

    def triggered(self, triggered: Triggered) -> dict[str, Any]:
        """The run's id."""
        return {"runId": triggered.id}

    def status_word(self, status: str) -> str:
        """``running`` instead of ``leased``."""
        return _RUNNING if status == _LEASED else status

    def failure(self, error: DurablyError, route: str, run_id: str | None) -> tuple[int, str]:
        """A 500 for nearly everything."""
        if isinstance(error, ConflictError):
            return 500, str(error).replace(f" {_LEASED} run", f" {_RUNNING} run")
        if isinstance(error, NotFoundError) and route in _ACTIONS:
            return 500, f"Run not found: {run_id}"
        if (
            isinstance(error, InvalidRequestError)
            and not isinstance(error, MissingParameterError)
            and route in ("runs", "trigger")
        ):
            return 500, str(error)
        return super().failure(error, route, run_id)

    # --- what is told ---

    def event_type(self, event: Event) -> str:
        """``run:start`` instead of ``run:leased``."""
        return "run:start" if isinstance(event, events.RunLeased) else event.type

    def job_of(self, event: Event) -> str | None:
        """A log line does not name its job, so a stream of one job has none."""
        return None if isinstance(event, events.LogWrite) else event.job_name

    def ends(self, event: Event) -> bool:
        """Completion only."""
        return isinstance(event, events.RunComplete)

    def runs_event(self, event: Event) -> dict[str, Any] | None:
        """Without labels."""
        return None if event.type in _SINCE_09 else self._older(super().runs_event(event), event)

    def run_event(self, event: Event) -> dict[str, Any] | None:
        """Without labels and lease; the input is the ``payload``."""
        return None if event.type in _SINCE_09 else self._older(super().run_event(event), event)

    def _older(self, body: dict[str, Any] | None, event: Event) -> dict[str, Any] | None:
        if body is None:
            return None
        del body["labels"]
        if isinstance(event, events.LogWrite):
            del body["jobName"]
        elif isinstance(event, events.RunLeased):
            body["type"] = self.event_type(event)
            if "input" in body:
                del body["leaseOwner"], body["leaseExpiresAt"]
                body["payload"] = body.pop("input")
        return body


_LEASED: Status = "leased"


def _integer(query: Query, parameter: Parameter) -> int | None:
    """A number as 0.8 reads one: the digits in front count, whatever follows."""
    text = query.text(parameter)
    if text is None:
        return None
    found = _NUMBER.match(text)
    if found is None:
        raise InvalidRequestError(f"Invalid {parameter.name}: must be a number")
    return int(found[1])
