"""What passed on the streams, kept per run, as frozen data. ``observe`` makes it grow.

Most servers throw steps and logs away when a run ends, and tell none of what happened before
somebody looked. This is what a run that is opened late can still show.
"""

from __future__ import annotations

import functools

import msgspec
from msgspec.structs import replace

from durably_tui.protocol import LogEntry, Progress, RunStatus

from .account import Account, HistoryLimits, SeenEvent
from .account_draft import told
from .burst import Burst, read
from .steps import ObservedStep
from .trail import Trail


class RunHistory(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What was seen of one run.

    Most runs of a busy server are never looked at, so their events are only kept; what they amount
    to is found out when somebody asks, or before the oldest of them are forgotten.
    """

    run_id: str
    job_name: str = ""
    first_seen: float = 0.0
    """When its first event came, in seconds since the epoch."""
    last_seen: float = 0.0
    """When its last event came."""
    bursts: Trail[Burst] = Trail()
    """Its events, as they came together."""
    kept: int = 0
    """How many events these are."""
    ended: bool = False
    """Whether its last seen state is an end."""
    from_start: bool = False
    """Whether it was watched from its first event."""
    gaps: tuple[tuple[float, float], ...] = ()
    """Times between which events may have been lost: the last seen before, the first after."""
    limits: HistoryLimits = HistoryLimits()
    before: Account = Account()
    """What the events amounted to when that was last asked; the rest are still in ``bursts``."""
    size: int = 0
    """Bytes that its lines and events weigh, estimated."""
    epoch: int = 0
    source: str = ""

    @property
    def events(self) -> list[SeenEvent]:
        """The last events as they came; bounded by ``HistoryLimits.events``."""
        return [
            SeenEvent(event, burst.at)
            for burst, events in zip(self.bursts, read(self.bursts), strict=True)
            for event in events
        ]

    @property
    def is_empty(self) -> bool:
        """Whether no event ever came."""
        return not self.bursts.total

    @functools.cached_property
    def account(self) -> Account:
        """What its events amount to, with every line read."""
        account = told(self.before, self.bursts, self.limits)
        return replace(account, lines=account.lines.read(self.limits.lines))

    @property
    def known(self) -> Account:
        """What it costs nothing to tell: the account where somebody asked for it already."""
        account: Account = vars(self).get("account", self.before)
        return account

    @property
    def status(self) -> RunStatus | None:
        """The state that the events left it in; None where none told."""
        return self.account.status

    @property
    def progress(self) -> Progress | None:
        """How far it said that it is."""
        return self.account.progress

    @property
    def attempt(self) -> int:
        """How often a worker was seen to take it."""
        return self.account.attempt

    @property
    def ended_steps(self) -> Trail[ObservedStep]:
        """In the order in which they were seen to end."""
        return self.account.ended_steps

    @property
    def open_steps(self) -> tuple[ObservedStep, ...]:
        """Those that are running now."""
        return self.account.open_steps

    @property
    def steps(self) -> tuple[ObservedStep, ...]:
        """Every step that was seen: those that ended, then those that run."""
        return (*self.ended_steps, *self.open_steps)

    @property
    def logs(self) -> Trail[LogEntry]:
        """Its lines, in the order in which they came."""
        return self.account.lines.told


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of all runs, bounded."""

    limits: HistoryLimits = HistoryLimits()
    runs: dict[str, RunHistory] = {}
    """By run id; the one that was silent longest first."""
    size: int = 0
    """Bytes, estimated."""
    forgotten: int = 0
    """Runs that were forgotten to stay within the limits."""
    epochs: dict[str, int] = {}
    """By source: the number of the connection whose events are being taken."""

    def get(self, run_id: str) -> RunHistory | None:
        """What was seen of a run, or None where nothing was."""
        return self.runs.get(run_id)

    def is_complete(self, run_id: str) -> bool:
        """Whether everything that the run did was seen: from its first event, without a gap, and
        without a line forgotten."""
        run = self.runs.get(run_id)
        if run is None or not run.from_start or run.gaps or run.logs.dropped:
            return False
        return run.ended or run.epoch == self.epochs.get(run.source)
