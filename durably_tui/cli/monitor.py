"""``durably-tui [URL]``: the monitor on a server."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient
    from durably_tui.tui.session import Session

GENERATIONS = ("0.8", "0.15", "python")
"""What ``--generation`` takes; a test holds it against ``durably_tui.protocol.ABILITIES``, which
is too heavy to import before the first picture."""

Address = Annotated[
    str | None,
    typer.Argument(
        metavar="[URL]",
        envvar="DURABLY_URL",
        help="The base address of the server, such as http://127.0.0.1:8080/api/durably.",
        show_default=False,
    ),
]


def open_monitor(
    url: Address = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", metavar="NAME:VALUE", help="Send this header; repeatable."),
    ] = None,
    generation: Annotated[
        str | None,
        typer.Option(
            metavar="0.8|0.15|python", help="What the server is, instead of finding it out."
        ),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Do not check the server's TLS certificate.")
    ] = False,
    ca: Annotated[
        str | None, typer.Option(metavar="FILE", help="Trust the certificates in this file.")
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Change nothing: only watch.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call this server on the screen.")
    ] = None,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="Draw with ASCII characters only.")
    ] = False,
) -> None:
    """Open the monitor. A token is taken from the environment variable DURABLY_TOKEN."""
    if url is None:
        raise typer.BadParameter(
            "no server was named; give its address, set DURABLY_URL, or try `durably-tui demo`.",
            param_hint="URL",
        )
    pairs = read_headers(header or [])
    check_options(url, generation=generation, ca=ca)

    def connect() -> DurablyClient:
        from durably_tui.client import DurablyClient

        return DurablyClient(
            url,
            headers=pairs,
            token=os.environ.get("DURABLY_TOKEN") or None,
            verify=False if insecure else (ca or True),
            abilities=generation,
            read_only=read_only,
        )

    show(connect, where=name or url, name=name, ascii_only=ascii_only, read_only=read_only)


def check_options(url: str, *, generation: str | None, ca: str | None) -> None:
    """Refuse what can be seen to make no sense before anything is opened.

    Raises:
        typer.BadParameter: the text says which option and why.
    """
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter(
            f"{url!r} is no http:// or https:// address and no command (see --help).",
            param_hint="URL",
        )
    if generation is not None and generation not in GENERATIONS:
        raise typer.BadParameter(
            f"{generation!r} is not known; say one of {', '.join(GENERATIONS)}.",
            param_hint="--generation",
        )
    if ca is not None and not os.path.isfile(ca):
        raise typer.BadParameter(f"there is no file {ca!r}.", param_hint="--ca")


def read_headers(lines: list[str]) -> dict[str, str]:
    """Headers from ``NAME:VALUE``.

    Raises:
        typer.BadParameter: one is something else; its value is not repeated.
    """
    pairs = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon or not key.strip():
            raise typer.BadParameter(f"{key!r} is not NAME:VALUE.", param_hint="--header")
        pairs[key.strip()] = value.strip()
    return pairs


def show(
    connect: Callable[[], DurablyClient],
    *,
    where: str,
    name: str | None,
    ascii_only: bool = False,
    read_only: bool = False,
) -> None:
    """Run the monitor until the user quits; leave with its return code.

    Args:
        connect: makes the client; called after the first paint, which does not wait for HTTP.
        where: the name or the address, for the first picture.
        name: what the user calls the server, if anything.
        ascii_only: draw with ASCII characters.
        read_only: change nothing.
    """
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

    app = MonitorApp(open_session, where=where, ascii_only=ascii_only)
    app.run()
    if app.return_code:
        raise typer.Exit(app.return_code)
