"""What a job's function is given: checkpoints, progress, logs, and whether it should stop."""

import asyncio
import functools
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar, TypeVarTuple, get_type_hints, overload

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError

from durably_server.engine import codec
from durably_server.engine.attempt import Attempt, Interruption
from durably_server.engine.checkpoints import Checkpoints, OpenStep
from durably_server.engine.errors import RunInterrupted
from durably_server.engine.model import Level, StepRecord
from durably_server.engine.progress import progress_of
from durably_server.engine.reasons import reason_of

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_ABSENT: Any = object()
_current_step: ContextVar[str | None] = ContextVar("durably_current_step", default=None)


class StepLog:
    """Log lines of a run; they are streamed and stored. ``data`` is any value, best a dict."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def info(self, message: str, data: Any = _ABSENT) -> None:
        """Something that a reader may want to know."""
        self._write("info", message, data)

    def warn(self, message: str, data: Any = _ABSENT) -> None:
        """Something odd that the job can live with."""
        self._write("warn", message, data)

    def error(self, message: str, data: Any = _ABSENT) -> None:
        """Something that went wrong; the run goes on."""
        self._write("error", message, data)

    def _write(self, level: Level, message: str, data: Any) -> None:
        # Written here and now: a thread may change its data before the loop comes to the line.
        text = None if data is _ABSENT else codec.encode_leniently(data)
        _on_loop(self._attempt, self._attempt.log, level, str(message), text, _current_step.get())


class _StepBase:
    """What async and plain jobs have in common."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._checkpoints = Checkpoints(attempt)
        self.log = StepLog(attempt)

    def _execute(self, step: OpenStep, fn: Callable[..., T], *args: Any) -> tuple[T, bool | None]:
        """In a thread: what a plain function returns, and whether it is stored."""
        output = _while_leased(self._attempt, fn, *args)
        return output, self._checkpoints.store_now(step, output)

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._attempt.run.id

    @property
    def attempt(self) -> int:
        """1 at first, and one more each time the run is taken up again."""
        return self._attempt.run.lease_generation

    @property
    def cancelled(self) -> bool:
        """Whether the job should end: its run is cancelled, taken over, or handed back."""
        return self._attempt.is_interrupted

    @property
    def signal(self) -> threading.Event:
        """The same as an event that a thread can wait for."""
        return self._attempt.signal

    def progress(
        self, current: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Say how far the run is. Never waits; call it as often as you like.

        What is no finite number, as 0/0 in floats, is left out: a ``total``, or the whole call.

        Raises:
            TypeError, ValueError: ``current`` or ``total`` is no number at all.
        """
        found = progress_of(current, total, message)
        if found is not None:
            _on_loop(self._attempt, self._attempt.report, found)


class Step(_StepBase):
    """The first argument of an async job."""

    @overload
    async def run(
        self, name: str, fn: Callable[..., Awaitable[T]], *args: Any, returns: Any = None
    ) -> T: ...
    @overload
    async def run(self, name: str, fn: Callable[..., T], *args: Any, returns: Any = None) -> T: ...
    async def run(self, name: str, fn: Callable[..., Any], *args: Any, returns: Any = None) -> Any:
        """Execute ``fn(*args)`` once in the life of the run, and keep what it returns.

        When the run resumes, a finished step is not executed again; its stored output is the
        answer. The output is kept as JSON, and comes back as the type that ``fn``'s annotation
        or ``returns`` names; without either, as plain JSON values. An async function runs on
        the event loop, a plain one in a thread; what it returns is awaited if it can be.

        Raises:
            asyncio.CancelledError: the run was cancelled, taken over, or must be handed back.
            Exception: whatever ``fn`` raises, after it is recorded.
        """
        checkpoints = self._checkpoints
        step = await checkpoints.begin(name)
        if step is None:
            raise asyncio.CancelledError
        if isinstance(step, StepRecord):
            return restore(fn, returns, step.output)
        token = _current_step.set(name)
        saved = None
        try:
            if _is_async(fn):
                output = await _while_leased(self._attempt, fn, *args)
            else:
                run = self._attempt.in_thread
                output, saved = await run(self._execute, step, fn, *args)
                if inspect.isawaitable(output):
                    output = await output
        except asyncio.CancelledError:
            if not step.give_up():
                raise
            if self._attempt.interruption is None:
                await checkpoints.fail(step, "the step was cancelled by its own job")
            else:
                await checkpoints.interrupt(step)
            raise
        except (GeneratorExit, RunInterrupted):
            raise
        except BaseException as error:
            # Also SystemExit and its like: the executor turns them into the run's failure.
            await checkpoints.fail(step, reason_of(error))
            raise
        finally:
            _current_step.reset(token)
        if not await checkpoints.complete(step, output, saved):
            raise asyncio.CancelledError
        return output


class BlockingStep(_StepBase):
    """The first argument of a plain job, which runs in a thread of its own."""

    def run(self, name: str, fn: Callable[..., T], *args: Any, returns: Any = None) -> T:
        """As :meth:`Step.run`, but it answers when the step is finished.

        Raises:
            RunInterrupted: the run was cancelled, taken over, or must be handed back.
            Exception: whatever ``fn`` raises, after it is recorded.
        """
        checkpoints = self._checkpoints
        step = self._wait(checkpoints.begin(name))
        if step is None:
            raise RunInterrupted
        if isinstance(step, StepRecord):
            restored: T = restore(fn, returns, step.output)
            return restored
        token = _current_step.set(name)
        try:
            output: Any
            output, saved = self._execute(step, fn, *args)
            if inspect.iscoroutine(output):
                output = self._wait(output)
        except RunInterrupted:
            raise
        except BaseException as error:
            self._wait(checkpoints.fail(step, reason_of(error)))
            raise
        finally:
            _current_step.reset(token)
        if not self._wait(checkpoints.complete(step, output, saved)):
            raise RunInterrupted
        answer: T = output
        return answer

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        """What the loop makes of some work, after what was said and reported before."""

        async def in_order() -> T:
            await self._attempt.handover.caught_up()
            return await work

        waiting = in_order()
        try:
            return asyncio.run_coroutine_threadsafe(waiting, self._attempt.loop).result()
        except RuntimeError as error:
            waiting.close()
            if self._attempt.loop.is_closed():
                raise RunInterrupted from None
            raise error
        finally:
            work.close()  # where nobody came to it


def restore(fn: Callable[..., Any], returns: Any, value: Any) -> Any:
    """A stored output as the type that ``returns`` or the annotation of ``fn`` names.

    Raises:
        pydantic.ValidationError: the stored value no longer fits that type.
    """
    wanted = returns
    if wanted is None:
        inner = fn.func if isinstance(fn, functools.partial) else fn
        try:
            wanted = get_type_hints(inner).get("return")
        except (NameError, TypeError):
            return value
    if wanted is None or wanted is Any:
        return value
    try:
        adapter = TypeAdapter(wanted)
    except PydanticUserError:
        return value
    return adapter.validate_json(codec.encode(value))


def _while_leased(attempt: Attempt, fn: Callable[[*Ts], T], *args: *Ts) -> T:
    """Call it as long as nobody else can have the run: since its step was begun the process may
    have stood still, or a thread waited for its turn, for longer than the lease."""
    if attempt.lease_is_over:
        _on_loop(attempt, attempt.interrupt, Interruption.LEASE_LOST)
        raise RunInterrupted
    return fn(*args)


def _is_async(fn: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine; for an object, whether its class is called so."""
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(type(fn).__call__)


def _on_loop(attempt: Attempt, call: Callable[[*Ts], None], *args: *Ts) -> None:
    """Call it now on the loop's own thread, else have the loop call it, in order."""
    # Not by the running loop: to ask for it asks the system for the process each time.
    if threading.get_ident() == attempt.thread:
        call(*args)
    else:
        attempt.handover.call(functools.partial(call, *args))
