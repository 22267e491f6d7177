"""What is typed into the dialog that makes a new run, and what of it cannot be sent."""

from __future__ import annotations

import re

_LABEL_KEY = re.compile(r"[a-zA-Z0-9\-_./]+")


class BadField(ValueError):
    """A field of the dialog that cannot be sent.

    ``field`` is its widget's id, or empty where the keys are there already.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def read_job(text: str) -> str:
    """The job's name."""
    if not text.strip():
        raise BadField("job", "Name the job that is to run.")
    return text.strip()


def read_labels(text: str) -> dict[str, str]:
    """Labels from ``key=value`` words; keys match ``[a-zA-Z0-9\\-_./]+`` as Durably wants them."""
    labels: dict[str, str] = {}
    for word in text.split():
        key, equals, value = word.partition("=")
        if not equals:
            raise BadField("labels", f"The label {word!r} is not key=value.")
        if not _LABEL_KEY.fullmatch(key):
            raise BadField(
                "labels", f"The label key {key!r} may have only letters, digits and - _ . / in it."
            )
        labels[key] = value
    return labels


def write_labels(labels: dict[str, str]) -> str:
    """Labels as the dialog shows them."""
    return " ".join(f"{key}={value}" for key, value in labels.items())


def read_key(text: str) -> str | None:
    """An idempotency or concurrency key; nothing typed is none."""
    return text.strip() or None
