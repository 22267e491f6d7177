"""``durably-tui [URL]``: the monitor on a server."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from .launch import Server, is_address, show

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

    server = Server(
        url,
        headers=pairs,
        generation=generation,
        verify=False if insecure else (ca or True),
        read_only=read_only,
    )
    raise typer.Exit(
        show(
            server.connect, where=name or url, name=name, ascii_only=ascii_only, read_only=read_only
        )
    )


def check_options(url: str, *, generation: str | None, ca: str | None) -> None:
    """Refuse what can be seen to make no sense before anything is opened.

    Raises:
        typer.BadParameter: the text says which option and why.
    """
    if not is_address(url):
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
