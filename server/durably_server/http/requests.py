"""What a request carries besides its query, checked; what is wrong with it is one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope

from durably_server.engine.codec import decode
from durably_server.engine.errors import DurablyError, InvalidRequestError
from durably_server.engine.model import check_labels
from durably_server.http.parameters import MissingParameterError

MAX_BODY = 1024 * 1024
"""Bytes of a request body, unless a handler is made with another limit."""
MAX_HEADERS = 64 * 1024
"""Bytes of all headers of a request."""


class BodyTooLargeError(DurablyError):
    """413."""


class ClientGoneError(Exception):
    """The client hung up before its body was complete: there is nobody to answer."""


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
    def of(cls, fields: Mapping[str, Any]) -> "TriggerRequest":
        """The checked fields of a body.

        Raises:
            InvalidRequestError: a field is missing or has a wrong type.
        """
        job_name = _text(fields, "jobName")
        if not job_name:
            raise MissingParameterError("jobName is required")
        return cls(
            job_name=job_name,
            input=fields.get("input"),
            idempotency_key=_text(fields, "idempotencyKey"),
            concurrency_key=_text(fields, "concurrencyKey"),
            labels=check_labels(fields.get("labels")),
            coalesce=_text(fields, "coalesce"),
        )


def json_object(body: bytes) -> Mapping[str, Any]:
    """A body that must be a JSON object.

    Raises:
        InvalidRequestError: it is not.
    """
    try:
        found = decode(body)
    except ValueError as error:
        raise InvalidRequestError(f"The body is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InvalidRequestError("The body must be a JSON object with jobName and input")
    return found


def _text(fields: Mapping[str, Any], key: str) -> str | None:
    value = fields.get(key)
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


def headers_size(scope: Scope) -> int:
    """Bytes of the names and values of all headers."""
    return sum(len(name) + len(value) for name, value in scope["headers"])


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
