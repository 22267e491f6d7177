"""``durably-tui demo``: the monitor on an embedded server with jobs worth watching."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    db: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the runs in this file, and go on with it later."),
    ] = None,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="Draw with ASCII characters only.")
    ] = False,
) -> None:
    """Open the monitor on an embedded server whose jobs run steadily. Quitting stops it all."""
    from durably_tui.client import DurablyClient

    from .embedded import CannotServe, embedded_server
    from .launch import show

    try:
        with embedded_server(db) as url:
            code = show(
                lambda: DurablyClient(url), where="demo", name="demo", ascii_only=ascii_only
            )
    except CannotServe as error:
        raise typer.BadParameter(str(error), param_hint="--db") from None
    raise typer.Exit(code)
