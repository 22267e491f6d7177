"""``durably-tui replay``: the monitor on a recording."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from durably_tui.cli.options import ConfigOption

_SPEED = re.compile(r"(\d+(?:\.\d+)?|\.\d+)x?")


def command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What record wrote.", show_default=False)
    ],
    speed: Annotated[
        str, typer.Option(metavar="FACTOR", help="How fast to play, such as 10x or 0.5x.")
    ] = "1x",
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Where to begin: 90s or 1:30 into the recording, or a time of day such as "
            "14:05:30 (with seconds; local), or 2026-01-31T14:05:30Z.",
            show_default=False,
        ),
    ] = None,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="Draw with ASCII characters only.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Open the monitor on a recording, read-only, as if it happened now.

    p holds it, . goes on by one event and , back by one, { and } go 10 seconds back and on, ( and
    ) play slower and quicker; :at TIME goes anywhere.
    """
    from durably_tui.cli.codes import Code
    from durably_tui.cli.launch_replay import show_replay
    from durably_tui.cli.running import Ended, configured, ending, usage
    from durably_tui.recording import RecordingError, read
    from durably_tui.tui.replay import position_of

    with ending():
        found = _SPEED.fullmatch(speed.strip().lower())
        factor = float(found[1]) if found else 0.0
        if not 0.1 <= factor <= 1000:
            raise usage(f"--speed {speed!r} is not a speed: write 10x or 0.5x, from 0.1x to 1000x.")
        settings = configured(config, {}, warns=False)
        try:
            recording = read(file)
            start = 0.0 if at is None else position_of(at, recording.began, recording.duration)
        except RecordingError as error:
            raise Ended(Code.USAGE, str(error)) from None
        except ValueError as error:
            raise usage(f"--at: {error}") from None
        code = show_replay(
            recording,
            file,
            speed=factor,
            at=start,
            ascii_only=ascii_only,
            config=settings,
        )
        raise typer.Exit(code)
