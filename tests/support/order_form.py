"""A form with a field of each kind, made from what pydantic writes of a model."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Limits

from durably_tui.tui.forms import Field, read_schema


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Street(BaseModel):
    name: str
    number: int | None = None


class Address(BaseModel):
    city: str = Limits(description="Where it is.")
    street: Street | None = None


class Order(BaseModel):
    """What is to be sent."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[int, Limits(ge=1, le=200, description="How many.")] = 40
    name: str
    note: str | None = None
    speed: Literal["slow", "fast"] = "slow"
    colour: Colour = Colour.RED
    ratio: Annotated[float, Limits(gt=0, lt=1)] | None = None
    sure: bool = False
    tags: list[str] = []
    sizes: Annotated[list[int], Limits(min_length=1, max_length=3)] = [1]
    streets: list[Street] = []
    counts: dict[str, int] = {}
    either: int | str = 1
    id: UUID | None = None
    at: datetime | None = None
    address: Address
    second: Address | None = None


def order() -> Field:
    found = read_schema(Order.model_json_schema())
    assert found is not None
    return found


def part(name: str) -> Field:
    return next(field for field in order().fields if field.name == name)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "properties", "items", "anyOf", "a"]), inner)
    ),
    max_leaves=8,
)
