"""``durably-tui demo``: the monitor on an embedded server with jobs worth watching."""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer


def command(
    db: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the runs in this file, to go on with them later."),
    ] = None,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="Draw with ASCII characters only.")
    ] = False,
) -> None:
    """Open the monitor on an embedded server whose jobs run steadily. Quitting stops it all."""
    from durably_tui.cli.embedded import CannotServe, embedded_server
    from durably_tui.cli.launch import Opened, show
    from durably_tui.client import DurablyClient
    from durably_tui.config import Server

    # The monitor takes these over; before and after it, they must not leave the server's files.
    for name in ("SIGTERM", "SIGHUP"):
        with contextlib.suppress(AttributeError):
            signal.signal(getattr(signal, name), _leave)
    try:
        with embedded_server(db) as url:
            code = show(
                lambda: Opened(DurablyClient(url), Server("demo", url)),
                where="demo",
                ascii_only=ascii_only,
                keeps=False,
            )
    except CannotServe as error:
        raise typer.BadParameter(str(error), param_hint="--db") from None
    raise typer.Exit(code)


def _leave(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)
