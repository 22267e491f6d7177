"""The hooks of Durably, headless: usable in any asyncio program, with no terminal in sight."""

from .account import HistoryLimits, SeenEvent
from .actions import Action, ActionResult, ActionsState, RunActions, refusal
from .clock import Clock, SystemClock
from .errors import JobCancelled, JobEnded, JobFailed
from .feed import FeedInfo, FeedState
from .history import History, RunHistory
from .hooks import DurablyHooks, JobHooks, create_durably_client
from .job import Job
from .job_logs import JobLogs
from .job_run import JobRun
from .job_run_state import JobRunState
from .jobs import JobDefinition, JobLike
from .ports import DurablyPort
from .runs import Runs
from .runs_state import RunActivity, RunsFilter, RunsState
from .steps import ObservedStep, merge_steps
from .store import Store
from .trail import Trail

__all__ = [
    "Action",
    "ActionResult",
    "ActionsState",
    "Clock",
    "DurablyHooks",
    "DurablyPort",
    "FeedInfo",
    "FeedState",
    "History",
    "HistoryLimits",
    "Job",
    "JobCancelled",
    "JobDefinition",
    "JobEnded",
    "JobFailed",
    "JobHooks",
    "JobLike",
    "JobLogs",
    "JobRun",
    "JobRunState",
    "ObservedStep",
    "RunActions",
    "RunActivity",
    "RunHistory",
    "Runs",
    "RunsFilter",
    "RunsState",
    "SeenEvent",
    "Store",
    "SystemClock",
    "Trail",
    "create_durably_client",
    "merge_steps",
    "refusal",
]
