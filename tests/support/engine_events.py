"""What an engine tells, as tests look at it."""

import asyncio

from durably_server import Durably
from durably_server.engine.events import Event


def heard(durably: Durably) -> list[Event]:
    events: list[Event] = []
    durably.on(None, events.append)
    return events


def signal(durably: Durably, event_type: str) -> asyncio.Event:
    found = asyncio.Event()
    durably.on(event_type, lambda event: found.set())
    return found


def names(events: list[Event]) -> list[str]:
    return [event.type for event in events]
