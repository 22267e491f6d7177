"""``durably-tui [SERVER]``: the monitor on a server."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from durably_tui.cli.launch import meant_command, open_server, show
from durably_tui.cli.options import (
    ConfigOption,
    JobsOption,
    LabelOption,
    ServerOption,
    StatusOption,
)
from durably_tui.cli.running import configured
from durably_tui.config import Config, ConfigError, Server, shown
from durably_tui.config.settings import GENERATIONS

if TYPE_CHECKING:
    from durably_tui.tui.places import Start


def command(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="SERVER",
            help="The base address of a server, such as http://127.0.0.1:8080/api/durably, or the "
            "name of a configured one. Else DURABLY_URL, else the default of the configuration.",
            show_default=False,
        ),
    ] = None,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PLACE|run ID|logs ID",
            help="Where to begin: a place, or a run in full, or its logs.",
            show_default=False,
        ),
    ] = None,
    job: JobsOption = None,
    status: StatusOption = None,
    label: LabelOption = None,
    place: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help="Begin in this place.", show_default=False),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            "-H",
            metavar="NAME:VALUE",
            help="Send this header; repeatable. Others on this machine can see it in the list of "
            "processes: the configuration hides it.",
            show_default=False,
        ),
    ] = None,
    generation: Annotated[
        str | None,
        typer.Option(
            metavar="0.8|0.15|python",
            help="The generation of the server, instead of finding it out.",
            show_default=False,
        ),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Do not check the server's TLS certificate.")
    ] = False,
    ca: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Trust the certificates in this file.", show_default=False
        ),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Only watch, and change nothing.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="What to call this server on the screen.", show_default=False
        ),
    ] = None,
    theme: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The colours of the monitor.", show_default=False),
    ] = None,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="Draw with ASCII characters only.")
    ] = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Open the monitor. A token is taken from the environment variable DURABLY_TOKEN, or as the
    configuration says."""
    if server is not None and target is not None:  # with --server the first word is no server
        words, target = [target, *(words or [])], None
    start = _start(words or [], place, job, status, label)
    pairs = read_headers(header or [])
    check_options(generation=generation, ca=ca)
    try:
        settings = configured(config, {"read_only": read_only or None, "theme": theme}, warns=False)
        chosen = _chosen(settings, target or server)
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="SERVER") from None
    chosen = replace(
        chosen,
        name=name or chosen.name,
        headers={**chosen.headers, **pairs},
        generation=generation or chosen.generation,
        verify=chosen.verify and not insecure,
        ca=ca or chosen.ca,
    )
    if start is not None and start.run_id is not None:
        start = replace(start, run_id=_whole_id(chosen, start.run_id))
    raise typer.Exit(
        show(
            lambda: open_server(chosen),
            where=chosen.title,
            ascii_only=ascii_only,
            start=start,
            config=lambda: settings,
        )
    )


def _chosen(settings: Config, wanted: str | None) -> Server:
    try:
        return settings.server(wanted)
    except ConfigError as error:
        meant = wanted and meant_command(wanted, settings)
        raise ConfigError(meant or str(error)) from None


def _start(
    words: list[str],
    place: str | None,
    jobs: list[str] | None,
    statuses: list[str] | None,
    labels: list[str] | None,
) -> Start | None:
    """Where to begin, as the command line says."""
    if not (words or place or jobs or statuses or labels):
        return None
    from durably_tui.cli.pick import filter_of
    from durably_tui.cli.running import Ended
    from durably_tui.tui.places import PLACE, Start

    run_id: str | None = None
    pane = "overview"
    match words:
        case []:
            pass
        case ["run" | "logs" as kind, run_id]:
            pane = "logs" if kind == "logs" else pane
        case ["run"]:
            raise typer.BadParameter("it needs the id of a run.", param_hint="run")
        case [word] if place is None:
            place = word
        case _:
            raise typer.BadParameter(
                f"{' '.join(words)!r} is neither a place nor run ID nor logs ID.",
                param_hint="PLACE",
            )
    if place is not None and place not in PLACE:
        from durably_tui.config.mistakes import meant

        raise typer.BadParameter(
            f"there is no place {place!r}: {meant(place, PLACE)}", param_hint="PLACE"
        )
    try:
        wanted = filter_of(None, jobs=jobs, statuses=statuses, labels=labels)
    except Ended as ended:
        raise typer.BadParameter(str(ended), param_hint="the filter") from None
    return Start(place=place or "runs", filter=str(wanted or ""), run_id=run_id, pane=pane)


def _whole_id(server: Server, given: str) -> str:
    """A short id completed, which the server has to be asked for.

    Raises:
        typer.Exit: it fits no run, or several, or the server does not answer.
    """
    from durably_tui.cli.pick import ID_LENGTH, found_run
    from durably_tui.cli.reach import client_for
    from durably_tui.cli.running import ending, finished

    if len(given) >= ID_LENGTH:
        return given

    async def look() -> str:
        async with client_for(server) as client:
            return (await found_run(client, given)).id

    with ending():
        return finished(look())
    raise AssertionError("every end is an exit")


def check_options(*, generation: str | None, ca: str | None) -> None:
    """Refuse what can be seen to make no sense before anything is opened.

    Raises:
        typer.BadParameter: the text says which option and why.
    """
    if generation is not None and generation not in GENERATIONS:
        raise typer.BadParameter(
            f"{generation!r} is not known; choose one of {', '.join(GENERATIONS)}.",
            param_hint="--generation",
        )
    if ca is not None and not os.path.isfile(ca):
        raise typer.BadParameter(f"there is no file {ca!r}.", param_hint="--ca")


def read_headers(lines: list[str]) -> dict[str, str]:
    """Headers from ``NAME:VALUE``.

    Raises:
        typer.BadParameter: one is something else; its value is not repeated.
    """
    pairs = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon or not key.strip():
            raise typer.BadParameter(f"{shown(key)!r} is not NAME:VALUE.", param_hint="--header")
        pairs[key.strip()] = value.strip()
    return pairs
