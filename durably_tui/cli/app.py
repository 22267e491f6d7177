"""The group of commands, and what a command line without a command means."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from .codes import MEANING
from .commands import ENTRIES, ENTRY, Entry
from .launch import COMPLETE_VARIABLE

PROGRAM = "durably-tui"
_OWN = {"--help", "-h", "--version"}
_LEADING = {"--server", "-s", "--config"}
"""Options of every command, which may stand before its name as well."""
_GROUPS = {"config"}
"""Commands with commands below them."""


class Commands(TyperGroup):
    """Each command is imported when it is used. ``durably-tui URL`` is ``durably-tui open URL``:
    the main thing needs no command word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``open`` before arguments that name no command."""
        leading, rest = _leading(args)
        if rest and rest[0] in ENTRY:
            words = 2 if rest[0] in _GROUPS else 1
            args = [*rest[:words], *leading, *rest[words:]]
        elif not rest and ctx.resilient_parsing:
            pass  # a shell asks how the first word can go on
        elif not rest or rest[0] not in _OWN:
            args = ["open", *leading, *rest]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the help."""
        return list(ENTRY)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command."""
        entry = ENTRY.get(cmd_name)
        return None if entry is None else _made(entry)

    def invoke(self, ctx: Any) -> Any:
        """Say what is wrong with an option without the words of the library that checked it."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            said = error.message.removeprefix("Value error, ").partition(", unable to ")[0]
            error.message = said.replace("Input should be", "it should be")
            raise

    def _main_shell_completion(self, *args: Any, **kwargs: Any) -> None:
        """Typer knows the shells only of an app that has its options for completion, which here
        is a command."""
        if COMPLETE_VARIABLE not in os.environ:
            return
        from typer._completion_classes import completion_init

        completion_init()
        super()._main_shell_completion(*args, **kwargs)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Names of commands, without importing any, and of configured servers."""
        from typer._click.shell_completion import CompletionItem

        from durably_tui.config import load

        words = {entry.name: entry.help for entry in ENTRIES}
        words |= {server.name: server.shown for server in load().servers}
        return [
            CompletionItem(word, help=help)
            for word, help in words.items()
            if word.startswith(incomplete)
        ]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """A list for each panel."""
        for panel in dict.fromkeys(entry.panel for entry in ENTRIES):
            with formatter.section(panel):
                rows = [(entry.name, entry.help) for entry in ENTRIES if entry.panel == panel]
                formatter.write_dl(rows, col_max=12)


def _leading(args: list[str]) -> tuple[list[str], list[str]]:
    """Options of every command that stand first, and the rest."""
    at = 0
    while at < len(args):
        if args[at] in _LEADING:
            at += 2
        elif args[at].startswith(("--server=", "--config=")):
            at += 1
        else:
            break
    return args[:at], args[at:]


def _made(entry: Entry) -> Any:
    """The command of a module: its ``command``, a function or a Typer with commands below it."""
    found = import_module(f".commands.{entry.name}", __package__).command
    settings = {"help_option_names": ["-h", "--help"]}
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(
            entry.name, epilog=_examples(entry), short_help=entry.help, context_settings=settings
        )(found)
        found = alone
    command = get_command(found)
    command.name = entry.name
    return command


def _examples(entry: Entry) -> str | None:
    if not entry.examples:
        return None
    lines = "\n".join(f"  durably-tui {example}" for example in entry.examples)
    return f"\b\nExamples:\n{lines}"


def _epilog() -> str:
    codes = "\n".join(f"  {code:>3}  {meaning}" for code, meaning in MEANING.items())
    return (
        "\b\nExamples:\n"
        "  durably-tui demo\n"
        "  durably-tui https://jobs.example/api/durably\n"
        "  durably-tui runs --status failed\n"
        "  durably-tui trigger import-csv --input @input.json --wait\n"
        "\n"
        f"\b\nExit codes:\n{codes}"
    )


app = typer.Typer(
    name=PROGRAM,
    cls=Commands,
    help="Watch durable jobs run, tail their logs, retry and cancel them, from the terminal.",
    epilog=_epilog(),
    subcommand_metavar="[SERVER] | COMMAND [ARGS]...",
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
