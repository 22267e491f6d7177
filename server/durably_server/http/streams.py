"""The routes that answer with a stream of events."""

import asyncio
import contextlib
import re
from collections.abc import Callable

from starlette.types import Receive, Send

from durably_server.engine.errors import InvalidRequestError, NotFoundError
from durably_server.http.app import Call, Streaming
from durably_server.http.parameters import AFTER_EVENT, EVENTS
from durably_server.http.requests import header
from durably_server.http.subscriber import Interest, Subscriber
from durably_server.http.wire import Words, frame

_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


async def subscribe_runs(call: Call) -> Streaming:
    """The events of all runs that fit, for ever."""
    app = call.app
    types = _types(call)
    where = await app.guard.scope_runs_subscribe(call.context, app.words.runs_followed(call.query))
    interest = Interest(frozenset(where.job_names), frozenset(where.labels.items()), types)
    after = _after(call)
    subscriber = app.hub.subscribe_runs(interest, after)
    _open(call, subscriber, after)
    return _stream(subscriber, lambda: app.hub.remove(subscriber))


async def subscribe_run(call: Call) -> Streaming:
    """The state of a run, then its events, until it has ended."""
    app, run_id = call.app, call.query.run_id()
    after = _after(call)
    subscriber, goes_on = app.hub.subscribe_run(run_id, Interest(types=_types(call)), after)
    _open(call, subscriber, after)
    try:
        await _begin(call, subscriber, goes_on)
    except BaseException:
        app.hub.remove(subscriber, run_id, forget=True)
        raise
    return _stream(subscriber, lambda: app.hub.remove(subscriber, run_id))


def _open(call: Call, subscriber: Subscriber, after: str | None) -> None:
    """Say from where a stream goes on, so that who is cut off before the first event can come
    back. Who resumes without a gap keeps the older id until all that it missed has come."""
    if after is None or subscriber.gaps:
        subscriber.push(call.app.hub.mark())


async def _begin(call: Call, subscriber: Subscriber, goes_on: bool) -> None:
    words, durably = call.app.words, call.app.durably
    try:
        run = await call.run("subscribe")
    except NotFoundError:
        if words.tells_state:
            raise
        return
    # What came while the run was read follows its state; the end, if it came, says it all.
    if goes_on or not words.tells_state or subscriber.ended:
        return
    state = durably.replay(run)
    bodies = [words.run_event(event) for event in state if _wanted(words, subscriber, event.type)]
    subscriber.prepend(frame(body) for body in bodies if body is not None)
    if any(words.ends(event) for event in state):
        subscriber.end()


def _wanted(words: Words, subscriber: Subscriber, event_type: str) -> bool:
    types = subscriber.interest.types
    return types is None or event_type in types


def _after(call: Call) -> str | None:
    """The id of the last event that the client has; a browser's header is newer than its URL."""
    sent = header(call.scope, b"last-event-id")
    return sent or call.query.text(AFTER_EVENT)


def _types(call: Call) -> frozenset[str] | None:
    """The events that ``?events=`` names."""
    words, text = call.app.words, call.query.text(EVENTS)
    if text is None:
        return None
    if re.fullmatch(words.events_pattern(), text) is None:
        raise InvalidRequestError(
            "Invalid events: must be some of these, with commas between: "
            + ", ".join(sorted(words.event_types))
        )
    wanted = tuple(text.split(","))
    kinds = tuple(each[:-1] for each in wanted if each.endswith("*"))
    return frozenset(each for each in words.event_types if each in wanted or each.startswith(kinds))


def _stream(subscriber: Subscriber, over: Callable[[], None]) -> Streaming:
    """Sends what a subscriber gets until it ends or the client hangs up."""

    async def send_all(receive: Receive, send: Send) -> None:
        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            subscriber.abandon()

        watcher = asyncio.get_running_loop().create_task(watch(), name="durably stream watch")
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            while (chunk := await subscriber.next()) is not None:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            over()
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher

    return send_all
