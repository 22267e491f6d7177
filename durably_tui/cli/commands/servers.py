"""``durably-tui servers``: list the configured servers."""

from __future__ import annotations

from typing import Any

import typer

from durably_tui.cli.codes import Code
from durably_tui.cli.options import ConfigOption, JsonOption, TableOption
from durably_tui.cli.running import configured, ending
from durably_tui.config import Server


def command(
    output: TableOption = "table", as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """List the configured servers; whether one answers is told by `durably-tui doctor -s NAME`."""
    with ending():
        from durably_tui.cli.grid import Col, show_as
        from durably_tui.cli.said import note

        found = configured(config)

        def marks(server: Server) -> str:
            words = ("read-only" if server.read_only or found.read_only else "",)
            return " ".join(filter(None, (*words, "production" if server.production else "")))

        def shape(server: Server) -> dict[str, Any]:
            return {
                "name": server.name,
                "url": server.shown,
                "default": server.name == found.default,
                "readOnly": server.read_only or found.read_only,
                "production": server.production,
                "color": server.color,
                "generation": server.generation,
            }

        columns = [
            Col[Server]("", lambda server: "*" if server.name == found.default else ""),
            Col[Server]("NAME", lambda server: server.name),
            Col[Server]("URL", lambda server: server.shown, least=12),
            Col[Server]("GENERATION", lambda server: server.generation or ""),
            Col[Server]("MARKS", marks),
        ]
        for sentence in found.unusable.values():
            note(f"Error: {sentence}")
        if not found.servers and not found.unusable:
            note("No server is configured: add one with `durably-tui config edit`.")
        show_as("json" if as_json else output, found.servers, shape, columns)
        raise typer.Exit(Code.DONE)
