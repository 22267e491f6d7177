"""Run durable Python jobs and serve them over the Durably protocol.

>>> from durably_server import Durably, Step, create_durably_handler, job
"""

import logging

from durably_server.durably import Durably
from durably_server.engine.errors import (
    ConflictError,
    DurablyError,
    InvalidRequestError,
    JobDefinitionError,
    NotFoundError,
    RunCancelledError,
    RunFailedError,
    RunInterrupted,
    StoreError,
)
from durably_server.engine.jobs import JobDefinition, job
from durably_server.engine.model import JobStats, LogRecord, Run, StepRecord
from durably_server.engine.step import BlockingStep, Step
from durably_server.engine.triggering import BatchItem
from durably_server.http.auth import Auth, Refused, token_auth
from durably_server.http.handler import create_durably_handler

__all__ = [
    "Auth",
    "BatchItem",
    "BlockingStep",
    "ConflictError",
    "Durably",
    "DurablyError",
    "InvalidRequestError",
    "JobDefinition",
    "JobDefinitionError",
    "JobStats",
    "LogRecord",
    "NotFoundError",
    "Refused",
    "Run",
    "RunCancelledError",
    "RunFailedError",
    "RunInterrupted",
    "Step",
    "StepRecord",
    "StoreError",
    "create_durably_handler",
    "job",
    "token_auth",
]

# A program that sets up no logging hears nothing: a monitor in the same terminal owns the screen.
logging.getLogger(__name__).addHandler(logging.NullHandler())
