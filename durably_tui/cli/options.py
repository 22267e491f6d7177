"""Options that many commands have, each declared once."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def _server_names(incomplete: str) -> list[str]:
    from durably_tui.config import load

    return [s.name for s in load().servers if s.name.startswith(incomplete)]


ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        "-s",
        metavar="NAME|URL",
        help="A configured server, or an address. Else DURABLY_URL, else the default of the "
        "configuration.",
        show_default=False,
        autocompletion=_server_names,
    ),
]
ConfigOption = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="The configuration to use.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="The same as -o json.")]

Table = Literal["table", "json", "ndjson", "csv"]
TableOption = Annotated[Table, typer.Option("--output", "-o", help="How to print them.")]

IdsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID",
        help="Ids of runs; the end of one is enough where no other run has it. Without any, they "
        "are read from the standard input.",
        show_default=False,
    ),
]
IdArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The id of a run; a part is enough where no other run has it, - reads it from the "
        "standard input.",
        show_default=False,
    ),
]
JobsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--job", "-j", metavar="NAME", help="Of this job; repeatable.", show_default=False
    ),
]
StatusOption = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help="pending, running, completed, failed or cancelled; repeatable.",
        show_default=False,
        autocompletion=lambda: ["pending", "running", "completed", "failed", "cancelled"],
    ),
]
LabelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        "-l",
        metavar="KEY=VALUE",
        help="With this label; repeatable.",
        show_default=False,
    ),
]
