"""Jobs as definitions: names, types, and what is refused."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import core_schema
from typing_extensions import TypedDict

from durably_server import (
    BlockingStep,
    Durably,
    InvalidRequestError,
    JobDefinition,
    JobDefinitionError,
    Step,
    job,
)
from durably_server.engine.jobs import InvalidOutputError


class Model(BaseModel):
    day: date
    count: int = 1


@dataclass
class Data:
    count: int


class Dict(TypedDict):
    count: int


def test_a_job_has_a_name_a_text_and_types() -> None:
    @job("import-csv")
    async def import_csv(step: Step, input: Model) -> Data:
        """Import a file."""
        return Data(input.count)

    assert isinstance(import_csv, JobDefinition)
    assert (import_csv.name, import_csv.description) == ("import-csv", "Import a file.")
    assert (import_csv.input_type, import_csv.output_type) == (Model, Data)
    assert import_csv.is_async


def test_a_name_is_taken_from_the_function() -> None:
    @job
    def sync_all_orders(step: BlockingStep, input: Dict) -> int:
        return input["count"]

    @job()
    async def other_one(step: Step, input: Any) -> None: ...

    assert (sync_all_orders.name, other_one.name) == ("sync-all-orders", "other-one")
    assert (sync_all_orders.input_type, other_one.output_type) == (Dict, type(None))
    assert not sync_all_orders.is_async


async def test_a_definition_can_be_called_as_the_function_it_is() -> None:
    @job
    async def double(step: Step, input: int) -> int:
        return input * 2

    assert await double(None, 4) == 8


def test_an_input_without_annotation_takes_anything() -> None:
    @job
    async def free(step, input):  # type: ignore[no-untyped-def]
        return input

    assert free.check_input({"a": [1]}) == {"a": [1]}


@pytest.mark.parametrize(
    ("kind", "good", "bad", "where"),
    [
        (Model, {"day": "2026-11-22"}, {"day": "soon"}, "day: Input should be a valid date"),
        (Data, {"count": 2}, {"count": "x"}, "count: Input should be a valid integer"),
        (Dict, {"count": 2}, {}, "count: Field required"),
        (dict[str, int], {"a": 1}, {"a": "b"}, "a: Input should be a valid integer"),
        (int, 3, None, "Input should be a valid integer"),
    ],
)
def test_inputs_are_checked_and_the_refusal_says_where(
    kind: Any, good: Any, bad: Any, where: str
) -> None:
    async def function(step: Any, input: Any) -> None: ...

    function.__annotations__["input"] = kind
    definition: JobDefinition[Any, Any] = JobDefinition("typed", function)
    value = definition.parse_input(good)
    assert definition.parse_input(json.loads(definition.dump_input(value))) == value
    for check in (definition.parse_input, definition.check_input):
        with pytest.raises(InvalidRequestError) as refusal:
            check(bad)
        assert str(refusal.value).startswith(f"Invalid input: {where}")
        assert "\n" not in str(refusal.value)


def test_outputs_are_checked() -> None:
    @job
    async def counts(step: Step, input: None) -> Data:
        return Data(1)

    assert counts.dump_output(Data(2)) == '{"count":2}'
    with pytest.raises(InvalidOutputError, match="Invalid output: count: Input should be"):
        counts.dump_output({"count": "many"})


def test_what_is_no_job_is_refused_with_a_sentence() -> None:
    with pytest.raises(JobDefinitionError, match=r'Job "f" must take \(step, input\)\.'):

        @job  # type: ignore[arg-type]
        def f(step: Any) -> None: ...

    with pytest.raises(JobDefinitionError, match="decorate it with @job"):
        Durably("memory:", jobs=[print])  # type: ignore[list-item]

    @job("same")
    async def one(step: Step, input: int) -> int:
        return input

    @job("same")
    async def two(step: Step, input: int) -> int:
        return input

    with pytest.raises(JobDefinitionError, match="already registered"):
        Durably("memory:", jobs=[one, one, two])

    class Unknowable:
        pass

    @job
    async def odd(step: Step, input: Unknowable) -> None: ...

    with pytest.raises(JobDefinitionError, match='"odd" has a type that cannot be checked'):
        Durably("memory:", jobs=[odd])


@pytest.mark.parametrize("url", ["postgres://x", "sqlite://", "sqlite:///", "local.db", ""])
def test_an_address_that_is_not_understood_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequestError, match="is not understood"):
        Durably(url)


@pytest.mark.parametrize(
    "options",
    [
        {"max_concurrent_runs": 0},
        {"max_concurrent_runs": 1001},
        {"polling_interval": 0},
        {"lease": 1.0, "lease_renewal": 0.9},
    ],
)
def test_an_option_out_of_range_is_refused(options: Any) -> None:
    with pytest.raises(InvalidRequestError):
        Durably("memory:", **options)


def test_a_job_tells_the_schema_of_what_it_takes_and_gives() -> None:
    class Asked(BaseModel):
        rows: int
        day: date | None = None

    class Opaque:
        __get_pydantic_core_schema__ = classmethod(
            lambda cls, source, handler: core_schema.is_instance_schema(cls)
        )

    @job
    async def report(step: Step, input: Asked) -> list[float]:
        """Write a report."""
        return []

    @job
    async def anything(step: Step, input: Any) -> Opaque:
        return Opaque()

    assert report.input_schema["properties"]["rows"] == {"title": "Rows", "type": "integer"}
    assert report.input_schema["required"] == ["rows"]
    assert report.output_schema == {"items": {"type": "number"}, "type": "array"}
    assert (anything.input_schema, anything.output_schema) == ({}, {})
