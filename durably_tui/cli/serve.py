"""``durably-tui serve MODULE:NAME``: run a Python job server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from durably_server import Durably


def serve(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:NAME",
            help="Where the Durably is, such as app:durably.",
            show_default=False,
        ),
    ],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    base_path: Annotated[str, typer.Option(help="Where the routes begin.")] = "/api/durably",
) -> None:
    """Serve the jobs of MODULE:NAME and work on them, until Ctrl-C or SIGTERM."""
    durably = load(target)
    from durably_server import DurablyError
    from durably_server.http.serving import ServingError, run_server

    try:
        run_server(
            durably,
            host=host,
            port=port,
            base_path=base_path,
            on_ready=lambda url: typer.echo(f"Serving {target} at {url} (Ctrl-C stops)", err=True),
        )
    except (ServingError, DurablyError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None


def load(target: str) -> Durably:
    """The ``Durably`` that ``MODULE:NAME`` names, found from the current folder.

    Raises:
        typer.BadParameter: there is no such module or name, or it is something else.
        typer.Exit: the module raised; that is shown.
    """
    from importlib import import_module

    from durably_server import Durably

    module_name, colon, attribute = target.partition(":")
    if not colon or not module_name or not attribute:
        raise typer.BadParameter(
            f"{target!r} is not MODULE:NAME, such as app:durably.", param_hint="MODULE:NAME"
        )
    sys.path.insert(0, "")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as missing:
        raise typer.BadParameter(
            f"there is no module {missing.name!r} here; run this in the folder that holds it.",
            param_hint="MODULE:NAME",
        ) from None
    except Exception as error:
        _show_own_frames(error)
        typer.echo(
            f"Error: module {module_name!r} cannot be imported: {type(error).__name__}: {error}.",
            err=True,
        )
        raise typer.Exit(1) from None
    found = getattr(module, attribute, None)
    if not isinstance(found, Durably):
        what = "has no" if found is None else f"has a {type(found).__name__}, not a Durably, as"
        raise typer.BadParameter(
            f"module {module_name!r} {what} {attribute!r}.", param_hint="MODULE:NAME"
        )
    return found


def _show_own_frames(error: Exception) -> None:
    """The traceback from the user's own module on: what imported it says nothing to the user."""
    import traceback

    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and "importlib" not in frame.filename
    ]
    typer.echo("".join(traceback.format_list(frames)), err=True, nl=False)
