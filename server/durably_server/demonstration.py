"""The composition root of the demo: its jobs on a SQLite file."""

from pathlib import Path

from durably_server.demo.jobs import demo_jobs
from durably_server.durably import Durably

WORKERS = 4
STOP_GRACE = 0.3
"""Seconds; quitting a demo is quick, and its runs resume when the file is kept."""


def create_demo(db: Path | str, folder: Path) -> Durably:
    """The demo's ``Durably`` on the database file ``db``; its jobs make their files in ``folder``.

    Run :func:`durably_server.demo.feed` beside it.
    """
    return Durably(
        f"sqlite:///{Path(db)}",
        jobs=demo_jobs(folder),
        max_concurrent_runs=WORKERS,
        stop_grace=STOP_GRACE,
    )
