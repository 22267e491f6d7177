"""What can go wrong, as one tree.

DurablyError
├── JobDefinitionError   a job cannot be registered as it is written
├── NotFoundError        no such run, or no such job
├── InvalidRequestError  an input, a label or an option that is refused
│   └── TooBroadError    a search that would take too long
├── ConflictError        the run is in a state that forbids the action
├── RunFailedError       a run that was waited for has failed
├── RunCancelledError    a run that was waited for was cancelled or deleted
└── StoreError           the database cannot be used
"""


class DurablyError(Exception):
    """Base of every error that the engine raises on purpose; the text is one sentence."""


class JobDefinitionError(DurablyError):
    """A job cannot be used as it is written."""


class NotFoundError(DurablyError):
    """The run or the job does not exist."""


class InvalidRequestError(DurablyError):
    """What was asked for is refused before anything is stored."""


class TooBroadError(InvalidRequestError):
    """A search would have to look at more than is done for one answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The search was stopped after {seconds:g} s: "
            "narrow it by job, status, label or time, or search again when fewer others do"
        )


class ConflictError(DurablyError):
    """The state of the run, or another run, forbids the action."""


class RunFailedError(DurablyError):
    """A run that somebody waited for ended as failed; the text is the run's own error."""

    def __init__(self, run_id: str, reason: str) -> None:
        super().__init__(reason)
        self.run_id = run_id


class RunCancelledError(DurablyError):
    """A run that somebody waited for was cancelled or deleted."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"Run was cancelled: {run_id}")
        self.run_id = run_id


class StoreError(DurablyError):
    """The database cannot be opened, read or written."""


class StoreUnavailableError(StoreError):
    """The database cannot be written at the moment: it is locked, its disk is full or fails."""


class RunInterrupted(BaseException):
    """Raised inside a plain job whose run was cancelled, lost its lease, or must be handed back.

    A BaseException, so that a job's own ``except Exception`` lets it pass.
    """
