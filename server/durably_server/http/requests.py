"""What a request asks for, checked; whatever is wrong with it is one sentence and a 4xx."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from durably_server.engine.codec import decode
from durably_server.engine.errors import DurablyError, InvalidRequestError
from durably_server.engine.model import STATUSES, Status, check_labels

MAX_BODY = 1024 * 1024
"""Bytes of a request body."""
MAX_LIMIT = 100_000
MAX_OFFSET = 1_000_000_000
MAX_PARAMETERS = 200


class BodyTooLargeError(DurablyError):
    """413."""


class ClientGoneError(Exception):
    """The client hung up before its body was complete: there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Query:
    """The query of a request; a key may come many times."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, scope: Scope) -> "Query":
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
        return cls(tuple(pairs))

    def first(self, key: str) -> str | None:
        """The first value of a key."""
        return next((value for name, value in self.pairs if name == key), None)

    def every(self, key: str) -> list[str]:
        """All values of a key."""
        return [value for name, value in self.pairs if name == key]

    def run_id(self) -> str:
        """``runId``, which must be there."""
        found = self.first("runId")
        if not found:
            raise InvalidRequestError("runId query parameter is required")
        return found

    def labels(self) -> dict[str, str]:
        """``label.KEY=VALUE`` parameters."""
        return check_labels(
            {name[6:]: value for name, value in self.pairs if name.startswith("label.")}
        )

    def statuses(self) -> list[Status]:
        """``status`` parameters."""
        found: list[Status] = []
        for value in self.every("status"):
            known = next((status for status in STATUSES if status == value), None)
            if known is None:
                raise InvalidRequestError(
                    f"Invalid status: {value or 'empty value'}. "
                    f"Must be one of: {', '.join(STATUSES)}"
                )
            found.append(known)
        return found

    def number(self, key: str, most: int) -> int | None:
        """A non-negative integer, or None where it is absent or empty."""
        text = self.first(key)
        if not text:
            return None
        if not (text.isascii() and text.isdigit()):
            raise InvalidRequestError(f"Invalid {key}: must be a non-negative integer")
        if len(text) > len(str(most)) or int(text) > most:
            raise InvalidRequestError(f"Invalid {key}: must be at most {most}")
        return int(text)


@dataclass(frozen=True, slots=True)
class TriggerRequest:
    """The body of ``POST /trigger``."""

    job_name: str
    input: Any
    idempotency_key: str | None
    concurrency_key: str | None
    labels: dict[str, str]
    coalesce: str | None

    @classmethod
    def of(cls, body: bytes) -> "TriggerRequest":
        """A checked body.

        Raises:
            InvalidRequestError: it is not JSON, not an object, or a field has a wrong type.
        """
        try:
            found = decode(body)
        except ValueError as error:
            raise InvalidRequestError(f"The body is not JSON: {error}") from None
        if not isinstance(found, Mapping):
            raise InvalidRequestError("The body must be a JSON object with jobName and input")
        job_name = _text(found, "jobName")
        if not job_name:
            raise InvalidRequestError("jobName is required")
        return cls(
            job_name=job_name,
            input=found.get("input"),
            idempotency_key=_text(found, "idempotencyKey"),
            concurrency_key=_text(found, "concurrencyKey"),
            labels=check_labels(found.get("labels")),
            coalesce=_text(found, "coalesce"),
        )


def _text(body: Mapping[str, Any], key: str) -> str | None:
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise InvalidRequestError(f"{key} must be a string")
    return value


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of a (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None


async def read_body(scope: Scope, receive: Receive, most: int = MAX_BODY) -> bytes:
    """The whole body.

    Raises:
        BodyTooLargeError: it is longer than ``most`` bytes; reading stops there.
        ClientGoneError: it was cut off.
    """
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > most:
        raise BodyTooLargeError(f"The body is too large: at most {most} bytes are accepted")
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        body += message.get("body", b"")
        if len(body) > most:
            raise BodyTooLargeError(f"The body is too large: at most {most} bytes are accepted")
        if not message.get("more_body", False):
            return bytes(body)
