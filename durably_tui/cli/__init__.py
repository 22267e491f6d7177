"""The command line. Nothing heavy is imported before a command runs."""

from __future__ import annotations

from typing import NoReturn


def main() -> None:
    """The entry point of the command ``durably-tui``."""
    import sys

    from .launch import Server, plain_address, show

    try:
        if address := plain_address(sys.argv[1:]):
            sys.exit(show(Server(address).connect, where=address, name=None))
        from .app import app

        app()
    except Exception:
        _say_sorry()


def _say_sorry() -> NoReturn:
    """Put what nobody foresaw into the log file; the person gets one sentence."""
    import logging
    import sys

    from durably_tui import logfile

    logfile.start()
    logging.getLogger("durably_tui").exception("the command failed")
    print(
        f"durably-tui failed in a way that nobody foresaw; please report it with {logfile.path()}.",
        file=sys.stderr,
    )
    sys.exit(70)
