"""``durably-tui config``: show or edit the configuration."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import typer

from durably_tui.cli.codes import Code
from durably_tui.cli.options import ConfigOption, JsonOption
from durably_tui.cli.running import Ended, ending
from durably_tui.config import Config, ConfigError, load, usual_path

command = typer.Typer(
    name="config",
    help="Show or edit the configuration.",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
)

TEMPLATE = """\
# The configuration of durably-tui. `durably-tui config show` says what is in force, and why.

# default = "local"
# theme = "nord"
# density = "comfortable"      # or "compact"
# time_format = "relative"     # or "local", "utc"

# [[servers]]
# name = "local"
# url = "http://127.0.0.1:8080/api/durably"

# [[servers]]
# name = "prod"
# url = "https://jobs.example/api/durably"
# token_env = "PROD_TOKEN"     # or: token_command = ["pass", "show", "durably"]
# color = "red"
# production = true

# [filters]
# night = "status:failed age:<12h"

# [keys]
# retry = "ctrl+r"

# [alerts]
# bell = true
"""


def _file(config: str | None) -> str:
    return os.path.expanduser(config or usual_path(os.environ))


@command.command("path")
def path(config: ConfigOption = None) -> None:
    """Print where the file is, or would be."""
    print(_file(config))


@command.command("show")
def show(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Print every setting that is in force, and where its value comes from; no secrets.

    The exit code is 2 where something is wrong with the configuration.
    """
    with ending():
        from durably_tui.cli.config_output import print_config
        from durably_tui.cli.said import note

        found = load(config)
        print_config(found, as_json=as_json)
        for problem in found.problems:
            note(f"Error: {problem}")
        raise typer.Exit(Code.USAGE if found.problems else Code.DONE)


@command.command("edit")
def edit(config: ConfigOption = None) -> None:
    """Open the file in your editor (VISUAL, else EDITOR); a first one is made where there is none.

    Afterwards it is checked; the exit code is 2 where something is wrong with it.
    """
    with ending():
        from durably_tui.cli.said import note

        file = Path(_file(config))
        if file.is_dir():
            raise ConfigError(f"{file} is a folder: the configuration has to be a file.")
        is_new = not file.exists()
        try:
            if is_new:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch(mode=0o600)
                file.write_text(TEMPLATE, "utf-8")
        except OSError as error:
            raise ConfigError(f"{file} cannot be created: {error.strerror or error}.") from None
        _edit(file)
        if is_new and file.exists() and file.read_bytes() == TEMPLATE.encode():
            file.unlink()
            note("Nothing was changed, so no file was written.")
            raise typer.Exit(Code.DONE)
        checked: Config = load(file)
        for problem in checked.problems:
            note(f"Error: {problem}")
        raise typer.Exit(Code.USAGE if checked.problems else Code.DONE)


def _edit(file: Path) -> None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _usual_editor()
    try:
        code = subprocess.run([*shlex.split(editor), str(file)], check=False).returncode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Ended(
            Code.USAGE, f"The editor {editor!r} cannot be started ({reason}): set EDITOR."
        ) from None
    if code != 0:
        raise Ended(Code.USAGE, f"The editor {editor!r} ended with {code}.")


def _usual_editor() -> str:
    return "notepad" if sys.platform == "win32" else "vi"
