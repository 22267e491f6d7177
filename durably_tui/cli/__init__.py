"""The command line. Nothing heavy is imported before a command runs."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """The entry point of the command ``durably-tui``."""
    import sys

    try:
        sys.exit(_code(sys.argv[1:]))
    except KeyboardInterrupt:  # also while something is still imported
        sys.exit(130)
    except Exception:
        _say_sorry()


def _code(arguments: list[str]) -> int:
    import atexit
    import gc

    from .launch import only_server, open_only

    # The end of the process is no time to look for garbage: it would take a tenth of a short
    # command, and what is held goes with the process.
    atexit.register(gc.freeze)
    if (wanted := only_server(arguments)) is not None:
        return open_only(wanted)

    # What is imported stays: looking through it again and again for what could go would take a
    # tenth of the time of a short command.
    gc.set_threshold(50_000, 20, 50)
    from .app import PROGRAM, app

    app(prog_name=PROGRAM)
    return 0


def _say_sorry() -> NoReturn:
    """Put what nobody foresaw into the log file; the person gets one sentence."""
    import logging
    import sys

    from durably_tui import logfile

    logfile.start()
    logging.getLogger("durably_tui").exception("the command failed")
    print(
        f"durably-tui failed unexpectedly: please report it with {logfile.path()}.",
        file=sys.stderr,
    )
    sys.exit(70)
