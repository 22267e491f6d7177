"""The hooks of Durably, headless: usable in any asyncio program, with no terminal in sight."""

from .account import HistoryLimits, SeenEvent
from .actions import Action, ActionResult, ActionsState, RunActions, refusal
from .all_runs import AllRuns
from .all_runs_state import AllRunsState
from .bulk import Bulk, BulkItem, BulkState, Outcome
from .clock import Clock, SystemClock
from .error_groups import ErrorGroups, ErrorGroupsState
from .error_groups_book import Failure
from .error_groups_fold import ErrorGroup
from .error_groups_mask import fragment, masked
from .errors import JobCancelled, JobEnded, JobFailed
from .every import every_run
from .feed import FeedInfo, FeedMemory, FeedState
from .history import History, RunHistory
from .hooks import DurablyHooks, JobHooks, create_durably_client
from .job import Job
from .job_logs import JobLogs
from .job_run import JobRun
from .job_run_state import JobRunState
from .job_stats import JobStats, JobStatsState
from .job_stats_figures import JobSummary, Source
from .job_stats_records import RunRecord
from .jobs import JobDefinition, JobLike
from .log_past import LogPast, Past
from .log_store import LogStore
from .merged_logs import LogsState, MergedLogs
from .outage import Outage
from .ports import DurablyPort
from .run_counts import RunCounts, RunCountsState
from .run_list import RunsView
from .runs import Runs
from .runs_state import RunActivity, RunsFilter, RunsState, newest_first
from .steps import ObservedStep, merge_steps
from .store import Store
from .trail import Trail
from .turns import GiveWay

__all__ = [
    "Action",
    "ActionResult",
    "ActionsState",
    "AllRuns",
    "AllRunsState",
    "Bulk",
    "BulkItem",
    "BulkState",
    "Clock",
    "DurablyHooks",
    "DurablyPort",
    "ErrorGroup",
    "ErrorGroups",
    "ErrorGroupsState",
    "Failure",
    "FeedInfo",
    "FeedMemory",
    "FeedState",
    "GiveWay",
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
    "JobStats",
    "JobStatsState",
    "JobSummary",
    "LogPast",
    "LogStore",
    "LogsState",
    "MergedLogs",
    "ObservedStep",
    "Outage",
    "Outcome",
    "Past",
    "RunActions",
    "RunActivity",
    "RunCounts",
    "RunCountsState",
    "RunHistory",
    "RunRecord",
    "Runs",
    "RunsFilter",
    "RunsState",
    "RunsView",
    "SeenEvent",
    "Source",
    "Store",
    "SystemClock",
    "Trail",
    "create_durably_client",
    "every_run",
    "fragment",
    "masked",
    "merge_steps",
    "newest_first",
    "refusal",
]
