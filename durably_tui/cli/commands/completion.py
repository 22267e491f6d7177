"""``durably-tui completion``: complete commands and options in a shell."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from durably_tui.cli.app import PROGRAM
from durably_tui.cli.launch import COMPLETE_VARIABLE


def command(
    shell: Annotated[
        Literal["bash", "zsh", "fish", "powershell"], typer.Argument(help="Which shell.")
    ],
    install: Annotated[
        bool, typer.Option("--install", help="Install it where the shell finds it.")
    ] = False,
) -> None:
    """Print the script that makes a shell complete commands, options and servers.

    For this session: source <(durably-tui completion bash).
    """
    from typer import _completion_shared as scripts

    given = {"prog_name": PROGRAM, "complete_var": COMPLETE_VARIABLE, "shell": shell}
    if install:
        name, path = scripts.install(**given)
        typer.echo(f"Written to {path}: start {name} again.", err=True)
    else:
        typer.echo(scripts.get_completion_script(**given))
