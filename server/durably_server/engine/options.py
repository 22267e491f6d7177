"""How an engine works: the options, their defaults, and what is refused."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from durably_server.engine.clock import Clock, wall_clock
from durably_server.engine.errors import InvalidRequestError
from durably_server.engine.model import Labels, check_labels
from durably_server.engine.reasons import describe

MAX_CONCURRENT_RUNS = 1000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class EngineOptions(TypedDict, total=False):
    """How an engine works. Times are in seconds.

    Attributes:
        max_concurrent_runs: how many runs this process executes at once, 1 to 1000 (1).
        polling_interval: between looks for runs that other processes stored (1.0).
        lease: for how long a worker holds a run without renewing (30.0).
        lease_renewal: between renewals, at most half of the lease (5.0).
        preserve_steps: whether steps outlive their run's end, so that they can be looked at
            and a retry resumes (true; a Node server's default is false).
        retain_runs: how long runs are kept after their end: seconds, or ``"30d"``, ``"12h"``,
            ``"90m"``, ``"45s"``; None keeps them (None).
        labels: a pydantic model, TypedDict or other type that the labels of a trigger have to
            fit; what it makes of them is stored. Triggers without labels are not checked.
        stop_grace: what running steps get when the worker stops (5.0).
        max_logs_per_run: how many of a run's newest log lines are kept (10,000).
        clock: milliseconds since 1970.
    """

    max_concurrent_runs: int
    polling_interval: float
    lease: float
    lease_renewal: float
    preserve_steps: bool
    retain_runs: str | float | None
    labels: Any
    stop_grace: float
    max_logs_per_run: int
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options with their defaults, checked; what a word stands for is in their place.

    Attributes:
        retain_runs: in seconds.
        check_labels: gives the labels of a trigger as they are stored, or refuses them.
    """

    max_concurrent_runs: int
    polling_interval: float
    lease: float
    lease_renewal: float
    preserve_steps: bool
    retain_runs: float | None
    check_labels: Callable[[Labels | None], dict[str, str]]
    stop_grace: float
    max_logs_per_run: int
    clock: Clock

    @classmethod
    def of(cls, options: EngineOptions) -> "Settings":
        """The settings that options ask for.

        Raises:
            InvalidRequestError: an option is unknown, or out of its range.
        """
        known = EngineOptions.__annotations__
        for name in options:
            if name not in known:
                raise InvalidRequestError(
                    f'There is no option "{name}": the options are {", ".join(known)}.'
                )
        lease = options.get("lease", 30.0)
        retain_runs, schema = options.get("retain_runs"), options.get("labels")
        made = cls(
            max_concurrent_runs=options.get("max_concurrent_runs", 1),
            polling_interval=options.get("polling_interval", 1.0),
            lease=lease,
            lease_renewal=options.get("lease_renewal", min(5.0, lease / 3)),
            preserve_steps=options.get("preserve_steps", True),
            retain_runs=None if retain_runs is None else parse_duration(retain_runs),
            check_labels=check_labels if schema is None else LabelSchema(schema).check,
            stop_grace=options.get("stop_grace", 5.0),
            max_logs_per_run=options.get("max_logs_per_run", 10_000),
            clock=options.get("clock", wall_clock),
        )
        if not 1 <= made.max_concurrent_runs <= MAX_CONCURRENT_RUNS:
            raise InvalidRequestError(
                f"max_concurrent_runs must be between 1 and {MAX_CONCURRENT_RUNS}."
            )
        if made.polling_interval <= 0 or lease <= 0 or not 0 < made.lease_renewal <= lease / 2:
            raise InvalidRequestError(
                "polling_interval and lease must be positive, lease_renewal at most half of lease."
            )
        if made.stop_grace < 0 or made.max_logs_per_run < 1:
            raise InvalidRequestError(
                "stop_grace must not be negative, and max_logs_per_run at least 1."
            )
        return made


def parse_duration(value: str | float) -> float:
    """Seconds of a number of them, or of text such as ``"30d"``.

    Raises:
        InvalidRequestError: it is neither, or not more than 0.
    """
    if isinstance(value, str):
        found = re.fullmatch(r"([0-9]{1,9})([smhd])", value)
        seconds = float(int(found[1]) * _UNITS[found[2]]) if found else 0.0
    else:
        seconds = float(value)
    if not (math.isfinite(seconds) and seconds > 0):
        raise InvalidRequestError(
            f'retain_runs "{value}" is not understood: write seconds, or a whole number with '
            's, m, h or d, such as "30d".'
        )
    return seconds


class LabelSchema:
    """What the labels of a trigger have to fit.

    Raises:
        InvalidRequestError: pydantic cannot check that type.
    """

    def __init__(self, wanted: Any) -> None:
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(wanted)
        except PydanticUserError as error:
            reason = str(error).partition("\n")[0]
            raise InvalidRequestError(
                f"labels must be a type that can be checked: {reason}"
            ) from None

    def check(self, labels: Labels | None) -> dict[str, str]:
        """The labels as the type has them: with its defaults, without what it does not know.

        Raises:
            InvalidRequestError: they do not fit; the text says where.
        """
        given = check_labels(labels)
        if not given:
            return given
        try:
            found = self._adapter.validate_python(given)
        except ValidationError as error:
            raise InvalidRequestError(f"Invalid labels: {describe(error)}") from None
        dumped = self._adapter.dump_python(found, mode="json", by_alias=True, exclude_none=True)
        return check_labels(dumped)
