"""The parameters of all routes, declared once: what a request is checked by is what is documented.

Rules beyond those of a Durably server: a parameter that can have one value only is refused when
it is given twice, since servers would differ in which one counts.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Scope

from durably_server.engine.errors import InvalidRequestError
from durably_server.engine.filters import MAX_TEXT
from durably_server.engine.model import LEVELS, STATUSES, Cursor, check_labels

MAX_LIMIT = 100_000
MAX_OFFSET = 1_000_000_000
MAX_PARAMETERS = 200
_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z),([^,]{1,100})", re.ASCII)
_WINDOW = re.compile(
    "[1-9][0-9]{0,6}s?|[1-9][0-9]{0,4}m|[1-9][0-9]{0,2}h|"
    "([1-9][0-9]?|[12][0-9]{2}|3[0-5][0-9]|36[0-6])d"
)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


class MissingParameterError(InvalidRequestError):
    """Something that must be there is not: a 400 in every generation."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a query, or a header.

    Attributes:
        name: as it is written. ``label.KEY`` stands for any label's key.
        about: one sentence for the reader of the documentation.
        schema: JSON Schema of one value.
        required: whether the request is refused without it.
        many: whether it may be repeated.
        may_be_empty: whether an empty value is the same as none; if not, it is refused.
        place: ``query`` or ``header``.
    """

    name: str
    about: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False
    many: bool = False
    may_be_empty: bool = False
    place: str = "query"


def _number(most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "maximum": most}


_NAME = {"type": "string", "minLength": 1}
_TIME = {"type": "string", "format": "date-time"}

RUN_ID = Parameter("runId", "Which run.", _NAME, required=True)
OF_RUN = Parameter("runId", "Only lines of this run.", _NAME)
JOB_NAME = Parameter("jobName", "Any of these jobs.", many=True)
STATUS = Parameter("status", "Any of these statuses.", {"enum": list(STATUSES)}, many=True)
LABEL = Parameter("label.KEY", "The label KEY has this value; all that are given must match.")
LIMIT = Parameter(
    "limit", "At most this many; without it, all.", _number(MAX_LIMIT), may_be_empty=True
)
OFFSET = Parameter(
    "offset", "Skip this many of the newest.", _number(MAX_OFFSET), may_be_empty=True
)
CREATED_AFTER = Parameter("createdAfter", "Created at this time or later.", _TIME)
CREATED_BEFORE = Parameter("createdBefore", "Created before this time.", _TIME)
SEARCH = Parameter(
    "search",
    "Part of the id, job, input, error or a label, as JSON has it. "
    "One that takes too long is refused, with a sentence.",
    {"type": "string", "maxLength": MAX_TEXT, "pattern": "^[^\\u0000]*$"},
    may_be_empty=True,
)
CURSOR = Parameter(
    "after",
    "Go on after the run that X-Next-After named in the last answer: older runs only.",
    {"type": "string", "pattern": f"^{_CURSOR.pattern}$"},
)
TOTAL = Parameter(
    "total", "Count all runs that fit, into X-Total-Count.", {"enum": ["true", "false"]}
)
LEVEL = Parameter("level", "Any of these levels.", {"enum": list(LEVELS)}, many=True)
AFTER_LINE = Parameter("after", "The id of a line: only what was written after it.", _NAME)
BEFORE_LINE = Parameter("before", "The id of a line: only what was written before it.", _NAME)
LINES = Parameter(
    "limit",
    "At most so many, the newest; with `after` alone the oldest, so that reading goes on without "
    "a gap.",
    _number(MAX_LIMIT) | {"default": 1000},
)
WINDOW = Parameter(
    "window",
    "How far to look back: seconds, or 15m, 1h, 7d; at most 366d.",
    {"type": "string", "pattern": f"^({_WINDOW.pattern})$", "default": "1h"},
)
EVENTS = Parameter(
    "events",
    "Only these events: types with commas between, or a kind as `step:*`. A gap is always told.",
    may_be_empty=True,
)
AFTER_EVENT = Parameter(
    "after", "The id of an event: what came after it is sent first.", may_be_empty=True
)
LAST_EVENT_ID = Parameter(
    "Last-Event-ID",
    "The same as `after`, as a browser sends it when it connects again; it counts before `after`.",
    may_be_empty=True,
    place="header",
)


@dataclass(frozen=True, slots=True)
class Query:
    """The query of a request.

    Attributes:
        pairs: as they came, decoded.
        lenient: of a parameter that is given twice the first counts, as it does in 0.8.
    """

    pairs: tuple[tuple[str, str], ...]
    lenient: bool = False

    @classmethod
    def of(cls, scope: Scope, *, lenient: bool = False) -> "Query":
        """The query of a scope.

        Raises:
            InvalidRequestError: it cannot be read.
        """
        try:
            text = scope["query_string"].decode("ascii")
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
        except ValueError:
            raise InvalidRequestError(
                f"The query cannot be read: at most {MAX_PARAMETERS} parameters, percent-encoded"
            ) from None
        return cls(tuple(pairs), lenient)

    def allow_only(self, parameters: Iterable[Parameter]) -> None:
        """Refuse what a route does not know.

        Raises:
            InvalidRequestError: there is such a parameter.
        """
        known = [each.name for each in parameters if each.place == "query"]
        for name, _ in self.pairs:
            if name not in known:
                there = ", ".join(known) or "no parameters"
                raise InvalidRequestError(f'Unknown parameter "{name}": this route takes {there}')

    def text(self, parameter: Parameter) -> str | None:
        """The one value, or None.

        Raises:
            MissingParameterError: it is required and not there.
            InvalidRequestError: it is there twice, or is empty and must not be.
        """
        found = self.every(parameter)
        if len(found) > 1 and not self.lenient:
            raise InvalidRequestError(f"Invalid {parameter.name}: given {len(found)} times")
        if found and found[0]:
            return found[0]
        if parameter.required:
            raise MissingParameterError(f"{parameter.name} query parameter is required")
        if found and not parameter.may_be_empty:
            raise InvalidRequestError(f"Invalid {parameter.name}: empty value")
        return None

    def every(self, parameter: Parameter) -> list[str]:
        """All values."""
        return [value for name, value in self.pairs if name == parameter.name]

    def run_id(self) -> str:
        """``runId``, which must be there."""
        return self.text(RUN_ID) or ""

    def labels(self) -> dict[str, str]:
        """``label.KEY=VALUE`` parameters; of a key that is given twice the last counts."""
        return check_labels(
            {name[6:]: value for name, value in self.pairs if name.startswith("label.")}
        )

    def choices(self, parameter: Parameter) -> list[str]:
        """All values, each of which the parameter's schema lists."""
        allowed: list[str] = parameter.schema["enum"]
        found = self.every(parameter)
        for value in found:
            if value not in allowed:
                raise InvalidRequestError(
                    f"Invalid {parameter.name}: {value or 'empty value'}. "
                    f"Must be one of: {', '.join(allowed)}"
                )
        return found

    def flag(self, parameter: Parameter) -> bool:
        """``true`` or ``false``, which is also what absence means."""
        if self.text(parameter) is None:
            return False
        return self.choices(parameter)[0] == "true"

    def number(self, parameter: Parameter) -> int | None:
        """A count, at most the ``maximum`` of the parameter's schema."""
        text = self.text(parameter)
        if text is None:
            return None
        most: int = parameter.schema["maximum"]
        if not (text.isascii() and text.isdigit()):
            raise InvalidRequestError(f"Invalid {parameter.name}: must be a non-negative integer")
        if len(text) > len(str(most)) or int(text) > most:
            raise InvalidRequestError(f"Invalid {parameter.name}: must be at most {most}")
        return int(text)

    def cursor(self) -> Cursor | None:
        """``after`` of a list of runs."""
        text = self.text(CURSOR)
        if text is None:
            return None
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise InvalidRequestError("Invalid after: must be what X-Next-After gave")
        return found[1], found[2]

    def window(self) -> int:
        """``window`` in seconds."""
        text = self.text(WINDOW) or WINDOW.schema["default"]
        if _WINDOW.fullmatch(text) is None:
            raise InvalidRequestError(
                "Invalid window: must be seconds, or such as 15m, 1h or 7d, up to 366d"
            )
        return int(text.rstrip("smhd")) * _SECONDS[text[-1:].strip("0123456789")]


def cursor_text(cursor: Cursor) -> str:
    """A place in the list of runs as ``after`` takes it."""
    return ",".join(cursor)
