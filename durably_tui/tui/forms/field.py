"""What one value may be, as far as it is understood here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    INTEGER = "whole number"
    NUMBER = "number"
    BOOLEAN = "yes or no"
    CHOICE = "choice"
    OBJECT = "object"
    ARRAY = "list"
    JSON = "JSON"
    """Anything: what a schema says that is not understood here."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value of an input. All texts are the server's own, and not safe to be drawn as they are.

    Limits are those of JSON Schema; None where there is none.
    """

    kind: Kind = Kind.JSON
    name: str = ""
    title: str = ""
    help: str = ""
    required: bool = False
    nullable: bool = False
    """Whether it may be null."""
    default: Any = None
    has_default: bool = False
    choices: tuple[Any, ...] = ()
    fields: tuple[Field, ...] = ()
    """Of an object."""
    closed: bool = False
    """Whether an object may have no other fields than these."""
    item: Field | None = None
    """What each item of a list is."""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    """It must be more than this."""
    below: float | None = None
    """It must be less than this."""
    multiple_of: float | None = None
    least: int | None = None
    """Characters or items."""
    most: int | None = None
    pattern: str | None = None
    format: str = ""
