"""Jobs: a name, a function, and the types of what goes in and comes out, checked by pydantic."""

import functools
import inspect
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Generic, Literal, TypeVar, cast, get_type_hints, overload

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import (
    PydanticInvalidForJsonSchema,
    PydanticUndefinedAnnotation,
    PydanticUserError,
)

from durably_server.engine import codec
from durably_server.engine.errors import InvalidRequestError, JobDefinitionError
from durably_server.engine.reasons import describe
from durably_server.engine.step import Step

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")

AsyncJob = Callable[[Step, InputT], Awaitable[OutputT]]
PlainJob = Callable[[Any, InputT], OutputT]
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class InvalidOutputError(Exception):
    """A job returned what its output type refuses."""


class JobDefinition(Generic[InputT, OutputT]):
    """A job that a server can run. Made by :func:`job`; calling it calls the function itself.

    Attributes:
        name: what triggers name it by.
        description: the function's docstring, or "".
        input_type: the annotation of the second parameter (``Any`` without one).
        output_type: the annotation of the return value (``Any`` without one).
        is_async: whether it runs on the event loop; a plain function runs in a thread.
        timeout: seconds after which an attempt that has not ended fails; None: never.
    """

    # Declared, so that a type checker can tell what a job takes and gives.
    input_type: type[InputT]
    output_type: type[OutputT]

    def __init__(
        self,
        name: str,
        function: Callable[[Any, InputT], Any],
        scope: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> None:
        if not name:
            raise JobDefinitionError("A job needs a name that is not empty.")
        if timeout is not None and not timeout > 0:
            raise JobDefinitionError(f'Job "{name}" needs a timeout of more than 0 seconds.')
        self.name = name
        self.timeout = timeout
        self.function = function
        self.description = inspect.getdoc(function) or ""
        self.is_async = inspect.iscoroutinefunction(function)
        self.input_type, self.output_type = _types_of(name, function, scope)
        functools.update_wrapper(cast(Callable[..., Any], self), function)

    def __call__(self, step: Any, value: InputT) -> Any:
        """Call the job's function as it is, with no run and no checks."""
        return self.function(step, value)

    def __repr__(self) -> str:
        return f"<job {self.name}>"

    def prepare(self) -> None:
        """Build the checks, so that a type that cannot be checked is found at registration.

        Raises:
            JobDefinitionError: pydantic cannot check one of the types.
        """
        try:
            _ = self._input, self._output
        except (PydanticUserError, PydanticUndefinedAnnotation) as error:
            reason = str(error).partition("\n")[0]
            raise JobDefinitionError(
                f'Job "{self.name}" has a type that cannot be checked: {reason}'
            ) from None

    def check_input(self, value: Any) -> InputT:
        """The value as the job's input type.

        Raises:
            InvalidRequestError: it does not fit; the text says where.
        """
        try:
            return self._input.validate_python(value)
        except ValidationError as error:
            raise InvalidRequestError(f"Invalid input: {describe(error)}") from None

    def parse_input(self, value: Any) -> InputT:
        """The same for a value that came as JSON, where dates and enums are still text.

        Raises:
            InvalidRequestError: it does not fit; the text says where.
        """
        try:
            return self._input.validate_json(codec.encode(value))
        except ValidationError as error:
            raise InvalidRequestError(f"Invalid input: {describe(error)}") from None
        except codec.NotJsonError as error:
            raise InvalidRequestError(f"Invalid input: {error}") from None

    def dump_input(self, value: InputT) -> str:
        """The JSON text of a checked input, which :meth:`parse_input` reads back.

        Raises:
            InvalidRequestError: it has no JSON form.
        """
        try:
            return self._input.dump_json(value, by_alias=True, round_trip=True).decode()
        except ValueError as error:
            raise InvalidRequestError(f"Invalid input: {error}") from None

    def dump_output(self, value: Any) -> str:
        """The JSON text of what the job returned.

        Raises:
            InvalidOutputError: the output type refuses it, or it has no JSON form.
        """
        try:
            return self._output.dump_json(
                self._output.validate_python(value), by_alias=True
            ).decode()
        except ValidationError as error:
            raise InvalidOutputError(f"Invalid output: {describe(error)}") from None
        except ValueError as error:
            raise InvalidOutputError(f"Invalid output: {error}") from None

    def parse_output(self, value: Any) -> OutputT:
        """A stored output as the job's output type."""
        return self._output.validate_json(codec.encode(value))

    @functools.cached_property
    def input_schema(self) -> dict[str, Any]:
        """JSON Schema of what the input has to be; ``{}``, which takes anything, without one."""
        return _schema_of(self._input, "validation")

    @functools.cached_property
    def output_schema(self) -> dict[str, Any]:
        """JSON Schema of what the job gives; ``{}`` without one."""
        return _schema_of(self._output, "serialization")

    @functools.cached_property
    def _input(self) -> TypeAdapter[InputT]:
        return TypeAdapter(self.input_type)

    @functools.cached_property
    def _output(self) -> TypeAdapter[OutputT]:
        return TypeAdapter(self.output_type)


class JobRegistry:
    """The jobs that a server knows, by name."""

    def __init__(self) -> None:
        self._jobs: dict[str, JobDefinition[Any, Any]] = {}

    def add(self, jobs: Iterable[JobDefinition[Any, Any]]) -> None:
        """Register jobs; the same job again is harmless.

        Raises:
            JobDefinitionError: not a job, a type that cannot be checked, or a name that is taken.
        """
        for found in jobs:
            if not isinstance(found, JobDefinition):
                raise JobDefinitionError(f"{found!r} is not a job: decorate it with @job.")
            known = self._jobs.get(found.name)
            if known is not None and known is not found:
                raise JobDefinitionError(
                    f'Job "{found.name}" is already registered with a different definition.'
                )
            found.prepare()
            self._jobs[found.name] = found

    def get(self, name: str) -> JobDefinition[Any, Any] | None:
        """The job of that name."""
        return self._jobs.get(name)

    def __iter__(self) -> Any:
        return iter(self._jobs.values())


class _Decorator:
    """What ``@job("name")`` gives: it turns a function into a definition."""

    def __init__(
        self, name: str | None, scope: Mapping[str, Any], timeout: float | None = None
    ) -> None:
        self._name = name
        self._scope = scope
        self._timeout = timeout

    @overload
    def __call__(self, function: AsyncJob[InputT, OutputT]) -> JobDefinition[InputT, OutputT]: ...
    @overload
    def __call__(self, function: PlainJob[InputT, OutputT]) -> JobDefinition[InputT, OutputT]: ...
    def __call__(self, function: Callable[[Any, Any], Any]) -> JobDefinition[Any, Any]:
        name = self._name or function.__name__.replace("_", "-")
        return JobDefinition(name, function, self._scope, self._timeout)


@overload
def job(name: str | None = None, *, timeout: float | None = None) -> _Decorator: ...
@overload
def job(name: AsyncJob[InputT, OutputT]) -> JobDefinition[InputT, OutputT]: ...
@overload
def job(name: PlainJob[InputT, OutputT]) -> JobDefinition[InputT, OutputT]: ...
def job(name: Any = None, *, timeout: float | None = None) -> Any:
    """Make a job of ``(step: Step, input: T) -> U``: ``@job("import-csv")`` or ``@job``.

    The function may be async, or plain: a plain one runs in a thread and gets a
    :class:`BlockingStep`, whose ``run`` answers at once. Without a name, the function's name
    with dashes is taken. ``T`` and ``U`` are anything that pydantic can check. An attempt that
    takes longer than ``timeout`` seconds fails: async code is cancelled, a thread is left behind
    and stopped at its next step; it can write nothing more.

    Raises:
        JobDefinitionError: the function does not take ``(step, input)``.
    """
    scope = sys._getframe(1).f_locals
    if callable(name):
        return _Decorator(None, scope)(name)
    return _Decorator(name, scope, timeout)


def _schema_of(
    adapter: TypeAdapter[Any], mode: Literal["validation", "serialization"]
) -> dict[str, Any]:
    try:
        return adapter.json_schema(by_alias=True, mode=mode)
    except PydanticInvalidForJsonSchema:
        return {}  # the type can be checked, but JSON Schema has no words for it


def _types_of(
    name: str, function: Callable[..., Any], scope: Mapping[str, Any] | None
) -> tuple[Any, Any]:
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) < 2 or any(p.kind not in _POSITIONAL for p in parameters[:2]):
        raise JobDefinitionError(f'Job "{name}" must take (step, input).')
    try:
        hints = get_type_hints(function, localns=dict(scope or {}), include_extras=True)
    except NameError as error:
        raise JobDefinitionError(
            f'Job "{name}" has an annotation that cannot be resolved: {error}'
        ) from None
    return hints.get(parameters[1].name, Any), hints.get("return", Any)
