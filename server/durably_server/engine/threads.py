"""Threads for plain functions: reused, limited, never in the way of the process's end; and back."""

import asyncio
import contextlib
import contextvars
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_MOST_WAITING = 1000
"""Calls of one job that wait for the loop; beyond that its threads wait for it."""
_MOST_TAKEN = 100
"""Calls that the loop makes in one turn."""
_PAUSE = 0.001
"""Seconds between a waiting thread's looks for room."""
_Work = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class ThreadPool:
    """Runs plain functions on daemon threads.

    ``concurrent.futures`` waits for its threads when the process ends, so one plain job that
    hangs would keep a stopped server alive. A daemon thread does not; what it was doing is
    covered by the checkpoints and the lease.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._crew = _Crew()

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """The function's answer; its context variables are the caller's.

        When the caller is cancelled the thread goes on, and its answer is dropped.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        context = contextvars.copy_context()
        self._crew.take((lambda: context.run(function, *args), loop, future), self._limit)
        return await future

    def close(self) -> None:
        """Let the threads end once they are idle; the pool may be used again."""
        crew, self._crew = self._crew, _Crew()
        crew.dismiss()


class Handover:
    """Calls that threads have a loop make for them, in their order.

    The loop is woken once for all that wait, since each wake-up costs a system call. It takes a
    bounded number in one turn, and a thread that is far ahead of it waits: a job that logs
    without end can neither keep the loop from everything else nor fill the memory.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: deque[Callable[[], None]] = deque()
        self._woken = False

    def call(self, call: Callable[[], None]) -> None:
        """Have the loop make the call; from any thread but the loop's own."""
        self._calls.append(call)
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._take)
            except RuntimeError:  # the loop is closed: a thread left behind has no reader
                self._calls.clear()
        while len(self._calls) > _MOST_WAITING and not self._loop.is_closed():
            time.sleep(_PAUSE)

    async def caught_up(self) -> None:
        """Wait until the loop has made the calls that wait now; on the loop's own thread."""
        if self._calls:  # so the loop is on its way to them
            made = asyncio.Event()
            self._calls.append(made.set)
            await made.wait()

    def _take(self) -> None:
        # In this order: what is appended from now on wakes the loop again, or is taken here.
        self._woken = False
        for _ in range(min(_MOST_TAKEN, len(self._calls))):
            self._calls.popleft()()
        if self._calls and not self._woken:
            self._woken = True
            self._loop.call_soon(self._take)


class _Crew:
    """Threads that share a queue. A thread that hangs stays with the crew that it belongs to."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0

    def take(self, work: _Work, limit: int) -> None:
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
            elif self._threads < limit:
                self._threads += 1
                threading.Thread(target=self._serve, name="durably-plain", daemon=True).start()
        self._work.put(work)

    def dismiss(self) -> None:
        for _ in range(self._threads):
            self._work.put(None)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            call, loop, future = work
            result, error = None, None
            try:
                result = call()
            except BaseException as raised:
                error = raised
            with self._lock:
                self._idle += 1
            # A closed loop has taken whoever waited with it.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_resolve, future, result, error)
            del work, call, future, result, error


def _resolve(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration):
        # A future refuses StopIteration, since it would end the coroutine that awaits it.
        future.set_exception(RuntimeError("a plain function raised StopIteration"))
    else:
        future.set_exception(error)
