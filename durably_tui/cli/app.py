"""The group of commands, and what a command line without a command means."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from . import demo, monitor, serve


class AddressFirst(TyperGroup):
    """``durably-tui URL`` is ``durably-tui open URL``: the main thing needs no command word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``open`` before arguments that name no command."""
        own = {"--help", "-h", "--version"}
        if not args or (args[0] not in own and args[0] not in self.commands):
            args = ["open", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="durably-tui",
    cls=AddressFirst,
    help="Watch durable jobs run, tail their logs, retry and cancel them, from the terminal.",
    epilog="durably-tui http://HOST:PORT/api/durably opens the monitor on that server.",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"durably-tui {version('durably-tui')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Watch durable jobs run, tail their logs, retry and cancel them, from the terminal."""


app.command("open")(monitor.open_monitor)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
