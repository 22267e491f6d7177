"""What can be typed after ``:`` in every place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from durably_tui.config import ConfigError
from durably_tui.filters import KEYS
from durably_tui.protocol import DurablyError
from durably_tui.text import safe

from .places import PLACES
from .verbs import Verb

if TYPE_CHECKING:
    from .app import MonitorApp
    from .world import World

DENSITIES = ("comfortable", "compact")


def app_verbs(app: MonitorApp) -> list[Verb]:
    """Places, filters, servers, themes, and the way out."""
    places = [
        Verb(place.name, f"{place.help}; what follows filters them", partial(_go, app, place.name))
        for place in PLACES
    ]
    world = app.world
    assert world is not None, "the verbs are asked for by a place"
    return [
        *places,
        Verb("filter", "Show the runs that match", partial(_filter, app), _filter_keys),
        Verb("save", "Save the filter of this place under a name", partial(_save, app)),
        Verb("load", "Use a saved filter", partial(_load, app), lambda: world.filters),
        Verb(
            "server",
            "Go to another server",
            partial(_server, app),
            lambda: _servers(world),
        ),
        Verb(
            "theme",
            "Change the colours",
            partial(set_theme, app),
            lambda: sorted(app.available_themes),
        ),
        Verb(
            "density",
            "Show the line of keys at the bottom or not: comfortable, compact",
            partial(_density, app),
            lambda: DENSITIES,
        ),
        Verb("quit", "Leave the monitor", lambda _rest: app.exit()),
    ]


def _servers(world: World) -> list[str]:
    return sorted({*world.sessions, *(server.title for server in world.config.servers)})


def _filter_keys() -> list[str]:
    return [f"{key}:" for key in KEYS]


async def _go(app: MonitorApp, place: str, rest: str) -> None:
    await app.navigator.go(place, filter=rest or None)


async def _filter(app: MonitorApp, rest: str) -> None:
    if rest:
        await _go(app, "runs", rest)
    elif hasattr(app.screen, "action_filter"):
        await app.screen.run_action("filter")
    else:
        _warn(app, "Say which runs to show, such as :filter status:failed.")


async def _save(app: MonitorApp, name: str) -> None:
    assert app.world is not None
    place = app.navigator.in_front()
    filter = place.filter_text
    if not name:
        _warn(app, "Give a name to save the filter under, such as :save night.")
    elif not filter:
        key = place.key_of("filter") or place.key_of("log('show_only')")
        _warn(app, f"There is no filter here to save{f'; {key} sets one' if key else ''}.")
    elif await kept(app, partial(app.world.save, name, filter)):
        app.notify(f"{safe(filter, limit=200)} is saved; :load {name} uses it.", markup=False)


async def _load(app: MonitorApp, name: str) -> None:
    assert app.world is not None
    if not name and app.world.filters:
        _ask_which(app, "filter", app.world.filters)
        return
    if name not in app.world.filters:
        known = ", ".join(app.world.filters) or "none"
        _warn(app, f"There is no filter {name!r}; saved ones are {known}.")
        return
    await app.navigator.go("runs", filter=app.world.filters[name])


async def _server(app: MonitorApp, name: str) -> None:
    assert app.world is not None
    if not name:
        _ask_which(app, "server", _servers(app.world))
        return
    await app.go_to_server(name)


async def set_theme(app: MonitorApp, name: str) -> None:
    """Change the colours, and keep that."""
    if not name:
        _ask_which(app, "theme", app.available_themes)
        return
    if name not in app.available_themes:
        _warn(app, f"There is no theme {name!r}; there are {', '.join(app.available_themes)}.")
        return
    app.theme = name
    await app.remember("theme", name)


async def _density(app: MonitorApp, name: str) -> None:
    if not name:
        _ask_which(app, "density", DENSITIES)
        return
    if name not in DENSITIES:
        _warn(app, f"There is no density {name!r}; there are {', '.join(DENSITIES)}.")
        return
    app.set_class(name == "compact", "-compact")
    await app.remember("density", name)


async def kept(app: MonitorApp, write: Callable[[], None]) -> bool:
    """Write to the user's file; a refusal is told."""
    try:
        await asyncio.to_thread(write)
    except (ConfigError, DurablyError) as error:
        _warn(app, f"It holds until you leave, but was not saved: {error}")
        return False
    return True


def _ask_which(app: MonitorApp, what: str, known: Iterable[str]) -> None:
    """Nothing stands behind a word that needs it."""
    _warn(app, f"Say which {what}: {', '.join(known)}.")


def _warn(app: MonitorApp, sentence: str) -> None:
    app.notify(sentence, severity="warning", markup=False)
