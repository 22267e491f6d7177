"""A small file system in memory, which can be filled, and set to be only read."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.proof.report import Skipped, Trial


@contextlib.contextmanager
def disk(trial: Trial, megabytes: int) -> Iterator[Path]:
    """A small file system in memory, mounted for as long as the block runs."""
    folder = trial.folder / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        raise Skipped("only root can mount a small disk")
    mount(folder, f"size={megabytes}m", "-t", "tmpfs", "tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False, capture_output=True)


def mount(folder: Path, options: str, *more: str) -> None:
    try:
        subprocess.run(
            ["mount", *more, "-o", options, str(folder)], check=True, capture_output=True
        )
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise Skipped(f"a small disk cannot be mounted here: {error}") from None


def fill(folder: Path) -> Path:
    """Take all the room that is left; gives the file that has it."""
    filler = folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return filler
