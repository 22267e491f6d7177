"""Job definitions: the name of a job and the types of what goes in and comes out.

A server's own ``@job`` object fits ``JobLike`` as it is; where the job's code is elsewhere,
``JobDefinition("import-csv", ImportCsv, Imported)`` gives just the name and the types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol

import msgspec
from typing_extensions import TypeVar

from durably_tui.protocol import Run

I = TypeVar("I", default=Any)  # noqa: E741  # the field's letters: input, output
O = TypeVar("O", default=Any)  # noqa: E741
I_co = TypeVar("I_co", covariant=True, default=Any)
O_co = TypeVar("O_co", covariant=True, default=Any)

INPUT_MISFIT = "inputMisfit"
"""In ``Run.extra``: why the input stayed as it came."""
OUTPUT_MISFIT = "outputMisfit"
"""In ``Run.extra``: why the output stayed as it came."""
_SENTENCE = 300


class JobLike(Protocol[I_co, O_co]):
    """Anything that names a job and the types of its input and output."""

    @property
    def name(self) -> str:
        """What the server calls the job."""

    @property
    def input_type(self) -> type[I_co]:
        """What a run takes."""

    @property
    def output_type(self) -> type[O_co]:
        """What a run gives."""


@dataclass(frozen=True, slots=True)
class JobDefinition(Generic[I, O]):
    """A job by its name and types alone.

    The types are pydantic models, dataclasses, TypedDicts, msgspec Structs or plain types.
    """

    name: str
    input_type: type[I]
    output_type: type[O]


def job_name_of(job: str | JobLike[Any, Any]) -> str:
    """The name of a job given either way."""
    return job if isinstance(job, str) else job.name


def typed(job: str | JobLike[I, O] | None) -> Callable[[Run], Run[I, O]] | None:
    """How to give runs of ``job`` their types; None where no types are known.

    The function never raises: a value that does not fit stays as it came, and ``Run.extra`` says
    why under ``inputMisfit`` or ``outputMisfit``.
    """
    if job is None or isinstance(job, str):
        return None
    name = job.name
    read_input, read_output = _reader(job.input_type), _reader(job.output_type)
    if read_input is None and read_output is None:
        return None

    def convert(run: Run) -> Run[I, O]:
        if run.job_name != name:
            return run
        extra = dict(run.extra)
        given = _fit(read_input, run.input, extra, INPUT_MISFIT)
        gained = _fit(read_output, run.output, extra, OUTPUT_MISFIT)
        if given is run.input and gained is run.output and extra == run.extra:
            return run
        return msgspec.structs.replace(run, input=given, output=gained, extra=extra)

    return convert


def plain(value: Any) -> Any:
    """A typed input as what JSON can say: models and dataclasses become dicts."""
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json", by_alias=True)
    return msgspec.to_builtins(value)


def _reader(kind: Any) -> Callable[[Any], Any] | None:
    if kind is Any or kind is object:
        return None
    validate = getattr(kind, "model_validate", None)
    if callable(validate):

        def read_model(value: Any) -> Any:
            return value if isinstance(value, kind) else validate(value)

        return read_model

    def read(value: Any) -> Any:
        return value if type(value) is kind else msgspec.convert(value, kind)

    return read


def _fit(read: Callable[[Any], Any] | None, value: Any, extra: dict[str, Any], misfit: str) -> Any:
    extra.pop(misfit, None)
    if read is None or value is None:
        return value
    try:
        return read(value)
    except Exception as error:  # a type may refuse with any exception of its own
        extra[misfit] = f"{type(error).__name__}: {error}"[:_SENTENCE]
        return value
