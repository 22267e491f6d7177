"""The way from an address to the first picture. Imports nothing that the picture does not need.

Not even typer: for any command with parameters it imports pydantic, which costs as much as half
of Textual.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient
    from durably_tui.tui.session import Session


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach a server. A token is taken from ``DURABLY_TOKEN`` when it is connected to."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    generation: str | None = None
    """A key of ``durably_tui.protocol.ABILITIES``; None finds it out."""
    verify: bool | str = True
    """Whether to check the certificate, or the file with those to trust."""
    read_only: bool = False

    def connect(self) -> DurablyClient:
        """A client for it; nothing is sent yet.

        Raises:
            DurablyError: the address or the credentials cannot be used.
        """
        from durably_tui.client import DurablyClient

        return DurablyClient(
            self.url,
            headers=self.headers,
            token=os.environ.get("DURABLY_TOKEN") or None,
            verify=self.verify,
            abilities=self.generation,
            read_only=self.read_only,
        )


def shown(address: str) -> str:
    """An address that nobody has checked yet, without what may be credentials in it."""
    scheme, found, rest = address.partition("://")
    return scheme + found + rest.rpartition("@")[2].partition("?")[0].partition("#")[0]


def is_address(text: str) -> bool:
    """Whether this is what the monitor can be opened on."""
    return text.startswith(("http://", "https://"))


def plain_address(arguments: Sequence[str]) -> str | None:
    """The address, where the command line is nothing else."""
    if not arguments:
        arguments = [os.environ.get("DURABLY_URL", "")]
    return arguments[0] if len(arguments) == 1 and is_address(arguments[0]) else None


def show(
    connect: Callable[[], DurablyClient],
    *,
    where: str,
    name: str | None,
    ascii_only: bool = False,
    read_only: bool = False,
) -> int:
    """Run the monitor until the user quits; return its exit code: 2 where there is no terminal.

    Args:
        connect: makes the client; called after the first paint, which does not wait for HTTP.
        where: the name or the address (its credentials are left out), for the first picture.
        name: what the user calls the server, if anything.
        ascii_only: draw with ASCII characters.
        read_only: change nothing.
    """
    # Textual reads keys from the standard input and draws on the standard error.
    if not (
        sys.__stdin__ and sys.__stdin__.isatty() and sys.__stderr__ and sys.__stderr__.isatty()
    ):
        print("Error: the monitor needs a terminal; run it in one.", file=sys.stderr)
        return 2
    from durably_tui.tui.app import MonitorApp

    def open_session() -> Session:
        from durably_tui import logfile
        from durably_tui.state import create_durably_client
        from durably_tui.tui.session import Session

        logfile.start()
        client = connect()
        return Session(
            hooks=create_durably_client(client),
            url=client.url,
            name=name or "",
            read_only=read_only,
            close=client.aclose,
        )

    app = MonitorApp(open_session, where=shown(where), ascii_only=ascii_only)
    app.run()
    return app.return_code or 0
