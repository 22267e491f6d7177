"""``durably-tui serve MODULE:NAME``: run a Python job server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from durably_server import Durably


Generation = Literal["0.15", "0.8"]
LogLevel = Literal["debug", "info", "warning", "error"]


def command(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:NAME",
            help="Where the Durably is, such as app:durably.",
            show_default=False,
        ),
    ],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8080,
    base_path: Annotated[str, typer.Option(help="Where the routes begin.")] = "/api/durably",
    generation: Annotated[
        Generation, typer.Option(help="Which generation to speak: 0.8 is for older clients.")
    ] = "0.15",
    token: Annotated[
        list[str] | None,
        typer.Option(
            "--token",
            help="Whoever sends it may do everything. Others on this machine can see it in the "
            "list of processes: DURABLY_TOKEN or --token-file hide it.",
            show_default=False,
            envvar="DURABLY_TOKEN",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="A file with such tokens, one per line.", show_default=False),
    ] = None,
    read_token: Annotated[
        list[str] | None,
        typer.Option(
            "--read-token",
            help="Whoever sends it may only read.",
            show_default=False,
            envvar="DURABLY_READ_TOKEN",
        ),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Serve other machines without asking for a token."),
    ] = False,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--cors-origin",
            help="An origin whose pages may use the server, such as https://jobs.example.",
            show_default=False,
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Serve HTTPS with this certificate.", show_default=False)
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(help="Its key, if it is not in the same file.", show_default=False),
    ] = None,
    max_body: Annotated[int, typer.Option(min=1, help="Bytes of a request's body.")] = 1024 * 1024,
    log_level: Annotated[
        LogLevel,
        typer.Option(help="What is written to stderr: info has why a run failed, and where."),
    ] = "warning",
) -> None:
    """Serve the jobs of MODULE:NAME and work on them, until Ctrl-C or SIGTERM.

    A token is sent as "Authorization: Bearer TOKEN". Several in DURABLY_TOKEN have spaces
    between them.
    """
    if tls_key is not None and tls_cert is None:
        raise typer.BadParameter("it needs --tls-cert too.", param_hint="--tls-key")
    tokens = [*(token or ()), *_tokens_in(token_file)]
    durably = load(target)
    import logging

    from durably_server import DurablyError, token_auth
    from durably_server.http.serving import Tls, run_server

    # Unless the module has set up logging by itself.
    logging.basicConfig(
        level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        run_server(
            durably,
            host=host,
            port=port,
            base_path=base_path,
            on_ready=lambda url: typer.echo(f"Serving {target} at {url} (Ctrl-C stops)", err=True),
            generation=generation,
            auth=token_auth(tokens, read_token or ()) if tokens or read_token else None,
            insecure=insecure,
            cors_origins=cors_origin or (),
            tls=None if tls_cert is None else Tls(tls_cert, tls_key),
            max_body=max_body,
        )
    except DurablyError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None


def _tokens_in(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        found = file.read_text("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise typer.BadParameter(
            f"{file} cannot be read: {reason}.", param_hint="--token-file"
        ) from None
    if not found:
        raise typer.BadParameter(f"there is no token in {file}.", param_hint="--token-file")
    return found


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
        if f"{module_name}.".startswith(f"{missing.name}."):
            what = (
                f"there is no module {missing.name!r} here; run this in the folder that holds it."
            )
        else:
            what = f"module {module_name!r} needs {missing.name!r}, which is not installed here."
        raise typer.BadParameter(what, param_hint="MODULE:NAME") from None
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
