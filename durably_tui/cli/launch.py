"""The way from a server to the first picture. Imports nothing that the picture does not need.

Not even typer: for any command with parameters it imports pydantic, which costs as much as half
of Textual.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from durably_tui.config import Config, ConfigError, Server, is_address, load, shown

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient
    from durably_tui.tui.places import Start
    from durably_tui.tui.session import Session
    from durably_tui.tui.world import World


COMPLETE_VARIABLE = "_DURABLY_TUI_COMPLETE"
"""Set by a shell that asks what a command line can go on with."""


class Opened(NamedTuple):
    """A client, and what is known of its server; nothing is sent yet."""

    client: DurablyClient
    server: Server


def only_server(arguments: Sequence[str]) -> str | None:
    """The server, where the command line is nothing else: its address, its name, or nothing at
    all, which is the empty text. None where it is more than that."""
    if COMPLETE_VARIABLE in os.environ:
        return None
    if not arguments:
        return ""
    if len(arguments) > 1 or arguments[0].startswith("-"):
        return None
    from .commands import ENTRY

    return None if arguments[0] in ENTRY else arguments[0]


def open_only(wanted: str) -> int:
    """Run the monitor on the server that ``only_server`` gave; its exit code."""
    address = wanted or os.environ.get("DURABLY_URL", "")
    if is_address(address):
        # What is configured for the address is looked up after the first picture.
        return show(lambda: open_server(load().server(address)), where=shown(address))
    try:
        config = load()
        server = config.server(wanted or None)
    except ConfigError as error:
        return refuse(meant_command(wanted, config) or str(error))
    return show(lambda: open_server(server), where=server.title, config=lambda: config)


def meant_command(wanted: str, config: Config) -> str | None:
    """The sentence for a word that is nearer to a command than to a configured server."""
    from durably_tui.config import nearest

    from .commands import ENTRY

    near = nearest(wanted, [*ENTRY, *(server.name for server in config.servers)])
    if near not in ENTRY:
        return None
    return f"{wanted!r} is not a command, an address or a configured server: did you mean {near!r}?"


def refuse(sentence: str) -> int:
    """Tell that the command line or the configuration is wrong; the exit code for that."""
    from .said import capital

    print(f"Error: {capital(sentence)}", file=sys.stderr)
    return 2


def open_server(server: Server, *, chosen: bool = True) -> Opened:
    """A client for a server. May wait for a ``token_command``: call it in a thread.

    Raises:
        DurablyError: the address or the credentials cannot be used.
    """
    from .reach import client_for

    return Opened(client_for(server, chosen=chosen), server)


def session_of(opened: Opened) -> Session:
    """What the monitor watches."""
    from durably_tui.state import create_durably_client
    from durably_tui.tui.session import Session

    client, server = opened.client, opened.server
    return Session(
        hooks=create_durably_client(client),
        url=client.url,
        name=server.name,
        read_only=server.read_only,
        production=server.production,
        color=server.color or "",
        close=client.aclose,
    )


def world_of(config: Config, *, keeps: bool = True) -> World:
    """What the monitor knows besides the server in front."""
    from durably_tui.tui.world import World

    return World(
        config=config,
        connect=lambda server: session_of(open_server(server, chosen=False)),
        keeps=keeps,
    )


def show(
    opened: Callable[[], Opened],
    *,
    where: str,
    ascii_only: bool = False,
    start: Start | None = None,
    config: Callable[[], Config] = load,
    keeps: bool = True,
) -> int:
    """Run the monitor until the user quits; return its exit code: 2 where there is no terminal.

    Args:
        opened: makes the client; called after the first paint, which does not wait for HTTP.
        where: the name or the address without credentials, for the first picture.
        ascii_only: draw with ASCII characters.
        start: the place to begin in.
        config: gives the configuration; called after the first paint.
        keeps: write what the user chooses to their file.
    """

    def open_session() -> Session:
        from durably_tui.protocol import DurablyError

        try:
            return session_of(opened())
        except ConfigError as error:
            raise DurablyError(str(error)) from None

    return show_session(
        open_session,
        where=where,
        ascii_only=ascii_only,
        start=start,
        world=lambda: world_of(config(), keeps=keeps),
    )


def show_session(
    open_session: Callable[[], Session],
    *,
    where: str,
    ascii_only: bool,
    start: Start | None = None,
    world: Callable[[], World],
) -> int:
    """The same for whatever can be watched; ``open_session`` and ``world`` are called after the
    first paint, in a thread."""
    # Textual reads keys from the standard input and draws on the standard error.
    if not (
        sys.__stdin__ and sys.__stdin__.isatty() and sys.__stderr__ and sys.__stderr__.isatty()
    ):
        return refuse("the monitor needs a terminal; run it in one.")
    # Textual draws at most so often: the picture of a key would wait for the next 60th of a second.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    from durably_tui.tui.app import MonitorApp

    def logged() -> Session:
        from durably_tui import logfile

        logfile.start()
        return open_session()

    app = MonitorApp(logged, where=where, ascii_only=ascii_only, start=start, world=world)
    app.run()
    return app.return_code or 0
