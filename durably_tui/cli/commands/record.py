"""``durably-tui record``: what a server says, into a file that can be replayed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from durably_tui.cli.codes import Code
from durably_tui.cli.options import ConfigOption, JobsOption, ServerOption
from durably_tui.cli.running import Ended, usage
from durably_tui.cli.running import run as run_command

if TYPE_CHECKING:
    from collections.abc import Callable

    from durably_tui.client import DurablyClient
    from durably_tui.config import Server
    from durably_tui.recording import Header, Recorded, Recorder, Writer


def command(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The file to write, such as night.ndjson; compressed where its name ends in .zst.",
            show_default=False,
        ),
    ],
    duration: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="TIME",
            help="Stop after 30s, 10m or 2h; otherwise Ctrl-C stops it.",
            show_default=False,
        ),
    ] = None,
    job: JobsOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite the file if it exists.")
    ] = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Record the stream of events and the pages that a monitor needs, until Ctrl-C.

    While the server is not there it is tried again, and the gap is in the file. The file holds the
    inputs and outputs of runs as the server tells them, and no credentials.
    """

    async def work(client: DurablyClient, chosen: Server) -> Code:
        from importlib.metadata import version

        from durably_tui.cli.ending import seconds_of
        from durably_tui.cli.said import note
        from durably_tui.cli.stream_notes import Witness
        from durably_tui.recording import Recorder, RecordingError, Writer
        from durably_tui.recording.writing import check

        seconds = seconds_of(duration, "--for")
        if seconds == 0:
            raise usage("--for 0 would record nothing: write 30s, 10m or 2h.")
        recorder = Recorder(
            client,
            server=client.url,
            name=chosen.name,
            jobs=job or (),
            by=f"durably-tui {version('durably-tui')}",
            on_turn=Witness("events").see,
        )

        def create(header: Header) -> Writer:
            writer = Writer.create(file, header, force=force)
            ends = "Ctrl-C stops it" if duration is None else f"it stops after {duration}"
            note(f"Recording {client.url} into {file}; {ends}.")
            return writer

        try:
            check(file, force=force)
            done = await _recorded(recorder, create, seconds)
        except RecordingError as error:
            raise Ended(Code.USAGE, str(error)) from None
        note(_summary(done, file))
        return Code.DONE

    run_command(work, server, config)


async def _recorded(
    recorder: Recorder, create: Callable[[Header], Writer], seconds: float | None
) -> Recorded:
    """Record until Ctrl-C or SIGTERM, which end it as it should be ended; before there is a file
    they end it as they end everything."""
    import asyncio
    import contextlib
    import signal

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = [signal.SIGINT, signal.SIGTERM]

    def begun(header: Header) -> Writer:
        for number in numbers:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, stop.set)
        return create(header)

    try:
        return await recorder.record(begun, stop, seconds)
    finally:
        for number in numbers:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(number)


def _summary(done: Recorded, file: Path) -> str:
    from durably_tui.recording.reading import clock

    lost = ""
    if done.gaps:
        times = "once" if done.gaps == 1 else f"{done.gaps:,} times"
        lost = f" The stream was lost {times}; the replay shows when."
    return (
        f"Recorded {clock(done.seconds)}: {done.events:,} events and {done.answers:,} answers, "
        f"{_size(done.size)} in {file}.{lost}"
    )


def _size(size: int) -> str:
    if size < 1_000_000:
        return f"{max(1, round(size / 1000)):,} kB"
    return f"{size / 1_000_000:,.1f} MB"
