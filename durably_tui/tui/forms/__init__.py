"""Forms made from JSON Schemas: what a job takes, as fields that can be filled in. No widgets."""

from .check import Problem, problems
from .draft import (
    ABSENT,
    Leaf,
    assembled,
    completed,
    leaves,
    value_at,
    with_item,
    without_item,
)
from .field import Field, Kind
from .schema import read_schema
from .text import BadText, text_of, value_of

__all__ = [
    "ABSENT",
    "BadText",
    "Field",
    "Kind",
    "Leaf",
    "Problem",
    "assembled",
    "completed",
    "leaves",
    "problems",
    "read_schema",
    "text_of",
    "value_at",
    "value_of",
    "with_item",
    "without_item",
]
