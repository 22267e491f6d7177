"""JSON in and out, one way for the whole server: pydantic's encoder, NaN as null, UTF-8 only."""

from collections.abc import Callable
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json


class NotJsonError(ValueError):
    """A value cannot be written as JSON; the text says why."""


def encode(value: Any, *, fallback: Callable[[Any], Any] | None = None) -> bytes:
    """JSON bytes of any value that pydantic can serialise (models, dataclasses, dates, sets).

    Raises:
        NotJsonError: the value, or something inside it, has no JSON form.
    """
    try:
        return to_json(value, inf_nan_mode="null", fallback=fallback)
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        raise NotJsonError(str(error).removeprefix("Error serializing to JSON: ")) from None


def encode_text(value: Any) -> str:
    """The same as text, as the database keeps it."""
    return encode(value).decode()


def encode_leniently(value: Any) -> str:
    """JSON text that never fails: what has no JSON form is written as its ``repr``.

    For log data, since a log line must not be able to fail a run.
    """
    try:
        return encode(value, fallback=repr).decode()
    except NotJsonError:
        return encode(printable(repr(value))).decode()


def decode(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is not JSON.
    """
    return from_json(text, allow_inf_nan=False)


def printable(text: str) -> str:
    """Text that UTF-8 can carry: lone surrogates become question marks."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")
